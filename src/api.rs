//! The free functions: what a program tells crumbtrail beyond its log lines.
//!
//! They work on the pipeline of the current subscriber, else on the first one built, and do nothing where there is
//! none. None of them blocks or panics.

use std::cell::Cell;
use std::error::Error;
use std::panic::{self, Location, PanicHookInfo};
use std::ptr;
use std::sync::{Arc, Once, Weak};
use std::thread;

use arc_swap::ArcSwap;
use serde_json::Value;
use tracing::{Dispatch, dispatcher};
use tracing_subscriber::registry::{LookupSpan, Registry};

use crate::capture::Pipeline;
use crate::diag::Said;
use crate::ledger::{Counted, Lost};
use crate::limits::DROP_FLUSH;
use crate::model::{Breadcrumb, EventId, LaneData, Site, User};
use crate::scope::data;
use crate::sync::{OnceBox, enter};

/// Says who the user is, for every event of this lane: of the work that the outermost span, the request or the task is
/// about.
///
/// Outside of all of these it is refused, counted in [`Stats`](crate::Stats) and said on stderr once: it would stick to
/// a pooled thread and blame the next user. A program with one user names it with
/// [`Builder::user`](crate::Builder::user).
///
/// ```
/// # let (layer, _guard) = crumbtrail::builder().sink(crumbtrail::Memory::new()).build()?;
/// # use tracing_subscriber::prelude::*;
/// # let _default = tracing_subscriber::registry().with(layer).set_default();
/// let _request = tracing::info_span!("request").entered();
/// crumbtrail::set_user(crumbtrail::User::new("42").email("ada@example.com"));
/// # Ok::<(), crumbtrail::BuildError>(())
/// ```
pub fn set_user(user: User) {
    static REFUSED: Said = Said::new();
    let user = User {
        id: user.id.as_deref().map(data::text),
        email: user.email.as_deref().map(data::text),
        username: user.username.as_deref().map(data::text),
        ip_address: user.ip_address.as_deref().map(data::text),
    };
    with_pipeline(|pipeline, span| {
        let told = pipeline.tell(span, false, |lane| lane.user = Some(user.clone()));
        if !told {
            pipeline.ledger.count(Counted::UserRefused);
            REFUSED.say(
                "set_user was called outside a span, request or task and is left out: it would stick to the thread; \
                 open a span first, or use Builder::user in a program with one user",
            );
        }
    });
}

/// Adds a searchable name and value to every event of this lane, such as `plan=pro`.
///
/// A lane keeps [`limits::LANE_ENTRIES`](crate::limits::LANE_ENTRIES) of them. Text that is not to be searched for
/// belongs into [`set_context`].
pub fn set_tag(name: impl AsRef<str>, value: impl AsRef<str>) {
    let (name, value) = (data::text(name.as_ref()), data::text(value.as_ref()));
    with_pipeline(|pipeline, span| {
        tell_entry(pipeline, span, |lane| data::insert(&mut lane.tags, &name, value.clone()));
    });
}

/// Adds detail to every event of this lane, under a name.
///
/// Kept up to [`limits::CONTEXT_DEPTH`](crate::limits::CONTEXT_DEPTH) levels deep.
pub fn set_context(name: impl AsRef<str>, value: impl Into<Value>) {
    let (name, value) = (data::text(name.as_ref()), data::value(value.into()));
    with_pipeline(|pipeline, span| {
        tell_entry(pipeline, span, |lane| data::insert(&mut lane.contexts, &name, value.clone()));
    });
}

/// Adds a step to the trail of this lane that is no log record.
///
/// ```
/// use crumbtrail::Breadcrumb;
///
/// crumbtrail::add_breadcrumb(Breadcrumb::new("voucher redeemed").category("cart").data("percent", 15));
/// ```
pub fn add_breadcrumb(breadcrumb: Breadcrumb) {
    with_pipeline(|pipeline, span| pipeline.keep(&breadcrumb, span));
}

