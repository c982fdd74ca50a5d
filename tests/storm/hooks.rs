//! Hooks and sinks that panic, hang, log, or call us back; a pipeline whose thread cannot be had, or whose guard is gone.

use std::error::Error;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};
use crumbtrail::limits::DROP_FLUSH;
use crumbtrail::{
    Breadcrumb, Clock, FlushError, Guard, Handle, Lost, Memory, Sink, Stack, Store, Tally, Throttle,
    TrackedEvent, User, Verdict,
};
use tracing::{error, info_span, warn};
use tracing_subscriber::prelude::*;

use crate::rig::{LONG, Storm};
use crate::support::{child, ledger_balances, role, until};

fn fail(text: &str) {
    let error = io::Error::other(text);
    error!(error = &error as &dyn Error, "{text}");
}

/// Panics on every n-th call.
struct Nth(AtomicU64, u64);

impl Nth {
    const fn new(n: u64) -> Self {
        Self(AtomicU64::new(0), n)
    }

    fn call(&self) {
        assert_ne!(self.0.fetch_add(1, Ordering::Relaxed) % self.1, self.1 - 1, "thrown on purpose");
    }
}

#[test]
fn hooks_that_panic_now_and_then_cost_the_events_they_were_asked_about() {
    const EVENTS: u64 = 300;
    let storm = Storm::with(|builder| {
        let (error, send, crumb) = (Nth::new(7), Nth::new(5), Nth::new(11));
        builder
            .throttle(Throttle::Off)
            .on_error(move |_, _| {
                error.call();
                Verdict::Track
            })
            .before_send(move |event| {
                send.call();
                Some(event)
            })
            .before_breadcrumb(move |breadcrumb| {
                crumb.call();
                Some(breadcrumb)
            })
    });
    storm.run(|| {
        for number in 0..EVENTS {
            let _span = info_span!("work").entered();
            warn!("a step");
            fail(if number % 2 == 0 { "out of stock" } else { "bank refused" });
        }
    });
    storm.guard.flush(LONG).unwrap();
    let stats = ledger_balances(&storm.guard);
    let by_on_error = EVENTS / 7;
    let by_breadcrumb = (EVENTS - by_on_error) / 11;
    let by_send = (EVENTS - by_on_error - by_breadcrumb) / 5;
    assert_eq!(stats.accepted, EVENTS);
    assert_eq!(stats.lost[&Lost::HookPanicked], by_on_error + by_breadcrumb + by_send);
    assert_eq!(stats.delivered, EVENTS - stats.lost_total());
}

/// A sink that panics now and then, in all that it is told.
struct Fragile([Nth; 4], Arc<AtomicU64>);

impl Sink for Fragile {
    fn deliver(&self, _: &TrackedEvent) -> Result<(), Lost> {
        self.0[0].call();
        Ok(())
    }

    fn tally(&self, tally: &Tally) {
        self.1.fetch_add(tally.count, Ordering::Relaxed);
        self.0[1].call();
    }

    fn catch_up(&self) {
        self.0[2].call();
    }

    fn flush(&self) {
        self.0[3].call();
    }
}

#[test]
fn a_sink_that_panics_in_all_it_is_told_costs_its_events_and_no_other_sink() {
    let tallied = Arc::<AtomicU64>::default();
    let storm = Storm::with(|builder| {
        let fragile = Fragile([Nth::new(3), Nth::new(1), Nth::new(1), Nth::new(1)], Arc::clone(&tallied));
        builder.sink(fragile)
    });
    for round in 0..5 {
        storm.run(|| (0..100).for_each(|_| fail("out of stock")));
        storm.guard.flush(LONG).unwrap();
        let told = storm.told_of((round + 1) * 100);
        assert_eq!(told.issues().len(), 1);
        storm.clock.advance(crate::rig::MINUTE);
    }
    assert_eq!(
        tallied.load(Ordering::Relaxed),
        450,
        "each time it panicked, and each time it was told again"
    );
}

