//! Every way in which programs log an error, with the errors of the crates that programs use: what is told of each is
//! compared with the error itself, so no expected text is written down here.
//!
//! Backtraces and hooks of reports are a matter of the whole process, so the table runs in processes of its own.

#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod failures;
#[cfg(test)]
mod fields;
#[cfg(test)]
#[path = "../lanes/rig.rs"]
mod rig;
#[cfg(test)]
mod stacks;
#[cfg(test)]
mod table;
#[cfg(test)]
mod truth;
