//! Threads that do the work and time it.
//!
//! They did not build the subscriber, as a service's did not, and live as long as the process, so that what a thread pays
//! once is paid before the first figure.

use std::fs;
use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Instant;

use crate::failure::Failure;
use crate::work::{Job, Operation, repeat, within};

/// Threads that wait for work.
#[derive(Debug)]
pub(crate) struct Crew(Vec<(Sender<Order>, Receiver<Done>)>);

/// A thread of the crew has ended.
#[derive(Debug)]
pub(crate) struct Gone;

#[derive(Debug)]
struct Order {
    job: Job,
    times: u64,
    /// How many threads are ready.
    ready: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct Done {
    begun: Instant,
    ended: Instant,
    /// Nanoseconds of one repetition.
    each_ns: f64,
    /// The kernel gave the core to somebody else meanwhile, and the figure is the worse for it.
    preempted: bool,
}

/// How often a batch that was disturbed is repeated before its round goes without it.
const TRIES: usize = 60;

impl Crew {
    pub(crate) fn new(threads: usize) -> Self {
        let hire = |_| {
            let (orders, todo) = channel::<Order>();
            let (done, results) = channel();
            thread::spawn(move || {
                for order in todo {
                    if done.send(order.perform()).is_err() {
                        return;
                    }
                }
            });
            (orders, results)
        };
        Self((0..threads).map(hire).collect())
    }

    /// Nanoseconds of one repetition, as the threads saw it in the mean; an error where a thread has ended.
    ///
    /// A batch in which a thread was preempted, or in which two threads were not at it at the same time, says nothing
    /// about the work and is repeated: on a machine that has other things to do, two threads seldom meet by chance.
    /// None where that did not help.
    pub(crate) fn measure(&self, job: Job, times: u64) -> Result<Option<f64>, Gone> {
        for _ in 0..TRIES {
            let batch = self.once(job, times).ok_or(Gone)?;
            if batch.iter().all(|done| !done.preempted) && is_together(&batch) {
                let each = batch.iter().map(|done| done.each_ns);
                return Ok(Some(each.sum::<f64>() / batch.len() as f64));
            }
        }
        Ok(None)
    }

    fn once(&self, job: Job, times: u64) -> Option<Vec<Done>> {
        let ready = Arc::new(AtomicUsize::new(0));
        let crew = self.0.get(..job.threads)?;
        for (orders, _) in crew {
            orders.send(Order { job, times, ready: Arc::clone(&ready) }).ok()?;
        }
        crew.iter().map(|(_, results)| results.recv().ok()).collect()
    }
}

/// Whether the threads of a batch were at it at the same time, but for a fifth of it.
fn is_together(batch: &[Done]) -> bool {
    let begun = batch.iter().map(|done| done.begun);
    let ended = batch.iter().map(|done| done.ended);
    let (Some(first), Some(last)) = (begun.clone().min(), ended.clone().max()) else { return false };
    let (Some(begun), Some(ended)) = (begun.max(), ended.min()) else { return false };
    ended.saturating_duration_since(begun) > last.duration_since(first).mul_f64(0.8)
}

impl Order {
    fn perform(&self) -> Done {
        within(self.job.depth, || {
            repeat(self.job.operation, self.times / 2 + 1);
            if let Operation::Error(failure) = self.job.operation {
                return median(failure, self.times);
            }
            let before = preemptions();
            self.ready.fetch_add(1, Ordering::SeqCst);
            while self.ready.load(Ordering::SeqCst) < self.job.threads {
                spin_loop();
            }
            let begun = Instant::now();
            repeat(self.job.operation, self.times);
            let ended = Instant::now();
            let each_ns = ended.duration_since(begun).as_nanos() as f64 / self.times as f64;
            Done { begun, ended, each_ns, preempted: preemptions() != before }
        })
    }
}

/// Each call timed by itself; their median does not ask what disturbed one of them.
fn median(failure: Failure, times: u64) -> Done {
    let mut calls = Vec::new();
    let begun = Instant::now();
    failure.each(times, &mut |call| {
        let begun = Instant::now();
        call();
        calls.push(begun.elapsed());
    });
    let ended = Instant::now();
    calls.sort();
    let each_ns = calls.get(calls.len() / 2).map_or(f64::NAN, |call| call.as_nanos() as f64);
    Done { begun, ended, each_ns, preempted: false }
}

/// How often this thread lost its core against its will; always the same where the system does not say.
fn preemptions() -> Option<u64> {
    let status = fs::read_to_string("/proc/thread-self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("nonvoluntary_ctxt_switches:")?.trim().parse().ok())
}