#[test]
fn a_sink_that_panics_alone_costs_its_events_and_the_worker_lives() {
    let fragile = Fragile([Nth::new(3), Nth::new(1), Nth::new(1), Nth::new(1)], Arc::default());
    let (layer, guard) = crumbtrail::builder()
        .stack(Stack::Off)
        .store(Store::Off)
        .throttle(Throttle::Off)
        .sink(fragile)
        .build()
        .unwrap();
    let _default = tracing_subscriber::registry().with(layer).set_default();
    for _ in 0..30 {
        fail("out of stock");
        guard.flush(LONG).unwrap();
    }
    let stats = ledger_balances(&guard);
    assert_eq!((stats.delivered, stats.lost[&Lost::SinkPanicked]), (20, 10));
}

/// What hangs until the other end is dropped.
fn hanging() -> (crossbeam_channel::Sender<()>, Arc<AtomicU64>, impl Fn() + Send + Sync + 'static) {
    let (go, gone): (_, Receiver<()>) = bounded(0);
    let entered = Arc::<AtomicU64>::default();
    let enters = Arc::clone(&entered);
    let hang = move || {
        enters.fetch_add(1, Ordering::Relaxed);
        let _ = gone.recv();
    };
    (go, entered, hang)
}

#[test]
fn hooks_of_the_worker_that_hang_keep_no_deadline_waiting() {
    for which in ["before_send", "before_breadcrumb"] {
        let (go, entered, hang) = hanging();
        let builder = crumbtrail::builder().stack(Stack::Off).sink(Memory::new());
        let builder = if which == "before_send" {
            builder.before_send(move |event| {
                hang();
                Some(event)
            })
        } else {
            builder.before_breadcrumb(move |crumb| {
                hang();
                Some(crumb)
            })
        };
        let (layer, guard) = builder.build().unwrap();
        let _default = tracing_subscriber::registry().with(layer).set_default();
        let _span = info_span!("work").entered();
        warn!("a step");
        fail("out of stock");
        until(LONG, || entered.load(Ordering::Relaxed) == 1);
        let begun = Instant::now();
        assert!(guard.flush(Duration::from_millis(50)).unwrap_err().is_deadline());
        // Callers go on.
        (0..100).for_each(|_| fail("bank refused"));
        assert!(guard.shutdown(Duration::from_millis(50)).unwrap_err().is_deadline());
        assert!(begun.elapsed() < Duration::from_secs(1), "{which}: {:?}", begun.elapsed());
        assert!(ledger_balances(&guard).pending >= 1, "which is how it shows in Stats");
        let handle = guard.handle();
        let begun = Instant::now();
        drop(guard);
        assert!(begun.elapsed() < DROP_FLUSH + Duration::from_secs(1), "{which}: {:?}", begun.elapsed());
        drop(go);
        until(LONG, || handle.stats().pending == 0);
        assert!(handle.stats().balances());
    }
}

#[test]
fn an_on_error_that_hangs_holds_up_its_own_caller_alone() {
    let (go, entered, hang) = hanging();
    let storm = Storm::with(|builder| {
        builder.on_error(move |error, _| {
            if error.to_string() == "hang" {
                hang();
            }
            Verdict::Track
        })
    });
    thread::scope(|scope| {
        let caller = scope.spawn(|| storm.run(|| fail("hang")));
        until(LONG, || entered.load(Ordering::Relaxed) == 1);
        storm.on_threads(4, |_| (0..100).for_each(|_| fail("out of stock")));
        storm.guard.flush(LONG).unwrap();
        // It is accepted only once it is judged.
        let stats = ledger_balances(&storm.guard);
        assert_eq!((stats.accepted, stats.delivered, stats.tallied), (400, 10, 390));
        assert!(!caller.is_finished());
        drop(go);
    });
    assert_eq!(storm.told_of(401).events.len(), 11);
}

