//! What an event takes of the ring: raw records, decoded on the worker.

use super::record;
use super::ring::Header;
use crate::model::Breadcrumb;

/// Breadcrumbs as they stood in the ring, newest first.
#[derive(Debug, Default)]
pub(crate) struct Copied {
    pub(super) headers: Vec<Header>,
    pub(super) words: Vec<u64>,
    /// Older ones of the same lanes may have existed.
    pub(crate) cut: bool,
}

impl Copied {
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(self.headers.as_slice()) + size_of_val(self.words.as_slice())
    }

    /// The breadcrumbs, oldest first.
    pub(crate) fn decode(&self) -> Vec<Breadcrumb> {
        let mut words = self.words.as_slice();
        let mut crumbs: Vec<_> = self
            .headers
            .iter()
            .map(|header| {
                let (own, rest) = words.split_at_checked(header.payload_words).unwrap_or_default();
                words = rest;
                let bytes: Vec<u8> = own.iter().flat_map(|word| word.to_le_bytes()).collect();
                record::decode(header, &bytes)
            })
            .collect();
        crumbs.reverse();
        crumbs
    }
}
