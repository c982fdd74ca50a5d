//! The ring's properties under loom, each with the mutations that break it.
//!
//! Run by `scripts/loom`. Cells have 6 words here and rings 1 to 4 cells. Every record can be told whole from torn: its
//! time, span, mark and words all follow from its number, and its number from its lane.
//!
//! | property | models that run to their end | mutations that fail |
//! |---|---|---|
//! | 1 lock-free | `parked`, `parked_across`, `two_around_parked` | `WaitForBusy`, `NoRetry`, `NoPutBack` |
//! | 2 allocation-free | none: loom does not see the allocator | `tests/allocations.rs` counts |
//! | 3 never torn | `overwritten` | `NoReleaseFence`, `NoAcquireFence`, `CompleteRelaxed`, `FirstLoadRelaxed`, `FinishFirst` |
//! | 3 | `second_cell_overwritten`, `continued_elsewhere` | `ContinuationUnchecked`, `PartsAlike` |
//! | 3 | `met_in_a_cell`, `put_back` | `EnterRelaxed`, `EnterByStore`, `PutBackRelaxed` |
//! | 4 complete, unmixed | `two_lanes`, `met_in_a_cell` | `TagOutside` |
//! | 5 bounded | `lapped`, `lapped_by_a_parked` | `HeadNotReadAgain`, `NoScanFence`, `EnterWithoutRelease` |
//! | 6 a stalled writer hides nothing | `stalled` | `ScanEndsAtHole` |
//!
//! Cut by the clock: `lapped_by_two` and `everything_at_once`, in which writers of one and of two cells lap each other
//! under a scan.
//!
//! What no model shows: the order in which a record's cells are completed (each is checked, so any order is right), and
//! `Relaxed` on the head's `fetch_add` and on the tags, which nothing relies on.

use std::sync::Arc;

use loom::thread;

use super::*;
use crate::sync::explore::{Extent, explore};

/// A record whose every part follows from its number; the hundreds of the number are its lane.
struct Made {
    number: u64,
    payload: Vec<[u8; 8]>,
}

impl Made {
    fn new(number: u64, words: usize) -> Self {
        Self { number, payload: (0..words).map(|index| word(number, index).to_le_bytes()).collect() }
    }

    fn record(&self) -> Record<'_> {
        Record {
            callsite: None,
            time_ns: self.number,
            lane: self.number / 100,
            span: !self.number,
            mark: self.number as u8,
            payload: &self.payload,
        }
    }
}

fn word(number: u64, index: usize) -> u64 {
    number * 1_000 + index as u64
}

/// Words of a record that takes two cells.
const TWO_CELLS: usize = FIRST_WORDS + 1;

fn push(ring: &Ring, number: u64, words: usize) -> Result<u64, Busy> {
    ring.push(&Made::new(number, words).record())
}

/// The number of the record at `position`, if it is there; whole.
fn read(ring: &Ring, position: u64, lane: Option<u64>) -> Option<u64> {
    let mut words = Vec::new();
    let header = ring.read(position, &mut words, |header| lane.is_none_or(|lane| header.lane == lane))?;
    let number = header.time_ns;
    let whole = header.span == !number
        && header.lane == number / 100
        && header.mark == number as u8
        && header.payload_words == words.len()
        && words.iter().enumerate().all(|(index, found)| *found == word(number, index));
    assert!(whole, "property 3: torn: {header:?} {words:?}");
    Some(number)
}

/// Reads what may or may not be there.
fn look(ring: &Ring, position: u64) {
    read(ring, position, None);
}

/// Pushes what may find every cell busy.
fn push_any(ring: &Ring, number: u64, words: usize) {
    let _ = push(ring, number, words);
}

/// What a walk over one lane found, newest first, and from which position on that is all.
struct Walk {
    found: Vec<(u64, u64)>,
    oldest: u64,
}

impl Walk {
    fn of(ring: &Ring, lane: u64) -> Self {
        let mut found = Vec::new();
        let oldest = ring.scan(ring.head(), 0, &[lane], |position| {
            found.extend(read(ring, position, Some(lane)).map(|number| (position, number)));
            true
        });
        assert!(found.iter().all(|(_, number)| number / 100 == lane), "property 4: mixed: {found:?}");
        assert!(found.is_sorted_by(|newer, older| newer.0 > older.0), "property 4: out of order: {found:?}");
        Self { found, oldest }
    }

    /// The record that was completed at `position` before the walk began is found, unless it is too old.
    fn has(&self, position: u64, number: u64, property: &str) {
        let found = self.found.contains(&(position, number));
        let Self { found: all, oldest } = self;
        assert!(
            found || position < *oldest,
            "{property}: {number} at {position} not in {all:?}, from {oldest} on"
        );
    }
}

