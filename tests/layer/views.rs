//! Other layers see with us exactly what they see without us.

use tracing::{Dispatch, Level, Subscriber, dispatcher};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer, fmt, registry};

use crate::prelude::{Lines, fault, pipeline, trail};
use crate::support::{child, ledger_balances, role};

const DIRECTIVES: &str = "info,foo=debug,[inf]=trace";

type Boxed<S> = Box<dyn Layer<S> + Send + Sync>;

/// How the other layer looks at the program.
#[derive(Debug, Clone, Copy, PartialEq)]
enum View {
    /// `fmt` without any filter: everything.
    Bare,
    /// A filter for the whole stack.
    Global,
    /// The same filter for `fmt` alone.
    PerLayer,
    Info,
    Trace,
}

const VIEWS: [View; 5] = [View::Bare, View::Global, View::PerLayer, View::Info, View::Trace];

impl View {
    fn layer<S>(self, lines: &Lines) -> Boxed<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let layer = fmt::layer()
            .without_time()
            .with_ansi(false)
            .with_span_events(FmtSpan::NEW | FmtSpan::ENTER | FmtSpan::EXIT)
            .with_writer(lines.clone());
        match self {
            Self::Bare | Self::Global => layer.boxed(),
            Self::PerLayer => layer.with_filter(EnvFilter::new(DIRECTIVES)).boxed(),
            Self::Info => layer.with_filter(LevelFilter::INFO).boxed(),
            Self::Trace => layer.with_filter(LevelFilter::TRACE).boxed(),
        }
    }
}

/// Makes a stack that writes to those lines.
type Stack = Box<dyn Fn(&Lines) -> Dispatch>;

/// Every stack that we may stand in beside that view.
fn stacks(view: View) -> Vec<(&'static str, Stack)> {
    // A macro, since every stack is a type of its own. The guard is dropped: the layer works on without it.
    macro_rules! stacks {
        ($lines:ident => $($name:literal: $($layer:expr),+;)+) => {
            vec![$((
                $name,
                Box::new(move |$lines: &Lines| Dispatch::new(registry()$(.with($layer))+)) as Stack,
            )),+]
        };
    }
    if view == View::Global {
        return stacks! { lines =>
            "before both": pipeline().0, EnvFilter::new(DIRECTIVES), view.layer(lines);
            "between": EnvFilter::new(DIRECTIVES), pipeline().0, view.layer(lines);
            "after both": EnvFilter::new(DIRECTIVES), view.layer(lines), pipeline().0;
            "filter last": pipeline().0, view.layer(lines), EnvFilter::new(DIRECTIVES);
            "filter last, we before it": view.layer(lines), pipeline().0, EnvFilter::new(DIRECTIVES);
            "boxed": pipeline().0.boxed(), EnvFilter::new(DIRECTIVES), view.layer(lines);
            "in an Option": Some(pipeline().0), EnvFilter::new(DIRECTIVES), view.layer(lines);
            "in a Vec": vec![pipeline().0], EnvFilter::new(DIRECTIVES), view.layer(lines);
        };
    }
    stacks! { lines =>
        "before": pipeline().0, view.layer(lines);
        "after": view.layer(lines), pipeline().0;
        "boxed before": pipeline().0.boxed(), view.layer(lines);
        "boxed after": view.layer(lines), pipeline().0.boxed();
        "in an Option before": Some(pipeline().0), view.layer(lines);
        "in an Option after": view.layer(lines), Some(pipeline().0);
        "in a Vec before": vec![pipeline().0], view.layer(lines);
        "in a Vec after": view.layer(lines), vec![pipeline().0];
        "in one Vec with the other": vec![view.layer(lines), pipeline().0.boxed()];
        "in one Vec with the other, first": vec![pipeline().0.boxed(), view.layer(lines)];
        "joined to the other": pipeline().0.and_then(view.layer(lines));
        "twice": pipeline().0, view.layer(lines), pipeline().0;
    }
}

fn without_us(view: View, lines: &Lines) -> Dispatch {
    match view {
        View::Global => Dispatch::new(registry().with(EnvFilter::new(DIRECTIVES)).with(view.layer(lines))),
        _ => Dispatch::new(registry().with(view.layer(lines))),
    }
}

/// A program that uses all there is: the same callsites at every call.
fn program(lines: &Lines) -> String {
    macro_rules! every_level {
        ($target:literal) => {
            tracing::trace!(target: $target, n = 1, "trace");
            tracing::debug!(target: $target, n = 2, "debug");
            tracing::info!(target: $target, n = 3, "info");
            tracing::warn!(target: $target, n = 4, "warn");
            tracing::error!(target: $target, error = %fault(), "error");
        };
    }
    let mut told = String::new();
    every_level!("foo");
    every_level!("bar");
    told.push_str(&format!("{} ", tracing::enabled!(target: "foo", Level::DEBUG)));
    told.push_str(&format!("{} ", tracing::enabled!(target: "bar", Level::DEBUG)));
    told.push_str(&format!("{} ", tracing::enabled!(target: "bar", Level::TRACE)));
    told.push_str(&format!("{} ", tracing::event_enabled!(target: "bar", Level::DEBUG)));
    told.push_str(&format!("{} ", tracing::span_enabled!(target: "bar", Level::DEBUG)));
    told.push_str(&format!("{} ", tracing::span_enabled!(target: "bar", Level::INFO)));
    for _ in 0..2 {
        let inf = tracing::info_span!(target: "bar", "inf", k = 1, late = tracing::field::Empty);
        let _in_inf = inf.enter();
        every_level!("bar");
        inf.record("late", 7);
        let deep = tracing::debug_span!(target: "foo", "deep", k = 2, late = tracing::field::Empty);
        let _in_deep = deep.enter();
        deep.record("late", "seven");
        every_level!("bar");
        told.push_str(&format!("{} {} ", deep.is_disabled(), inf.is_disabled()));
        let below = tracing::trace_span!(target: "bar", "below");
        let _in_below = below.enter();
        every_level!("foo");
        tracing::info!(target: "bar", parent: &inf, "under inf");
        tracing::warn!(target: "bar", parent: None, "under nothing");
    }
    format!("{told}\n{}", lines.text())
}

