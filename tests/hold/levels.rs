//! One failure that is logged at four levels: three functions with `#[instrument(err)]`, each around the next, and a
//! handler.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::{self, Debug, Display};
use std::io;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use crumbtrail::{Clock, TrackedEvent};
use tokio::task::yield_now;
use tracing::{Instrument, error, info_span, instrument, warn};

use crate::rig::{Rig, trail};

const REQUESTS: u64 = 1_000;

/// A kind of error: how it begins, what each level makes of it, how a handler logs it, and what can be known of it.
trait Kind: Sized + Display + Debug + Send + 'static {
    const CHAIN: &'static [&'static str];

    fn declined() -> Self;

    fn in_payment(self) -> Self;

    fn in_checkout(self) -> Self;

    fn log(self, request: u64);
}

#[instrument(err, skip_all)]
async fn charge<E: Kind>(request: u64) -> Result<(), E> {
    yield_now().await;
    warn!("card of {request} declined");
    Err(E::declined())
}

#[instrument(err, skip_all)]
async fn pay<E: Kind>(request: u64) -> Result<(), E> {
    yield_now().await;
    let paid = charge(request).await.map_err(E::in_payment);
    yield_now().await;
    paid
}

#[instrument(err, skip_all)]
async fn checkout<E: Kind>(request: u64) -> Result<(), E> {
    yield_now().await;
    pay(request).await.map_err(E::in_checkout)
}

async fn handle<E: Kind>(request: u64) {
    let done = checkout::<E>(request).await;
    yield_now().await;
    if let Err(error) = done {
        error.log(request);
    }
}

mod by_debug {
    //! The same functions with `err(Debug)`.

    use super::*;

    #[instrument(err(Debug), skip_all)]
    async fn charge<E: Kind>(request: u64) -> Result<(), E> {
        yield_now().await;
        warn!("card of {request} declined");
        Err(E::declined())
    }

    #[instrument(err(Debug), skip_all)]
    async fn pay<E: Kind>(request: u64) -> Result<(), E> {
        yield_now().await;
        let paid = charge(request).await.map_err(E::in_payment);
        yield_now().await;
        paid
    }

    #[instrument(err(Debug), skip_all)]
    async fn checkout<E: Kind>(request: u64) -> Result<(), E> {
        yield_now().await;
        pay(request).await.map_err(E::in_checkout)
    }

    pub(super) async fn handle<E: Kind>(request: u64) {
        let done = checkout::<E>(request).await;
        yield_now().await;
        if let Err(error) = done {
            error.log(request);
        }
    }
}

/// An error that names its causes by `source` alone, as a typed handler sees it.
#[derive(Debug, thiserror::Error)]
enum Layered {
    #[error("checkout failed")]
    Checkout(#[source] Box<Self>),
    #[error("payment failed")]
    Payment(#[source] Box<Self>),
    #[error("card declined")]
    Declined(#[source] io::Error),
}

/// One that writes its causes into its own text.
#[derive(Debug, thiserror::Error)]
enum Verbose {
    #[error("checkout failed: {0}")]
    Checkout(Box<Self>),
    #[error("payment failed: {0}")]
    Payment(Box<Self>),
    #[error("card declined: {0}")]
    Declined(io::Error),
}

/// [`Layered`], logged by its outermost text.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct Shown(#[from] Layered);

/// [`Layered`], logged by `{:?}`.
#[derive(thiserror::Error)]
#[error(transparent)]
struct Written(#[from] Layered);

impl Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Debug::fmt(&self.0, f)
    }
}

impl Kind for anyhow::Error {
    const CHAIN: &'static [&'static str] =
        &["checkout failed", "payment failed", "card declined", "connection refused"];

    fn declined() -> Self {
        Self::new(refused()).context("card declined")
    }

    fn in_payment(self) -> Self {
        self.context("payment failed")
    }

    fn in_checkout(self) -> Self {
        self.context("checkout failed")
    }

    fn log(self, request: u64) {
        error!(error = ?self, request, "request failed");
    }
}

impl Kind for Layered {
    const CHAIN: &'static [&'static str] = <anyhow::Error as Kind>::CHAIN;

    fn declined() -> Self {
        Self::Declined(refused())
    }

    fn in_payment(self) -> Self {
        Self::Payment(Box::new(self))
    }

    fn in_checkout(self) -> Self {
        Self::Checkout(Box::new(self))
    }

    fn log(self, request: u64) {
        error!(error = &self as &dyn Error, request, "request failed");
    }
}

impl Kind for Shown {
    /// That the ones led to the others is likely, and no cause for sure: they stand beside.
    const CHAIN: &'static [&'static str] = &["checkout failed"];

    fn declined() -> Self {
        Self(Layered::declined())
    }

    fn in_payment(self) -> Self {
        Self(self.0.in_payment())
    }

    fn in_checkout(self) -> Self {
        Self(self.0.in_checkout())
    }

    fn log(self, request: u64) {
        error!(error = %self, request, "request failed");
    }
}

impl Kind for Written {
    const CHAIN: &'static [&'static str] = &[];

    fn declined() -> Self {
        Self(Layered::declined())
    }

    fn in_payment(self) -> Self {
        Self(self.0.in_payment())
    }

    fn in_checkout(self) -> Self {
        Self(self.0.in_checkout())
    }

    fn log(self, request: u64) {
        error!(error = ?self, request, "request failed");
    }
}

