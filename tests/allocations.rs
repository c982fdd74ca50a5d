//! What the hot path asks of the allocator: nothing. Property 2 of the ring, and of all that stands before it.
//!
//! Counted per thread, so that the worker and the test harness do not count, after a warm-up in which a thread finds
//! its lane and a callsite its verdict.
#![cfg(test)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use crumbtrail::{CrumbLayer, Guard, Memory, Stack, Store, Throttle};
use tracing::{Level, debug, error, info_span, span, warn};
use tracing_subscriber::Registry;
use tracing_subscriber::prelude::*;

/// The system's allocator, with a count of this thread's calls.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    /// Without a destructor, so that it can be counted in those of other thread-locals.
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

impl Counting {
    fn count() {
        CALLS.set(CALLS.get() + 1);
    }
}

// SAFETY: every call is handed on as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::count();
        // SAFETY: the caller's promises are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        Self::count();
        // SAFETY: the caller's promises are the same.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Self::count();
        // SAFETY: the caller's promises are the same.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are the same.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// Allocations of this thread in a thousand runs, after a warm-up of as many.
fn allocations(mut run: impl FnMut(u64)) -> u64 {
    (0..1_000).for_each(&mut run);
    let before = CALLS.get();
    (1_000..2_000).for_each(&mut run);
    CALLS.get() - before
}

fn pipeline() -> (CrumbLayer<Registry>, Guard) {
    crumbtrail::builder()
        .throttle(Throttle::Off)
        .panics(false)
        .stack(Stack::Off)
        .sink(Memory::new())
        .build()
        .unwrap()
}

/// The same, with a pipeline in place.
fn with_pipeline(run: impl FnMut(u64)) -> u64 {
    let (layer, _guard) = pipeline();
    let _default = tracing_subscriber::registry().with(layer).set_default();
    allocations(run)
}

fn log(count: u64) {
    warn!(count, ratio = 0.5, ok = true, user = "ann", took = ?std::time::Duration::from_millis(count), "retrying");
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|count| drop(black_box(Box::new(count)))), 1_000);
}

#[test]
fn a_warn_outside_of_any_span_allocates_nothing() {
    assert_eq!(with_pipeline(log), 0);
}

#[test]
fn a_warn_in_a_span_allocates_nothing() {
    let (layer, _guard) = pipeline();
    let _default = tracing_subscriber::registry().with(layer).set_default();
    let _outer = info_span!("request", id = 7).entered();
    assert_eq!(allocations(log), 0);
    let _middle = info_span!("order").entered();
    let _inner = info_span!("payment", amount = 12).entered();
    assert_eq!(allocations(log), 0);
}

#[test]
fn a_formatted_a_cut_and_a_failing_text_allocate_nothing() {
    struct Failing;
    impl std::fmt::Display for Failing {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            Err(std::fmt::Error)
        }
    }
    let long = "é".repeat(10_000);
    let allocated = with_pipeline(|count| {
        warn!("attempt {count} of {}", 3);
        warn!(long, "too long");
        warn!(text = %long, "too long to be formatted");
        warn!(text = %Failing, "failing");
    });
    assert_eq!(allocated, 0);
}

#[test]
fn many_laps_of_the_ring_allocate_nothing() {
    let laps = 3 * crumbtrail::limits::RING_CELLS as u64;
    assert_eq!(with_pipeline(|_| (0..laps / 1_000).for_each(log)), 0);
}

#[test]
fn what_the_gate_holds_back_allocates_nothing() {
    let allocated = with_pipeline(|count| {
        debug!(count, "held back");
        let _span = span!(Level::TRACE, "held back", count).entered();
    });
    assert_eq!(allocated, 0);
}

#[test]
fn a_span_of_a_few_fields_allocates_nothing_of_its_own() {
    let allocated = with_pipeline(|count| {
        let outer = info_span!("request", id = count, route = "/orders/{id}").entered();
        let inner = info_span!(parent: &outer, "order", amount = 12, state = tracing::field::Empty).entered();
        drop(inner);
    });
    // The registry takes a new page for its spans now and then.
    assert!(allocated < 10, "{allocated} allocations in 2,000 spans");
}

/// Allocations of this thread while a thousand lanes close, each of which `open` begins; after a warm-up of as many.
fn allocations_of_closes(throttle: Throttle, open: impl Fn(u64) -> tracing::Span) -> u64 {
    let (layer, guard) = crumbtrail::builder()
        .throttle(throttle)
        .panics(false)
        .stack(Stack::Off)
        .store(Store::Memory)
        .build()
        .unwrap();
    let _default = tracing_subscriber::registry().with(layer).set_default();
    let close = |lane| {
        let span = open(lane);
        let before = CALLS.get();
        drop(span);
        CALLS.get() - before
    };
    (0..1_000).for_each(|lane| _ = close(lane));
    guard.flush(std::time::Duration::from_secs(30)).unwrap();
    let allocated = (1_000..2_000).map(close).sum();
    guard.flush(std::time::Duration::from_secs(30)).unwrap();
    let stats = guard.stats();
    assert!(stats.balances() && stats.lanes_uncounted == 0, "{stats:?}");
    allocated
}

#[test]
fn to_close_a_lane_that_names_a_user_and_tags_allocates_nothing() {
    let by_fields = |lane| info_span!("request", user.id = lane, tags.plan = "pro");
    assert_eq!(allocations_of_closes(Throttle::Off, by_fields), 0);
    let by_word = |lane: u64| {
        let span = info_span!("request");
        span.in_scope(|| {
            crumbtrail::set_user(crumbtrail::User::new(lane.to_string()));
            crumbtrail::set_tag("plan", "pro");
        });
        span
    };
    assert_eq!(allocations_of_closes(Throttle::Off, by_word), 0);
}

#[test]
fn an_error_that_is_only_counted_allocates_nothing_and_neither_does_the_close_of_its_lane() {
    let limits = Throttle::Limits { issue: 1, all: 1, line: u32::MAX };
    let failing = |lane| {
        let span = info_span!("request", user.id = lane);
        span.in_scope(|| {
            let before = CALLS.get();
            error!(error = "refused", "payment failed");
            assert!(lane == 0 || CALLS.get() == before, "{lane}");
        });
        span
    };
    assert_eq!(allocations_of_closes(limits, failing), 0);
}
