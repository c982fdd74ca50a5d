//! The floor: what any layer must pay that takes a WARN with its time and its fields.
//!
//! It reads `SystemTime::now()` and writes the value of every field, as text, into a zeroed buffer on the stack. It keeps
//! nothing: not the names (the callsite has them), not the span, not the record. Its dispatch is the cheapest there is:
//! it takes or refuses a callsite once and for all.
//!
//! Two variants are no floors but controls: one that also keeps the record in the barest of shared rings, which shows
//! what this machine takes for sharing, and one that locks and allocates, which shows that the counters count.

use std::fmt::{self, Write};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

/// The layer.
#[derive(Debug)]
pub(crate) struct Floor(Then);

#[derive(Debug)]
enum Then {
    Nothing,
    Ring(Box<Ring>),
    /// A lock and an allocation.
    Faults(Mutex<Option<Box<u64>>>),
}

impl Floor {
    pub(crate) fn new() -> Self {
        Self(Then::Nothing)
    }

    pub(crate) fn with_ring() -> Self {
        let cell = || Cell([const { AtomicU64::new(0) }; WORDS]);
        let cells = (0..CELLS).map(|_| cell()).collect();
        Self(Then::Ring(Box::new(Ring { head: Cell::default(), cells })))
    }

    pub(crate) fn with_faults() -> Self {
        Self(Then::Faults(Mutex::new(None)))
    }
}

impl<S: Subscriber> Layer<S> for Floor {
    fn register_callsite(&self, callsite: &'static Metadata<'static>) -> Interest {
        if wanted(callsite) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, callsite: &Metadata<'_>, _: Context<'_, S>) -> bool {
        wanted(callsite)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let now = SystemTime::now();
        let mut buffer = Buffer { bytes: [0; 512], length: 0 };
        event.record(&mut buffer);
        black_box((&now, &buffer));
        match &self.0 {
            Then::Nothing => {}
            Then::Ring(ring) => ring.push(&buffer.bytes),
            Then::Faults(slot) => {
                *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(buffer.length as u64));
            }
        }
    }
}

/// Spans from INFO on, so that it works under the same spans as the others; events from WARN on.
fn wanted(callsite: &Metadata<'_>) -> bool {
    *callsite.level() <= if callsite.is_span() { Level::INFO } else { Level::WARN }
}

/// The least that a shared ring of records of two cache lines can do: take a place, mark it, write it, release it.
/// Nobody could read it safely.
#[derive(Debug)]
struct Ring {
    head: Cell,
    cells: Vec<Cell>,
}

/// As many as crumbtrail has.
const CELLS: usize = crumbtrail::limits::RING_CELLS;
const WORDS: usize = 16;

#[repr(align(128))]
#[derive(Debug, Default)]
struct Cell([AtomicU64; WORDS]);

impl Ring {
    fn push(&self, bytes: &[u8; 512]) {
        let [head, ..] = &self.head.0;
        let position = head.fetch_add(1, Ordering::Relaxed);
        let Some(cell) = self.cells.get(position as usize % CELLS) else { return };
        let [sequence, words @ ..] = &cell.0;
        sequence.store(position << 1 | 1, Ordering::Relaxed);
        fence(Ordering::Release);
        for (word, bytes) in words.iter().zip(bytes.as_chunks::<8>().0).take(10) {
            word.store(u64::from_le_bytes(*bytes), Ordering::Relaxed);
        }
        sequence.store(position << 1, Ordering::Release);
    }
}

struct Buffer {
    bytes: [u8; 512],
    length: usize,
}

impl Buffer {
    #[inline]
    fn push(&mut self, text: &str) {
        let end = self.length + text.len();
        if let Some(room) = self.bytes.get_mut(self.length..end) {
            room.copy_from_slice(text.as_bytes());
            self.length = end;
        }
    }
}

impl Write for Buffer {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text);
        Ok(())
    }
}

// A buffer never refuses, so there is no error to look at.
impl Visit for Buffer {
    fn record_i64(&mut self, _: &Field, value: i64) {
        let _ = write!(self, "{value}");
    }

    fn record_u64(&mut self, _: &Field, value: u64) {
        let _ = write!(self, "{value}");
    }

    fn record_str(&mut self, _: &Field, value: &str) {
        self.push(value);
    }

    fn record_debug(&mut self, _: &Field, value: &dyn fmt::Debug) {
        let _ = write!(self, "{value:?}");
    }
}
