//! One failure, one event: what is logged several times on its way up, and what only looks like it.
//!
//! Every test has a pipeline of its own, so they run side by side; whatever `Rig::delivered` hands out, the ledger
//! accounts for.

#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod apart;
#[cfg(test)]
mod levels;
#[cfg(test)]
#[cfg(feature = "tokio")]
mod panics;
#[cfg(test)]
#[path = "../lanes/rig.rs"]
mod rig;
#[cfg(test)]
mod until;
