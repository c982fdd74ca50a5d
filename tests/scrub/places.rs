//! One canary for each place that a program can put a secret in, each with the key or the pattern that gives it away.

use std::error::Error;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::{fmt, io};

use crumbtrail::{Breadcrumb, Builder, Console, Fingerprint, Stack, User, Verdict};
use serde_json::{Value, json};
use tracing::{error, info_span, instrument, warn};

use crate::rig::Rig;

/// What no sink may be given; a number of the place follows.
const CANARY: &str = "c4nary";

/// The canary of a place. Made here, since an event may show its source.
fn canary(place: usize) -> String {
    format!("{CANARY}{place:03}x")
}

#[derive(Debug, thiserror::Error)]
#[error("cannot sign in with password={secret}")]
struct SignIn {
    secret: String,
    token: Option<String>,
    source: Wrong,
}

#[derive(Debug, thiserror::Error)]
#[error("wrong password")]
struct Wrong {
    source: Secret,
}

/// What it says is the password, and nothing else.
#[derive(Debug, thiserror::Error)]
#[error("{password}")]
struct Secret {
    password: String,
}

fn sign_in(place: usize) -> SignIn {
    let secret = Secret { password: canary(place + 2) };
    SignIn { secret: canary(place), token: Some(canary(place + 1)), source: Wrong { source: secret } }
}

/// What is written to a console.
#[derive(Debug, Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs `work` and looks for the canary in all that the sinks were given, which must have been `events`.
#[track_caller]
fn search(
    events: usize,
    change: impl FnOnce(Builder) -> Builder + Send,
    work: impl FnOnce() + Send,
) -> String {
    let paper = Paper::default();
    let console = Console::to(paper.clone());
    let rig = Rig::with(|builder| change(builder.sink(console)));
    rig.on_thread(work);
    let told = rig.delivered();
    assert_eq!(told.len(), events, "{told:#?}");
    let written = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
    assert!(!written.is_empty());
    let shown = format!("{told:#?}");
    for text in [&shown, &written] {
        let lines: Vec<_> = text.lines().filter(|line| line.contains(CANARY)).collect();
        assert!(lines.is_empty(), "{lines:#?}\nin {text}");
    }
    assert!(shown.contains("[Filtered]"), "nothing was filtered: {shown}");
    written
}

/// Without it, a search that looks in the wrong place would find nothing either.
#[test]
fn the_search_finds_what_is_there() {
    let found = std::panic::catch_unwind(|| {
        search(1, |builder| builder, || error!(error = "refused", plain = canary(1), password = 1, "failed"));
    });
    assert!(found.is_err());
}

#[test]
fn messages_and_fields_of_every_form() {
    search(
        3,
        |builder| builder,
        || {
            error!(
                error = "refused",
                password = canary(1),
                api_key = %canary(2),
                db.credentials = ?Some(canary(3)),
                session.id = 1_234_567_890_u64,
                text = format!("token={}", canary(4)),
                login = ?Secret { password: canary(5) },
                headers = ?[("authorization", format!("Bearer {}", canary(6)))],
                json = json!({ "auth": { "by": canary(7) }, "token": canary(8) }).to_string(),
                uri = format!("/pay?{}", canary(9)),
                database = format!("postgres://shop:{}@db/shop", canary(10)),
                "cannot pay with card {} and token={}", "4111 1111 1111 1111", canary(11)
            );
            error!(error = "refused", "password={}", canary(12));
            // A field named by the program, as the `log` crate's users do.
            error!(error = %format!("no luck: secret={}", canary(13)), "in the error: token={}", canary(14));
        },
    );
}

#[test]
fn spans_users_tags_contexts_and_the_request() {
    search(
        1,
        |builder| builder.user(User::new(format!("Bearer {}", canary(1)))),
        || {
            let outer = info_span!(
                "request",
                url.full = format!("https://ada:{}@shop/pay?{}#x", canary(2), canary(3)),
                http.method = "GET",
                otel.kind = "server",
                client.address = canary(4),
                tags.session_id = canary(5),
                tags.said = format!("password: {}", canary(6)),
                late_token = tracing::field::Empty,
            );
            let _outer = outer.enter();
            outer.record("late_token", canary(7));
            let _inner =
                info_span!("inner", x_forwarded_for = canary(8), note = %format!("secret={}", canary(9)))
                    .entered();
            crumbtrail::set_tag("api-key", canary(10));
            crumbtrail::set_tag("by", format!("Basic {}==", canary(11)));
            crumbtrail::set_context(
                "cart",
                json!({ "a": [{ "b": { "authToken": canary(12) } }], "c": [format!("pwd={}", canary(13))] }),
            );
            crumbtrail::set_context("session", json!({ "id": canary(14), "open": true }));
            crumbtrail::set_context("keys", json!({ format!("ghp_{}", canary(15)): 1 }));
            error!(error = "refused", "failed");
        },
    );
}

#[test]
fn errors_by_each_way_they_are_told() {
    #[instrument(err, skip_all)]
    fn returned(place: usize) -> Result<(), SignIn> {
        Err(sign_in(place))
    }
    #[instrument(err(Debug), skip_all)]
    fn dumped(place: usize) -> Result<(), SignIn> {
        Err(sign_in(place))
    }
    search(
        9,
        |builder| builder,
        || {
            let in_span = |work: &dyn Fn()| info_span!("work").in_scope(work);
            in_span(&|| error!(error = &sign_in(1) as &dyn Error, "typed"));
            in_span(&|| error!(error = %sign_in(4), "by display"));
            in_span(&|| error!(error = ?sign_in(7), "by debug"));
            in_span(&|| error!("at the end: {:?}", sign_in(10)));
            in_span(
                &|| error!(error = %format!("{:#}", anyhow::Error::from(sign_in(13))), "a chain in one text"),
            );
            in_span(&|| error!(error = ?anyhow::Error::from(sign_in(16)), "a report"));
            in_span(&|| {
                error!(error = &sign_in(19) as &dyn Error, cause = &sign_in(22) as &dyn Error, "a sibling")
            });
            in_span(&|| _ = returned(25));
            in_span(&|| _ = dumped(28));
        },
    );
}

