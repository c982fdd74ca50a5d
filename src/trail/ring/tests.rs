//! The ring on real threads: the same properties as in the models, with whole cells, many laps and real memory.
//!
//! The stress test is long on purpose; with `CRUMBTRAIL_PUSHES` it runs shorter, as under valgrind, or longer.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64 as Counter};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Instant;

use super::*;
use crate::limits::RING_CELLS;

/// A record whose every part follows from its lane and its count.
fn record<'a>(lane: u64, count: u64, payload: &'a [[u8; 8]]) -> Record<'a> {
    let number = lane << 56 | count;
    Record { callsite: None, time_ns: number, lane, span: !number, mark: number as u8, payload }
}

/// The payload of such a record; it repeats after [`PAYLOADS`] records of a lane, long after the ring is full of others.
fn payload(lane: u64, count: u64, words: usize) -> Vec<[u8; 8]> {
    (0..words).map(|index| word(lane, count, index).to_le_bytes()).collect()
}

fn word(lane: u64, count: u64, index: usize) -> u64 {
    (lane << 56 | (count % PAYLOADS) << 8 | index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

const PAYLOADS: u64 = 1_021;

/// Words of records that take 1, 2, 3 and 4 cells, and what lies at the edges between.
const LENGTHS: [usize; 8] = [
    0,
    FIRST_WORDS,
    FIRST_WORDS + 1,
    FIRST_WORDS + WORDS,
    FIRST_WORDS + WORDS + 1,
    FIRST_WORDS + 2 * WORDS,
    FIRST_WORDS + 2 * WORDS + 1,
    PAYLOAD_WORDS,
];

fn push(ring: &Ring, lane: u64, count: u64, words: usize) -> Result<u64, Busy> {
    ring.push(&record(lane, count, &payload(lane, count, words)))
}

/// The count of the record of `lane` at `position`, if it is there; whole.
fn read(ring: &Ring, position: u64, lane: u64, words: &mut Vec<u64>) -> Option<u64> {
    words.clear();
    let header = ring.read(position, words, |header| header.lane == lane)?;
    let count = header.time_ns & (u64::MAX >> 8);
    let whole = header.time_ns >> 56 == lane
        && header.span == !header.time_ns
        && header.mark == count as u8
        && header.payload_words == words.len()
        && words.iter().enumerate().all(|(index, found)| *found == word(lane, count, index));
    assert!(whole, "property 3: torn: {header:?} {words:?}");
    Some(count)
}

/// All of a lane that is in the ring, newest first, as position and count.
fn walk(ring: &Ring, lane: u64) -> (Vec<(u64, u64)>, u64) {
    let (mut found, mut words) = (Vec::new(), Vec::new());
    let oldest = ring.scan(ring.head(), 0, &[lane], |position| {
        found.extend(read(ring, position, lane, &mut words).map(|count| (position, count)));
        true
    });
    (found, oldest)
}

#[test]
fn what_is_pushed_is_read() {
    let ring = Ring::new(64);
    for (count, words) in LENGTHS.into_iter().enumerate() {
        let position = push(&ring, 1, count as u64, words).unwrap();
        assert_eq!(read(&ring, position, 1, &mut Vec::new()), Some(count as u64), "{words} words");
    }
    let counts: Vec<_> = walk(&ring, 1).0.into_iter().map(|(_, count)| count).collect();
    assert_eq!(counts, [7, 6, 5, 4, 3, 2, 1, 0]);
}

#[test]
fn a_record_takes_the_cells_it_needs_and_no_more() {
    let cells = LENGTHS.map(cells_for);
    assert_eq!(cells, [1, 1, 2, 2, 3, 3, 4, CRUMB_CELLS as u64]);
}

#[test]
fn a_scan_ends_at_its_floor_at_a_full_lap_and_where_the_visitor_says() {
    let ring = Ring::new(8);
    for count in 0..20 {
        push(&ring, 1, count, 0).unwrap();
    }
    let visited = |floor, most: usize| {
        let mut visited = Vec::new();
        let oldest = ring.scan(ring.head(), floor, &[1], |position| {
            visited.push(position);
            visited.len() < most
        });
        assert_eq!(oldest, 12);
        visited
    };
    assert_eq!(visited(0, 100), (12..20).rev().collect::<Vec<_>>());
    assert_eq!(visited(17, 100), [19, 18, 17]);
    assert_eq!(visited(0, 2), [19, 18]);
}

#[test]
fn every_lane_that_is_wanted_is_found_and_no_other() {
    let ring = Ring::new(16);
    for lane in 1..=5 {
        push(&ring, lane, lane, 0).unwrap();
    }
    for lanes in [&[][..], &[2], &[4, 1], &[1, 3, 5], &[9]] {
        let mut found = Vec::new();
        ring.scan(ring.head(), 0, lanes, |position| {
            found.push(position + 1);
            true
        });
        let mut wanted: Vec<u64> = lanes.iter().copied().filter(|lane| *lane <= 5).collect();
        wanted.sort_by(|one, other| other.cmp(one));
        assert_eq!(found, wanted);
    }
}

#[test]
fn an_overwritten_record_is_gone_whichever_of_its_cells_was_hit() {
    let ring = Ring::new(8);
    let long = push(&ring, 1, 1, PAYLOAD_WORDS).unwrap();
    push(&ring, 2, 2, PAYLOAD_WORDS).unwrap();
    // Claimed and never written, so that the next record hits the long one's second cell only.
    ring.head.fetch_add(1, Ordering::Relaxed);
    push(&ring, 3, 3, 0).unwrap();
    assert_eq!(read(&ring, long, 1, &mut Vec::new()), None);
    assert_eq!(walk(&ring, 1).0, []);
    assert_eq!(walk(&ring, 3).0, [(9, 3)]);
}

/// A thread that stops inside its cells until it is told to go on.
struct Stalled {
    inside: mpsc::Receiver<u64>,
    go_on: mpsc::Sender<()>,
}

impl Stalled {
    /// The first writer into the ring stops; the others do not.
    fn in_ring(ring: &mut Ring) -> Self {
        let (entered, inside) = mpsc::channel();
        let (go_on, told) = mpsc::channel();
        let told = std::sync::Mutex::new(Some(told));
        ring.probe.stop = Some(Box::new(move |position| {
            let told = told.lock().unwrap().take();
            if let Some(told) = told {
                entered.send(position).unwrap();
                // An error is the test's end.
                let _ = told.recv();
            }
        }));
        Self { inside, go_on }
    }
}

/// Row 24 of the faults: a debugger, or a scheduler, stops a thread inside its cells.
#[test]
fn a_writer_stopped_inside_its_cells_costs_the_others_nothing_but_those() {
    let mut ring = Ring::new(16);
    let stalled = Stalled::in_ring(&mut ring);
    thread::scope(|scope| {
        let writer = scope.spawn(|| push(&ring, 1, 1, PAYLOAD_WORDS));
        let inside = stalled.inside.recv().unwrap();
        assert_eq!(inside, 0);
        // Many laps around it: every record is taken, and the last lap is found but for the four cells.
        let mut pushed = Vec::new();
        for count in 0..10_000 {
            pushed.push((push(&ring, 2, count, 0).expect("property 1: a record was lost"), count));
        }
        let (found, oldest) = walk(&ring, 2);
        let expected: Vec<_> = pushed.iter().rev().copied().take_while(|(at, _)| *at >= oldest).collect();
        assert_eq!(found, expected, "property 6: hidden");
        assert!(found.len() >= 16 - CRUMB_CELLS);
        assert_eq!(read(&ring, inside, 1, &mut Vec::new()), None);
        assert!(ring.probe.busy.load(Ordering::Relaxed) > 1_000);
        stalled.go_on.send(()).unwrap();
        assert_eq!(writer.join().unwrap(), Ok(inside));
        // What it wrote is a lap too old, and whole; its cells are everybody's again.
        assert_eq!(read(&ring, inside, 1, &mut Vec::new()), Some(1));
        for count in 0..32 {
            push(&ring, 3, count, 0).unwrap();
        }
        assert_eq!(walk(&ring, 3).0.len(), 16);
    });
}

#[test]
fn a_scan_while_a_writer_is_stopped_finds_what_came_before_and_after_it() {
    let mut ring = Ring::new(16);
    let stalled = Stalled::in_ring(&mut ring);
    thread::scope(|scope| {
        let writer = scope.spawn(|| push(&ring, 1, 1, 0));
        stalled.inside.recv().unwrap();
        for count in 2..9 {
            push(&ring, 1, count, 0).unwrap();
        }
        let counts: Vec<_> = walk(&ring, 1).0.into_iter().map(|(_, count)| count).collect();
        assert_eq!(counts, [8, 7, 6, 5, 4, 3, 2]);
        stalled.go_on.send(()).unwrap();
        writer.join().unwrap().unwrap();
        assert_eq!(walk(&ring, 1).0.len(), 8);
    });
}

#[test]
fn when_every_cell_is_busy_a_push_gives_up_and_says_so() {
    let ring = Ring::new(8);
    let position = ring.head.fetch_add(8, Ordering::Relaxed);
    for part in [0, 4] {
        assert!(ring.enter(ring.cell(position + part).unwrap(), position + part, 4));
    }
    assert_eq!(push(&ring, 1, 1, 0), Err(Busy));
}

/// Four writers and two scanners in a ring of 64 cells. See `Stress`.
#[test]
fn records_stay_whole_complete_and_in_order_under_stress() {
    let pushes = std::env::var("CRUMBTRAIL_PUSHES").ok().and_then(|pushes| pushes.parse().ok());
    let pushes = pushes.unwrap_or(STRESS_PUSHES);
    let started = Instant::now();
    let stress = Arc::new(Stress { ring: Ring::new(64), ..Stress::default() });
    let start = Arc::new(Barrier::new(6));
    let scanners = [0, 1].map(|_| {
        let (stress, start) = (Arc::clone(&stress), Arc::clone(&start));
        thread::spawn(move || {
            start.wait();
            stress.scan();
        })
    });
    let writers = [1, 2, 3, 4].map(|lane| {
        let (stress, start) = (Arc::clone(&stress), Arc::clone(&start));
        thread::spawn(move || {
            start.wait();
            stress.write(lane, pushes / 4);
        })
    });
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    stress.done.store(true, Ordering::Relaxed);
    scanners.into_iter().for_each(|scanner| scanner.join().unwrap());

    let count = |counter: &Counter| counter.load(Ordering::Relaxed);
    let (busy, overwritten) = (count(&stress.ring.probe.busy), count(&stress.ring.probe.overwritten));
    println!(
        "stress: {pushes} pushes ({} given up), {} scans read {} records; busy cells {busy}, lapped {}, overwritten \
         under a scan {overwritten}, {:.1} s",
        count(&stress.given_up),
        count(&stress.scans),
        count(&stress.records),
        count(&stress.ring.probe.lapped),
        started.elapsed().as_secs_f64(),
    );
    if pushes >= STRESS_PUSHES {
        assert!(overwritten >= 1_000, "the scanners met too few overwritten records");
        assert!(busy >= 100, "the writers met too few busy cells");
    }
}

const STRESS_PUSHES: u64 = 20_000_000;

#[derive(Debug)]
struct Stress {
    ring: Ring,
    done: AtomicBool,
    scans: Counter,
    records: Counter,
    given_up: Counter,
}

impl Default for Stress {
    fn default() -> Self {
        let [scans, records, given_up] = [const { Counter::new(0) }; 3];
        Self { ring: Ring::new(64), done: AtomicBool::new(false), scans, records, given_up }
    }
}

impl Stress {
    /// Writes a lane's records, and looks now and then that its own newest are there.
    fn write(&self, lane: u64, pushes: u64) {
        let payloads: Vec<_> = (0..PAYLOADS).map(|count| payload(lane, count, PAYLOAD_WORDS)).collect();
        let mut words = Vec::new();
        for count in 0..pushes {
            let length = LENGTHS[(word(lane, count, 0) >> 61) as usize];
            let payload = &payloads[(count % PAYLOADS) as usize][..length];
            let Ok(position) = self.ring.push(&record(lane, count, payload)) else {
                self.given_up.fetch_add(1, Ordering::Relaxed);
                continue;
            };
            if count % 64 == 0 {
                // Read before: the head that says whether it is too old by now.
                let found = read(&self.ring, position, lane, &mut words);
                fence(Ordering::Acquire);
                let oldest = self.ring.oldest(self.ring.head());
                assert!(found == Some(count) || position < oldest, "property 5: lost");
            }
        }
    }

    /// Scans all lanes until the writers are done.
    fn scan(&self) {
        let mut words = Vec::new();
        while !self.done.load(Ordering::Relaxed) {
            for lane in 1..=4 {
                let mut newer = None;
                let mut records = 0;
                self.ring.scan(self.ring.head(), 0, &[lane], |position| {
                    if let Some(count) = read(&self.ring, position, lane, &mut words) {
                        assert!(newer.is_none_or(|newer| count < newer), "property 4: out of order");
                        newer = Some(count);
                        records += 1;
                    }
                    true
                });
                self.scans.fetch_add(1, Ordering::Relaxed);
                self.records.fetch_add(records, Ordering::Relaxed);
            }
        }
    }
}

/// A walk that is lapped finds everything that was completed before it, or says that it is too old.
#[test]
fn whatever_was_completed_before_a_scan_is_found_or_too_old() {
    let ring = Ring::new(64);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut count = 0;
            while !done.load(Ordering::Relaxed) {
                count += 1;
                let _ = push(&ring, 2, count, LENGTHS[count as usize % LENGTHS.len()]);
            }
        });
        let mut met = [0_u64; 2];
        for round in 0..20_000 {
            let pushed: Vec<_> = (0..3)
                .filter_map(|count| Some((push(&ring, 1, round * 3 + count, 0).ok()?, round * 3 + count)))
                .collect();
            let (found, oldest) = walk(&ring, 1);
            for own in pushed {
                let there = found.contains(&own);
                assert!(there || own.0 < oldest, "property 5: {own:?} not in {found:?}, from {oldest} on");
                met[usize::from(there)] += 1;
            }
        }
        done.store(true, Ordering::Relaxed);
        println!("scans against a writer: {} found, {} too old", met[1], met[0]);
        assert!(met[1] > 0);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_new_ring_touches_none_of_its_memory() {
    let resident_pages = || -> ControlFlow<(), usize> {
        let status = std::fs::read_to_string("/proc/self/statm").map_err(drop);
        match status.ok().and_then(|status| status.split(' ').nth(1)?.parse().ok()) {
            Some(pages) => ControlFlow::Continue(pages),
            None => ControlFlow::Break(()),
        }
    };
    // So large that nothing which other tests of this process do meanwhile could hide it.
    let cells = 64 * RING_CELLS;
    let before = resident_pages();
    let ring = Ring::new(cells);
    let after = resident_pages();
    push(&ring, 1, 1, 0).unwrap();
    if let (ControlFlow::Continue(before), ControlFlow::Continue(after)) = (before, after) {
        // All of it would be 65,536 pages, the tags alone 4,096.
        assert!(after.saturating_sub(before) < 4_000, "{before} pages before, {after} after");
    }
}
