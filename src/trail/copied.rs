//! What an event takes of the ring: raw records, decoded on the worker.

use super::record;
use super::ring::Header;
use crate::model::Breadcrumb;

/// Breadcrumbs as they stood in the ring, newest first.
#[derive(Debug, Default)]
pub(crate) struct Copied {
    pub(super) records: Vec<CopiedRecord>,
    pub(super) words: Vec<u64>,
    /// Older ones of the same lanes may have existed.
    pub(crate) cut: bool,
}

/// One of them.
#[derive(Debug)]
pub(super) struct CopiedRecord {
    pub(super) position: u64,
    pub(super) header: Header,
    /// Where its payload begins among the words.
    pub(super) at: usize,
}

impl Copied {
    /// With room for a short trail.
    pub(super) fn usual() -> Self {
        Self { records: Vec::with_capacity(8), words: Vec::with_capacity(64), cut: false }
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of_val(self.records.as_slice()) + size_of_val(self.words.as_slice())
    }

    /// The breadcrumbs, oldest first.
    pub(crate) fn decode(&self) -> Vec<Breadcrumb> {
        let decode = |copied: &CopiedRecord| {
            let words = self.words.iter().skip(copied.at).take(copied.header.payload_words);
            let bytes: Vec<u8> = words.flat_map(|word| word.to_le_bytes()).collect();
            record::decode(&copied.header, &bytes)
        };
        self.records.iter().rev().map(decode).collect()
    }
}
