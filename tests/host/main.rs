//! The host's safety: whatever sinks, formatters, shutdowns and exits do, the program goes on, and nothing is lost
//! uncounted.

#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
