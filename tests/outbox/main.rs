//! The outbox in a store: an event that is to be sent is in the file before, and stays there until the server has it, whatever
//! becomes of the network and of the process.
//!
//! Servers are scripted (`tests/support/server.rs`), the files are looked into from outside, and waits pass on the test's clock.
#![cfg(all(feature = "sentry", feature = "store"))]

#[cfg(test)]
mod answers;
#[cfg(test)]
mod away;
#[cfg(test)]
mod bounds;
#[cfg(test)]
mod kills;
#[cfg(test)]
mod rig;
#[cfg(test)]
#[expect(dead_code, reason = "a script can say more than is said here")]
#[path = "../support/server.rs"]
mod server;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
