//! Lanes across everything a runtime does with a request: awaits, tasks, threads, many at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crumbtrail::{TrackedEvent, TrailSource};
use tokio::sync::{Barrier, mpsc, oneshot};
use tokio::task::{JoinSet, spawn_blocking, yield_now};
use tracing::{Instrument, Span, info_span, instrument, warn};

use crate::rig::{Rig, fail, trail};

/// What a request logs that is in its trail, whatever the order of its branches.
const STEPS: [&str; 9] = [
    "begins",
    "nested, before",
    "nested, after",
    "child task",
    "branch a",
    "branch b",
    "selected",
    "blocking",
    "ends",
];

#[instrument(skip_all)]
async fn nested(request: usize, barrier: &Barrier) {
    warn!("{request} nested, before");
    // All requests are alive here.
    barrier.wait().await;
    deeper(request).await;
}

#[instrument(skip_all)]
async fn deeper(request: usize) {
    yield_now().await;
    warn!("{request} nested, after");
}

async fn branch(request: usize, name: &'static str, yields: usize) {
    for _ in 0..yields {
        yield_now().await;
    }
    warn!("{request} {name}");
}

async fn request(request: usize, barrier: Arc<Barrier>) {
    warn!("{request} begins");
    yield_now().await;
    nested(request, &barrier).await;
    let child = tokio::spawn(branch(request, "child task", 2).in_current_span());
    tokio::join!(
        branch(request, "branch a", 1).instrument(info_span!("a")),
        branch(request, "branch b", 3).instrument(info_span!("b")),
    );
    child.await.unwrap();
    let (never, nothing) = oneshot::channel::<()>();
    tokio::select! {
        () = branch(request, "selected", 1).instrument(info_span!("selected")) => {}
        _ = nothing => unreachable!("nobody sends"),
    }
    drop(never);
    let span = Span::current();
    spawn_blocking(move || span.in_scope(|| warn!("{request} blocking"))).await.unwrap();
    yield_now().await;
    warn!("{request} ends");
    fail(request);
}

/// Every request's event holds all of its own steps, each once, and nothing else.
fn all_complete_and_unmixed(events: &[TrackedEvent], requests: usize) {
    assert_eq!(events.len(), requests);
    for event in events {
        let request = event.message.as_deref().unwrap();
        let steps = STEPS.map(|step| format!("{request} {step}"));
        let trail = trail(event);
        let position: HashMap<&str, usize> = trail.iter().enumerate().map(|(at, step)| (*step, at)).collect();
        assert_eq!(trail.len(), STEPS.len(), "{request}: {trail:?}");
        assert!(steps.iter().all(|step| position.contains_key(step.as_str())), "{request}: {trail:?}");
        // Where one step waits for another, the trail shows it.
        let at = |step: usize| position[steps[step].as_str()];
        assert!(at(0) < at(1) && at(1) < at(2) && at(2) < at(3).min(at(4)).min(at(5)), "{trail:?}");
        assert!(at(3).max(at(4)).max(at(5)) < at(6) && at(6) < at(7) && at(7) < at(8), "{trail:?}");
        assert!(!event.trail_cut);
        assert_eq!(event.trail, TrailSource::Span);
    }
}

#[test]
fn a_thousand_requests_alive_at_once_keep_their_trails() {
    const REQUESTS: usize = 1_000;
    let rig = Rig::new();
    rig.block_on(4, async {
        let barrier = Arc::new(Barrier::new(REQUESTS));
        let mut all = JoinSet::new();
        for number in 0..REQUESTS {
            let span = if number % 2 == 0 {
                info_span!("request", number, otel.kind = "server")
            } else {
                info_span!("request", number)
            };
            all.spawn(request(number, Arc::clone(&barrier)).instrument(span));
        }
        all.join_all().await;
    });
    all_complete_and_unmixed(&rig.events(), REQUESTS);
}

#[test]
fn fifty_jobs_under_one_worker_span_keep_their_trails() {
    const JOBS: usize = 50;
    let rig = Rig::with(|builder| builder.lanes("lanes[job]"));
    let worker = async {
        let barrier = Arc::new(Barrier::new(JOBS));
        let mut all = JoinSet::new();
        for number in 0..JOBS {
            all.spawn(request(number, Arc::clone(&barrier)).instrument(info_span!("job", number)));
        }
        all.join_all().await;
    };
    rig.block_on(4, async {
        tokio::spawn(worker.instrument(info_span!("worker"))).await.unwrap();
    });
    let events = rig.events();
    all_complete_and_unmixed(&events, JOBS);
    assert!(events.iter().all(|event| event.culprit == "worker"));
}

#[test]
fn on_a_current_thread_runtime_requests_keep_their_trails() {
    const REQUESTS: usize = 100;
    let rig = Rig::new();
    rig.on_thread(|| {
        let dispatch = tracing::dispatcher::get_default(Clone::clone);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .on_thread_start(move || std::mem::forget(tracing::dispatcher::set_default(&dispatch)))
            .build()
            .unwrap();
        runtime.block_on(async {
            let barrier = Arc::new(Barrier::new(REQUESTS));
            let mut all = JoinSet::new();
            for number in 0..REQUESTS {
                all.spawn(request(number, Arc::clone(&barrier)).instrument(info_span!("request")));
            }
            all.join_all().await;
        });
    });
    all_complete_and_unmixed(&rig.events(), REQUESTS);
}

#[test]
fn a_span_that_outlives_its_task_takes_its_lane_along() {
    let rig = Rig::new();
    rig.block_on(4, async {
        let (sender, mut receiver) = mpsc::channel::<Span>(1);
        let first = async move {
            warn!("first task");
            sender.send(Span::current()).await.unwrap();
        };
        tokio::spawn(first.instrument(info_span!("message"))).await.unwrap();
        let span = receiver.recv().await.unwrap();
        let second = async {
            warn!("second task");
            tokio::time::timeout(Duration::from_secs(5), yield_now()).await.unwrap();
            fail("failed");
        };
        tokio::spawn(second.instrument(span)).await.unwrap();
    });
    assert_eq!(trail(&rig.event()), ["first task", "second task"]);
}

#[test]
fn a_future_that_is_dropped_half_way_leaves_nothing_to_the_next() {
    let rig = Rig::new();
    rig.block_on(1, async {
        let both = async {
            let abandoned = async {
                warn!("abandoned");
                std::future::pending::<()>().await;
            };
            tokio::select! {
                biased;
                () = abandoned.instrument(info_span!("abandoned")) => {}
                () = yield_now() => {}
            }
            async { fail("failed") }.instrument(info_span!("next")).await;
        };
        tokio::spawn(both).await.unwrap();
    });
    assert_eq!(trail(&rig.event()), [""; 0]);
}