/// Tracks an error that is not logged, and returns the event's name; None where it cannot be tracked, which
/// [`Stats`](crate::Stats) then says, or where there is no pipeline.
///
/// ```
/// # let memory = crumbtrail::Memory::new();
/// # let (layer, _guard) = crumbtrail::builder().sink(memory.clone()).build()?;
/// # use tracing_subscriber::prelude::*;
/// # let _default = tracing_subscriber::registry().with(layer).set_default();
/// if let Err(error) = "seven".parse::<u32>() {
///     crumbtrail::capture_error(&error);
/// }
/// assert_eq!(memory.events()[0].value, "invalid digit found in string");
/// # Ok::<(), crumbtrail::BuildError>(())
/// ```
#[track_caller]
pub fn capture_error(error: &(dyn Error + 'static)) -> Option<EventId> {
    let caller = Location::caller();
    with_pipeline(|pipeline, span| {
        pipeline.ledger.accept();
        let captured = enter(|_| {
            let site =
                || Site { target: "".into(), file: Some(caller.file().into()), line: Some(caller.line()) };
            pipeline.capture_error(error, site, ptr::from_ref(caller).addr() as u64, span)
        });
        if captured.is_none() {
            pipeline.ledger.count(Counted::Recursion);
            pipeline.ledger.lose(Lost::Recursion);
        }
        captured?
    })?
}

/// The name of the newest event of this lane, to show to the user it hit.
pub fn last_event_id() -> Option<EventId> {
    with_pipeline(|pipeline, span| pipeline.scopes.last_event(span, &pipeline.trail))?
}

/// Makes a pipeline the one that the free functions fall back to, if it is the first that lives.
pub(crate) fn remember(pipeline: &Arc<Pipeline>) {
    let first = FIRST.get_or_init(Box::default);
    if first.load().upgrade().is_none() {
        first.store(Arc::new(Arc::downgrade(pipeline)));
    }
}

static FIRST: OnceBox<ArcSwap<Weak<Pipeline>>> = OnceBox::new();

/// From now on, panics are captured by the pipeline of the subscriber that is current where they happen. What the
/// program had as its hook runs afterwards; one that is set later replaces this one, unless it calls it.
pub(crate) fn watch_panics() {
    static WATCHED: Once = Once::new();
    // The hook cannot be changed by a thread that panics.
    if thread::panicking() {
        return;
    }
    WATCHED.call_once(|| {
        let earlier = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            panicked(info);
            earlier(info);
        }));
    });
}

/// The panic of a thread where no subscriber is current is nobody's: a pipeline that was built for another part of the
/// program, or for another test, shall not have it.
fn panicked(info: &PanicHookInfo<'_>) {
    dispatcher::get_default(|dispatch| {
        let Some(pipeline) = dispatch.downcast_ref::<Pipeline>().filter(|p| p.wants_panics()) else { return };
        let end = Ending::of(info);
        if end != Ending::Second {
            pipeline.capture_panic(info, span_of(dispatch, pipeline));
        }
        if end != Ending::Lives {
            // The process is about to be aborted: nobody else will wait for it.
            let _ = pipeline.ledger.settle(DROP_FLUSH);
        }
    });
}

/// How a program goes on after a panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Lives,
    Aborts,
    /// The standard library says, by a panic of its own, that the one before it cannot be unwound.
    Second,
}

impl Ending {
    fn of(info: &PanicHookInfo<'_>) -> Self {
        let text = info.payload().downcast_ref::<&'static str>().copied().unwrap_or_default();
        if SECOND.contains(&text) {
            Self::Second
        } else if cfg!(panic = "abort") || text.starts_with(PRECONDITION) {
            Self::Aborts
        } else {
            Self::Lives
        }
    }
}

/// What `core` says before it aborts.
const SECOND: [&str; 2] = ["panic in a destructor during cleanup", "panic in a function that cannot unwind"];
const PRECONDITION: &str = "unsafe precondition(s) violated";

/// Runs `work` on the current pipeline and with the id of the innermost span that is in its table.
fn with_pipeline<T>(work: impl FnOnce(&Pipeline, Option<u64>) -> T) -> Option<T> {
    let mut work = Some(work);
    let mut run = |pipeline: &Pipeline, span| {
        let work = work.take().filter(|_| pipeline.is_on())?;
        Some(work(pipeline, span))
    };
    let current = dispatcher::get_default(|dispatch| {
        let pipeline = dispatch.downcast_ref::<Pipeline>()?;
        Some(run(pipeline, span_of(dispatch, pipeline)))
    });
    current.unwrap_or_else(|| run(&*FIRST.get()?.load().upgrade()?, None))
}

/// Tells the lane one of many things, and counts what it has no room for.
fn tell_entry(pipeline: &Pipeline, span: Option<u64>, insert: impl Fn(&mut LaneData) -> bool) {
    let room = Cell::new(true);
    pipeline.tell(span, true, |lane| room.set(insert(lane)));
    if !room.get() {
        pipeline.ledger.count(Counted::LaneEntryRefused);
    }
}

fn span_of(dispatch: &Dispatch, pipeline: &Pipeline) -> Option<u64> {
    let current = dispatch.current_span();
    let id = current.id()?;
    if pipeline.scopes.knows(id.into_u64()) {
        return Some(id.into_u64());
    }
    // A span that the gate holds back: the next one outwards that is ours.
    let span = dispatch.downcast_ref::<Registry>()?.span(id)?;
    let mut ids = span.scope().map(|span| span.id().into_u64());
    ids.find(|id| pipeline.scopes.knows(*id))
}
