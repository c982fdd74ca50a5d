//! What is counted of a task or thread that is told of its user and tags outside of any span.
//!
//! Nobody knows when such a lane ends, so it is counted when it is told: once when it is first told anything, and once
//! more whenever it is told another user, for then it has begun another piece of work. A tag counts with each value that
//! it is given meanwhile. What a task is told before it opens a span is counted here, not with the span's lane.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::clock;
use crate::model::{LaneData, LaneNote, LanePart, SpanExtra};

/// What is to be counted where a lane knew `before` and knows `after`.
pub(super) fn note(lane: u64, before: Option<&LaneData>, after: &LaneData) -> Option<LaneNote> {
    let before = before.filter(|before| before.names());
    let another = before.is_some_and(|before| before.user.is_some() && before.user != after.user);
    let (part, named) = match before {
        Some(before) if !another => (LanePart::OutsideMore, more(before, after)),
        _ => (LanePart::Outside, after.clone()),
    };
    if !named.names() {
        return None;
    }
    let named = LaneData { contexts: BTreeMap::new(), ..named };
    let extra = SpanExtra { lane: Some(Arc::new(named)), ..SpanExtra::default() };
    Some(LaneNote { extra: Some(Arc::new(extra)), ..LaneNote::new(lane, lane, part, clock::coarse_ns()) })
}

/// What the one says beyond the other.
fn more(before: &LaneData, after: &LaneData) -> LaneData {
    let is_new = |name: &String, value: &String| before.tags.get(name) != Some(value);
    let tags = after.tags.iter().filter(|(name, value)| is_new(name, value));
    LaneData {
        user: after.user.clone().filter(|_| before.user.is_none()),
        tags: tags.map(|(name, value)| (name.clone(), value.clone())).collect(),
        contexts: BTreeMap::new(),
    }
}
