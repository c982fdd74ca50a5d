//! What a person reads: the report of an event, and the lines about what came again.
//!
//! An event is captured, given fixed times and names, and handed to a console that writes to a buffer. The snapshots
//! beside these files are reviewed by eye; `INSTA_UPDATE=always cargo test --test report` writes them anew.

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod repeats;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod shown;
