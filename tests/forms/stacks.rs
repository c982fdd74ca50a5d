//! The stack that an error's text brings along.

use crumbtrail::{Stack, TrackedEvent};
use tracing::{error, info_span, warn};

use crate::failures;
use crate::rig::{Rig, named};
use crate::support::{child, role};

#[test]
fn a_backtrace_in_a_text_is_the_events_stack_and_is_shown_nowhere_else() {
    const NAME: &str = "stacks::a_backtrace_in_a_text_is_the_events_stack_and_is_shown_nowhere_else";
    match role().as_deref() {
        Some("colours") => in_colours(),
        Some(_) => in_reports(),
        None => {
            for role in ["plain", "colours"] {
                let mut child = child(role, NAME);
                child.command.env("RUST_BACKTRACE", "1").env_remove("RUST_LIB_BACKTRACE");
                child.run().succeeded();
            }
        }
    }
}

fn in_reports() {
    let rig = Rig::with(|builder| builder.stack(Stack::On));
    rig.on_thread(|| {
        let (anyhow, eyre) = (made_by_anyhow(), made_by_eyre());
        // Each is a work of its own: of one the lines would be one failure.
        let work = |log: &dyn Fn()| {
            info_span!("work").in_scope(|| {
                warn!(error = ?anyhow, "crumb");
                warn!(error = ?eyre, "crumb");
                warn!(error = ?failures::by_snafu::order(), "crumb");
                log();
            });
        };
        work(&|| error!(error = ?anyhow, "anyhow"));
        work(&|| error!(error = ?eyre, "eyre"));
        work(&|| error!("at the tail of a message: {anyhow:?}"));
        work(&|| error!(error = ?Wrapper(made_by_anyhow()), "wrapped"));
        work(&|| error!(error = ?failures::by_snafu::order(), "snafu"));
    });
    let events = rig.events();
    for (name, function) in [
        ("anyhow", "made_by_anyhow"),
        ("eyre", "made_by_eyre"),
        ("at the tail of a message: the till is empty", "made_by_anyhow"),
        ("snafu", "order"),
    ] {
        is_made_in(named(&events, name), function);
    }
    // What a text shows inside of something else is no stack for sure; then it is the line that logged.
    let wrapped = named(&events, "wrapped");
    assert_eq!(wrapped.frames[0].line, wrapped.line);
}

fn in_colours() {
    color_eyre::install().unwrap();
    let rig = Rig::with(|builder| builder.stack(Stack::On));
    rig.on_thread(|| {
        let _span = info_span!("work").entered();
        let failed = made_by_color_eyre();
        warn!(error = ?failed, "crumb");
        error!(error = ?failed, "color-eyre");
    });
    is_made_in(named(&rig.events(), "color-eyre"), "made_by_color_eyre");
}

/// The stack begins where the error was made, not in the crate that made it; what was cut out is nowhere.
#[track_caller]
fn is_made_in(event: &TrackedEvent, function: &str) {
    let first = &event.frames[0];
    assert_eq!(first.function.as_deref(), Some(function), "{:#?}", event.frames);
    assert!(
        first.in_app && first.file.as_deref().is_some_and(|file| file.starts_with("tests/")),
        "{first:?}"
    );
    assert_ne!(first.line, event.line);
    let in_reports = event.frames.iter().filter(|frame| {
        let module = frame.module.as_deref().unwrap_or_default();
        ["std::rt", "std::panicking", "test::"].iter().any(|runtime| module.starts_with(runtime))
    });
    assert_eq!(in_reports.count(), 0, "{:#?}", event.frames);
    let outer = event.frames.iter().filter(|frame| frame.in_app).nth(1);
    assert!(outer.is_some(), "its callers are there too: {:#?}", event.frames);
    for text in event.fields.values().filter_map(|value| value.as_str()).chain(event.message.as_deref()) {
        assert!(!text.contains("tests/forms") && !text.contains('\u{1b}'), "{text:?}");
    }
    for crumb in &event.breadcrumbs {
        let texts = crumb.data.values().filter_map(|value| value.as_str());
        for text in texts.chain([crumb.message.as_str()]) {
            let shown =
                ["Stack backtrace:", "\nLocation:", "{ fn: "].iter().any(|section| text.contains(section));
            assert!(!shown, "{text:?}");
        }
    }
}

#[inline(never)]
fn made_by_anyhow() -> anyhow::Error {
    anyhow::anyhow!("the till is empty")
}

#[inline(never)]
fn made_by_eyre() -> eyre::Report {
    eyre::eyre!("the till is empty").wrap_err("no change")
}

#[inline(never)]
fn made_by_color_eyre() -> color_eyre::Report {
    color_eyre::eyre::eyre!("the till is empty")
}

/// Shows a report in the midst of its own words.
struct Wrapper(anyhow::Error);

impl std::fmt::Debug for Wrapper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "(a report of {} bytes)", format!("{:?}", self.0).len())
    }
}
