//! Whether events would arrive at the server that `SENTRY_DSN` names, and where they stop if not.
//!
//! `SENTRY_DSN=https://key@host/project cargo run --example doctor`
//!
//! It sends one test event, so it needs a network.

use std::process::ExitCode;

#[expect(clippy::print_stdout, reason = "it is what the example is run for")]
fn main() -> ExitCode {
    let diagnosis = crumbtrail::doctor(crumbtrail::from_env().release(crumbtrail::release!()));
    println!("{diagnosis}");
    if diagnosis.is_healthy() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
