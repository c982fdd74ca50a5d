//! Which events are one issue, and what they are called: through the public interface, by lines written after the habits
//! of 42 applications.
#![cfg(test)]

#[path = "../support/mod.rs"]
mod support;

mod corpus;
mod errors;
mod rig;
mod rules;
mod shifted;
