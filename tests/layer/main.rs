//! The layer among others: what it listens to, what it leaves alone, and what a host's own formatters may do to it.

#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
