//! By what the throttle tells one error from another, before anything of it is kept: by its line and all that is said
//! of it, but for values.

use std::error::Error;
use std::fmt;
use std::io;

use crumbtrail::limits::THROTTLE_ISSUE;
use log::Log as _;
use tracing::error;

use crate::rig::Storm;

const FULL: usize = THROTTLE_ISSUE as usize;
const OFTEN: u64 = 100;

/// An error with a cause.
#[derive(Debug)]
struct Failed {
    text: String,
    source: Option<Box<dyn Error>>,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref()
    }
}

fn failed(text: impl Into<String>, source: impl Error + 'static) -> Failed {
    Failed { text: text.into(), source: Some(Box::new(source)) }
}

fn alone(text: impl Into<String>) -> Failed {
    Failed { text: text.into(), source: None }
}

/// How a line may hand over its error.
#[derive(Debug, Clone, Copy)]
enum Form {
    Typed,
    Display,
    Debug,
    Text,
    Tail,
    Given,
}

const FORMS: [Form; 6] = [Form::Typed, Form::Display, Form::Debug, Form::Text, Form::Tail, Form::Given];

impl Form {
    fn log(self, error: &(dyn Error + 'static)) {
        match self {
            Self::Typed => error!(error, "request failed"),
            Self::Display => error!(%error, "request failed"),
            Self::Debug => error!(?error, "request failed"),
            Self::Text => error!(error = error.to_string(), "request failed"),
            Self::Tail => error!("request failed: {error}"),
            Self::Given => drop(crumbtrail::capture_error(error)),
        }
    }
}

/// How many events are told where each of these is logged a hundred times.
fn told(form: Form, errors: &[Failed]) -> usize {
    let storm = Storm::with(|builder| builder);
    storm.run(|| {
        for _ in 0..OFTEN {
            errors.iter().for_each(|error| form.log(error));
        }
    });
    storm.told_of(OFTEN * errors.len() as u64).events.len()
}

#[test]
fn numbers_ids_and_quoted_parts_make_no_other_error() {
    let values = |number: u64| {
        let hash = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let words = ["ada", "bob", "charles de gaulle", "d\\\"ora", "it`s"];
        let name = words[(number % 5) as usize];
        let uuid = format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            hash >> 32,
            hash & 0xFFFF,
            (hash >> 16) & 0xFFFF,
            (hash >> 24) & 0xFFFF,
            hash >> 16
        );
        [
            format!(
                "order {number} of {}.{number} took {number}ms at 10.{number}.0.1:80{number}",
                number * 7
            ),
            format!("no user {name:?} here"),
            format!("no column `{}` in {number}", name.replace('`', "'")),
            format!("no table '{}' here", name.split(' ').next().unwrap().replace('`', "-")),
            format!("session {uuid} is gone"),
            format!("session {} is gone", uuid.replace('-', "")),
            format!("session {} is gone", uuid.to_uppercase()),
            format!("trace 00-{hash:016x}{hash:016x}-{hash:016x}-01 is gone"),
            format!("commit {:07x}f1 is gone", hash >> 36),
            format!("http://10.{number}.7.1:{number}/orders/{number} is gone"),
            format!("token {hash:016X}{number:010} is gone"),
        ]
    };
    for form in FORMS {
        for kind in 0..values(0).len() {
            let errors: Vec<_> = (1..=50).map(|number| alone(values(number)[kind].clone())).collect();
            let expected = match form {
                // What `{:?}` of a struct quotes is a value as a whole.
                Form::Debug => told(form, &[alone("")]),
                _ => FULL,
            };
            assert_eq!(told(form, &errors), expected, "{form:?}: {}", values(7)[kind]);
        }
    }
}

#[test]
fn another_text_is_another_error() {
    let texts = [
        "out of stock",
        "no such article",
        "No such article",
        "the table `x` has no rows",
        "the table `x` has no columns",
        "db1 refused",
        "web1 refused",
        "I can't open it",
        "I can't close it",
        "status 404",
        "status 503",
        "exit code 1",
        "exit code 101",
        "SQLSTATE 23505",
        "SQLSTATE 42601",
        "Connection refused (os error 111)",
        "added a decade",
        "faced a facade",
    ];
    for form in FORMS.into_iter().filter(|form| !matches!(form, Form::Debug)) {
        let errors: Vec<_> = texts.iter().map(|text| alone(*text)).collect();
        assert_eq!(told(form, &errors), FULL * texts.len(), "{form:?}");
    }
}

#[test]
fn another_code_of_the_system_is_another_error() {
    for form in FORMS {
        let errors =
            [2, 13, 104, 10_054].map(|code| failed("cannot open", io::Error::from_raw_os_error(code)));
        // Of a cause, the plain text of the outermost error tells nothing.
        let is_told = matches!(form, Form::Typed | Form::Debug | Form::Given);
        assert_eq!(told(form, &errors), if is_told { 4 * FULL } else { FULL }, "{form:?}");
    }
}

