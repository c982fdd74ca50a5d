//! What goes on beside delivery: hooks and sinks that panic or hang, and a transport that logs. None of it costs an event
//! that it is not about.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crumbtrail::{Handle, Lost, Memory, Sink, TrackedEvent};
use tracing_subscriber::prelude::*;

use crate::rig::{LONG, Rig, fault, lose, to};
use crate::server::{Absent, Act, Answer, Gate, KEY, Server};
use crate::support::{child, in_time, ledger_balances, role, until};

/// A sink that is a function.
struct Does<F>(F);

impl<F> Sink for Does<F>
where
    F: Fn(&TrackedEvent) -> Result<(), Lost> + Send + Sync + 'static,
{
    fn deliver(&self, event: &TrackedEvent) -> Result<(), Lost> {
        (self.0)(event)
    }
}

#[test]
fn a_sink_that_panics_costs_the_server_nothing() {
    let server = Server::answering(200);
    let rig = Rig::new(to(server.dsn()).sink(Does(|_: &_| panic!("a sink's own fault"))));
    lose(8);
    rig.flush();
    rig.ends(8, 8, &[]);
    assert_eq!(server.event_ids().len(), 8);
}

#[test]
fn a_hook_that_panics_costs_its_event_which_is_not_sent() {
    let server = Server::answering(200);
    let asked = AtomicU64::new(0);
    let rig = Rig::new(to(server.dsn()).before_send(move |event| {
        // An event that was not looked at to its end may be secret.
        assert!(!asked.fetch_add(1, Ordering::SeqCst).is_multiple_of(3), "a hook's own fault");
        Some(event)
    }));
    let ids = lose(9);
    rig.flush();
    let stats = ledger_balances(&rig.guard);
    assert_eq!((stats.accepted, stats.delivered, stats.lost[&Lost::HookPanicked]), (9, 6, 3));
    let arrived = server.event_ids();
    assert_eq!(arrived.len(), 6);
    assert!(ids.iter().step_by(3).all(|id| !arrived.contains(id)));
    assert_eq!(server.reported(), [("internal_sdk_error".to_owned(), 3)].into());
}

/// A sink that hangs until the other end is dropped.
struct Hangs(Mutex<Receiver<()>>);

impl Sink for Hangs {
    fn deliver(&self, _: &TrackedEvent) -> Result<(), Lost> {
        let _ = self.0.lock().expect("nobody panics with it").recv();
        Ok(())
    }
}

#[test]
fn a_sink_that_hangs_holds_up_delivery_but_no_deadline() {
    let server = Server::answering(200);
    let (go, hangs) = channel();
    let rig = Rig::new(to(server.dsn()).sink(Hangs(Mutex::new(hangs))));
    lose(10);
    rig.hand_out();
    until(LONG, || rig.guard.stats().busy_for > Duration::from_millis(20));
    for deadline in [0, 50].map(Duration::from_millis) {
        in_time("flush", deadline, || assert!(rig.guard.flush(deadline).is_err()));
    }
    assert_eq!(ledger_balances(&rig.guard).pending, 10);
    drop(go);
    rig.flush();
    rig.ends(10, 10, &[]);
    assert_eq!(server.event_ids().len(), 10);
}

#[test]
fn a_sink_that_is_slow_makes_no_caller_wait() {
    const EVENTS: u64 = 2_000;
    let server = Server::answering(200);
    let (go, hangs) = channel();
    let rig = Rig::new(to(server.dsn()).queue(16, 1 << 20).sink(Hangs(Mutex::new(hangs))));
    // That this loop ends is the point: the sink hangs all along.
    for _ in 0..EVENTS {
        tracing::error!(error = %fault(), "lost");
    }
    let stats = ledger_balances(&rig.guard);
    assert_eq!(stats.accepted, EVENTS);
    drop(go);
    rig.flush();
    let stats = ledger_balances(&rig.guard);
    assert_eq!(stats.delivered + stats.lost[&Lost::QueueOverflow], EVENTS, "{stats:?}");
    assert_eq!(server.event_ids().len() as u64, stats.delivered);
}

