//! The ledger as a user reads it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What became of everything that was captured, at one moment: a copy of the ledger's counters.
///
/// `accepted = delivered + folded + tallied + dropped + lost + pending` holds whenever no event is on its way between two of
/// the counters, so always after a flush while nothing logs; [`balances`](Self::balances) says so.
///
/// ```
/// let memory = crumbtrail::Memory::new();
/// let (_layer, guard) = crumbtrail::builder().sink(memory).build::<tracing_subscriber::Registry>()?;
/// let stats = guard.stats();
/// assert!(stats.balances());
/// # Ok::<(), crumbtrail::BuildError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Events that entered: ERROR lines that carry an error, calls of [`capture_error`](crate::capture_error), panics, and
    /// with [`Builder::track_messages`](crate::Builder::track_messages) every ERROR line.
    pub accepted: u64,
    /// Events that at least one sink took; each is counted once, however many sinks there are.
    pub delivered: u64,
    /// Events that told of the same failure as another one and became part of it; see
    /// [`TrackedEvent::logged_at`](crate::TrackedEvent::logged_at).
    pub folded: u64,
    /// Events that were only counted, as the [`Throttle`](crate::Throttle) says: with their issue, or where that could
    /// not be told, with their [line](Stats::lines).
    pub tallied: u64,
    /// Events that the program did not want, by reason. A reason that never occurred is absent.
    pub dropped: BTreeMap<Dropped, u64>,
    /// Events that ended before any sink took them, by reason. A reason that never occurred is absent.
    pub lost: BTreeMap<Lost, u64>,
    /// Events that wait for the worker, that it is working on, that it holds for
    /// [`limits::HOLD`](crate::limits::HOLD) at the most, or that are on their way to a server.
    pub pending: u64,
    /// Events that did not reach the server that a DSN names, by reason: those that another sink took, and that are not
    /// lost therefore, among them. What waits for the server in a [store](crate::Builder::store) is not: it counts when it
    /// is given up. A reason that never occurred is absent.
    pub unsent: BTreeMap<Lost, u64>,
    /// ERROR lines that carried no error: breadcrumbs, not events.
    pub errors_without_error: u64,
    /// Breadcrumbs that found only busy cells, which takes writers that stand still inside the ring.
    pub crumbs_lost: u64,
    /// Log lines written from inside crumbtrail's own work: from a `Debug` it was formatting, from a sink.
    pub recursion: u64,
    /// Calls of [`set_user`](crate::set_user) outside a span, request or task; see there why they are refused.
    pub users_refused: u64,
    /// Tags and contexts that found their lane full, with [`limits::LANE_ENTRIES`](crate::limits::LANE_ENTRIES) others.
    pub lane_entries_refused: u64,
    /// Spans that said something of a user or of tags when they closed, or calls of [`set_user`](crate::set_user) and
    /// [`set_tag`](crate::set_tag) outside of spans, that found [`limits::LANE_NOTES`](crate::limits::LANE_NOTES) others
    /// waiting, or nobody to take them any more: their lanes are counted without them. So are those whose users, or values
    /// of tags, were too many while a store could not be written: [`limits::BOOK_WAITING_NAMES`](crate::limits::BOOK_WAITING_NAMES),
    /// [`limits::BOOK_WAITING_HITS`](crate::limits::BOOK_WAITING_HITS).
    pub lanes_uncounted: u64,
    /// Spans that were not tracked because millions were alive at once; their crumbs went to the enclosing lane.
    pub spans_untracked: u64,
    /// Events of which only the text came and whose types it does not tell, so that
    /// [`Builder::on_error`](crate::Builder::on_error) or [`Builder::ignore_error`](crate::Builder::ignore_error) could
    /// not judge them. They were tracked.
    pub unjudged: u64,
    /// For how long the hook or the sink has been running that runs on crumbtrail's thread; zero where none does. One that
    /// hangs holds up every event behind it.
    pub busy_for: Duration,
    /// The lines whose ERRORs carried no error, or were not told apart, those with most first. What lies beyond
    /// [`limits::LINES`](crate::limits::LINES) lines stands together, without a name.
    pub lines: Vec<LineCount>,
}

/// What was counted of one line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LineCount {
    /// The module that logs it.
    pub target: String,
    /// Its file, where the record names one.
    pub file: Option<String>,
    /// Its line.
    pub line: Option<u32>,
    /// ERRORs that carried no error: breadcrumbs, not events.
    pub without_error: u64,
    /// Events that were counted, but not told apart: the line logged too fast, or there were too many texts.
    pub not_told_apart: u64,
}