#[test]
fn the_output_of_fmt_is_the_same_byte_for_byte() {
    // In a process of its own: while several subscribers are alive, `tracing` merges what they are interested in, and
    // then `enabled!` asks per-layer filters, which say yes to everything.
    if role().is_none() {
        child("alone", "views::the_output_of_fmt_is_the_same_byte_for_byte").run().succeeded();
        return;
    }
    for view in VIEWS {
        let lines = Lines::default();
        let alone = dispatcher::with_default(&without_us(view, &lines), || program(&lines));
        assert!(alone.contains("under inf") && alone.contains("WARN"), "{view:?} shows too little: {alone}");
        for (name, stack) in stacks(view) {
            let lines = Lines::default();
            let beside_us = dispatcher::with_default(&stack(&lines), || program(&lines));
            assert!(
                beside_us == alone,
                "fmt ({view:?}) sees another program with us {name}\n--- alone\n{alone}\n--- beside us\n{beside_us}"
            );
        }
    }
}

#[test]
fn none_in_the_place_of_the_layer_changes_nothing() {
    if role().is_none() {
        child("alone", "views::none_in_the_place_of_the_layer_changes_nothing").run().succeeded();
        return;
    }
    for view in VIEWS {
        let lines = Lines::default();
        let alone = dispatcher::with_default(&without_us(view, &lines), || program(&lines));
        let lines = Lines::default();
        let none = Some(pipeline().0).filter(|_| false);
        let stack = match view {
            View::Global => {
                let filter = EnvFilter::new(DIRECTIVES);
                Dispatch::new(registry().with(none).with(filter).with(view.layer(&lines)))
            }
            _ => Dispatch::new(registry().with(none).with(view.layer(&lines))),
        };
        let beside_none = dispatcher::with_default(&stack, || program(&lines));
        assert_eq!(beside_none, alone, "{view:?}");
    }
}

#[test]
fn in_every_stack_we_see_the_same_failure() {
    // Each stack is a type of its own, so ours is made anew for each.
    macro_rules! stack {
        (|$ours:ident| $stack:expr) => {{
            let ($ours, guard, memory) = pipeline();
            (Dispatch::new($stack), guard, memory)
        }};
    }
    for view in VIEWS {
        let lines = &Lines::default();
        let stacks = [
            stack!(|ours| registry().with(ours).with(view.layer(lines))),
            stack!(|ours| registry().with(view.layer(lines)).with(ours)),
            stack!(|ours| registry().with(ours.boxed()).with(view.layer(lines))),
            stack!(|ours| registry().with(Some(ours)).with(view.layer(lines))),
            stack!(|ours| registry().with(vec![ours]).with(view.layer(lines))),
            stack!(|ours| registry().with(vec![view.layer(lines), ours.boxed()])),
            stack!(|ours| registry().with(EnvFilter::new(DIRECTIVES)).with(ours).with(view.layer(lines))),
            stack!(|ours| registry().with(ours).with(view.layer(lines)).with(EnvFilter::new(DIRECTIVES))),
        ];
        for (index, (stack, guard, memory)) in stacks.into_iter().enumerate() {
            dispatcher::with_default(&stack, || {
                let _job = tracing::info_span!("job", user.id = "42").entered();
                tracing::debug!("below");
                tracing::warn!("close to it");
                tracing::error!(error = &fault() as &(dyn std::error::Error + 'static), "lost");
            });
            let events = memory.events();
            let [event] = events.as_slice() else { panic!("{view:?} {index}: {events:?}") };
            assert_eq!(trail(event), ["close to it"], "{view:?} {index}");
            assert_eq!(event.user.as_ref().and_then(|user| user.id.as_deref()), Some("42"));
            ledger_balances(&guard);
        }
    }
}

#[test]
fn what_enabled_leaves_behind_loses_no_error() {
    // `enabled!` makes the per-layer filters note a verdict that no event then takes up.
    let lines = Lines::default();
    let (ours, guard, memory) = pipeline();
    let stack = Dispatch::new(registry().with(ours).with(View::Info.layer(&lines)));
    dispatcher::with_default(&stack, || {
        for _ in 0..3 {
            assert!(tracing::enabled!(Level::INFO));
            tracing::error!(error = %fault(), "lost");
            assert!(tracing::span_enabled!(Level::INFO));
            let _span = tracing::info_span!("kept").entered();
            assert!(tracing::event_enabled!(Level::INFO));
            tracing::warn!("kept as well");
        }
    });
    let events = memory.events();
    assert_eq!(events.len(), 3, "{events:?}");
    assert_eq!(ledger_balances(&guard).accepted, 3);
}
