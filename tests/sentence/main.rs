//! The sentence of `show` follows the data: programs run as releases, each in a process of its own, over one store, and
//! what the store says of them is compared word by word.
//!
//! Nothing here writes into a store but the programs, by logging.
#![cfg(test)]
#![cfg(unix)]

mod counted;
mod decided;
mod follows;
mod messages;
mod rig;
mod shop;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/terminal.rs"]
mod terminal;
