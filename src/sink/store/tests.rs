//! What a store promises, by the face that the worker and the command know.

mod damaged;
mod forms;
mod held;
mod model;
mod outgoing;
mod places;
mod recorded;
pub(super) mod rig;
mod shared;
