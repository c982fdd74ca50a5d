//! A process that is killed in the middle of it, again and again: what it was told is in the file is there.

use std::fs;
use std::thread;
use std::time::Duration;

use crumbtrail::Throttle;
use crumbtrail::limits::KEEP_VARIANT_EVENTS;

use crate::look::{Found, look};
use crate::rig::{
    Chance, Folder, LONG, Live, Over, Rig, WORDS, child_at, copy, given_path, into, lose_in_order, rounds,
    say,
};
use crate::support::{ledger_balances, role, until};

/// In a debug build on two cores a round takes about a second.
const USUALLY: u64 = 20;
const AT_ONCE: u64 = 4;
/// Logged between two flushes of a thread.
const EACH: u64 = 12;

const NAME: &str = "kills::what_was_acknowledged_outlives_a_kill_and_what_was_held_is_recorded_once";

#[test]
fn what_was_acknowledged_outlives_a_kill_and_what_was_held_is_recorded_once() {
    match role().as_deref() {
        Some("in full") => return log_until_killed(Throttle::Off),
        Some("throttled") => return log_until_killed(Throttle::default()),
        Some(_) => return start_and_end(),
        None => {}
    }
    let chance = Chance::new();
    let rounds = rounds(USUALLY);
    let acknowledged: u64 = thread::scope(|scope| {
        let lane = |first: u64| {
            let mut chance = chance.clone();
            (0..=first).for_each(|_| _ = chance.next());
            let mut chance = Chance::of(chance.next());
            scope.spawn(move || {
                (first..rounds)
                    .step_by(AT_ONCE as usize)
                    .map(|number| round(number, &mut chance))
                    .sum::<u64>()
            })
        };
        let lanes: Vec<_> = (0..AT_ONCE).map(lane).collect();
        lanes.into_iter().map(|lane| lane.join().unwrap()).sum()
    });
    println!("{rounds} kills, {acknowledged} events acknowledged before them, none of them missing");
    assert!(acknowledged > rounds, "they were killed before they had begun");
}

/// Kills a process three times over one file, and returns how many events it had been told were in there.
fn round(number: u64, chance: &mut Chance) -> u64 {
    let folder = Folder::new(&format!("kill-{number}"));
    let in_full = number % 3 != 2;
    let store = folder.store();
    let mut child = child_at(if in_full { "in full" } else { "throttled" }, NAME, &store);
    child.command.env("TEST_THREADS", if number % 4 == 3 { "1" } else { "8" });
    let mut live = Live::start(child);
    live.says("begins");
    // Some of it is done, much of it, or none; then any instant.
    let lines = chance.below(60) as usize;
    until(LONG, || live.said().len() > lines);
    let after = Duration::from_micros(chance.below(60_000));
    thread::sleep(after);
    let over = live.kill();
    println!("round {number}: killed {after:?} after line {lines}, told {}", over.said.len());

    let left = look_at_copy(&folder);
    compare(&over, &left);
    if in_full {
        keeps_the_newest(&over, &left);
    }
    // The next start records what was held, once; the one after that finds nothing more.
    for _ in 0..2 {
        child_at("next start", NAME, &store).run().succeeded();
        let later = look(&store);
        assert_eq!(
            (later.total(), later.held.len()),
            (left.total() + left.held.len() as u64, 0),
            "{left:#?}"
        );
        compare(&over, &later);
    }
    over.newest("done").values().sum()
}

/// Of each issue, the newest events are kept, in the order in which its thread logged them.
#[track_caller]
fn keeps_the_newest(over: &Over, found: &Found) {
    for word in WORDS {
        let logged: Vec<_> = over
            .told("ids")
            .filter_map(|ids| ids.strip_prefix(word))
            .flat_map(str::split_whitespace)
            .collect();
        let title = format!("out of {word}");
        let kept: Vec<_> =
            found.events.iter().filter(|(_, of)| *of == title).map(|(id, _)| id.as_str()).collect();
        let count = found.of(word) as usize;
        let kept_at_most = KEEP_VARIANT_EVENTS;
        assert_eq!(kept.len(), count.min(kept_at_most), "{word}");
        // Of those of one millisecond any may be taken for the newest; of the last ones the process may not have got
        // around to say the ids.
        for id in kept {
            let place = logged.iter().position(|logged| *logged == id).unwrap_or(count);
            assert!(place + kept_at_most + EACH as usize >= count, "{word}: {place} is kept of {count}");
        }
    }
}

/// What is in the file, without a change to it.
#[track_caller]
fn look_at_copy(folder: &Folder) -> Found {
    let copied = folder.path().join("copy.db");
    copy(&folder.store(), &copied);
    look(&copied)
}

/// What was counted is no less than was acknowledged, and no more than was begun.
#[track_caller]
fn compare(over: &Over, found: &Found) {
    let (begun, done) = (over.newest("begun"), over.newest("done"));
    for word in WORDS {
        let least = done.get(word).copied().unwrap_or_default();
        // A line on its way when it was killed is no line.
        let most = begun.get(word).copied().unwrap_or_default() + EACH;
        let counted = found.of(word);
        let not_told_apart = if found.by_line > 0 { least } else { 0 };
        assert!(
            (least..=most).contains(&(counted + not_told_apart)),
            "{word}: {least} acknowledged, {counted} counted, {most} begun"
        );
    }
}

fn log_until_killed(throttle: Throttle) {
    let rig = Rig::new(into(&given_path("PATH")).throttle(throttle));
    say("begins");
    let words = if crate::rig::given("THREADS") == "1" { &WORDS[..1] } else { &WORDS[..] };
    thread::scope(|scope| {
        for word in words {
            let rig = &rig;
            scope.spawn(move || {
                rig.run(|| {
                    for done in (0..).step_by(EACH as usize) {
                        say(&format!("begun {word} {}", done + EACH));
                        let ids: Vec<_> =
                            (done..done + EACH).map(|number| lose_in_order(word, number)).collect();
                        say(&format!("ids {word} {}", ids.join(" ")));
                        if rig.guard.flush(LONG).is_ok() {
                            say(&format!("done {word} {}", done + EACH));
                        }
                    }
                });
            });
        }
    });
}

fn start_and_end() {
    let rig = Rig::new(into(&given_path("PATH")));
    rig.guard.flush(LONG).unwrap();
    assert_eq!(ledger_balances(&rig.guard).accepted, 0);
    rig.end();
}

#[test]
fn a_file_that_a_kill_left_is_no_larger_for_the_many_starts_after_it() {
    const NAME: &str = "kills::a_file_that_a_kill_left_is_no_larger_for_the_many_starts_after_it";
    match role().as_deref() {
        Some("first") => return log_until_killed(Throttle::Off),
        Some(_) => return start_and_end(),
        None => {}
    }
    let folder = Folder::new("starts");
    let mut first = child_at("first", NAME, &folder.store());
    first.command.env("TEST_THREADS", "8");
    let mut live = Live::start(first);
    live.says("begins");
    thread::sleep(Duration::from_millis(100));
    live.kill();
    let start = || {
        child_at("next", NAME, &folder.store()).run().succeeded();
        fs::metadata(folder.store()).unwrap().len()
    };
    let first = start();
    let last = (0..4).map(|_| start()).max().unwrap();
    assert!(last <= first + 64 * 1024, "{first} bytes grew to {last}");
}