/// A writer claims cells, enters them and never comes back; unless others lapped it before it was inside.
fn park(ring: &Ring, cells: u64) {
    let position = ring.head.fetch_add(cells, Ordering::Relaxed);
    let first = ring.cell(position).unwrap();
    ring.enter(first, position, cells);
}

fn ring(cells: usize, mutation: Option<Mutation>) -> Arc<Ring> {
    Arc::new(Ring::with_exactly(cells, mutation.map_or(Mutations::NONE, Mutations::one)))
}

/// Runs threads at once and waits for them. Readers stand last: loom remembers only the last access to an atomic, so it
/// finds an earlier place for a load among the stores that were made before it, but not always the other way round.
macro_rules! race {
    ($ring:expr, $($run:expr),+ $(,)?) => {{
        let threads = [$(spawn(&$ring, $run)),+];
        for thread in threads {
            thread.join().unwrap();
        }
    }};
}

fn spawn(ring: &Arc<Ring>, run: impl FnOnce(&Ring) + 'static) -> thread::JoinHandle<()> {
    let ring = Arc::clone(ring);
    thread::spawn(move || run(&ring))
}

// Property 1.

fn parked(mutation: Option<Mutation>) {
    explore("parked", Extent::All, move || {
        let ring = ring(2, mutation);
        let push_two = |ring: &Ring| {
            for number in [201, 202] {
                assert!(push(ring, number, 0).is_ok(), "property 1: a parked writer cost a record");
            }
        };
        race!(ring, |ring| park(ring, 1), push_two);
        push_two(&ring);
    });
}

#[test]
fn a_parked_writer_costs_a_cell_and_no_record() {
    parked(None);
}

#[test]
#[should_panic(expected = "property 1: a thread waits for another")]
fn waiting_for_a_busy_cell_is_found() {
    parked(Some(Mutation::WaitForBusy));
}

#[test]
#[should_panic(expected = "property 1: a parked writer cost a record")]
fn giving_up_at_a_busy_cell_is_found() {
    parked(Some(Mutation::NoRetry));
}

fn parked_across(mutation: Option<Mutation>) {
    explore("parked_across", Extent::All, move || {
        let ring = ring(4, mutation);
        park(&ring, 1);
        assert_eq!(push(&ring, 201, TWO_CELLS), Ok(1));
        // Enters the last cell, meets the parked writer in the first, and gives the last back.
        assert_eq!(push(&ring, 202, TWO_CELLS), Ok(5));
        assert_eq!(push(&ring, 203, 0), Ok(7), "property 1: a cell was kept that nobody is inside");
    });
}

#[test]
fn a_record_that_meets_a_parked_writer_leaves_its_other_cells_free() {
    parked_across(None);
}

#[test]
#[should_panic(expected = "property 1: a cell was kept")]
fn keeping_the_cells_of_a_failed_entry_is_found() {
    parked_across(Some(Mutation::NoPutBack));
}

#[test]
fn two_writers_get_around_a_parked_one() {
    explore("two_around_parked", Extent::Preemptions(3), || {
        let ring = ring(4, None);
        park(&ring, 1);
        let push_two = |ring: &Ring| {
            let pushed = [101, 102].map(|number| push(ring, number, 0));
            assert!(pushed.iter().all(Result::is_ok), "property 1: a parked writer cost a record");
        };
        race!(ring, push_two, push_two);
    });
}

// Property 3.

/// One record is written over another while somebody reads the old position, or the new one.
fn overwritten(position: u64, mutation: Option<Mutation>) {
    explore(["overwritten, old", "overwritten, new"][position as usize], Extent::All, move || {
        let ring = ring(1, mutation);
        push(&ring, 101, 0).unwrap();
        race!(ring, |ring| push_any(ring, 202, 0), move |ring| look(ring, position));
    });
}

#[test]
fn a_record_that_is_overwritten_is_read_whole_or_not_at_all() {
    overwritten(0, None);
}

#[test]
fn a_record_that_overwrites_is_read_whole_or_not_at_all() {
    overwritten(1, None);
}

#[test]
#[should_panic(expected = "property 3: torn")]
fn no_fence_before_the_first_word_is_found() {
    overwritten(0, Some(Mutation::NoReleaseFence));
}

#[test]
#[should_panic(expected = "property 3: torn")]
fn no_fence_after_the_last_word_is_found() {
    overwritten(0, Some(Mutation::NoAcquireFence));
}