#[test]
fn another_cause_is_another_error_at_any_depth() {
    for depth in [1, 2, 3, 5, 12] {
        let nested =
            |root: &str| (0..depth).fold(alone(root), |inner, level| failed(format!("level {level}"), inner));
        for form in [Form::Typed, Form::Given] {
            let errors = [nested("disk full"), nested("no route")];
            assert_eq!(told(form, &errors), 2 * FULL, "{form:?}, {depth} deep");
        }
    }
    // As anyhow hands it over, by its alternate format.
    let storm = Storm::with(|builder| builder);
    storm.run(|| {
        for _ in 0..OFTEN {
            for root in ["disk full", "no route"] {
                let error = anyhow::anyhow!(root).context("cannot save").context("checkout");
                error!(%error, "request failed");
            }
        }
    });
    assert_eq!(storm.told_of(2 * OFTEN).events.len(), 2 * FULL);
}

#[test]
fn another_type_is_another_error() {
    #[derive(Debug)]
    struct Refused;
    #[derive(Debug)]
    struct Expired;
    impl fmt::Display for Refused {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("no")
        }
    }
    impl fmt::Display for Expired {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("no")
        }
    }
    impl Error for Refused {}
    impl Error for Expired {}
    let storm = Storm::with(|builder| builder);
    storm.run(|| {
        for _ in 0..OFTEN {
            Form::Typed.log(&Refused);
            Form::Typed.log(&Expired);
            Form::Debug.log(&Refused);
            Form::Debug.log(&Expired);
        }
    });
    assert_eq!(storm.told_of(4 * OFTEN).events.len(), 4 * FULL);
}

#[test]
fn the_same_text_on_another_line_is_another_error() {
    let storm = Storm::with(|builder| builder);
    storm.run(|| {
        for _ in 0..OFTEN {
            error!(error = "out of stock", "failed");
            error!(error = "out of stock", "failed");
            crumbtrail::capture_error(&alone("out of stock"));
            crumbtrail::capture_error(&alone("out of stock"));
        }
    });
    assert_eq!(storm.told_of(4 * OFTEN).events.len(), 4 * FULL);
}

#[test]
fn what_is_said_of_the_issue_tells_it_from_others() {
    let storm = Storm::with(|builder| {
        builder.on_error(|error, draft| {
            draft.set_fingerprint(error.to_string().chars().filter(char::is_ascii_digit).collect::<String>());
            crumbtrail::Verdict::Track
        })
    });
    storm.run(|| {
        for _ in 0..OFTEN {
            for tenant in ["north", "south"] {
                error!(error = "out of stock", fingerprint = tenant, "by text");
                error!(error = "out of stock", fingerprint = %tenant, "by display");
                error!(
                    error = "out of stock",
                    fingerprint = tenant.len() * 7 + usize::from(tenant == "north"),
                    "by number"
                );
                error!(error = "out of stock", error.fingerprint = tenant, "by OpenTelemetry's name");
                error!(error = "out of stock", error_type = tenant, "by type");
            }
            for shelf in ["shelf 1", "shelf 2"] {
                Form::Typed.log(&alone(shelf));
                Form::Given.log(&alone(shelf));
            }
        }
    });
    let told = storm.told_of(14 * OFTEN);
    assert_eq!(told.events.len(), 14 * FULL);
    // And what was counted is with the issue that the hook named.
    assert!(
        told.issues().iter().all(|(_, _, tallied)| tallied % (OFTEN - FULL as u64) == 0),
        "{:#?}",
        told.issues()
    );
}

#[test]
fn records_of_the_log_crate_are_told_apart_by_their_place() {
    let storm = Storm::with(|builder| builder);
    let logger = tracing_log::LogTracer::new();
    let places = [
        ("shop", Some("src/cart.rs"), Some(7)),
        ("shop", Some("src/cart.rs"), Some(8)),
        ("shop", Some("src/pay.rs"), Some(7)),
        ("bank", Some("src/cart.rs"), Some(7)),
    ];
    storm.run(|| {
        for _ in 0..OFTEN {
            for (target, file, line) in places {
                let mut record = log::Record::builder();
                record.level(log::Level::Error).target(target).file(file).line(line);
                logger.log(&record.args(format_args!("order failed: {}", alone("out of stock"))).build());
            }
        }
    });
    let told = storm.told_of(4 * OFTEN);
    assert_eq!(told.events.len(), 4 * FULL);
    for (target, file, line) in places {
        let here = |event: &&crumbtrail::TrackedEvent| {
            (event.target.as_str(), event.file.as_deref(), event.line) == (target, file, line)
        };
        assert_eq!(told.events.iter().filter(here).count(), FULL, "{target} {file:?} {line:?}");
    }
    // One issue of each target.
    let counts: Vec<_> = told.issues().into_iter().map(|(_, told, tallied)| told + tallied).collect();
    assert_eq!(counts, [3 * OFTEN, OFTEN]);
}
