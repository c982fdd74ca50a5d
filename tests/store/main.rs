//! The store under faults: processes that are killed, forked or short of memory, disks that are full or forget, files that
//! are damaged, foreign or taken away, clocks that jump, secrets.
//!
//! Whatever happens, the host goes on, the file is sound, what was acknowledged is in it, and every event has its account.
//! What a process of its own has to show is shown in one (`tests/support/`); the file is read back by `rusqlite`, while no
//! pipeline of the process has it open: to close another handle of it would take that pipeline's locks away.
//!
//! `CRUMBTRAIL_TEST_ROUNDS` is how often a process is killed, forked and cut off from its power, by default as often as a
//! minute allows; `CRUMBTRAIL_TEST_SEED` has a run that failed repeated, at the instants that it printed.
#![cfg(all(feature = "store", target_os = "linux"))]

#[cfg(test)]
mod cut;
#[cfg(test)]
mod damaged;
#[cfg(test)]
mod ends;
#[cfg(test)]
mod foreign;
#[cfg(test)]
mod forgetful;
#[cfg(test)]
mod forks;
#[cfg(test)]
mod full;
#[cfg(test)]
mod kills;
#[cfg(test)]
mod look;
#[cfg(test)]
mod others;
#[cfg(test)]
mod places;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod storms;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
#[cfg(test)]
mod times;
