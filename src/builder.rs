//! From what the program and its environment ask for to a running pipeline.
//!
//! [`Builder`] takes raw settings; `build` parses them once. What is wrong in the code is an error; what is wrong in the
//! environment is said on stderr and left out, and never stops a service.

#[cfg(feature = "sentry")]
mod delivery;
mod from_env;
mod place;
mod store;

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use tracing::Subscriber;
use tracing_subscriber::registry::LookupSpan;

use crate::api;
use crate::capture::{IgnoredText, IgnoredType, Manner, Pipeline, Rules, Throttle};
use crate::clock::Clock;
use crate::diag::Said;
use crate::error::BuildError;
use crate::layer::CrumbLayer;
use crate::layer::gate::{self, Gate};
use crate::layer::hidden::say_if_hidden;
use crate::ledger::{Handle, Ledger};
use crate::limits::{QUEUE_BYTES, QUEUE_ITEMS, QUEUE_ITEMS_MOST};
use crate::model::{Breadcrumb, Draft, TrackedEvent, User, Verdict};
use crate::prepare::{Hooks, Preparer, Scrubber};
use crate::queue;
use crate::sink::{Sink, Sinks};
use crate::worker::{FirstLook, Guard, Worker};

#[cfg(feature = "sentry")]
pub use delivery::doctor;
pub use from_env::{from_env, release_of};
pub use store::Store;

/// A builder with the defaults, which reads no environment variables. See [`from_env`](from_env()).
pub fn builder() -> Builder {
    Builder::new()
}

/// Settings of a pipeline; [`build`](Self::build) starts it.
///
/// ```
/// # use tracing_subscriber::Registry;
/// let (_layer, _guard) = crumbtrail::builder()
///     .release(crumbtrail::release!())
///     .breadcrumbs("warn,sqlx::query=debug")
///     .sink(crumbtrail::Memory::new())
///     .build::<Registry>()?;
/// # Ok::<(), crumbtrail::BuildError>(())
/// ```
#[must_use = "a builder does nothing until `build` is called"]
pub struct Builder {
    breadcrumbs: String,
    spans: String,
    lanes: String,
    stack: Stack,
    in_app: Vec<String>,
    release: Option<String>,
    environment: Option<String>,
    server_name: Option<String>,
    user: Option<User>,
    queue_items: usize,
    queue_bytes: usize,
    sinks: Vec<Box<dyn Sink>>,
    #[cfg(feature = "sentry")]
    delivery: delivery::Delivery,
    rules: Rules,
    hooks: Hooks,
    throttle: Throttle,
    panics: bool,
    scrub_keys: Vec<String>,
    pii: bool,
    store: Option<store::Named>,
    quiet: bool,
    clock: Clock,
    /// Takes what is recorded, instead of a book.
    #[cfg(test)]
    recorder: Option<Box<dyn crate::sink::Forward>>,
    off: bool,
}

/// Whether an event carries the stack of the line that logged it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Stack {
    /// It does, where the feature `stack` is on: a few microseconds on the thread that logs.
    #[default]
    On,
    /// It carries the line alone.
    Off,
}

impl Builder {
    fn new() -> Self {
        Self {
            breadcrumbs: "warn".to_owned(),
            spans: "info,tower_http::trace=debug".to_owned(),
            lanes: String::new(),
            stack: Stack::On,
            in_app: Vec::new(),
            release: None,
            environment: None,
            server_name: None,
            user: None,
            queue_items: QUEUE_ITEMS,
            queue_bytes: QUEUE_BYTES,
            sinks: Vec::new(),
            #[cfg(feature = "sentry")]
            delivery: delivery::Delivery::default(),
            rules: Rules::default(),
            hooks: Hooks::default(),
            throttle: Throttle::default(),
            panics: true,
            scrub_keys: Vec::new(),
            pii: false,
            store: None,
            quiet: false,
            clock: Clock::default(),
            #[cfg(test)]
            recorder: None,
            off: false,
        }
    }

    /// Which log records become breadcrumbs: `target=level` directives, by default `warn`.
    ///
    /// The form is that of [`Targets`](tracing_subscriber::filter::Targets). ERRORs are always taken.
    pub fn breadcrumbs(mut self, directives: impl Into<String>) -> Self {
        self.breadcrumbs = directives.into();
        self
    }

    /// Which spans are listened to: `target=level` directives, by default `info,tower_http::trace=debug`.
    ///
    /// A span below is as if it were not there: its fields are on no event, and it is nobody's lane.
    pub fn spans(mut self, directives: impl Into<String>) -> Self {
        self.spans = directives.into();
        self
    }