#[test]
#[should_panic(expected = "property 3: torn")]
fn completing_without_release_is_found() {
    overwritten(1, Some(Mutation::CompleteRelaxed));
}

#[test]
#[should_panic(expected = "property 3: torn")]
fn asking_for_the_sequence_without_acquire_is_found() {
    overwritten(1, Some(Mutation::FirstLoadRelaxed));
}

#[test]
#[should_panic(expected = "property 3: torn")]
fn completing_before_writing_is_found() {
    overwritten(1, Some(Mutation::FinishFirst));
}

fn second_cell_overwritten(mutation: Option<Mutation>) {
    explore("second_cell_overwritten", Extent::All, move || {
        let ring = ring(2, mutation);
        push(&ring, 101, TWO_CELLS).unwrap();
        ring.head.fetch_add(1, Ordering::Relaxed);
        race!(ring, |ring| assert_eq!(push(ring, 202, 0), Ok(3)), |ring| look(ring, 0));
        assert_eq!(read(&ring, 0, None), None);
    });
}

#[test]
fn a_record_whose_second_cell_is_overwritten_is_read_whole_or_not_at_all() {
    second_cell_overwritten(None);
}

#[test]
#[should_panic(expected = "property 3: torn")]
fn checking_only_the_first_cell_is_found() {
    second_cell_overwritten(Some(Mutation::ContinuationUnchecked));
}

fn continued_elsewhere(mutation: Option<Mutation>) {
    explore("continued_elsewhere", Extent::All, move || {
        let ring = ring(2, mutation);
        push(&ring, 101, 0).unwrap();
        // Goes on in the cell that a reader may still take for the beginning of a record of lane 1.
        race!(ring, |ring| push_any(ring, 201, TWO_CELLS), |ring| {
            ring.scan(3, 2, &[1], |position| {
                read(ring, position, None);
                true
            });
        });
    });
}

#[test]
fn a_cell_in_which_a_record_goes_on_is_not_read_as_a_beginning() {
    continued_elsewhere(None);
}

#[test]
#[should_panic(expected = "property 3: torn")]
fn telling_no_beginning_from_a_continuation_is_found() {
    continued_elsewhere(Some(Mutation::PartsAlike));
}

fn met_in_a_cell(mutation: Option<Mutation>) {
    explore("met_in_a_cell", Extent::Preemptions(3), move || {
        let ring = ring(1, mutation);
        race!(ring, |ring| push_any(ring, 101, 1), |ring| push_any(ring, 201, 1));
        for position in 0..ring.head() {
            let lane = read(&ring, position, None).map(|number| number / 100);
            let tag = ring.tag(position).map(|tag| tag.load(Ordering::Relaxed));
            let tagged = mutation == Some(Mutation::TagOutside) || mutation.is_none();
            assert!(!tagged || lane.is_none() || lane == tag, "property 4: not under its lane");
        }
    });
}

#[test]
fn of_two_writers_that_meet_in_a_cell_one_is_whole_and_under_its_lane() {
    met_in_a_cell(None);
}

#[test]
#[should_panic(expected = "property 3: torn")]
fn entering_without_acquire_is_found() {
    met_in_a_cell(Some(Mutation::EnterRelaxed));
}

#[test]
#[should_panic(expected = "property 3: torn")]
fn entering_by_a_store_is_found() {
    met_in_a_cell(Some(Mutation::EnterByStore));
}

#[test]
#[should_panic(expected = "property 4: not under its lane")]
fn writing_the_tag_outside_the_hold_is_found() {
    met_in_a_cell(Some(Mutation::TagOutside));
}

fn put_back(mutation: Option<Mutation>) {
    explore("put_back", Extent::All, move || {
        let ring = ring(2, mutation);
        let position = ring.head.fetch_add(1, Ordering::Relaxed);
        park(&ring, 1);
        race!(
            ring,
            // The writer of position 0 was slow to begin.
            move |ring| {
                let first = ring.cell(position).unwrap();
                if ring.enter(first, position, 1) {
                    ring.write(first, position, 1, &Made::new(101, 0).record());
                }
            },
            // Another, a lap ahead, fails at the parked one and puts the first cell back.
            move |ring| {
                let first = ring.cell(position + 2).unwrap();
                assert!(!ring.enter(first, position + 2, 2));
            },
            move |ring| look(ring, position),
        );
    });
}

#[test]
fn a_cell_that_is_put_back_still_holds_its_old_record() {
    put_back(None);
}

#[test]
#[should_panic(expected = "property 3: torn")]
fn putting_back_without_release_is_found() {
    put_back(Some(Mutation::PutBackRelaxed));
}

// Property 4.