/// What a transport logs about its own work is not recorded: it would feed itself. With a global subscriber, which guards
/// against nothing, everything listened to, and the bridge from `log`.
#[test]
fn what_the_transport_logs_is_not_recorded() {
    const NAME: &str = "beside::what_the_transport_logs_is_not_recorded";
    const EVENTS: usize = 5;
    if role().is_none() {
        let server = Server::answering(200);
        let mut open = child("open", NAME);
        open.command.env("TEST_DSN", server.dsn());
        open.run().succeeded();
        assert_eq!(server.event_ids().len(), 2 * EVENTS);
        let absent = Absent::new();
        let mut away = child("away", NAME);
        away.command.env("TEST_DSN", absent.dsn());
        away.run().succeeded();
        #[cfg(feature = "_tls")]
        {
            let authority = crate::certificates::Authority::new();
            let identity = authority.issue("localhost", 2999);
            let server = Server::tls(identity.server(None), [Act::status(200)]);
            let mut secure = child("open", NAME);
            let dsn = format!("https://{KEY}@localhost:{}/42", server.address().port());
            secure.command.env("TEST_DSN", dsn).env("TEST_AUTHORITY", authority.pem());
            secure.run().succeeded();
            assert_eq!(server.event_ids().len(), 2 * EVENTS);
        }
        let _ = (KEY, Act::Silence);
        return;
    }
    let memory = Memory::new();
    let dsn = std::env::var("TEST_DSN").expect("the parent sets it");
    let clock = crumbtrail::Clock::manual();
    let builder = to(dsn).breadcrumbs("trace").spans("trace").clock(&clock).sink(memory.clone());
    #[cfg(feature = "_tls")]
    let builder = match std::env::var("TEST_AUTHORITY") {
        Ok(authority) => builder.ca_certificates(authority),
        Err(_) => builder,
    };
    let (layer, guard) = builder.build().expect("the settings are legal");
    // Another layer that wants everything.
    let everything = tracing_subscriber::fmt::layer().with_writer(std::io::sink);
    tracing_subscriber::registry().with(layer).with(everything).init();
    // The second time they carry what was logged since, and nothing of what was done to send the first.
    for _ in 0..2 {
        lose(EVENTS);
        let _ = guard.flush(Duration::ZERO);
        until(LONG, || {
            clock.advance(Duration::from_secs(15));
            guard.stats().pending == 0
        });
    }
    assert_eq!(memory.events().len(), 2 * EVENTS);
    for event in memory.events() {
        for crumb in &event.breadcrumbs {
            assert_eq!(
                (crumb.message.as_str(), crumb.target.as_str()),
                ("lost", "delivery::rig"),
                "{crumb:?}"
            );
        }
    }
    let stats = guard.stats();
    assert_eq!((stats.accepted, stats.delivered), (2 * EVENTS as u64, 2 * EVENTS as u64), "{stats:?}");
    // It did log.
    assert!(stats.recursion > 0, "{stats:?}");
}

/// A sink that flushes the pipeline that it is part of.
#[derive(Clone, Default)]
struct Flushes(Arc<Mutex<(Option<Handle>, u64)>>);

impl Sink for Flushes {
    fn deliver(&self, _: &TrackedEvent) -> Result<(), Lost> {
        let mut state = self.0.lock().expect("nobody panics with it");
        let flushed = state.0.as_ref().expect("it was attached").flush(Duration::MAX);
        assert!(flushed.expect_err("it would wait for itself").is_on_worker());
        state.1 += 1;
        Ok(())
    }

    fn attach(&self, handle: &Handle) {
        self.0.lock().expect("nobody panics with it").0 = Some(handle.clone());
    }
}

#[test]
fn a_flush_from_inside_a_sink_is_refused_at_once() {
    let gate = Gate::default();
    let server = Server::new([Act::Answer(Answer::new(200).behind(&gate))]);
    let sink = Flushes::default();
    let rig = Rig::new(to(server.dsn()).sink(sink.clone()));
    lose(3);
    rig.hand_out();
    until(LONG, || sink.0.lock().expect("nobody panics with it").1 == 3);
    assert_eq!(ledger_balances(&rig.guard).pending, 3);
    gate.open();
    rig.flush();
    rig.ends(3, 3, &[]);
}
