//! Fields that say what an error is: by OpenTelemetry's names, as classifications, two errors on one line.

use std::error::Error;

use crumbtrail::TrackedEvent;
use tracing::error;

use crate::failures;
use crate::rig::{Rig, named};
use crate::truth::Truth;

fn chain(event: &TrackedEvent) -> Vec<(Option<&str>, &str)> {
    event.chain.iter().map(|cause| (cause.type_name.as_deref(), cause.value.as_str())).collect()
}

#[test]
fn explicit_fields_are_the_error() {
    let rig = Rig::new();
    rig.on_thread(|| {
        error!(exception.type = "shop::Refused", exception.message = "card refused", "exception");
        error!(error.type = "Refused", error.message = %"card refused", "error");
        error!(err.msg = "card refused", "msg");
        error!(exception.type = "shop::Refused", "a type alone");
        error!(error = %"a guess", exception.message = "card refused", "it outranks guesses");
    });
    let events = rig.events();
    let chain = |name: &str| chain(named(&events, name));
    assert_eq!(chain("exception"), [(Some("shop::Refused"), "card refused")]);
    assert_eq!(chain("error"), [(Some("Refused"), "card refused")]);
    assert_eq!(chain("msg"), [(None, "card refused")]);
    assert_eq!(chain("a type alone"), [(Some("shop::Refused"), "shop::Refused")]);
    assert_eq!(chain("it outranks guesses"), [(None, "card refused")]);
    assert_eq!(named(&events, "exception").value, "card refused");
}

#[test]
fn a_chain_of_causes_in_a_field_is_read() {
    let rig = Rig::new();
    let (settings, report) = (failures::settings(), failures::with_contexts());
    rig.on_thread(|| {
        error!(error.message = %settings, error.cause_chain = ?settings, "its debug");
        error!(error.message = %report, error.cause_chain = ?report, "a report");
        error!(error.message = %report, error.cause_chain = "the disk is full", "below it");
    });
    let events = rig.events();
    let texts =
        |name: &str| chain(named(&events, name)).into_iter().map(|(_, text)| text).collect::<Vec<_>>();
    let truth = Truth::of(&*report);
    assert_eq!(texts("a report"), truth.displays());
    assert_eq!(texts("below it"), [&report.to_string(), "the disk is full"]);
    assert_eq!(texts("its debug")[0], settings.to_string());
    assert_eq!(texts("its debug").last(), Truth::of(&settings).displays().last());
}

#[test]
fn a_stack_in_a_field_is_the_events_stack() {
    let rig = Rig::new();
    let backtrace = std::backtrace::Backtrace::force_capture().to_string();
    rig.on_thread(|| {
        error!(exception.message = "refused", exception.stacktrace = backtrace.as_str(), "std");
        error!(exception.message = "refused", exception.stacktrace = "at shop.js:1", "another language's");
    });
    let events = rig.events();
    let event = named(&events, "std");
    let first = &event.frames[0];
    assert_eq!(
        first.function.as_deref(),
        Some("a_stack_in_a_field_is_the_events_stack"),
        "{:#?}",
        event.frames
    );
    assert!(first.in_app && first.file.as_deref() == Some(file!()), "{first:?}");
    assert!(!event.fields.contains_key("exception.stacktrace"));
    let other = named(&events, "another language's");
    assert_eq!(other.frames.len(), 1);
    assert_eq!(other.fields["exception.stacktrace"], "at shop.js:1");
}

#[test]
fn classifications_are_tags_and_never_the_error() {
    let rig = Rig::new();
    rig.on_thread(|| {
        error!(error_code = 17, error_type = "timeout", error_kind = "net", stage = "sending", "no error");
        error!(
            error = "refused",
            error_code = "E17",
            err_kind = ?"net",
            error.class = "transient",
            error_count = 3,
            stage = "sending",
            attempt = 2,
            "an error"
        );
        error!(error = "refused", error_type = "RateLimited", "a type");
        error!(error = ?failures::missing_file(), error_type = "RateLimited", "a type of its own");
    });
    assert_eq!(rig.stats().errors_without_error, 1);
    let events = rig.events();
    let event = named(&events, "an error");
    let tags: Vec<(&str, &str)> =
        event.tags.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let expected = [
        ("err_kind", "\"net\""),
        ("error.class", "transient"),
        ("error_code", "E17"),
        ("error_count", "3"),
        ("stage", "sending"),
    ];
    assert_eq!(tags, expected);
    assert_eq!(event.fields.keys().collect::<Vec<_>>(), ["attempt", "error"]);
    assert_eq!(chain(event), [(None, "refused")]);
    assert_eq!(chain(named(&events, "a type")), [(Some("RateLimited"), "refused")]);
    assert_eq!(chain(named(&events, "a type of its own"))[0].0, Some("io::Error"));
}

#[test]
fn of_two_errors_the_surer_is_the_events_and_the_other_its_sibling() {
    let rig = Rig::new();
    let (first, second) = (failures::settings(), failures::with_contexts());
    rig.on_thread(|| {
        error!(error = &first as &dyn Error, rollback_error = %second, "both");
    });
    let event = rig.event();
    let (first, second) = (Truth::of(&first), Truth::of(&*second));
    let texts =
        |chain: &[crumbtrail::Cause]| chain.iter().map(|cause| cause.value.clone()).collect::<Vec<_>>();
    assert_eq!(texts(&event.chain), first.displays());
    assert_eq!(event.siblings.iter().map(|chain| texts(chain)).collect::<Vec<_>>(), [second.displays()]);
}
