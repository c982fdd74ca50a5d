//! No secret reaches a sink, wherever a program may put one: canaries in every place, and a search for them in all that
//! the sinks were given.
//!
//! Every test ends with the ledger's equation, which `Rig::delivered` asserts.

#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod folded;
#[cfg(test)]
mod places;
#[cfg(test)]
#[path = "../lanes/rig.rs"]
mod rig;
#[cfg(test)]
mod settings;

/// The one event that was told.
#[cfg(test)]
#[track_caller]
fn one(rig: &rig::Rig) -> crumbtrail::TrackedEvent {
    let mut events = rig.delivered();
    assert_eq!(events.len(), 1, "{events:#?}");
    events.remove(0)
}
