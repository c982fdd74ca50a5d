//! What is noted of a lane when something that belongs to it is over, so that lanes can be counted.

use std::sync::Arc;

use tracing::Metadata;

use super::SpanExtra;
use crate::limits::SPAN_WORDS;

/// What a lane says of its user and tags in one of its spans. As large as it ever gets: it is handed over by value, and
/// nothing is allocated for it.
#[derive(Debug)]
pub(crate) struct LaneNote {
    pub(crate) lane: u64,
    /// The span's number: a span inside another one has a greater one. Outside of spans, the lane.
    pub(crate) number: u64,
    pub(crate) part: LanePart,
    pub(crate) time_ns: u64,
    /// By which the throttle knows the newest ERROR of the span that was only counted, or 0.
    pub(crate) key: u64,
    /// The callsite of a span that has something to say.
    pub(crate) callsite: Option<&'static Metadata<'static>>,
    /// The fields it was opened with, encoded, as far as `length`.
    pub(crate) words: [u64; SPAN_WORDS],
    pub(crate) length: usize,
    /// What came later.
    pub(crate) extra: Option<Arc<SpanExtra>>,
}

/// Which part of its lane it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LanePart {
    /// A span that is not the lane's root, or one around that.
    Span,
    /// Its root, with which the lane ends.
    Root,
    /// A task or thread outside of any span, which has begun something that is counted.
    Outside,
    /// The same, which says more of what it has begun.
    OutsideMore,
}

impl LaneNote {
    /// A note that says nothing yet.
    pub(crate) fn new(lane: u64, number: u64, part: LanePart, time_ns: u64) -> Self {
        Self {
            lane,
            number,
            part,
            time_ns,
            key: 0,
            callsite: None,
            words: [0; SPAN_WORDS],
            length: 0,
            extra: None,
        }
    }

    /// The fields that a span was opened with, encoded.
    pub(crate) fn fields(&self) -> Vec<u8> {
        self.words.iter().take(self.length).flat_map(|word| word.to_le_bytes()).collect()
    }
}
