//! Whose breadcrumbs an event carries: with thousands of requests alive at once, every one of its own and none of
//! another's.
//!
//! Each request logs WARNs that name it, in the shape of program that the line says, and then an ERROR with an error. All
//! requests of a shape wait for one another before each step, so all of them are alive until the last has failed. A sink
//! looks at every event. Excluded: how long any of it takes, and more crumbs at once than the ring holds.

#[path = "harness/report.rs"]
mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crumbtrail::{Lost, Sink, TrackedEvent};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Barrier;
use tokio::task::{JoinSet, spawn_blocking, yield_now};
use tracing::{Instrument, Span, error, info_span, instrument, warn};
use tracing_subscriber::prelude::*;

use report::{Figure, Report};

/// Requests alive at once.
const REQUESTS: u64 = 5_000;
/// Jobs under one worker's span.
const JOBS: u64 = 50;
/// WARNs of one request.
const STEPS: u64 = 3;
const WORKERS: usize = 4;
const FLUSH: Duration = Duration::from_secs(60);

fn main() -> Result<(), Box<dyn Error>> {
    if !report::is_bench_run()? {
        return Ok(());
    }
    let mut report = Report::new("fidelity");
    let judge = Judge::default();
    let (layer, guard) = crumbtrail::builder()
        .lanes("[job]")
        .queue(2 * REQUESTS as usize, 1024 * 1024 * 1024)
        .sink(judge.clone())
        .build()?;
    tracing_subscriber::registry().with(layer).try_init()?;
    let runtime = Builder::new_multi_thread().worker_threads(WORKERS).enable_time().build()?;

    let shapes: [(&str, u64, Start); 9] = [
        ("awaits in an instrumented handler", REQUESTS, |request| each(request, awaits)),
        ("nested instrumented calls", REQUESTS, |request| each(request, nested)),
        ("spawned children in the current span", REQUESTS, |request| each(request, spawned)),
        ("join! of instrumented branches", REQUESTS, |request| each(request, joined)),
        ("select! that drops the loser", REQUESTS, |request| each(request, selected)),
        ("tasks without a span", REQUESTS, |request| each(request, without_span)),
        ("spawn_blocking in the span", REQUESTS, |request| each(request, blocking)),
        ("jobs at once under one worker's span", JOBS, jobs_at_once),
        ("jobs in turn under one worker's span", JOBS, jobs_in_turn),
    ];
    for (shape, requests, start) in shapes {
        meet(&runtime, requests, start)?;
        guard.flush(FLUSH)?;
        judge.settle(shape, requests, &mut report);
    }
    // A judge that finds nothing here would find nothing anywhere.
    meet(&runtime, JOBS, errands_at_once)?;
    guard.flush(FLUSH)?;
    judge.settle_control("control, crumbs of others: jobs that lanes(..) does not name", &mut report);
    let stats = guard.stats();
    let detail = format!("{} accepted, {} lost", stats.accepted, stats.lost_total());
    percent(&mut report, "events delivered", stats.delivered, stats.accepted, &detail);
    report.finish(
        env!("CARGO_MANIFEST_DIR"),
        "benches/README.md",
        &["crumbtrail", "tracing", "tracing-subscriber", "tokio"],
    )
}

/// Starts all requests of a shape, like the one it is given.
type Start = fn(Request) -> JoinSet<()>;

/// Runs all requests of a shape to their end.
fn meet(runtime: &Runtime, requests: u64, start: fn(Request) -> JoinSet<()>) -> Result<(), Box<dyn Error>> {
    let barrier = Arc::new(Barrier::new(requests as usize));
    runtime.block_on(async {
        let mut tasks = start(Request { number: 0, requests, barrier });
        while let Some(ended) = tasks.join_next().await {
            ended?;
        }
        Ok(())
    })
}

/// One request of a shape.
#[derive(Debug, Clone)]
struct Request {
    number: u64,
    requests: u64,
    barrier: Arc<Barrier>,
}

impl Request {
    /// Waits until all requests have come so far.
    async fn meet(&self) {
        self.barrier.wait().await;
    }

    /// One WARN, once all requests have come so far.
    async fn step(&self, step: u64) {
        self.meet().await;
        warn!(request = self.number, step, "a step");
        yield_now().await;
    }

    /// The ERROR.
    async fn fail(&self) {
        self.meet().await;
        let error = io::Error::other("out of stock");
        error!(request = self.number, error = &error as &dyn Error, "it failed");
    }
}

/// A task for each request.
fn each<F>(first: Request, run: fn(Request) -> F) -> JoinSet<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for number in 0..first.requests {
        tasks.spawn(run(Request { number, ..first.clone() }));
    }
    tasks
}

#[instrument(skip_all)]
async fn awaits(request: Request) {
    for step in 0..STEPS {
        request.step(step).await;
    }
    request.fail().await;
}

#[instrument(skip_all)]
async fn nested(request: Request) {
    request.step(0).await;
    outer(&request).await;
}

#[instrument(skip_all)]
async fn outer(request: &Request) {
    request.step(1).await;
    inner(request).await;
}

#[instrument(skip_all)]
async fn inner(request: &Request) {
    request.step(2).await;
    request.fail().await;
}

