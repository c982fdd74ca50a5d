//! The errors that crumbtrail's own interface returns. None of them ever shows a key or a secret.

use std::fmt;
#[cfg(feature = "store")]
use std::path::{Path, PathBuf};

/// Why [`Builder::build`](crate::Builder::build) refused: something in the program's own code is wrong.
///
/// What is wrong in the *environment* is never an error: it turns that one setting off, loudly, and the service goes
/// on.
#[derive(Debug)]
pub struct BuildError(Kind);

#[derive(Debug)]
enum Kind {
    #[cfg(feature = "_tls")]
    Certificate {
        why: &'static str,
    },
    Directive {
        setting: &'static str,
        text: String,
        why: String,
    },
    #[cfg(feature = "sentry")]
    Dsn {
        why: &'static str,
    },
    Queue {
        most: usize,
    },
    SampleRate,
    ScrubKey,
    #[cfg(feature = "store")]
    Store {
        path: PathBuf,
        why: String,
    },
    Throttle,
}

impl BuildError {
    pub(crate) fn directive(setting: &'static str, text: &str, why: impl fmt::Display) -> Self {
        Self(Kind::Directive { setting, text: text.to_owned(), why: why.to_string() })
    }

    #[cfg(feature = "sentry")]
    pub(crate) fn dsn(why: &'static str) -> Self {
        Self(Kind::Dsn { why })
    }

    #[cfg(feature = "_tls")]
    pub(crate) fn certificate(why: &'static str) -> Self {
        Self(Kind::Certificate { why })
    }

    pub(crate) fn queue(most: usize) -> Self {
        Self(Kind::Queue { most })
    }

    pub(crate) fn sample_rate() -> Self {
        Self(Kind::SampleRate)
    }

    pub(crate) fn scrub_key() -> Self {
        Self(Kind::ScrubKey)
    }

    #[cfg(feature = "store")]
    pub(crate) fn store(path: &Path, why: impl fmt::Display) -> Self {
        Self(Kind::Store { path: path.to_owned(), why: why.to_string() })
    }

    pub(crate) fn throttle() -> Self {
        Self(Kind::Throttle)
    }

    /// A directive of `breadcrumbs`, `spans` or `lanes` could not be read.
    pub fn is_directive(&self) -> bool {
        matches!(self.0, Kind::Directive { .. })
    }

    /// The DSN cannot be used; the message says which part of it is wrong, and shows nothing of it.
    #[cfg(feature = "sentry")]
    pub fn is_dsn(&self) -> bool {
        matches!(self.0, Kind::Dsn { .. })
    }

    /// A certificate, or the key to one, cannot be read.
    #[cfg(feature = "_tls")]
    pub fn is_certificate(&self) -> bool {
        matches!(self.0, Kind::Certificate { .. })
    }

    /// The queue was given no room for a single event, or more places than
    /// [`limits::QUEUE_ITEMS_MOST`](crate::limits::QUEUE_ITEMS_MOST).
    pub fn is_queue(&self) -> bool {
        matches!(self.0, Kind::Queue { .. })
    }

    /// A name of [`Builder::scrub_keys`](crate::Builder::scrub_keys) had neither a letter nor a digit: it would be part of
    /// every name.
    pub fn is_scrub_key(&self) -> bool {
        matches!(self.0, Kind::ScrubKey)
    }

    /// The file of [`Builder::store`](crate::Builder::store) cannot be opened or made; the message says why.
    #[cfg(feature = "store")]
    pub fn is_store(&self) -> bool {
        matches!(self.0, Kind::Store { .. })
    }

    /// A limit of the throttle was zero: nothing would ever be told.
    pub fn is_throttle(&self) -> bool {
        matches!(self.0, Kind::Throttle)
    }

    /// The sample rate was no number from 0 to 1.
    pub fn is_sample_rate(&self) -> bool {
        matches!(self.0, Kind::SampleRate)
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Directive { setting, text, why } => {
                write!(f, "the {setting} directives {text:?} cannot be read: {why}")
            }
            #[cfg(feature = "_tls")]
            Kind::Certificate { why } => f.write_str(why),
            #[cfg(feature = "sentry")]
            Kind::Dsn { why } => {
                write!(f, "the DSN cannot be used: {why}; its form is https://key@host/project")
            }
            #[cfg(feature = "store")]
            Kind::Store { path, why } => write!(f, "the store {} cannot be used: {why}", path.display()),
            Kind::Throttle => {
                f.write_str("each limit of the throttle must be at least 1; Throttle::Off tells everything")
            }
            Kind::ScrubKey => f.write_str("a name of secrets needs a letter or a digit"),
            Kind::SampleRate => f.write_str("the sample rate must be a number from 0 to 1"),
            Kind::Queue { most } => {
                write!(f, "the queue needs room for one to {most} items, and for a byte at least")
            }
        }
    }
}

impl std::error::Error for BuildError {}

/// Why a flush returned before everything captured had been delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlushError(Unflushed);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unflushed {
    Deadline { pending: u64 },
    OnWorker,
    WorkerGone,
    NoThread,
}

impl FlushError {
    pub(crate) fn deadline(pending: u64) -> Self {
        Self(Unflushed::Deadline { pending })
    }

    pub(crate) fn on_worker() -> Self {
        Self(Unflushed::OnWorker)
    }

    pub(crate) fn worker_gone() -> Self {
        Self(Unflushed::WorkerGone)
    }

    pub(crate) fn no_thread() -> Self {
        Self(Unflushed::NoThread)
    }

    /// The time was up; what was left goes on being delivered.
    pub fn is_deadline(&self) -> bool {
        matches!(self.0, Unflushed::Deadline { .. })
    }

    /// It was called on crumbtrail's own thread (from inside a sink), where waiting for that thread would hang.
    pub fn is_on_worker(&self) -> bool {
        matches!(self.0, Unflushed::OnWorker)
    }

    /// No thread could be had to wait on, for [`flush_async`](crate::Handle::flush_async).
    pub fn is_no_thread(&self) -> bool {
        matches!(self.0, Unflushed::NoThread)
    }

    /// The worker is not running: it could not be started, it has been shut down with events still waiting, or it is in the
    /// process that this one was forked from.
    pub fn is_worker_gone(&self) -> bool {
        matches!(self.0, Unflushed::WorkerGone)
    }
}

impl fmt::Display for FlushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Unflushed::Deadline { pending } => {
                write!(f, "the time was up with {pending} events still waiting")
            }
            Unflushed::OnWorker => f.write_str("a flush cannot wait for the thread it is called on"),
            Unflushed::NoThread => f.write_str("no thread could be started to wait on"),
            Unflushed::WorkerGone => f.write_str("crumbtrail's worker is not running"),
        }
    }
}

impl std::error::Error for FlushError {}
