//! The gate: which callsites are live, and which spans the user named as lanes.
//!
//! It decides by metadata alone, so `tracing` asks it once per callsite and keeps the answer: a callsite below the gate
//! costs nothing. It never says no on behalf of other layers.

use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Filter};

use crate::error::BuildError;

/// What the layer listens to.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    breadcrumbs: Targets,
    spans: Targets,
    lanes: Vec<LaneDirective>,
    loudest: LevelFilter,
    /// Events, and spans, at this level and above pass whatever their target: no look-up.
    sure: (LevelFilter, LevelFilter),
    off: bool,
}

/// `target`, `target[span]` or `[span]`: which spans begin a lane of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LaneDirective {
    target: String,
    span: Option<String>,
}

impl Gate {
    pub(crate) fn new(breadcrumbs: Targets, spans: Targets, lanes: Vec<LaneDirective>) -> Self {
        // An ERROR is never below the gate.
        let loudest = loudest(&breadcrumbs).max(loudest(&spans)).max(LevelFilter::ERROR);
        let sure = (quietest(&breadcrumbs).max(LevelFilter::ERROR), quietest(&spans));
        Self { breadcrumbs, spans, lanes, loudest, sure, off: false }
    }

    /// A gate that lets nothing through.
    pub(crate) fn off() -> Self {
        Self {
            breadcrumbs: Targets::new(),
            spans: Targets::new(),
            lanes: Vec::new(),
            loudest: LevelFilter::OFF,
            sure: (LevelFilter::OFF, LevelFilter::OFF),
            off: true,
        }
    }

    /// Whether the event is live whatever its target, which most are that we hear of.
    #[inline]
    pub(crate) fn is_sure(&self, event: &Metadata<'_>) -> bool {
        *event.level() <= self.sure.0
    }

    /// Whether the callsite is live.
    pub(crate) fn admits(&self, callsite: &Metadata<'_>) -> bool {
        self.admits_as(callsite, callsite.target())
    }

    /// As [`admits`](Self::admits), for a record whose callsite does not know its target.
    pub(crate) fn admits_as(&self, callsite: &Metadata<'_>, target: &str) -> bool {
        let (targets, sure) =
            if callsite.is_span() { (&self.spans, self.sure.1) } else { (&self.breadcrumbs, self.sure.0) };
        *callsite.level() <= sure || !self.off && targets.would_enable(target, callsite.level())
    }

    /// Whether a directive names the span as the root of a lane.
    pub(crate) fn begins_lane(&self, span: &Metadata<'_>) -> bool {
        self.lanes.iter().any(|lane| {
            span.target().starts_with(&lane.target)
                && lane.span.as_ref().is_none_or(|name| name == span.name())
        })
    }
}

impl<S: Subscriber> Filter<S> for Gate {
    fn enabled(&self, callsite: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.admits(callsite)
    }

    fn callsite_enabled(&self, callsite: &'static Metadata<'static>) -> Interest {
        if self.admits(callsite) { Interest::always() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.loudest)
    }
}

/// Reads `target=level` directives. Spaces around them and commas too many mean nothing; `Targets` would take them for
/// targets of such a name.
pub(crate) fn targets(setting: &'static str, text: &str) -> Result<Targets, BuildError> {
    let tidy: Vec<&str> = directives(text).collect();
    if tidy.iter().any(|directive| directive.contains(char::is_whitespace)) {
        return Err(BuildError::directive(
            setting,
            text,
            "a directive is written `target=level`, without spaces",
        ));
    }
    tidy.join(",").parse().map_err(|why| BuildError::directive(setting, text, why))
}

fn directives(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|directive| !directive.is_empty())
}

/// Reads the directives that name lanes.
pub(crate) fn lanes(text: &str) -> Result<Vec<LaneDirective>, BuildError> {
    directives(text).map(|directive| lane(directive, text)).collect()
}

fn lane(directive: &str, all: &str) -> Result<LaneDirective, BuildError> {
    const FORM: &str = "a lane is written `target`, `target[span]` or `[span]`";
    let wrong = || BuildError::directive("lanes", all, FORM);
    let (target, span) = match directive.split_once('[') {
        None => (directive, None),
        Some((target, rest)) => (target, Some(rest.strip_suffix(']').ok_or_else(wrong)?)),
    };
    let odd = |text: &str| text.contains(['[', ']', '=', '{', '}', ' ']);
    if odd(target) || span.is_some_and(|span| span.is_empty() || odd(span)) {
        return Err(wrong());
    }
    Ok(LaneDirective { target: target.to_owned(), span: span.map(str::to_owned) })
}

fn loudest(targets: &Targets) -> LevelFilter {
    let named = targets.iter().map(|(_, level)| level);
    named.chain(targets.default_level()).max().unwrap_or(LevelFilter::OFF)
}

/// The level that every target has at least; none where a target may match no directive.
fn quietest(targets: &Targets) -> LevelFilter {
    let Some(default) = targets.default_level() else { return LevelFilter::OFF };
    targets.iter().map(|(_, level)| level).fold(default, LevelFilter::min)
}
