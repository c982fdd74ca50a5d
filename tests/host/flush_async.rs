//! `flush_async`: on any runtime, or on none; it never holds up the thread that polls it.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use crumbtrail::Memory;

use crate::prelude::{held, in_time, lose_one, registered};
use crate::support::{ledger_balances, until};

const LONG: Duration = Duration::from_secs(10);

/// The smallest runtime there is.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unparks(Thread);

    impl Wake for Unparks {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unparks(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(answer) => return answer,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn it_waits_for_the_sink_without_a_runtime() {
    let memory = Memory::new();
    let (_default, guard) = registered(memory);
    let handle = guard.handle();
    lose_one();
    assert_eq!(block_on(handle.flush_async(LONG)), Ok(()));
    assert_eq!(ledger_balances(&guard).delivered, 1);
    // The future belongs to nobody: the handle and the guard may be gone.
    let flush = handle.flush_async(LONG);
    drop((handle, guard));
    assert_eq!(block_on(flush), Ok(()));
}

#[test]
fn it_leaves_a_current_thread_runtime_its_thread() {
    let (sink, holder) = held();
    let (_default, guard) = registered(sink);
    lose_one();
    holder.hangs();
    let handle = guard.handle();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime can be had");
    runtime.block_on(async {
        let flush = tokio::spawn(async move { handle.flush_async(LONG).await });
        let other = tokio::spawn(async move {
            // The flush is being waited for on this very thread.
            tokio::task::yield_now().await;
            drop(holder);
        });
        assert_eq!(flush.await.expect("a flush does not panic"), Ok(()));
        other.await.expect("the other task ran");
    });
    assert_eq!(ledger_balances(&guard).delivered, 1);
}

#[test]
fn it_keeps_its_deadline() {
    let (sink, holder) = held();
    let (_default, guard) = registered(sink);
    lose_one();
    holder.hangs();
    let handle = guard.handle();
    for deadline in [0, 20, 200].map(Duration::from_millis) {
        in_time("flush_async", deadline, || {
            assert!(block_on(handle.flush_async(deadline)).is_err_and(|late| late.is_deadline()));
        });
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime can be had");
    let deadline = Duration::from_millis(50);
    in_time("flush_async on a runtime", deadline, || {
        assert!(runtime.block_on(handle.flush_async(deadline)).is_err());
    });
    drop(holder);
    assert_eq!(guard.flush(LONG), Ok(()));
    ledger_balances(&guard);
}

#[test]
fn it_may_be_dropped_polled_twice_and_handed_on() {
    struct Notes(AtomicBool);

    impl Wake for Notes {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    let (sink, holder) = held();
    let (_default, guard) = registered(sink);
    lose_one();
    holder.hangs();
    let handle = guard.handle();
    drop(handle.flush_async(Duration::from_millis(1)));
    {
        let notes = Arc::new(Notes(AtomicBool::new(false)));
        let waker = Waker::from(Arc::clone(&notes));
        let mut first = pin!(handle.flush_async(Duration::from_millis(1)));
        let _ = first.as_mut().poll(&mut Context::from_waker(&waker));
        // Dropped while it is waited for: its waker may be called, and nobody minds.
    }
    let (old, new) = (Arc::new(Notes(AtomicBool::new(false))), Arc::new(Notes(AtomicBool::new(false))));
    let mut flush = Box::pin(handle.flush_async(LONG));
    for notes in [&old, &new] {
        let waker = Waker::from(Arc::clone(notes));
        assert!(flush.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    drop(holder);
    // The newest waker is the one that counts.
    until(LONG, || new.0.load(Ordering::Relaxed));
    assert!(!old.0.load(Ordering::Relaxed));
    let answer = thread::spawn(move || block_on(flush)).join().expect("a flush does not panic");
    assert_eq!(answer, Ok(()));
    ledger_balances(&guard);
}

#[test]
fn a_handle_works_after_its_guard_and_after_its_layer() {
    let memory = Memory::new();
    let (default, guard) = registered(memory.clone());
    let handle = guard.handle();
    drop(guard);
    lose_one();
    assert_eq!(handle.flush(LONG), Ok(()));
    assert_eq!(handle.stats().delivered, 1);
    drop(default);
    assert_eq!(handle.clone().flush(LONG), Ok(()));
    assert_eq!(block_on(handle.flush_async(LONG)), Ok(()));
    assert_eq!(memory.events().len(), 1);
}
