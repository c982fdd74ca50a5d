//! Settings: what the environment says, in processes of their own, and what the code says.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crumbtrail::{Breadcrumb, BuildError, Builder, CrumbLayer, Guard, Memory, Stack, Stats, Store, User};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::prelude::*;

use crate::prelude::{fault, lose_one};
use crate::support::{Child, child, ledger_balances, role};

macro_rules! child {
    ($name:literal, $($variable:literal = $value:expr),*) => {{
        let mut child: Child = child("alone", concat!("environment::", $name));
        $(child.command.env($variable, $value);)*
        child.run().succeeded()
    }};
}

#[test]
fn off_turns_everything_off_and_outranks_the_code() {
    if role().is_none() {
        let ended = child!(
            "off_turns_everything_off_and_outranks_the_code",
            "CRUMBTRAIL" = "off",
            "CRUMBTRAIL_BREADCRUMBS" = "trace"
        );
        assert_eq!(ended.stderr, "");
        return;
    }
    let memory = Memory::new();
    let (layer, guard): (CrumbLayer<Registry>, Guard) = crumbtrail::from_env()
        .breadcrumbs("trace")
        .spans("trace")
        .stack(Stack::On)
        .sink(memory.clone())
        .build()
        .expect("the settings are legal");
    tracing_subscriber::registry().with(layer).init();
    // Nobody listens.
    assert!(!tracing::enabled!(tracing::Level::ERROR));
    let job = tracing::info_span!("job");
    assert!(job.is_disabled());
    let _job = job.entered();
    tracing::warn!("step");
    lose_one();
    crumbtrail::set_user(User::new("42"));
    crumbtrail::set_tag("plan", "pro");
    crumbtrail::set_context("cart", 1);
    crumbtrail::add_breadcrumb(Breadcrumb::new("own step"));
    assert_eq!(crumbtrail::capture_error(&fault()), None);
    assert_eq!(crumbtrail::last_event_id(), None);
    assert_eq!(guard.flush(Duration::MAX), Ok(()));
    assert_eq!(guard.shutdown(Duration::MAX), Ok(()));
    assert!(memory.events().is_empty());
    assert_eq!(guard.stats(), Stats::default());
    #[cfg(target_os = "linux")]
    {
        let threads = std::fs::read_dir("/proc/self/task").expect("Linux shows its threads");
        let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm"));
        let names: Vec<_> = threads.filter_map(|task| name(task.ok()?).ok()).collect();
        assert!(!names.iter().any(|name| name.starts_with("crumbtrail")), "{names:?}");
    }
    let begun = Instant::now();
    drop(guard);
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[test]
fn off_leaves_other_layers_alone() {
    if role().is_none() {
        child!("off_leaves_other_layers_alone", "CRUMBTRAIL" = "off");
        return;
    }
    let program = || {
        tracing::trace!("trace");
        let _job = tracing::debug_span!("job").entered();
        lose_one();
    };
    let seen = Seen::default();
    let (layer, _guard) = crumbtrail::from_env().build().expect("the settings are legal");
    let stack = tracing_subscriber::registry().with(layer).with(seen.clone());
    tracing::subscriber::with_default(stack, program);
    let (layer, _guard) = crumbtrail::from_env().build().expect("the settings are legal");
    let stack = tracing_subscriber::registry().with(seen.clone()).with(layer);
    tracing::subscriber::with_default(stack, program);
    assert_eq!(seen.0.load(Ordering::Relaxed), 6);
}

/// Another layer, which counts what it sees.
#[derive(Clone, Default)]
struct Seen(Arc<AtomicU32>);

impl<S: Subscriber> Layer<S> for Seen {
    fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn on_new_span(&self, _: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn the_environment_says_what_the_code_does_not() {
    if role().is_none() {
        let ended = child!(
            "the_environment_says_what_the_code_does_not",
            "CRUMBTRAIL" = "on",
            "CRUMBTRAIL_BREADCRUMBS" = "info,noisy=off",
            "CRUMBTRAIL_SPANS" = "debug",
            "CRUMBTRAIL_LANES" = "[job]",
            "CRUMBTRAIL_STACK" = "off",
            "SENTRY_RELEASE" = "shop@abc123",
            "SENTRY_ENVIRONMENT" = "staging"
        );
        assert_eq!(ended.stderr, "");
        return;
    }
    let log = || {
        let _worker = tracing::info_span!("worker").entered();
        let _job = tracing::debug_span!("job").entered();
        tracing::info!("info");
        tracing::warn!(target: "noisy", "noise");
        lose_one();
    };
    let memory = Memory::new();
    let build = |builder: Builder| builder.sink(memory.clone()).build().expect("the settings are legal");
    let (layer, _guard) = build(crumbtrail::from_env());
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
    let [event] = <[_; 1]>::try_from(memory.events()).expect("one event");
    assert_eq!((event.release.as_deref(), event.environment.as_str()), (Some("shop@abc123"), "staging"));
    let crumbs: Vec<_> = event.breadcrumbs.iter().map(|crumb| crumb.message.as_str()).collect();
    assert_eq!(crumbs, ["info"]);
    assert_eq!(event.spans.len(), 2);
    assert_eq!(event.frames.len(), 1);

    // What the code sets afterwards outranks it, and `builder` reads none.
    for builder in [
        crumbtrail::from_env().breadcrumbs("warn").spans("info").release("code").environment("code"),
        crumbtrail::builder().stack(Stack::Off),
    ] {
        let memory = Memory::new();
        let (layer, _guard) = builder.sink(memory.clone()).build().expect("the settings are legal");
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        let [event] = <[_; 1]>::try_from(memory.events()).expect("one event");
        assert_ne!((event.release.as_deref(), event.environment.as_str()), (Some("shop@abc123"), "staging"));
        let crumbs: Vec<_> = event.breadcrumbs.iter().map(|crumb| crumb.message.as_str()).collect();
        assert_eq!(crumbs, ["noise"]);
        assert_eq!(event.spans.len(), 1);
    }
}

#[test]
fn what_is_wrong_in_the_environment_is_said_and_left_out() {
    const NAME: &str = "environment::what_is_wrong_in_the_environment_is_said_and_left_out";
    if role().is_none() {
        for (variable, value) in [
            ("CRUMBTRAIL", "maybe"),
            ("CRUMBTRAIL", "OFF"),
            ("CRUMBTRAIL_BREADCRUMBS", "info=loud"),
            ("CRUMBTRAIL_BREADCRUMBS", "info,\u{1b}[31mred=loud"),
            ("CRUMBTRAIL_SPANS", "a=b=c"),
            ("CRUMBTRAIL_LANES", "[job"),
            ("CRUMBTRAIL_LANES", "jobs=info"),
            ("CRUMBTRAIL_STACK", "yes"),
        ] {
            let mut child = child("alone", NAME);
            child.command.env(variable, value);
            let said = child.run().succeeded().stderr;
            assert!(said.starts_with(&format!("crumbtrail: {variable} is left out: ")), "{value}: {said}");
            assert_eq!(said.lines().count(), 1, "{value}: {said}");
            // What steers a terminal is made visible.
            assert!(!said.contains('\u{1b}'), "{value}: {said}");
        }
        // Empty is as good as not there.
        let mut child = child("alone", NAME);
        for variable in ["CRUMBTRAIL", "CRUMBTRAIL_BREADCRUMBS", "CRUMBTRAIL_STACK", "SENTRY_RELEASE"] {
            child.command.env(variable, "");
        }
        assert_eq!(child.run().succeeded().stderr, "");
        return;
    }
    the_defaults_hold();
}

#[test]
#[cfg(unix)]
fn what_is_no_text_in_the_environment_is_said_and_left_out() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    const VARIABLES: [&str; 5] =
        ["CRUMBTRAIL", "CRUMBTRAIL_BREADCRUMBS", "CRUMBTRAIL_STACK", "SENTRY_RELEASE", "SENTRY_ENVIRONMENT"];
    if role().is_none() {
        let name = "environment::what_is_no_text_in_the_environment_is_said_and_left_out";
        let mut child = child("alone", name);
        for variable in VARIABLES {
            child.command.env(variable, OsStr::from_bytes(b"of\xfff"));
        }
        let said = child.run().succeeded().stderr;
        for variable in VARIABLES {
            assert!(said.contains(&format!("crumbtrail: {variable} is left out: ")), "{variable}: {said}");
        }
        assert_eq!(said.lines().count(), VARIABLES.len(), "{said}");
        return;
    }
    the_defaults_hold();
}

fn the_defaults_hold() {
    let memory = Memory::new();
    let builder = crumbtrail::from_env().stack(Stack::Off).sink(memory.clone());
    let (layer, guard) = builder.build().expect("a bad environment stops no service");
    let _default = tracing_subscriber::registry().with(layer).set_default();
    let _job = tracing::info_span!("job").entered();
    tracing::info!("info");
    tracing::warn!("warn");
    lose_one();
    let [event] = <[_; 1]>::try_from(memory.events()).expect("one event");
    assert_eq!(event.breadcrumbs.len(), 1);
    assert_eq!(event.spans.len(), 1);
    assert_eq!(event.release, None);
    ledger_balances(&guard);
}

fn refused(builder: Builder) -> BuildError {
    builder.build::<Registry>().expect_err("it cannot be")
}

#[test]
fn what_is_wrong_in_the_code_is_an_error_that_names_it() {
    type Set = fn(Builder, &str) -> Builder;
    let breadcrumbs: Set = |builder, text| builder.breadcrumbs(text);
    let spans: Set = |builder, text| builder.spans(text);
    let lanes: Set = |builder, text| builder.lanes(text);
    for (set, setting, text) in [
        (breadcrumbs, "breadcrumbs", "warn,sqlx=loud"),
        (breadcrumbs, "breadcrumbs", "a=b=c"),
        (spans, "spans", "tower_http=sometimes"),
        (spans, "spans", "=="),
        (lanes, "lanes", "jobs[run"),
        (lanes, "lanes", "jobs[]"),
        (lanes, "lanes", "jobs=info"),
        (lanes, "lanes", "[a],[b]]"),
        (lanes, "lanes", "[a b]"),
    ] {
        let error = refused(set(crumbtrail::builder(), text));
        assert!(error.is_directive() && !error.is_queue(), "{error:?}");
        let said = error.to_string();
        assert!(said.contains(setting) && said.contains(text), "{said}");
        assert!(error.source().is_none());
    }
}

#[test]
fn a_queue_must_have_room_and_fit_into_memory() {
    for (items, bytes) in [(0, 1), (1, 0), (usize::MAX, 1), (usize::MAX, usize::MAX), (1 << 40, 1 << 50)] {
        let error = refused(crumbtrail::builder().queue(items, bytes));
        assert!(error.is_queue() && !error.is_directive(), "{error:?}");
        assert!(error.to_string().contains("queue"), "{error}");
    }
    for (items, bytes) in [(1, 1), (1, usize::MAX), (100_000, usize::MAX)] {
        let (layer, guard) = crumbtrail::builder()
            .queue(items, bytes)
            .stack(Stack::Off)
            .store(Store::Off)
            .build()
            .expect("it has room");
        let _default = tracing_subscriber::registry().with(layer).set_default();
        lose_one();
        lose_one();
        assert_eq!(guard.flush(Duration::from_secs(10)), Ok(()));
        assert_eq!(ledger_balances(&guard).lost_total(), 2);
    }
}

#[test]
fn no_text_makes_the_builder_panic() {
    let long = "x".repeat(100_000);
    let many = "a=debug,".repeat(10_000);
    let texts = [
        "",
        " ",
        ",",
        ",,,",
        "=",
        "[",
        "]",
        "[]",
        "[[",
        "]]",
        "{",
        "a[b{c=d}]=e",
        "off",
        "OFF",
        "0",
        "6",
        "-1",
        "warn,",
        ",warn",
        "warn warn",
        "ä=ö",
        "💥",
        "\0",
        "\n",
        "\u{202e}",
        "a::=warn",
        "::",
        "a=",
        "=a",
        "[=]",
        long.as_str(),
        many.as_str(),
    ];
    for text in texts {
        for builder in [
            crumbtrail::builder().breadcrumbs(text),
            crumbtrail::builder().spans(text),
            crumbtrail::builder().lanes(text),
            crumbtrail::builder().release(text).environment(text).server_name(text).in_app([text]),
            crumbtrail::builder().user(User::new(text)),
        ] {
            assert!(format!("{builder:?}").starts_with("Builder"));
            match builder.stack(Stack::Off).sink(Memory::new()).build::<Registry>() {
                Ok((_, guard)) => assert_eq!(guard.flush(Duration::from_secs(10)), Ok(())),
                Err(error) => assert!(error.is_directive(), "{error}"),
            }
        }
    }
}