impl Kind for Verbose {
    /// The innermost line wrote two in one text, and nothing tells them apart.
    const CHAIN: &'static [&'static str] =
        &["checkout failed", "payment failed", "card declined: connection refused"];

    fn declined() -> Self {
        Self::Declined(refused())
    }

    fn in_payment(self) -> Self {
        Self::Payment(Box::new(self))
    }

    fn in_checkout(self) -> Self {
        Self::Checkout(Box::new(self))
    }

    fn log(self, request: u64) {
        error!(error = %self, request, "request failed");
    }
}

impl Kind for io::Error {
    const CHAIN: &'static [&'static str] = &["connection refused"];

    fn declined() -> Self {
        refused()
    }

    fn in_payment(self) -> Self {
        self
    }

    fn in_checkout(self) -> Self {
        self
    }

    fn log(self, request: u64) {
        error!(error = %self, request, "request failed");
    }
}

fn refused() -> io::Error {
    io::Error::other("connection refused")
}

#[test]
fn anyhow_with_contexts_is_one_event() {
    all_are_one::<anyhow::Error, _>(handle::<anyhow::Error>);
}

#[test]
fn enums_with_a_typed_handler_are_one_event() {
    all_are_one::<Layered, _>(handle::<Layered>);
}

#[test]
fn enums_that_show_their_outermost_text_at_each_level_are_one_event() {
    all_are_one::<Shown, _>(handle::<Shown>);
}

#[test]
fn enums_that_write_their_causes_are_one_event() {
    all_are_one::<Verbose, _>(handle::<Verbose>);
}

#[test]
fn one_error_passed_through_is_one_event() {
    all_are_one::<io::Error, _>(handle::<io::Error>);
}

#[test]
fn what_is_written_by_debug_is_one_event() {
    all_are_one::<Written, _>(by_debug::handle::<Written>);
}

#[test]
fn by_debug_with_a_typed_handler_it_is_one_event() {
    all_are_one::<Written, _>(by_debug::handle::<Layered>);
}

#[test]
fn anyhow_by_debug_is_one_event() {
    all_are_one::<anyhow::Error, _>(by_debug::handle::<anyhow::Error>);
}

/// One test at a time: side by side they would take longer than a lane that has closed is remembered.
static ALONE: Mutex<()> = Mutex::new(());

/// Runs the requests side by side on two threads, in a span of their own and without one, and looks at what became of
/// them.
fn all_are_one<E: Kind, F: Future<Output = ()> + Send + 'static>(handle: impl Fn(u64) -> F + Sync) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    // The clock stands still: how long an unoptimised program on a busy machine takes for all of them is not the point.
    let rig = Rig::with(|builder| builder.clock(&Clock::manual()));
    let request_span = |request| info_span!("request", user.id = request, tags.of = request);
    run(&rig, 0..REQUESTS, &|request| handle(request).instrument(request_span(request)));
    let events = rig.delivered();
    assert_eq!((events.len() as u64, rig.stats().folded), (REQUESTS, 3 * REQUESTS));
    for event in &events {
        let request = is_one::<E>(event);
        assert_eq!(event.user.as_ref().unwrap().id, Some(request.to_string()));
        assert_eq!((&event.tags["of"], event.culprit.as_str()), (&request.to_string(), "request"));
        assert_eq!(trail(event), [format!("card of {request} declined")]);
        let spans: Vec<_> = event.spans.iter().map(|span| span.name.as_str()).collect();
        assert_eq!(spans, ["charge", "pay", "checkout", "request"]);
    }
    let requests: BTreeSet<u64> = events.iter().map(is_one::<E>).collect();
    assert_eq!(requests.len() as u64, REQUESTS);

    if !cfg!(feature = "tokio") {
        // Outside of any span nobody knows the task, and the thread is by turns that of many requests.
        return;
    }
    // The handler stands outside of every span and outside of the lane, whose close is not forgotten for long.
    let rig = Rig::with(|builder| builder.clock(&Clock::manual()));
    for first in (0..REQUESTS).step_by(100) {
        run(&rig, first..first + 100, &handle);
    }
    let events = rig.delivered();
    assert_eq!((events.len() as u64, rig.stats().folded), (REQUESTS, 3 * REQUESTS));
    for event in &events {
        let request = is_one::<E>(event);
        assert_eq!(event.culprit, "checkout");
        assert_eq!(trail(event), [format!("card of {request} declined")]);
    }
}

fn run<F: Future<Output = ()> + Send + 'static>(
    rig: &Rig,
    requests: Range<u64>,
    handle: &(impl Fn(u64) -> F + Sync),
) {
    rig.block_on(2, async {
        let tasks: Vec<_> = requests.map(|request| tokio::spawn(handle(request))).collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

/// Asserts that an event is a request's failure with all four places, and returns which.
fn is_one<E: Kind>(event: &TrackedEvent) -> u64 {
    let request = event.fields["request"].as_u64().unwrap();
    assert_eq!(event.title, "request failed");
    let lines: BTreeSet<_> = event.logged_at.iter().map(|place| place.line).collect();
    assert_eq!((event.logged_at.len(), lines.len(), event.logged_at[3].id), (4, 4, event.id));
    let messages: Vec<_> = event.logged_at.iter().map(|place| place.message.as_deref()).collect();
    assert_eq!(messages, [None, None, None, Some("request failed")]);
    let values: Vec<_> = event.chain.iter().map(|cause| cause.value.as_str()).collect();
    assert!(E::CHAIN.is_empty() || values == E::CHAIN, "{values:?}");
    request
}
