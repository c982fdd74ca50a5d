//! What an ERROR becomes: its chain, its stack, its texts and their bounds, and how it reads on a console.
//!
//! Every test has a pipeline of its own, so they run side by side; whatever `Rig::events` hands out, the ledger
//! accounts for. What depends on the process's environment runs in one of its own.

#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod bounds;
#[cfg(test)]
mod console;
#[cfg(test)]
mod errors;
#[cfg(test)]
#[cfg(feature = "stack")]
mod frames;
#[cfg(test)]
#[path = "../lanes/heap.rs"]
mod heap;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod instrument;
#[cfg(test)]
#[path = "../lanes/rig.rs"]
mod rig;
#[cfg(test)]
mod texts;
#[cfg(test)]
mod typed;
#[cfg(test)]
mod values;
