//! The host's safety: whatever sinks, formatters, shutdowns and exits do, the program goes on, and nothing is lost
//! uncounted.

#[cfg(test)]
mod deadlines;
#[cfg(test)]
mod environment;
#[cfg(test)]
mod exits;
#[cfg(test)]
mod faces;
#[cfg(test)]
mod filters;
#[cfg(test)]
mod flush_async;
#[cfg(test)]
mod shutdown;
#[cfg(test)]
mod sinks;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod prelude {
    //! What the tests here begin with.

    use std::io;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::{Duration, Instant};

    use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
    use crumbtrail::{CrumbLayer, Guard, Lost, Sink, Stack, Throttle, TrackedEvent};
    use tracing_subscriber::Registry;
    use tracing_subscriber::prelude::*;

    /// An error to be logged.
    pub(crate) fn fault() -> io::Error {
        io::Error::other("disk on fire")
    }

    /// A pipeline into that sink, without the stack, whose symbols take their time.
    pub(crate) fn pipeline(sink: impl Sink) -> (CrumbLayer<Registry>, Guard) {
        crumbtrail::builder()
            .throttle(Throttle::Off)
            .panics(false)
            .stack(Stack::Off)
            .sink(sink)
            .build()
            .expect("the settings are legal")
    }

    /// The same, with its layer as this thread's subscriber.
    pub(crate) fn registered(sink: impl Sink) -> (tracing::subscriber::DefaultGuard, Guard) {
        let (layer, guard) = pipeline(sink);
        (tracing_subscriber::registry().with(layer).set_default(), guard)
    }

    /// Logs one ERROR with an error.
    pub(crate) fn lose_one() {
        tracing::error!(error = %fault(), "lost");
    }

    /// A sink that hangs in every event until it is let go.
    pub(crate) struct Held {
        entered: Sender<()>,
        go: Receiver<()>,
        pub(crate) delivered: Arc<AtomicU64>,
    }

    /// The other end of a [`Held`].
    pub(crate) struct Holder {
        entered: Receiver<()>,
        go: Sender<()>,
        delivered: Arc<AtomicU64>,
    }

    pub(crate) fn held() -> (Held, Holder) {
        let (entered, has_entered) = unbounded();
        // Without room: to let one go is to have met it.
        let (let_go, go) = bounded(0);
        let delivered = Arc::<AtomicU64>::default();
        let holder = Holder { entered: has_entered, go: let_go, delivered: Arc::clone(&delivered) };
        (Held { entered, go, delivered }, holder)
    }

    impl Sink for Held {
        fn deliver(&self, _: &TrackedEvent) -> Result<(), Lost> {
            let _ = self.entered.send(());
            // Ends when the holder is gone, too.
            let _ = self.go.recv();
            self.delivered.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
    }

    impl Holder {
        /// Waits until the sink hangs in an event.
        pub(crate) fn hangs(&self) {
            self.entered.recv_timeout(Duration::from_secs(10)).expect("the event arrives");
        }

        /// Lets it go on with one event.
        pub(crate) fn let_one_go(&self) {
            self.go.send_timeout((), Duration::from_secs(10)).expect("the sink hangs in an event");
        }

        pub(crate) fn delivered(&self) -> u64 {
            self.delivered.load(Ordering::Relaxed)
        }

        /// Lets it go on with whatever comes.
        pub(crate) fn let_all_go(self) -> Arc<AtomicU64> {
            self.delivered
        }
    }

    /// What a call may take beyond its deadline.
    pub(crate) const OVERRUN: Duration = Duration::from_millis(50);

    /// Asserts that `call` returns no later than [`OVERRUN`] after its deadline.
    #[track_caller]
    pub(crate) fn in_time(name: &str, deadline: Duration, mut call: impl FnMut()) {
        measured_in_time(name, deadline, || {
            let begun = Instant::now();
            call();
            begun.elapsed()
        });
    }

    /// Asserts that what `measure` returns is no longer than the deadline and [`OVERRUN`].
    ///
    /// On a machine whose cores are all taken, the scheduler alone may hold a thread back for longer than that, so a
    /// late call is tried again, four times; one that waits for anything but its deadline is late every time.
    #[track_caller]
    pub(crate) fn measured_in_time(name: &str, deadline: Duration, mut measure: impl FnMut() -> Duration) {
        let mut best = Duration::MAX;
        for _ in 0..5 {
            best = best.min(measure().saturating_sub(deadline));
            if best <= OVERRUN {
                println!("{name}: {best:?} beyond its deadline of {deadline:?}");
                return;
            }
        }
        panic!("{name} returns {best:?} beyond its deadline of {deadline:?}");
    }
}
