//! Whose trail an event gets, and what the spans around it contribute: through the public interface only.
//!
//! Every test has a pipeline of its own, so they run side by side; whatever [`rig::Rig::events`] hands out, the ledger
//! accounts for.

#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod environment;
#[cfg(test)]
mod fields;
#[cfg(test)]
mod heap;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod meaning;
#[cfg(test)]
mod order;
#[cfg(test)]
mod parents;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod roots;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod runtimes;
#[cfg(test)]
#[cfg(feature = "tokio")]
mod tasks;
#[cfg(test)]
mod told;
