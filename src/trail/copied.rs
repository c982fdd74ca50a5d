//! What an event takes of the ring: raw records, decoded on the worker.

use super::record;
use super::ring::Header;
use crate::limits::TRAIL_CRUMBS;
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
        Self { records: Vec::with_capacity(SHORT), words: Vec::with_capacity(8 * SHORT), cut: false }
    }

    /// Makes room for the longest trail at once, when it turns out to be no short one.
    #[inline]
    pub(super) fn grow(&mut self) {
        if self.records.len() == SHORT {
            self.records.reserve_exact(TRAIL_CRUMBS - SHORT);
            let words = self.words.len() / SHORT;
            self.words.reserve(words * (TRAIL_CRUMBS - SHORT));
        }
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

/// Breadcrumbs of a short trail.
const SHORT: usize = 8;
