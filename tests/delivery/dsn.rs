//! DSNs: one that is wrong in the code is an error that says which part; in the environment it turns the sink off, loudly,
//! and the service goes on. The key is shown nowhere.

use crumbtrail::{Lost, Memory};
use proptest::prelude::*;
use tracing_subscriber::Registry;

use crate::rig::{Rig, lose_one, to};
use crate::server::{KEY, Server};
use crate::support::{child, ledger_balances, role};

/// DSNs that cannot be used, with the key in them, and what is said of them.
fn wrong() -> Vec<(String, &'static str)> {
    let long = "4".repeat(10_000);
    vec![
        (KEY.to_owned(), "no URL"),
        (format!("{KEY}@sentry.test/42"), "no URL"),
        (format!("https://{KEY}@/42"), "no URL"),
        (format!("https://{KEY}@sentry.test:99999/42"), "no URL"),
        (format!("https://{KEY}@[::1/42"), "no URL"),
        (format!("ftp://{KEY}@sentry.test/42"), "scheme"),
        (format!("file://{KEY}/42"), ""),
        (format!("https://sentry.test/{KEY}"), "key"),
        (format!("https://:{KEY}@sentry.test/42"), "key"),
        (format!("https://{KEY}@sentry.test"), "project"),
        (format!("https://{KEY}@sentry.test/"), "project"),
        (format!("https://{KEY}@sentry.test/{long}"), "longer"),
        (format!("https://{KEY}{long}@sentry.test/42"), "longer"),
        (format!("\u{202e}{KEY}@ä/42"), "no URL"),
        (format!("{KEY}\0"), "no URL"),
    ]
}

#[test]
fn one_that_is_wrong_in_the_code_is_an_error_without_its_key() {
    for (dsn, words) in wrong() {
        let builder = to(dsn.as_str());
        assert!(!format!("{builder:?}").contains(KEY), "{builder:?}");
        let error = builder.build::<Registry>().map(|_| ()).expect_err(&dsn);
        assert!(error.is_dsn() && !error.is_directive() && !error.is_queue(), "{error:?}");
        let shown = format!("{error} {error:?} {error:#?}");
        assert!(shown.contains(words), "{dsn}: {shown}");
        assert!(!shown.contains(KEY) && !shown.contains("sentry.test"), "{shown}");
        assert!(std::error::Error::source(&error).is_none());
    }
}

#[test]
fn one_that_is_empty_sends_nothing() {
    for dsn in ["", " ", "\n\t"] {
        let memory = Memory::new();
        let rig = Rig::new(to(dsn).sink(memory.clone()));
        lose_one();
        assert_eq!(memory.events().len(), 1);
        rig.ends(1, 1, &[]);
    }
}

#[test]
fn one_that_is_wrong_in_the_environment_stops_no_service() {
    const NAME: &str = "dsn::one_that_is_wrong_in_the_environment_stops_no_service";
    if role().is_none() {
        for (dsn, words) in wrong() {
            if dsn.contains('\0') {
                continue;
            }
            let mut child = child("alone", NAME);
            child.command.env("SENTRY_DSN", &dsn);
            let said = child.run().succeeded().stderr;
            assert!(said.starts_with("crumbtrail: SENTRY_DSN is left out: "), "{said}");
            assert!(said.contains(words) && said.ends_with("; nothing is sent to a server\n"), "{said}");
            assert_eq!(said.lines().count(), 1, "{said}");
            assert!(!said.contains(KEY) && !said.contains("sentry.test"), "{said}");
        }
        return;
    }
    let memory = Memory::new();
    let rig = Rig::new(crumbtrail::from_env().stack(crumbtrail::Stack::Off).sink(memory.clone()));
    lose_one();
    assert_eq!(memory.events().len(), 1);
    rig.ends(1, 1, &[]);
}

