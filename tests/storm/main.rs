//! Storms and bad input: what is told of a million errors, what is counted of the rest, and what neither the program's
//! own formatters and hooks nor the panics of its threads can do to it.
//!
//! Every test ends with the ledger's equation; those of the throttle add that nothing is counted twice or not at all:
//! what was told and what was tallied is what was logged.

#[cfg(test)]
mod beyond;
#[cfg(test)]
mod heap;
#[cfg(test)]
mod hooks;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod known;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod panics;
#[cfg(test)]
mod rig;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
#[cfg(test)]
mod throttle;
