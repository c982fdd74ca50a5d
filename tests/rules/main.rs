//! What a program says about its errors: which are ignored, what hooks make of them, which part is told; and what is
//! tracked without a line of its own, panics.
//!
//! Every test ends with the ledger's equation, which `Rig::delivered` asserts.

#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
#[path = "../capture/errors.rs"]
mod errors;
#[cfg(test)]
mod hooks;
#[cfg(test)]
mod ignored;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod panics;
#[cfg(test)]
#[path = "../lanes/rig.rs"]
mod rig;
#[cfg(test)]
mod sample;

/// The one event that was told.
#[cfg(test)]
#[track_caller]
fn one(rig: &rig::Rig) -> crumbtrail::TrackedEvent {
    let mut events = rig.delivered();
    assert_eq!(events.len(), 1, "{events:#?}");
    events.remove(0)
}