    /// Which spans begin a lane of their own inside an enclosing span: `target`, `target[span]` or `[span]`, separated
    /// by commas. Without it, the jobs of one long-lived worker span share that span's trail.
    ///
    /// Spans with `otel.kind` server or consumer, a field `crumbtrail.lane`, tower-http's `request` and
    /// tracing-actix-web's `HTTP request` begin one by themselves.
    pub fn lanes(mut self, directives: impl Into<String>) -> Self {
        self.lanes = directives.into();
        self
    }

    /// Whether events carry a stack: they do by default.
    pub fn stack(mut self, stack: Stack) -> Self {
        self.stack = stack;
        self
    }

    /// Crates and modules whose frames count as the program's own wherever their source lies, such as a company's
    /// crates from a registry.
    pub fn in_app<P: Into<String>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.in_app.extend(paths.into_iter().map(Into::into));
        self
    }

    /// The deployment that events come from; see [`release!`](crate::release).
    pub fn release(mut self, release: impl Into<String>) -> Self {
        self.release = Some(release.into());
        self
    }

    /// Where the program runs. By default `development` in builds with debug assertions, else `production`.
    pub fn environment(mut self, environment: impl Into<String>) -> Self {
        self.environment = Some(environment.into());
        self
    }

    /// The host's name; by default what the system says.
    pub fn server_name(mut self, server_name: impl Into<String>) -> Self {
        self.server_name = Some(server_name.into());
        self
    }

    /// The user of a program that has only one. Any other user that is named around an event outranks it.
    pub fn user(mut self, user: User) -> Self {
        self.user = Some(user);
        self
    }

    /// How many events, and bytes of them, may wait for the worker: by default
    /// [`limits::QUEUE_ITEMS`](crate::limits::QUEUE_ITEMS) and [`limits::QUEUE_BYTES`](crate::limits::QUEUE_BYTES).
    /// What finds no room is counted as lost. A place is set aside for each event, so there is a most:
    /// [`limits::QUEUE_ITEMS_MOST`](crate::limits::QUEUE_ITEMS_MOST).
    pub fn queue(mut self, items: usize, bytes: usize) -> Self {
        (self.queue_items, self.queue_bytes) = (items, bytes);
        self
    }

    /// Ignores the ERRORs of a module, and of those below it, whose message or error contains a text: they are
    /// breadcrumbs only, counted in [`Stats::dropped`](crate::Stats). An empty target is every module, an empty text
    /// every ERROR.
    ///
    /// ```
    /// let builder = crumbtrail::builder()
    ///     .ignore("my_shop::probe", "")
    ///     .ignore("", "connection closed by peer");
    /// ```
    pub fn ignore(mut self, target: impl Into<String>, text: impl Into<String>) -> Self {
        self.rules.texts.push(IgnoredText { target: target.into(), text: text.into() });
        self
    }

    /// Ignores errors of a type, and those that were caused by one: they are breadcrumbs only, counted in
    /// [`Stats::dropped`](crate::Stats).
    ///
    /// An error that was handed over as such is judged by its type, along its whole chain. One of which only the text
    /// came (`%error`, `?error`) is judged by the type's name where the text tells that;
    /// [`Stats::unjudged`](crate::Stats) says how many did not.
    ///
    /// ```
    /// let builder = crumbtrail::builder().ignore_error::<std::num::ParseIntError>();
    /// ```
    pub fn ignore_error<E: Error + 'static>(mut self) -> Self {
        let ignored = IgnoredType::of::<E>();
        self.rules.types.push(ignored);
        self.hooks.ignored_types.push(ignored.name());
        self
    }

    /// Judges every error that is handed over as such (`error = &err as &dyn Error`, [`capture_error`](crate::capture_error)),
    /// with the error itself in hand: a hook may downcast it, look at its causes, leave it out, or say more of it.
    ///
    /// It runs on the thread that logs, for each error, before the throttle: it should be quick. Errors of which only
    /// the text came cannot be judged; [`Stats::unjudged`](crate::Stats) counts them. If the hook panics, the event is
    /// counted as lost.
    ///
    /// ```
    /// use crumbtrail::Verdict;
    /// use std::io::{self, ErrorKind};
    ///
    /// let builder = crumbtrail::builder().on_error(|error, draft| match error.downcast_ref::<io::Error>() {
    ///     Some(gone) if gone.kind() == ErrorKind::BrokenPipe => Verdict::Demote,
    ///     Some(io) => {
    ///         draft.set_tag("io.kind", io.kind().to_string());
    ///         Verdict::Track
    ///     }
    ///     None => Verdict::Track,
    /// });
    /// ```
    pub fn on_error(
        mut self,
        hook: impl Fn(&(dyn Error + 'static), &mut Draft) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        self.rules.on_error = Some(Box::new(hook));
        self.hooks.on_error = true;
        self
    }

    /// Changes every event before it is grouped and told, or drops it by returning None.
    ///
    /// It runs on crumbtrail's own thread. If it panics, the event is counted as lost.
    ///
    /// ```
    /// let builder = crumbtrail::builder().before_send(|mut event| {
    ///     event.tags.insert("region".to_owned(), "eu".to_owned());
    ///     Some(event)
    /// });
    /// ```
    pub fn before_send(
        mut self,
        hook: impl Fn(TrackedEvent) -> Option<TrackedEvent> + Send + Sync + 'static,
    ) -> Self {
        self.hooks.before_send = Some(Box::new(hook));
        self
    }

    /// Changes every breadcrumb of an event before it is told, or drops it by returning None.
    ///
    /// It runs on crumbtrail's own thread, for the breadcrumbs that an event carries, not for each that is logged. If it
    /// panics, the event is counted as lost.
    pub fn before_breadcrumb(
        mut self,
        hook: impl Fn(Breadcrumb) -> Option<Breadcrumb> + Send + Sync + 'static,
    ) -> Self {
        self.hooks.before_breadcrumb = Some(Box::new(hook));
        self
    }

    /// Which part of all events is told, from 0 to 1; by default 1, all. The others are counted all the same.
    pub fn sample_rate(mut self, rate: f64) -> Self {
        self.rules.sample_rate = Some(rate);
        self
    }

    /// How much of a storm of errors is told in full; see [`Throttle`].
    pub fn throttle(mut self, throttle: Throttle) -> Self {
        self.throttle = throttle;
        self
    }

    /// Whether ERRORs without an error are tracked too, as events of the kind [`EventKind::Log`](crate::EventKind): they
    /// are not by default, but counted by line, in [`Stats::lines`](crate::Stats).
    pub fn track_messages(mut self, track: bool) -> Self {
        self.rules.track_messages = track;
        self
    }

    /// Whether panics are captured; they are by default.
    ///
    /// The first `build` that wants them installs a hook, which calls the one that was there. A panic belongs to the
    /// subscriber that is current on the thread where it happens.
    pub fn panics(mut self, capture: bool) -> Self {
        self.panics = capture;
        self
    }

    /// Names of secrets beside those that are known: what stands under a name that contains one of them is told as
    /// `[Filtered]`, in fields, tags and contexts, and as `name=value` inside of texts.
    ///
    /// Capitals and separators do not matter: `customer_iban` matches `iban`, and so does `customer-IBAN`. Known are
    /// `password`, `secret`, `token`, `api_key`, `auth`, `session`, `cookie` and their like; they cannot be taken off
    /// the list.
    ///
    /// ```
    /// let builder = crumbtrail::builder().scrub_keys(["iban", "birthday"]);
    /// ```
    pub fn scrub_keys<K: Into<String>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.scrub_keys.extend(keys.into_iter().map(Into::into));
        self
    }

    /// Whether what tells of a person and was not said as such is told: network addresses under names such as
    /// `client_ip` and `x-forwarded-for`, the queries of URLs, and bodies. It is not by default.
    ///
    /// What the program says of its user itself, by fields `user.*` or [`set_user`](crate::set_user), is kept either way;
    /// passwords, keys, tokens and cookies are filtered either way.
    pub fn send_default_pii(mut self, send: bool) -> Self {
        self.pii = send;
        self
    }

    /// Adds a place that events go to.
    pub fn sink(mut self, sink: impl Sink) -> Self {
        self.sinks.push(Box::new(sink));
        self
    }

    /// Takes what is recorded, instead of a book.
    #[cfg(test)]
    pub(crate) fn recorder(mut self, recorder: Box<dyn crate::sink::Forward>) -> Self {
        self.recorder = Some(recorder);
        self
    }

    /// The clock by which limits and holds are measured: for tests.
    #[doc(hidden)]
    pub fn clock(mut self, clock: &Clock) -> Self {
        self.clock = clock.clone();
        self
    }

    /// Starts the pipeline: a layer to register, and a guard to hold until the program ends.
    ///
    /// # Errors
    /// When something that the code set cannot be: a directive that cannot be read, a queue without room or with too
    /// much, a sample rate that is none, a throttle that tells nothing, a name of secrets without a letter, a DSN or a
    /// certificate that cannot be used, a store that cannot be opened.
    pub fn build<S>(self) -> Result<(CrumbLayer<S>, Guard), BuildError>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let gate = Gate::new(
            gate::targets("breadcrumbs", &self.breadcrumbs)?,
            gate::targets("spans", &self.spans)?,
            gate::lanes(&self.lanes)?,
        );
        if !(1..=QUEUE_ITEMS_MOST).contains(&self.queue_items) || self.queue_bytes == 0 {
            return Err(BuildError::queue(QUEUE_ITEMS_MOST));
        }
        if !self.rules.sample_rate.is_none_or(|rate| (0.0..=1.0).contains(&rate)) {
            return Err(BuildError::sample_rate());
        }
        if matches!(self.throttle, Throttle::Limits { issue, all, line } if issue.min(all).min(line) == 0) {
            return Err(BuildError::throttle());
        }
        if !self.scrub_keys.iter().all(|key| Scrubber::is_key(key)) {
            return Err(BuildError::scrub_key());
        }
        let ledger = Arc::new(Ledger::default());
        #[cfg(feature = "sentry")]
        let forward = self.delivery.forward(&ledger, &self.clock)?;
        #[cfg(not(feature = "sentry"))]
        let forward = None;
        let forward = if self.off { None } else { self.bookkeeper(forward, &ledger, &self.clock)? };
        let environment = place::environment(&self);
        #[cfg(test)]
        let forward = self.recorder.or(forward);
        let gate = if self.off { Gate::off() } else { gate };
        let (queue, outlet) = queue::queue(self.queue_items, self.queue_bytes, Arc::clone(&ledger));
        // Nobody pays for counting lanes unless somebody keeps count.
        let keeps_book = forward.as_ref().is_some_and(|forward| forward.keeps_book());
        let (notes, noted) = keeps_book.then(|| queue::notes(Arc::clone(&ledger))).unzip();
        let stack = self.stack == Stack::On && cfg!(feature = "stack");
        let manner = Manner {
            stack,
            panics: self.panics,
            throttle: self.throttle,
            clock: self.clock.clone(),
            on: !self.off,
        };
        let pipeline = Arc::new(Pipeline::new(queue, notes, Arc::clone(&ledger), self.rules, manner));
        let stop = if self.off {
            ledger.worker_gone();
            crossbeam_channel::bounded(0).0
        } else {
            if self.sinks.is_empty() && forward.is_none() {
                NO_SINK.say(
                    if cfg!(feature = "sentry") {
                        "no sink is configured, and no store: events are counted, but go nowhere; set SENTRY_DSN, or \
                         add one with Builder::sink"
                    } else {
                        "no sink is configured, and no store: events are counted, but go nowhere; add one with \
                         Builder::sink"
                    },
                );
            }
            let handle = Handle::new(Arc::clone(&ledger));
            self.sinks.iter().for_each(|sink| sink.attach(&handle));
            let scrubber = Scrubber::new(&self.scrub_keys, self.pii);
            let preparer = Preparer::new(environment, self.in_app, scrubber);
            let asked = gate.clone();
            let first_look: FirstLook = Box::new(move |target| say_if_hidden(&asked, target));
            let ledger = Arc::clone(&ledger);
            let sinks = Sinks { here: self.sinks, forward };
            let worker = Worker::new(outlet, preparer, self.hooks, sinks, ledger, self.clock, stack);
            let worker = match noted {
                Some(noted) => worker.counting(noted),
                None => worker,
            };
            worker.looking(first_look).spawn()
        };
        if pipeline.wants_panics() {
            api::watch_panics();
        }
        api::remember(&pipeline);
        Ok((CrumbLayer::new(pipeline, gate), Guard::new(ledger, stop)))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("breadcrumbs", &self.breadcrumbs)
            .field("spans", &self.spans)
            .field("lanes", &self.lanes)
            .field("stack", &self.stack)
            .field("release", &self.release)
            .field("environment", &self.environment)
            .field("sinks", &self.sinks.len())
            .field("off", &self.off)
            .finish_non_exhaustive()
    }
}

static NO_SINK: Said = Said::new();
