//! The layer among others: what it listens to, what it leaves alone, and what a host's own formatters may do to it.

#[cfg(test)]
mod alone;
#[cfg(test)]
mod formatters;
#[cfg(test)]
mod gate;
#[cfg(test)]
mod log_records;
#[cfg(test)]
mod reentry;
#[cfg(test)]
mod stacks;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
#[cfg(test)]
mod views;

#[cfg(test)]
mod prelude {
    //! What the tests here begin with.

    use std::io;
    use std::sync::{Arc, Mutex, PoisonError};

    use crumbtrail::{CrumbLayer, Guard, Memory, Stack, Throttle, TrackedEvent};
    use tracing::Subscriber;
    use tracing_subscriber::fmt::MakeWriter;
    use tracing_subscriber::registry::LookupSpan;

    /// A pipeline with the defaults but for the stack, whose symbols take their time and are not at stake here.
    pub(crate) fn pipeline<S>() -> (CrumbLayer<S>, Guard, Memory)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        pipeline_with(|builder| builder)
    }

    /// As [`pipeline`], with settings.
    pub(crate) fn pipeline_with<S>(
        set: impl FnOnce(crumbtrail::Builder) -> crumbtrail::Builder,
    ) -> (CrumbLayer<S>, Guard, Memory)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let memory = Memory::new();
        let builder = set(crumbtrail::builder()
            .throttle(Throttle::Off)
            .panics(false)
            .stack(Stack::Off)
            .sink(memory.clone()));
        let (layer, guard) = builder.build().expect("the settings are legal");
        (layer, guard, memory)
    }

    /// The messages of an event's trail, oldest first.
    pub(crate) fn trail(event: &TrackedEvent) -> Vec<&str> {
        event.breadcrumbs.iter().map(|crumb| crumb.message.as_str()).collect()
    }

    /// An error to be logged.
    pub(crate) fn fault() -> io::Error {
        io::Error::other("disk on fire")
    }

    /// What a `fmt` layer wrote.
    #[derive(Clone, Default)]
    pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Lines {
        pub(crate) fn text(&self) -> String {
            let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
            String::from_utf8(bytes).expect("fmt writes UTF-8")
        }
    }

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Lines {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }
}