impl LineCount {
    pub(crate) fn total(&self) -> u64 {
        self.without_error.saturating_add(self.not_told_apart)
    }
}

impl Stats {
    /// All lost events, whatever the reason.
    pub fn lost_total(&self) -> u64 {
        self.lost.values().sum()
    }

    /// All dropped events, whatever the reason.
    pub fn dropped_total(&self) -> u64 {
        self.dropped.values().sum()
    }

    /// Whether `accepted` is the sum of the terms that it ends in: what came in is where the others say it is.
    pub fn balances(&self) -> bool {
        let ended = self.delivered + self.folded + self.tallied + self.dropped_total() + self.lost_total();
        self.accepted == ended + self.pending
    }
}

/// Why the program did not want an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Dropped {
    /// [`Builder::before_send`](crate::Builder::before_send) returned nothing.
    BeforeSend,
    /// [`Builder::ignore`](crate::Builder::ignore) or [`Builder::ignore_error`](crate::Builder::ignore_error) names it.
    Ignored,
    /// [`Builder::sample_rate`](crate::Builder::sample_rate) left it out.
    Sampled,
    /// [`Builder::on_error`](crate::Builder::on_error) said so.
    Verdict,
}

impl Dropped {
    pub(crate) const ALL: [Self; 4] = [Self::BeforeSend, Self::Ignored, Self::Sampled, Self::Verdict];
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BeforeSend => "dropped by before_send",
            Self::Ignored => "ignored by a rule",
            Self::Sampled => "left out by the sample rate",
            Self::Verdict => "dropped by on_error",
        })
    }
}

/// Why an event ended before a sink took it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Lost {
    /// The pipeline had been shut down.
    AfterShutdown,
    /// A hook panicked on it: what it was to change may be secret.
    HookPanicked,
    /// crumbtrail itself failed on it.
    Internal,
    /// The server could not be reached, in [`limits::SEND_TRIES`](crate::limits::SEND_TRIES) tries; or when the pipeline
    /// ended, and it had been out of reach for as many.
    NetworkError,
    /// No sink was configured.
    NoSink,
    /// The server was out of reach, or slower than events came, until
    /// [`limits::OUTBOX_BYTES`](crate::limits::OUTBOX_BYTES) of other events had come since.
    OutboxOverflow,
    /// The queue had no room, in items or in bytes.
    QueueOverflow,
    /// The server asked for no more events for a while, or answered this one so (429).
    RateLimited,
    /// It was logged from inside crumbtrail's own work on that thread.
    Recursion,
    /// The server refused it: it answered with any status but 2xx and 429.
    SendError,
    /// Every sink refused it, or the one that sends to a server cannot work here, which was said on stderr.
    Sink,
    /// A sink panicked, and no other took it.
    SinkPanicked,
    /// The store could not be written, until [`limits::BOOK_WAITING_BYTES`](crate::limits::BOOK_WAITING_BYTES) of other
    /// events had come since, or the pipeline ended.
    StoreOverflow,
    /// The worker thread could not be started, or had ended, or is in the process that this one was forked from.
    WorkerGone,
}

impl Lost {
    pub(crate) const ALL: [Self; 14] = [
        Self::AfterShutdown,
        Self::HookPanicked,
        Self::Internal,
        Self::NetworkError,
        Self::NoSink,
        Self::OutboxOverflow,
        Self::QueueOverflow,
        Self::RateLimited,
        Self::Recursion,
        Self::SendError,
        Self::Sink,
        Self::SinkPanicked,
        Self::StoreOverflow,
        Self::WorkerGone,
    ];

    /// Whether an event that could not be sent for this reason may be sent later, by somebody who has kept it: nobody
    /// refused it.
    pub(crate) fn may_pass(self) -> bool {
        matches!(self, Self::NetworkError | Self::OutboxOverflow | Self::Sink)
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AfterShutdown => "logged after the shutdown",
            Self::HookPanicked => "hook panicked",
            Self::Internal => "crumbtrail failed on it",
            Self::NetworkError => "server out of reach",
            Self::NoSink => "no sink configured",
            Self::OutboxOverflow => "outbox full",
            Self::QueueOverflow => "queue full",
            Self::RateLimited => "held back as the server asked",
            Self::Recursion => "logged from inside crumbtrail",
            Self::SendError => "refused by the server",
            Self::Sink => "refused by every sink",
            Self::SinkPanicked => "sink panicked",
            Self::StoreOverflow => "store not to be written",
            Self::WorkerGone => "no worker",
        })
    }
}