/// Everything that a program may call, from inside a hook or a sink.
fn call_everything(handle: &OnceLock<Handle>, answers: &Mutex<Vec<Result<(), FlushError>>>) {
    let _span = info_span!("nested", user.id = 7).entered();
    warn!("nested warn");
    error!(error = "nested", "nested error");
    log::error!("nested record: {}", io::Error::other("nested"));
    crumbtrail::set_user(User::new("7"));
    crumbtrail::set_tag("nested", "yes");
    crumbtrail::set_context("nested", true);
    crumbtrail::add_breadcrumb(Breadcrumb::new("nested step"));
    assert_eq!(crumbtrail::capture_error(&io::Error::other("nested")), None, "it would feed itself");
    let _ = crumbtrail::last_event_id();
    if let Some(handle) = handle.get() {
        let answer = handle.flush(Duration::from_millis(1));
        answers.lock().unwrap().push(answer);
        let _ = handle.stats();
    }
}

/// A sink that calls everything whenever it is told something.
struct Busy(Arc<OnceLock<Handle>>, Arc<Mutex<Vec<Result<(), FlushError>>>>);

impl Sink for Busy {
    fn deliver(&self, _: &TrackedEvent) -> Result<(), Lost> {
        call_everything(&self.0, &self.1);
        Ok(())
    }

    fn tally(&self, _: &Tally) {
        call_everything(&self.0, &self.1);
    }

    fn catch_up(&self) {
        call_everything(&self.0, &self.1);
    }

    fn flush(&self) {
        call_everything(&self.0, &self.1);
    }
}

#[test]
fn every_hook_may_call_everything() {
    const NAME: &str = "hooks::every_hook_may_call_everything";
    if role().is_none() {
        child("alone", NAME).run().succeeded();
        return;
    }
    let (handle, answers) = (Arc::<OnceLock<Handle>>::default(), Arc::<Mutex<Vec<_>>>::default());
    let calls = || {
        let (handle, answers) = (Arc::clone(&handle), Arc::clone(&answers));
        move || call_everything(&handle, &answers)
    };
    // Those on the caller's thread may wait there for a flush; it has its deadline.
    let (on_caller, asked) = (Arc::<OnceLock<Handle>>::default(), Arc::<Mutex<Vec<_>>>::default());
    let caller = {
        let (handle, answers) = (Arc::clone(&on_caller), Arc::clone(&asked));
        move || call_everything(&handle, &answers)
    };
    let (send, crumb) = (calls(), calls());
    let memory = Memory::new();
    let clock = Clock::manual();
    let (layer, guard) = crumbtrail::builder()
        .stack(Stack::Off)
        .clock(&clock)
        .sink(memory.clone())
        .sink(Busy(Arc::clone(&handle), Arc::clone(&answers)))
        .on_error(move |_, _| {
            caller();
            Verdict::Track
        })
        .before_send(move |event| {
            send();
            Some(event)
        })
        .before_breadcrumb(move |breadcrumb| {
            crumb();
            Some(breadcrumb)
        })
        .build()
        .unwrap();
    tracing_subscriber::registry().with(layer).init();
    assert!(handle.set(guard.handle()).is_ok() && on_caller.set(guard.handle()).is_ok());
    for _ in 0..50 {
        let _span = info_span!("work", user.id = "ada").entered();
        warn!("a step");
        fail("out of stock");
    }
    guard.flush(LONG).unwrap();
    let events = memory.events();
    assert_eq!(events.len(), 10);
    for event in &events {
        assert_eq!(event.tags["nested"], "yes", "what a hook says of the lane holds");
        assert!(
            event.breadcrumbs.iter().all(|crumb| crumb.message != "nested warn"),
            "{:?}",
            event.breadcrumbs
        );
    }
    let answers = answers.lock().unwrap();
    assert!(answers.len() > 30, "{}", answers.len());
    assert!(answers.iter().all(|answer| answer.as_ref().is_err_and(FlushError::is_on_worker)), "{answers:?}");
    assert_eq!(asked.lock().unwrap().len(), 50);
    let stats = ledger_balances(&guard);
    assert_eq!(stats.accepted, 50 + stats.lost[&Lost::Recursion]);
    assert_eq!((stats.delivered, stats.tallied), (10, 40));
}

