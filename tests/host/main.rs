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
#[cfg(all(unix, feature = "store"))]
mod herald;
#[cfg(test)]
mod shutdown;
#[cfg(test)]
mod sinks;
#[cfg(test)]
#[cfg(all(unix, feature = "store"))]
mod stores;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
#[cfg(test)]
#[cfg(all(unix, feature = "store"))]
#[path = "../support/terminal.rs"]
mod terminal;

#[cfg(test)]
mod prelude {
    //! What the tests here begin with.

    use std::io;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
    use crumbtrail::{CrumbLayer, Guard, Lost, Sink, Stack, Store, Throttle, TrackedEvent};
    use tracing_subscriber::Registry;
    use tracing_subscriber::prelude::*;

    pub(crate) use crate::support::{in_time, measured_in_time};

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
            .store(Store::Off)
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
}
