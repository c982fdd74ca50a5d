//! The sentence of `show` follows the data: programs run as releases, each in a process of its own, over one store, and
//! what the store says of them is compared word by word.
//!
//! Nothing here writes into a store but the programs, by logging.

#[cfg(test)]
mod counted;
#[cfg(all(test, unix))]
mod decided;
#[cfg(test)]
mod follows;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod shop;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
#[cfg(all(test, unix))]
#[path = "../support/terminal.rs"]
mod terminal;
