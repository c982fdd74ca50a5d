//! The trail: what happened before, kept without locks.
//!
//! Writers push breadcrumbs from any thread; an ERROR copies the newest of its own lanes. Copies cross to the worker,
//! which decodes them. Nothing here blocks; only [`Trail::new`] and [`Trail::copy`] allocate.

mod cell;
pub(crate) mod crumb;
mod ring;
pub(crate) mod text;

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value};
use tracing::{Level, Metadata};

use crate::clock;
use crate::limits::{RING_CELLS, TRAIL_CRUMBS};
use crate::model::{Breadcrumb, BreadcrumbKind};

pub(crate) use cell::AtomicCallsite;
pub(crate) use ring::{Busy, Record};
use ring::{Header, PAYLOAD_WORDS, Ring};

/// The ring of one pipeline, and where start-up's breadcrumbs stand in it.
#[derive(Debug)]
pub(crate) struct Trail {
    ring: Ring,
    start_up: StartUp,
}

/// A lane whose breadcrumbs a copy takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) lane: u64,
    /// From this position on.
    pub(crate) since: u64,
    /// Only what was logged in one of these spans, or anything.
    pub(crate) spans: Option<&'a [u64]>,
}

/// Breadcrumbs as they stood in the ring, newest first.
#[derive(Debug, Default)]
pub(crate) struct Copied {
    headers: Vec<Header>,
    words: Vec<u64>,
    /// Older ones of the same lanes may have existed.
    pub(crate) cut: bool,
}

/// A record is cut: its mark says so in this bit.
const MARK_CUT: u8 = 0x80;
const MARK_LEVEL: u8 = 0x07;

impl Trail {
    /// A trail whose start-up is the lane `start_up`.
    pub(crate) fn new(start_up: u64) -> Self {
        Self { ring: Ring::new(RING_CELLS), start_up: StartUp::new(start_up) }
    }

    /// Where the next record will stand; positions only grow.
    pub(crate) fn head(&self) -> u64 {
        self.ring.head()
    }

    /// The oldest position that can still be read.
    pub(crate) fn oldest(&self) -> u64 {
        self.ring.oldest(self.ring.head())
    }

    /// Keeps a record and returns its position.
    #[inline]
    pub(crate) fn push(&self, record: &Record<'_>) -> Result<u64, Busy> {
        let position = self.ring.push(record)?;
        if record.lane == self.start_up.lane {
            self.start_up.note(position);
        }
        Ok(position)
    }

    /// Copies the newest breadcrumbs of the wanted lanes and of start-up.
    pub(crate) fn copy(&self, wanted: &[Wanted<'_>]) -> Copied {
        let head = self.ring.head();
        let oldest = self.ring.oldest(head);
        let floor = wanted.iter().map(|want| want.since).min().unwrap_or(head);
        let mut lanes = [0; MAX_LANES];
        let (wanted, beyond) = wanted.split_at_checked(MAX_LANES).unwrap_or((wanted, &[]));
        for (slot, want) in lanes.iter_mut().zip(wanted) {
            *slot = want.lane;
        }
        let lanes = lanes.get(..wanted.len()).unwrap_or_default();
        let mut copied = Copied::default();
        // Start-up's lane is wanted by everyone but lies far back: its positions are known, so no scan is needed.
        // Where it is wanted in its own right, the scan finds it.
        let mut start_up =
            self.start_up.newest(oldest).filter(|_| !lanes.contains(&self.start_up.lane)).peekable();
        let oldest = self.ring.scan(head, floor, lanes, |position| {
            while let Some(earlier) = start_up.next_if(|start_up| *start_up > position) {
                self.copy_one(earlier, &mut copied, |header| header.lane == self.start_up.lane);
            }
            self.copy_one(position, &mut copied, |header| {
                wanted.iter().any(|want| want.takes(position, header))
            });
            !copied.cut
        });
        copied.cut |= floor < oldest || !beyond.is_empty();
        for position in start_up {
            self.copy_one(position, &mut copied, |header| header.lane == self.start_up.lane);
        }
        copied
    }

    /// Copies a record if it is wanted; one more than an event carries only tells that there is one.
    fn copy_one(&self, position: u64, copied: &mut Copied, wanted: impl FnOnce(&Header) -> bool) {
        let before = copied.words.len();
        let Some(header) = self.ring.read(position, &mut copied.words, wanted) else { return };
        if copied.headers.len() < TRAIL_CRUMBS {
            copied.headers.push(header);
        } else {
            copied.words.truncate(before);
            copied.cut = true;
        }
    }
}

/// Room for the fields of one breadcrumb, encoded.
pub(crate) const CRUMB_BYTES: usize = PAYLOAD_WORDS * 8;

/// Lanes that one copy takes at the most; of more, the nearest.
pub(crate) const MAX_LANES: usize = 8;

impl Wanted<'_> {
    fn takes(&self, position: u64, header: &Header) -> bool {
        header.lane == self.lane
            && position >= self.since
            && self.spans.is_none_or(|spans| spans.contains(&header.span))
    }
}

