//! Under `tracing_subscriber::fmt().finish()`, which takes no per-layer filters, the layer gates by itself.

use tracing::{Dispatch, dispatcher};
use tracing_subscriber::prelude::*;
use tracing_subscriber::{EnvFilter, fmt};

use crate::prelude::{Lines, fault, pipeline, pipeline_with, trail};
use crate::support::{child, ledger_balances, role};

fn program() {
    tracing::trace!("trace");
    tracing::debug!(target: "foo", "debug");
    tracing::info!("info");
    let job = tracing::info_span!("job", late = tracing::field::Empty);
    let _job = job.enter();
    job.record("late", 7);
    let _between = tracing::debug_span!("between").entered();
    tracing::warn!("close to it");
    let _inner = tracing::info_span!("inner").entered();
    tracing::error!(error = %fault(), "lost");
}

#[test]
fn under_fmt_finish_nothing_panics_and_everything_is_seen() {
    // In a process of its own, to see that its stderr stays empty.
    if role().is_none() {
        let ended = child("alone", "alone::under_fmt_finish_nothing_panics_and_everything_is_seen").run();
        assert_eq!(ended.succeeded().stderr, "");
        return;
    }
    let mut outputs = Vec::new();
    // Each stack is a type of its own, so ours is made anew for each.
    macro_rules! seen {
        ($lines:ident, |$ours:ident| $stack:expr) => {{
            let $lines = Lines::default();
            let ($ours, guard, memory) = pipeline();
            dispatcher::with_default(&Dispatch::new($stack), program);
            let events = memory.events();
            assert_eq!(events.len(), 1, "{}: {events:?}", stringify!($stack));
            assert_eq!(trail(&events[0]), ["close to it"], "{}", stringify!($stack));
            let spans: Vec<_> = events[0].spans.iter().map(|span| span.name.as_str()).collect();
            assert_eq!(spans, ["inner", "job"], "{}", stringify!($stack));
            assert_eq!(events[0].spans[1].fields["late"], 7);
            assert_eq!(ledger_balances(&guard).accepted, 1);
            outputs.push($lines.text());
        }};
    }
    macro_rules! fmt {
        ($lines:ident) => {
            fmt().without_time().with_ansi(false).with_writer($lines.clone())
        };
    }
    seen!(lines, |ours| fmt!(lines).finish().with(ours));
    seen!(lines, |ours| fmt!(lines).finish().with(ours.boxed()));
    seen!(lines, |ours| fmt!(lines).finish().with(Some(ours)));
    seen!(lines, |ours| fmt!(lines).finish().with(vec![ours]));
    seen!(lines, |ours| fmt!(lines).finish().with(EnvFilter::new("info")).with(ours));
    seen!(lines, |ours| fmt!(lines).finish().with(ours).with(EnvFilter::new("info")));
    seen!(lines, |ours| fmt!(lines).with_env_filter("info").finish().with(ours));
    let lines = Lines::default();
    let without_us = fmt!(lines).finish();
    dispatcher::with_default(&Dispatch::new(without_us), program);
    for output in &outputs {
        assert_eq!(*output, lines.text());
    }
    outputs.clear();
    seen!(lines, |ours| fmt!(lines).compact().with_max_level(tracing::Level::TRACE).finish().with(ours));
    let lines = Lines::default();
    let without_us = fmt!(lines).compact().with_max_level(tracing::Level::TRACE).finish();
    dispatcher::with_default(&Dispatch::new(without_us), program);
    assert_eq!(outputs, [lines.text()]);
}

#[test]
fn under_fmt_finish_directives_hold_too() {
    let directives = "warn,foo=debug,quiet=off";
    let (ours, guard, memory) =
        pipeline_with(|builder| builder.breadcrumbs(directives).spans("off,foo=debug"));
    let lines = Lines::default();
    let all = fmt().with_writer(lines).with_max_level(tracing::Level::TRACE).finish();
    let _default = all.with(ours).set_default();
    let _seen = tracing::debug_span!(target: "foo", "seen").entered();
    let _unseen = tracing::info_span!("unseen").entered();
    tracing::debug!(target: "foo", "foo debug");
    tracing::trace!(target: "foo", "foo trace");
    tracing::warn!(target: "quiet", "quiet warn");
    tracing::info!("info");
    tracing::error!(target: "quiet", error = %fault(), "lost");
    let events = memory.events();
    assert_eq!(trail(&events[0]), ["foo debug"]);
    assert_eq!(events[0].spans.len(), 1);
    ledger_balances(&guard);
}

#[test]
fn a_subscriber_unknown_to_us_that_takes_no_filters_is_survived() {
    // It is found out by its panic, which the host's hook sees; so much is said.
    if role().is_none() {
        let ended =
            child("alone", "alone::a_subscriber_unknown_to_us_that_takes_no_filters_is_survived").run();
        assert!(ended.succeeded().stderr.contains("crumbtrail: the subscriber takes no per-layer filters"));
        return;
    }
    let (ours, guard, memory) = pipeline();
    let _default = foreign::Subscriber::default().with(ours).set_default();
    program();
    assert_eq!(trail(&memory.events()[0]), ["close to it"]);
    ledger_balances(&guard);
}

mod foreign {
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata};
    use tracing_subscriber::registry::{LookupSpan, Registry};

    /// A registry without per-layer filters, as older subscribers of users' own are.
    #[derive(Default)]
    pub(super) struct Subscriber(Registry);

    impl tracing::Subscriber for Subscriber {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            self.0.enabled(metadata)
        }

        fn new_span(&self, attributes: &Attributes<'_>) -> Id {
            self.0.new_span(attributes)
        }

        fn record(&self, id: &Id, values: &Record<'_>) {
            self.0.record(id, values);
        }

        fn record_follows_from(&self, id: &Id, follows: &Id) {
            self.0.record_follows_from(id, follows);
        }

        fn event(&self, event: &Event<'_>) {
            self.0.event(event);
        }

        fn enter(&self, id: &Id) {
            self.0.enter(id);
        }

        fn exit(&self, id: &Id) {
            self.0.exit(id);
        }

        fn clone_span(&self, id: &Id) -> Id {
            self.0.clone_span(id)
        }

        fn try_close(&self, id: Id) -> bool {
            self.0.try_close(id)
        }
    }

    impl<'a> LookupSpan<'a> for Subscriber {
        type Data = <Registry as LookupSpan<'a>>::Data;

        fn span_data(&'a self, id: &Id) -> Option<Self::Data> {
            self.0.span_data(id)
        }
    }
}
