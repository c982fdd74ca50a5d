//! Whatever a program logs, and whatever its hooks make of it, the server takes: nothing is refused by its schema.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::time::{Duration, UNIX_EPOCH};

use crumbtrail::limits::{MESSAGE_BYTES, TRAIL_CRUMBS};
use crumbtrail::{Breadcrumb, Builder, EventKind, Fingerprint, TrackedEvent, User};
use serde_json::{Value, json};
use tracing::{error, info_span, warn};

use crate::alike::all_alike;
use crate::server::{Server, shared};
use crate::{pipeline, told};

/// Texts that are cut inside a character where somebody counts bytes, that no terminal should see, that are no text in
/// JSON, or that a server might take for something else.
const TEXTS: [&str; 14] = [
    "",
    " ",
    "\n",
    "a\0b",
    "\u{1b}[31mred\u{1b}[0m \u{7f}\u{9b}31m",
    "\\ud800 \\u0000 \\",
    "\u{fffd}\u{fffe}\u{feff}\u{202e}desrever\u{2066}",
    "\"}}],\n{\"type\":\"event\"}\n",
    "two\nlines\r\nand\u{2028}three",
    "𝄞𝄞𝄞",
    "<script>alert(1)</script>",
    "{{ default }}",
    "null",
    "\u{e000}\u{10ffff}",
];

#[test]
fn texts_arrive_as_they_are() {
    let Some(server) = shared() else { return };
    let events = told(pipeline(server.dsn("hostile")).track_messages(true), || {
        for text in TEXTS {
            let span = info_span!("work", user.id = text, "an odd name, ü" = text);
            let _span = span.entered();
            warn!(text, "before: {text}");
            crumbtrail::set_context("odd", json!({ text: text }));
            error!(error = %text, text, "it failed: {text}");
            error!("{text}");
            crumbtrail::capture_error(&io::Error::other(text));
        }
    });
    assert!(events.len() >= 2 * TEXTS.len(), "{} events", events.len());
    all_alike(&server.stores("hostile", events.len()), &events);
    assert_eq!(server.refusals(), [""; 0]);
}

#[test]
fn what_is_huge_deep_or_odd_is_stored() {
    let Some(server) = shared() else { return };
    let builder = pipeline(server.dsn("extreme")).release("latest").environment("none");
    is_stored(server, "extreme", 12, builder.track_messages(true), || {
        let huge = "𝄞".repeat(40_000);
        for cut in 0..4 {
            let text = format!("{}{huge}", &"abcd"[..cut]);
            let _span = info_span!("work", user.id = text, tags.huge = text, note = text).entered();
            crumbtrail::add_breadcrumb(
                Breadcrumb::new(text.clone()).category(text.clone()).data("huge", text.clone()),
            );
            error!(error = %text, text, "{text}");
            error!("{text}");
        }
        for number in 0..2 * TRAIL_CRUMBS {
            warn!(number, "{}", "w".repeat(1_000));
        }
        let numbers = info_span!("numbers", nan = f64::NAN, least = i128::MIN, most = u128::MAX, zero = -0.0);
        numbers.in_scope(|| error!(error = %io::Error::other("odd"), more = f64::INFINITY, "numbers"));
        info_span!("tagged").in_scope(|| {
            for number in 0..100 {
                crumbtrail::set_tag(
                    format!("tag {number}.{}", "x".repeat(number * 4)),
                    "v\nw".repeat(number),
                );
                crumbtrail::set_context(format!("context {number}"), json!([number, null, {}]));
            }
            crumbtrail::set_context("deep", deep(200));
            crumbtrail::set_context("trace", json!("no trace"));
            crumbtrail::set_context("os", Value::Null);
            crumbtrail::capture_error(&Endless);
        });
        for payload in ["", "\0", &huge] {
            let payload = payload.to_owned();
            assert!(panic::catch_unwind(AssertUnwindSafe(|| panic!("{payload}"))).is_err());
        }
        assert!(panic::catch_unwind(|| panic::panic_any(7)).is_err());
    });
}

/// `before_send` has every public field of an event in its hand.
#[test]
fn what_a_hook_makes_of_an_event_is_stored() {
    let Some(server) = shared() else { return };
    let builder = pipeline(server.dsn("made")).before_send(|mut event| {
        let number = event.fields["number"].as_u64().and_then(|number| usize::try_from(number).ok());
        MAKERS[number?](&mut event);
        Some(event)
    });
    is_stored(server, "made", MAKERS.len(), builder, || {
        for number in 0..MAKERS.len() {
            warn!("before");
            error!(error = %io::Error::other("out of tea"), number, "made odd");
        }
    });
}

const MAKERS: [fn(&mut TrackedEvent); 13] = [
    |event| (event.chain, event.message) = (Vec::new(), None),
    |event| event.chain.iter_mut().for_each(|cause| (cause.type_name, cause.value) = (None, String::new())),
    |event| event.chain = vec![event.chain[0].clone(); 500],
    |event| event.frames.clear(),
    |event| event.frames = vec![event.frames[0].clone(); 5_000],
    |event| event.frames.iter_mut().for_each(|frame| *frame = crumbtrail::Frame::default()),
    |event| event.breadcrumbs = vec![event.breadcrumbs[0].clone(); 20_000],
    |event| {
        event.breadcrumbs.iter_mut().for_each(|crumb| crumb.time = UNIX_EPOCH - Duration::from_secs(86_400))
    },
    |event| {
        event.tags = (0..300)
            .map(|number| (format!("{number}\n{}", "k".repeat(number)), "v".repeat(number)))
            .collect();
        event.tags.insert(String::new(), String::new());
    },
    |event| {
        (event.title, event.value, event.culprit) = Default::default();
        event.target = String::new();
        (event.release, event.environment, event.server_name) = (None, String::new(), Some(String::new()));
    },
    |event| {
        let long = "ü".repeat(3_000);
        (event.title, event.culprit, event.target) = (long.clone(), long.clone(), long.clone());
        (event.release, event.environment, event.server_name) =
            (Some(long.clone()), long.clone(), Some(long.clone()));
        event.user = Some(User::new(&long).email(&long).username(&long).ip_address(&long));
        event.fingerprint = Fingerprint::from(long);
    },
    |event| {
        event.contexts =
            [("".into(), Value::Null), ("odd".into(), json!([1])), ("deep".into(), deep(100))].into();
        event.fields.insert("huge".to_owned(), json!(vec!["x".repeat(1_000); 3_000]));
        event.fingerprint = Fingerprint::default();
    },
    |event| (event.kind, event.message) = (EventKind::Log, Some("y".repeat(100 * MESSAGE_BYTES))),
];

/// Whatever was told of what `work` logs is in the database, at least so many events, and nothing was refused.
#[track_caller]
fn is_stored(server: &Server, project: &str, least: usize, builder: Builder, work: impl FnOnce()) {
    let events = told(builder, work);
    let ids: BTreeSet<_> = events.iter().map(|event| event.id.to_string()).collect();
    assert!(ids.len() >= least, "{} events", ids.len());
    let stored: BTreeSet<_> = server.stored(project).into_iter().map(|event| event.id).collect();
    assert_eq!(server.refusals(), [""; 0]);
    assert_eq!(stored, ids);
}

/// Maps and lists inside one another.
fn deep(levels: usize) -> Value {
    (0..levels).fold(
        json!("bottom"),
        |inner, level| if level % 2 == 0 { json!([inner]) } else { json!({ "in": inner }) },
    )
}

/// An error that is its own cause.
#[derive(Debug)]
struct Endless;

impl fmt::Display for Endless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("")
    }
}

impl Error for Endless {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self)
    }
}