/// The mark of a record: its level where it has no callsite to name it, and whether it is cut.
#[inline]
pub(crate) fn mark(level: Option<Level>, cut: bool) -> u8 {
    let level =
        level.and_then(|level| LEVELS.iter().position(|known| *known == level)).unwrap_or_default() as u8;
    level | if cut { MARK_CUT } else { 0 }
}

const LEVELS: [Level; 5] = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];

/// Fields of an encoded breadcrumb of our own, which has no callsite.
pub(crate) const OWN_CATEGORY: &str = "\0category";
/// As [`OWN_CATEGORY`].
pub(crate) const OWN_MESSAGE: &str = "\0message";

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
                decode(header, &bytes)
            })
            .collect();
        crumbs.reverse();
        crumbs
    }
}

fn decode(header: &Header, bytes: &[u8]) -> Breadcrumb {
    let mut data = crumb::to_map(bytes, header.callsite);
    let marked = LEVELS.get(usize::from(header.mark & MARK_LEVEL)).copied().unwrap_or(Level::INFO);
    let (level, category, target, message) = match header.callsite {
        None => (marked, take(&mut data, OWN_CATEGORY), String::new(), take(&mut data, OWN_MESSAGE)),
        Some(callsite) => {
            let site = LogSite::take(&mut data, callsite);
            (*callsite.level(), site.target.clone(), site.target, take(&mut data, "message"))
        }
    };
    let kind = if level == Level::ERROR { BreadcrumbKind::Error } else { BreadcrumbKind::Default };
    let time = clock::time_of(header.time_ns);
    Breadcrumb { time, level, kind, category, target, message, data, cut: header.mark & MARK_CUT != 0 }
}

/// Where a record comes from: its callsite, or, for one of the `log` crate, the fields in which `tracing-log` hands
/// over what the five callsites of its own cannot say.
#[derive(Debug)]
pub(crate) struct LogSite {
    pub(crate) target: String,
    pub(crate) file: Option<String>,
    pub(crate) line: Option<u32>,
}

impl LogSite {
    /// Reads the site and takes its fields out of `data`.
    pub(crate) fn take(data: &mut Map<String, Value>, callsite: &Metadata<'_>) -> Self {
        if !is_log(callsite) {
            return Self {
                target: callsite.target().to_owned(),
                file: callsite.file().map(str::to_owned),
                line: callsite.line(),
            };
        }
        let mut text = |name| data.remove(name).and_then(|value| value.as_str().map(str::to_owned));
        let (target, file) = (text(LOG_TARGET), text("log.file"));
        text("log.module_path");
        let line =
            data.remove("log.line").and_then(|line| line.as_u64()).and_then(|line| u32::try_from(line).ok());
        Self { target: target.unwrap_or_else(|| callsite.target().to_owned()), file, line }
    }
}

/// The field in which `tracing-log` names the true target.
pub(crate) const LOG_TARGET: &str = "log.target";

/// Whether this is one of the callsites that `tracing-log` dispatches every record of the `log` crate through.
pub(crate) fn is_log(callsite: &Metadata<'_>) -> bool {
    callsite.target() == "log" && callsite.name() == "log event"
}

fn take(data: &mut Map<String, Value>, name: &str) -> String {
    match data.remove(name) {
        Some(Value::String(text)) => text,
        Some(value) => value.to_string(),
        None => String::new(),
    }
}

/// The newest positions of start-up's lane. One thread writes them: the one that built the pipeline.
#[derive(Debug)]
struct StartUp {
    lane: u64,
    positions: [AtomicU64; KEPT],
    noted: AtomicU64,
}

/// A power of two, and more than one copy takes.
const KEPT: usize = TRAIL_CRUMBS.next_power_of_two();

impl StartUp {
    fn new(lane: u64) -> Self {
        Self { lane, positions: [const { AtomicU64::new(0) }; KEPT], noted: AtomicU64::new(0) }
    }

    fn note(&self, position: u64) {
        // Relaxed: this thread alone writes it.
        let noted = self.noted.load(Ordering::Relaxed);
        if let Some(slot) = self.positions.get(noted as usize % KEPT) {
            slot.store(position, Ordering::Relaxed);
        }
        // Release: pairs with the Acquire in `newest`, so that the position is seen with the count.
        self.noted.store(noted.wrapping_add(1), Ordering::Release);
    }

    /// Positions from `oldest` on, newest first. One that is overwritten meanwhile leads to a newer record of the
    /// same lane, or out of the order, and is left out.
    fn newest(&self, oldest: u64) -> impl Iterator<Item = u64> {
        let noted = self.noted.load(Ordering::Acquire);
        let mut before = u64::MAX;
        // One more than an event carries, which tells that there is one.
        (noted.saturating_sub(TRAIL_CRUMBS as u64 + 1)..noted).rev().map_while(move |index| {
            let position = self.positions.get(index as usize % KEPT)?.load(Ordering::Relaxed);
            let in_order = position >= oldest && position < before;
            before = position;
            in_order.then_some(position)
        })
    }
}