#[test]
fn two_lanes_are_complete_in_order_and_unmixed() {
    explore("two_lanes", Extent::Preemptions(3), || {
        let ring = ring(4, None);
        race!(
            ring,
            |ring| {
                for number in [101, 102] {
                    push(ring, number, 0).unwrap();
                }
            },
            |ring| {
                let positions = [201, 202].map(|number| push(ring, number, 0).unwrap());
                let walk = Walk::of(ring, 2);
                assert_eq!(walk.found, [(positions[1], 202), (positions[0], 201)], "property 4: incomplete");
                Walk::of(ring, 1);
            },
        );
        for (lane, numbers) in [(1, [102, 101]), (2, [202, 201])] {
            let found: Vec<_> = Walk::of(&ring, lane).found.into_iter().map(|(_, number)| number).collect();
            assert_eq!(found, numbers, "property 4: incomplete");
        }
    });
}

// Property 5.

fn lapped(mutation: Option<Mutation>) {
    explore("lapped", Extent::Preemptions(3), move || {
        let ring = ring(1, mutation);
        let position = push(&ring, 101, 0).unwrap();
        race!(ring, |ring| push_any(ring, 201, 0), move |ring| Walk::of(ring, 1).has(
            position,
            101,
            "property 5: lost"
        ),);
    });
}

#[test]
fn a_walk_that_is_lapped_finds_all_or_says_from_where_on() {
    lapped(None);
}

#[test]
#[should_panic(expected = "property 5: lost")]
fn trusting_the_head_of_the_beginning_is_found() {
    lapped(Some(Mutation::HeadNotReadAgain));
}

#[test]
#[should_panic(expected = "property 5: lost")]
fn reading_the_head_without_a_fence_is_found() {
    lapped(Some(Mutation::NoScanFence));
}

#[test]
fn a_walk_that_is_lapped_by_two_writers_finds_all_or_says_from_where_on() {
    explore("lapped_by_two", Extent::Cut(3), || {
        let ring = ring(2, None);
        race!(ring, |ring| push_any(ring, 201, 0), |ring| push_any(ring, 301, TWO_CELLS), |ring| {
            if let Ok(position) = push(ring, 101, 0) {
                Walk::of(ring, 1).has(position, 101, "property 5: lost");
            }
        },);
    });
}

fn lapped_by_a_parked(mutation: Option<Mutation>) {
    explore("lapped_by_a_parked", Extent::All, move || {
        let ring = ring(1, mutation);
        let position = push(&ring, 101, 0).unwrap();
        race!(ring, |ring| park(ring, 1), move |ring| Walk::of(ring, 1).has(
            position,
            101,
            "property 5: lost"
        ),);
    });
}

#[test]
fn a_walk_that_meets_a_writer_inside_sees_the_head_behind_it() {
    lapped_by_a_parked(None);
}

#[test]
#[should_panic(expected = "property 5: lost")]
fn entering_without_release_is_found() {
    lapped_by_a_parked(Some(Mutation::EnterWithoutRelease));
}

// Property 6.

fn stalled(mutation: Option<Mutation>) {
    explore("stalled", Extent::All, move || {
        let ring = ring(4, mutation);
        let first = push(&ring, 101, 0).unwrap();
        race!(ring, |ring| park(ring, 2), move |ring| {
            let second = push(ring, 102, 0).unwrap();
            let walk = Walk::of(ring, 1);
            walk.has(first, 101, "property 6: hidden");
            walk.has(second, 102, "property 6: hidden");
        },);
    });
}

#[test]
fn a_stalled_writer_hides_no_other_record() {
    stalled(None);
}

#[test]
#[should_panic(expected = "property 6: hidden")]
fn ending_a_scan_at_a_hole_is_found() {
    stalled(Some(Mutation::ScanEndsAtHole));
}

// All of them.

#[test]
fn everything_at_once() {
    explore("everything_at_once", Extent::Cut(3), || {
        let ring = ring(4, None);
        let own = push(&ring, 101, 0).unwrap();
        race!(
            ring,
            |ring| [201, 202].into_iter().for_each(|number| push_any(ring, number, TWO_CELLS)),
            |ring| [301, 302].into_iter().for_each(|number| push_any(ring, number, 1)),
            move |ring| {
                Walk::of(ring, 1).has(own, 101, "property 5: lost");
                Walk::of(ring, 2);
            },
        );
        for lane in [2, 3] {
            let walk = Walk::of(&ring, lane);
            let newest = walk.found.first().map(|(_, number)| number % 100);
            assert!(newest == Some(2) || walk.oldest > 0, "property 5: lost");
        }
    });
}