#[instrument(skip_all)]
async fn spawned(request: Request) {
    request.step(0).await;
    let child = request.clone();
    let child = tokio::spawn(
        async move {
            child.step(1).await;
            child.step(2).await;
        }
        .in_current_span(),
    );
    // A child that panicked is missed by the judge.
    let _ = child.await;
    request.fail().await;
}

#[instrument(skip_all)]
async fn joined(request: Request) {
    request.meet().await;
    let number = request.number;
    let branch = |step: u64| {
        let work = async move {
            yield_now().await;
            warn!(request = number, step, "a step");
            yield_now().await;
        };
        work.instrument(info_span!("branch", step))
    };
    tokio::join!(branch(0), branch(1), branch(2));
    request.fail().await;
}

#[instrument(skip_all)]
async fn selected(request: Request) {
    request.step(0).await;
    let loser = async {
        warn!(request = request.number, step = 1_u64, "a step");
        std::future::pending::<()>().await;
    };
    let winner = async {
        yield_now().await;
        warn!(request = request.number, step = 2_u64, "a step");
    };
    tokio::select! {
        biased;
        () = loser.instrument(info_span!("loser")) => {}
        () = winner.instrument(info_span!("winner")) => {}
    }
    request.fail().await;
}

async fn without_span(request: Request) {
    for step in 0..STEPS {
        request.step(step).await;
    }
    request.fail().await;
}

#[instrument(skip_all)]
async fn blocking(request: Request) {
    request.step(0).await;
    let number = request.number;
    let span = Span::current();
    let work = move || {
        span.in_scope(|| {
            for step in 1..STEPS {
                warn!(request = number, step, "a step");
            }
        });
    };
    // One that panicked is missed by the judge.
    let _ = spawn_blocking(work).await;
    request.fail().await;
}

/// All jobs in tasks of their own, under the span of the worker that started them.
fn jobs_at_once(first: Request) -> JoinSet<()> {
    at_once(first, |request| info_span!("job", number = request.number))
}

/// The same, by a name that makes no lane.
fn errands_at_once(first: Request) -> JoinSet<()> {
    at_once(first, |request| info_span!("errand", number = request.number))
}

fn at_once(first: Request, span: fn(&Request) -> Span) -> JoinSet<()> {
    let worker = info_span!("worker");
    let mut tasks = JoinSet::new();
    for number in 0..first.requests {
        let request = Request { number, ..first.clone() };
        let span = worker.in_scope(|| span(&request));
        tasks.spawn(without_span(request).instrument(span).instrument(worker.clone()));
    }
    tasks
}

/// One job after the other in the worker's own task.
fn jobs_in_turn(first: Request) -> JoinSet<()> {
    let worker = async move {
        let alone = Arc::new(Barrier::new(1));
        for number in 0..first.requests {
            let job = without_span(Request { number, requests: 1, barrier: Arc::clone(&alone) });
            job.instrument(info_span!("job", number)).await;
        }
    };
    let mut tasks = JoinSet::new();
    tasks.spawn(worker.instrument(info_span!("worker")));
    tasks
}

/// A sink that looks at the breadcrumbs of every event.
#[derive(Debug, Clone, Default)]
struct Judge(Arc<Mutex<Verdicts>>);

/// What came of one shape so far.
#[derive(Debug, Default)]
struct Verdicts {
    /// Steps found by request.
    own: BTreeMap<u64, BTreeSet<u64>>,
    foreign: u64,
    /// A crumb that an event carries twice.
    repeated: u64,
}

impl Sink for Judge {
    fn deliver(&self, event: &TrackedEvent) -> Result<(), Lost> {
        let mut verdicts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let request = event.fields.get("request").and_then(Value::as_u64);
        let mut own = BTreeSet::new();
        for crumb in &event.breadcrumbs {
            let named = |name| crumb.data.get(name).and_then(Value::as_u64);
            match named("step") {
                Some(step) if named("request") == request => {
                    verdicts.repeated += u64::from(!own.insert(step))
                }
                _ => verdicts.foreign += 1,
            }
        }
        if let Some(request) = request
            && verdicts.own.insert(request, own).is_some()
        {
            verdicts.repeated += 1;
        }
        Ok(())
    }
}

impl Judge {
    /// Reports a shape and begins the next.
    fn settle(&self, shape: &str, requests: u64, report: &mut Report) {
        let verdicts = self.take();
        let own = verdicts.own.values().map(|steps| steps.len() as u64).sum();
        let detail = format!("{requests} of them, {STEPS} crumbs each, {} repeated", verdicts.repeated);
        percent(report, &format!("own crumbs: {shape}"), own, requests * STEPS, &detail);
        let foreign = Figure { value: (verdicts.foreign + verdicts.repeated) as f64, unit: "", decimals: 0 };
        report.judge(&format!("crumbs of others: {shape}"), foreign, "<= 0", "");
    }

    /// Reports a shape of which it is known that it mixes.
    fn settle_control(&self, name: &str, report: &mut Report) {
        let foreign = Figure { value: self.take().foreign as f64, unit: "", decimals: 0 };
        report.judge(name, foreign, ">= 1", "");
    }

    fn take(&self) -> Verdicts {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn percent(report: &mut Report, name: &str, part: u64, whole: u64, detail: &str) {
    let figure = Figure { value: 100.0 * part as f64 / whole as f64, unit: " %", decimals: 2 };
    report.judge(name, figure, ">= 100", &format!("{part} of {whole}; {detail}"));
}