#[test]
fn handed_over_and_thrown_errors() {
    search(
        2,
        |builder| builder,
        || {
            info_span!("work").in_scope(|| crumbtrail::capture_error(&sign_in(1)));
            let thrown = std::panic::catch_unwind(|| {
                info_span!("work")
                    .in_scope(|| std::panic::panic_any(format!("no luck: password={}", canary(4))));
            });
            assert!(thrown.is_err());
        },
    );
}

#[test]
fn breadcrumbs_of_every_kind() {
    search(
        2,
        |builder| builder,
        || {
            let _span = info_span!("work").entered();
            warn!(token = canary(1), "password={}", canary(2));
            warn!(text = ?Secret { password: canary(3) }, "GET https://shop/pay?{}", canary(4));
            let long = "x".repeat(300);
            warn!("{long} token={} {long}", canary(5));
            crumbtrail::add_breadcrumb(
                Breadcrumb::new(format!("Bearer {}", canary(6)))
                    .category(format!("token={}", canary(7)))
                    .data("cookie", canary(8))
                    .data("nested", json!({ "session": { "id": canary(9) } })),
            );
            // An ERROR is one of the next.
            error!(error = %format!("secret={}", canary(10)), "failed: token={}", canary(11));
            error!(error = "refused", "failed again");
        },
    );
}

/// A text is cut where the room ends, which may be inside of the secret.
#[test]
fn secrets_that_were_cut() {
    search(
        64,
        |builder| builder,
        || {
            for room in 0..64 {
                let before = "x".repeat(400 + room);
                info_span!("work").in_scope(|| {
                    warn!("{before} password=\"{}\"", canary(1));
                    warn!(text = format!("{before} {:?}", Secret { password: canary(2) }), "a field");
                    error!(error = "refused", "{} token: {}", "x".repeat(8_192 - 32 + room), canary(3));
                });
            }
        },
    );
}

#[test]
fn what_hooks_add() {
    let change = |builder: Builder| {
        builder
            .on_error(|_, draft| {
                draft.set_tag("token", canary(1));
                draft.set_context("said", json!([format!("password={}", canary(2))]));
                draft.set_fingerprint(format!("token={}", canary(3)));
                Verdict::Track
            })
            .before_breadcrumb(|mut crumb| {
                crumb.message = format!("secret={}", canary(4));
                Some(crumb)
            })
            .before_send(|mut event| {
                event.title = format!("password={}", canary(5));
                event.value = format!("Bearer {}", canary(6));
                event.message = Some(format!("{} token={}", event.message.unwrap_or_default(), canary(7)));
                event.fields.insert(format!("ghp_{}", canary(8)), Value::from("x"));
                event.tags.insert("cookie".to_owned(), canary(9));
                let request = event.request.get_or_insert_default();
                request.url = Some(format!("/pay?by=Ada {}", canary(10)));
                request.route = Some(format!("https://a:{}@b/", canary(11)));
                let deep = (0..100).fold(json!({ "text": canary(12) }), |inner, _| json!({ "in": inner }));
                event.contexts.insert("deep".to_owned(), deep);
                Some(event)
            })
    };
    let written = search(1, change, || {
        let _span = info_span!("work").entered();
        warn!("a step");
        error!(error = &sign_in(13) as &dyn Error, "failed");
    });
    assert!(written.starts_with("ERROR password=[Filtered]\n"), "{written}");
}

#[test]
fn the_issue_that_a_field_or_a_hook_names() {
    search(
        2,
        |builder| {
            builder.before_send(|mut event| {
                if event.message.as_deref() == Some("by a hook") {
                    event.fingerprint =
                        Fingerprint::from_iter([format!("token={}", canary(1)), "{{ default }}".to_owned()]);
                }
                Some(event)
            })
        },
        || {
            error!(error = "refused", fingerprint = format!("password={}", canary(2)), "by a field");
            error!(error = "refused", "by a hook");
        },
    );
}

/// The lines around the one that logged are the program's own; this one has a password in it.
#[test]
fn the_source_of_frames() {
    let written = search(
        1,
        |builder| builder.stack(Stack::On),
        || {
            let password = concat!("c4", "nary-in-the-source");
            let _ = ("password: \"c4nary1\"", password);
            error!(error = "refused", "failed: token={}", canary(1));
        },
    );
    if cfg!(feature = "stack") {
        assert!(written.contains("let _ = (\"password: \\\"[Filtered]"), "{written}");
    }
}

/// What is told again and again is told by its title.
#[test]
fn what_is_only_counted() {
    let throttled = crumbtrail::Throttle::Limits { issue: 1, all: 600, line: 20_000 };
    let written = search(
        1,
        |builder| builder.throttle(throttled),
        || {
            for _ in 0..5 {
                error!(error = "refused", "failed: token={}", canary(1));
            }
        },
    );
    assert!(written.contains("×4"), "{written}");
}

/// A formatter shows what it likes.
#[test]
fn hostile_text_is_scrubbed_too() {
    struct Hostile;
    impl fmt::Display for Hostile {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "\u{202e}\0é🦀password=\"{}🦀\u{1b}[31m", canary(1))?;
            Err(fmt::Error)
        }
    }
    search(1, |builder| builder, || error!(error = %Hostile, text = %Hostile, "{Hostile}"));
}
