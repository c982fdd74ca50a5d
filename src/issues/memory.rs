//! A book in memory: for a program that may write no file, and the model that a file is compared with.

/// Issues of this process alone, gone with it.
#[derive(Debug, Default)]
pub(crate) struct MemoryBook {}
