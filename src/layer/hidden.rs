//! Whether a filter over the whole subscriber hides from us what we need.
//!
//! Such a filter (a global `EnvFilter` of `RUST_LOG=error`) turns WARNs off before any layer hears of them, and every
//! trail is empty without a word. It is asked once, on a thread of its own: asking leaves a verdict behind in the thread's
//! filter state, which other layers would take for that of the next event.

use tracing::callsite::{Callsite, Identifier};
use tracing::field::FieldSet;
use tracing::metadata::Kind;
use tracing::subscriber::Interest;
use tracing::{Level, Metadata, dispatcher};

use super::gate::Gate;
use crate::capture::Pipeline;
use crate::diag::Said;

/// Says how to mend it if the current subscriber holds back WARNs of `target` that the gate would take.
pub(crate) fn say_if_hidden(gate: &Gate, target: &str) {
    static HIDDEN: Said = Said::new();
    let fields = FieldSet::new(&[], Identifier(&Question));
    let warn = Metadata::new("event", target, Level::WARN, None, None, Some(target), fields, Kind::EVENT);
    let hidden = dispatcher::get_default(|dispatch| {
        dispatch.downcast_ref::<Pipeline>().is_some() && gate.admits(&warn) && !dispatch.enabled(&warn)
    });
    if hidden {
        HIDDEN.say(&format!(
            "a filter over the whole subscriber hides the WARN records of {target}, so events have no breadcrumbs; \
             put it on the layer it is meant for, as in `fmt::layer().with_filter(filter)`",
        ));
    }
}

/// The callsite of a question: it never logs.
struct Question;

impl Callsite for Question {
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        static NOTHING: Metadata<'static> = Metadata::new(
            "question",
            "crumbtrail",
            Level::TRACE,
            None,
            None,
            None,
            FieldSet::new(&[], Identifier(&Question)),
            Kind::EVENT,
        );
        &NOTHING
    }
}