/// A process that may start no thread: the program goes on, and everything is counted.
#[cfg(target_os = "linux")]
#[test]
fn without_a_thread_to_be_had_everything_is_counted_and_nothing_waits() {
    const NAME: &str = "hooks::without_a_thread_to_be_had_everything_is_counted_and_nothing_waits";
    if role().is_none() {
        let ended = child("alone", NAME).run().succeeded();
        assert!(ended.stderr.contains("crumbtrail: no thread could be started"), "{}", ended.stderr);
        return;
    }
    // Root is bound by no such limit.
    #[expect(clippy::undocumented_unsafe_blocks, reason = "two system calls with values on the stack")]
    unsafe {
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        assert_eq!(libc::setrlimit(libc::RLIMIT_NPROC, &raw const none), 0);
        if libc::geteuid() == 0 {
            assert_eq!(libc::setuid(65_534), 0);
        }
    }
    assert!(thread::Builder::new().spawn(|| {}).is_err(), "the limit holds");
    let begun = Instant::now();
    let memory = Memory::new();
    let (layer, guard) = crumbtrail::builder().sink(memory.clone()).build().unwrap();
    tracing_subscriber::registry().with(layer).init();
    for _ in 0..1_000 {
        let _span = info_span!("work").entered();
        warn!("a step");
        fail("out of stock");
        error!("the queue is empty");
    }
    assert!(std::panic::catch_unwind(|| panic!("thrown on purpose")).is_err());
    assert_eq!(crumbtrail::capture_error(&io::Error::other("given")), None);
    // All that was captured has ended, in the ledger.
    assert_eq!((guard.flush(LONG), guard.shutdown(LONG)), (Ok(()), Ok(())));
    assert!(memory.events().is_empty());
    let stats = ledger_balances(&guard);
    assert_eq!((stats.accepted, stats.errors_without_error), (1_002, 1_000));
    assert_eq!((stats.lost[&Lost::WorkerGone], stats.tallied, stats.pending), (12, 990, 0));
    drop(guard);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn a_guard_that_is_forgotten_or_dropped_at_once_hangs_no_exit() {
    const NAME: &str = "hooks::a_guard_that_is_forgotten_or_dropped_at_once_hangs_no_exit";
    let Some(role) = role() else {
        for role in ["forgotten", "dropped at once"] {
            child(role, NAME).run().succeeded();
        }
        return;
    };
    let memory = Memory::new();
    let handle = if role == "forgotten" {
        let (layer, guard) = crumbtrail::builder().stack(Stack::Off).sink(memory.clone()).build().unwrap();
        tracing_subscriber::registry().with(layer).init();
        let handle = Guard::handle(&guard);
        std::mem::forget(guard);
        handle
    } else {
        let keep = OnceLock::<Handle>::new();
        let (layer, _) = crumbtrail::builder()
            .stack(Stack::Off)
            .sink(memory.clone())
            .sink(Keeps(Arc::new(keep)))
            .build()
            .unwrap();
        tracing_subscriber::registry().with(layer).init();
        KEPT.get().unwrap().clone()
    };
    (0..100).for_each(|_| fail("out of stock"));
    // The pipeline works on, and the ledger can be read.
    handle.flush(LONG).unwrap();
    assert_eq!(memory.events().len(), 10);
    assert_eq!((handle.stats().delivered, handle.stats().tallied), (10, 90));
    assert!(handle.stats().balances());
    // What comes now nobody waits for: it may be lost, and the exit does not hang.
    fail("at the very end");
}

/// Hands out the handle that it is attached to.
struct Keeps(Arc<OnceLock<Handle>>);

static KEPT: OnceLock<Handle> = OnceLock::new();

impl Sink for Keeps {
    fn deliver(&self, _: &TrackedEvent) -> Result<(), Lost> {
        Ok(())
    }

    fn attach(&self, handle: &Handle) {
        assert!(self.0.set(handle.clone()).is_ok() && KEPT.set(handle.clone()).is_ok());
    }
}
