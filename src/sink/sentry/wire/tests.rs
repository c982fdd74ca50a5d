//! Payloads as servers get them.
//!
//! The snapshots beside these files are reviewed by eye; `INSTA_UPDATE=always cargo test --lib sink::sentry` writes them
//! anew.

mod golden;
mod hostile;
mod sample;
#[cfg(all(target_os = "linux", feature = "stack"))]
mod stripped;
mod tables;
mod trimmed;