#[test]
fn the_environment_names_a_server_and_the_code_outranks_it() {
    const NAME: &str = "dsn::the_environment_names_a_server_and_the_code_outranks_it";
    let builder = || crumbtrail::from_env().stack(crumbtrail::Stack::Off).store(crumbtrail::Store::Off);
    let rig = match role().as_deref() {
        None => {
            for (role, sent) in [("environment", 1), ("code", 0), ("builder", 0), ("off", 0)] {
                let server = Server::answering(200);
                let mut child = child(role, NAME);
                child.command.env("SENTRY_DSN", server.dsn());
                if role == "off" {
                    child.command.env("CRUMBTRAIL", "off");
                }
                child.run().succeeded();
                assert_eq!((server.event_ids().len(), server.connections()), (sent, sent), "{role}");
            }
            return;
        }
        Some("environment") => Rig::new(builder()),
        Some("code") => Rig::new(builder().dsn("")),
        Some("off") => {
            let rig = Rig::new(builder());
            tracing::error!(error = %crate::rig::fault(), "lost");
            rig.flush();
            assert_eq!(rig.guard.stats().accepted, 0);
            return;
        }
        _ => Rig::new(crumbtrail::builder().stack(crumbtrail::Stack::Off).store(crumbtrail::Store::Off)),
    };
    lose_one();
    rig.flush();
    match role().as_deref() {
        Some("environment") => drop(rig.ends(1, 1, &[])),
        _ => assert_eq!(ledger_balances(&rig.guard).lost[&Lost::NoSink], 1),
    }
}

#[test]
fn a_key_of_old_is_sent_in_the_header_and_shown_nowhere() {
    const SECRET: &str = "0ld5ec0ndkey";
    let server = Server::answering(200);
    let dsn = server.dsn().replace('@', &format!(":{SECRET}@"));
    let builder = to(dsn);
    let shown = format!("{builder:?} {builder:#?}");
    let clock = crumbtrail::Clock::manual();
    let (layer, guard) = builder.clock(&clock).build::<Registry>().expect("the DSN can be used");
    let shown = format!("{shown} {layer:?} {guard:?} {:?} {:?}", guard.handle(), guard.stats());
    assert!(!shown.contains(SECRET) && !shown.contains(KEY), "{shown}");
    use tracing_subscriber::prelude::*;
    let default = tracing_subscriber::registry().with(layer).set_default();
    lose_one();
    assert_eq!(guard.flush(crate::rig::LONG), Ok(()));
    drop(default);
    let shown = format!("{guard:?} {:?} {:?}", guard.handle(), guard.stats());
    assert!(!shown.contains(SECRET) && !shown.contains(KEY), "{shown}");
    assert_eq!(ledger_balances(&guard).delivered, 1);
    let [request] = <[_; 1]>::try_from(server.requests()).expect("one request");
    let auth = request.header("x-sentry-auth").expect("the server is told the key");
    assert!(auth.contains(KEY) && auth.contains(&format!("sentry_secret={SECRET}")), "{auth}");
    // In that one header, and nowhere else of what left the process.
    let received = String::from_utf8_lossy(&server.received()).into_owned();
    assert_eq!((received.matches(KEY).count(), received.matches(SECRET).count()), (1, 1));
    let envelope = String::from_utf8_lossy(&request.unpacked()).into_owned();
    assert!(!envelope.contains(KEY) && !envelope.contains(SECRET), "{envelope}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn whatever_it_is_the_builder_neither_panics_nor_shows_its_key(
        text in "\\PC{0,40}|[a-z:/@.0-9\\[\\]%?#]{0,40}",
        form in 0..5_usize,
    ) {
        let dsn = match form {
            0 => text,
            1 => format!("https://{KEY}@{text}/42"),
            2 => format!("http://{KEY}@host.test/{text}"),
            3 => format!("http://{KEY}{text}@host.test/42"),
            _ => format!("http://{text}:{KEY}@host.test/42"),
        };
        let builder = to(dsn);
        let mut shown = format!("{builder:?}");
        match builder.build::<Registry>() {
            Ok((layer, guard)) => shown += &format!("{layer:?} {guard:?}"),
            Err(error) => {
                prop_assert!(error.is_dsn());
                shown += &format!("{error} {error:?}");
            }
        }
        prop_assert!(!shown.contains(KEY), "{}", shown);
    }
}
