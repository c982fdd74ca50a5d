//! Proxies: the usual variables name them, in upper case first and then in lower, the one of the scheme before `ALL_PROXY`,
//! and none for what `NO_PROXY` lists. A value that cannot be one is as if it were not there. Each in a process of its own.

use crumbtrail::Lost;

use crate::rig::{Rig, lose_one, to};
use crate::server::{Absent, Act, Answer, KEY, Server};
use crate::support::{Child, child, role};

/// The variables that may name one.
const VARIABLES: [&str; 4] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];

/// A process that sends one event to a DSN, with these variables and no others.
fn process(test: &str, role: &str, dsn: &str, variables: &[(&str, &str)]) -> Child {
    let mut child = child(role, test);
    for name in VARIABLES {
        child.command.env_remove(name).env_remove(name.to_lowercase());
    }
    child.command.env_remove("REQUEST_METHOD");
    child.command.env("TEST_DSN", dsn).envs(variables.iter().copied());
    child
}

fn dsn() -> String {
    std::env::var("TEST_DSN").expect("the parent sets it")
}

fn one_is_sent() {
    let rig = Rig::new(to(dsn()));
    lose_one();
    rig.flush();
    rig.ends(1, 1, &[]);
}

#[test]
fn the_usual_variables_name_a_proxy() {
    const NAME: &str = "proxies::the_usual_variables_name_a_proxy";
    if role().is_some() {
        return one_is_sent();
    }
    let wrong = Absent::new();
    let wrong = format!("http://{}", wrong.address());
    let dsn = format!("http://{KEY}@server.test/42");
    for variables in [
        &["HTTP_PROXY"][..],
        &["http_proxy"],
        &["ALL_PROXY"],
        &["all_proxy"],
        // The first one counts; the others lead nowhere.
        &["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"],
        &["http_proxy", "ALL_PROXY"],
    ] {
        let proxy = Server::answering(200);
        let right = format!("http://user:pass%20word@{}", proxy.address());
        let named = variables.iter().enumerate();
        let named =
            named.map(|(index, name)| (*name, if index == 0 { right.as_str() } else { wrong.as_str() }));
        let mut named: Vec<_> = named.collect();
        named.push(("NO_PROXY", "other.test, 10.0.0.0/8"));
        process(NAME, "alone", &dsn, &named).run().succeeded();
        let [request] = <[_; 1]>::try_from(proxy.requests()).expect("one request");
        assert_eq!(request.path, "http://server.test/api/42/envelope/", "{variables:?}");
        // base64 of `user:pass word`.
        assert_eq!(request.header("proxy-authorization"), Some("Basic dXNlcjpwYXNzIHdvcmQ="));
        assert_eq!(proxy.event_ids().len(), 1);
    }
}

#[test]
fn what_no_proxy_lists_is_reached_directly() {
    const NAME: &str = "proxies::what_no_proxy_lists_is_reached_directly";
    if role().is_some() {
        return one_is_sent();
    }
    let proxy = Server::answering(200);
    let address = format!("http://{}", proxy.address());
    for (name, list) in
        [("NO_PROXY", "127.0.0.1"), ("no_proxy", "a.test,127.0.0.0/8"), ("NO_PROXY", "127.0.0.1 ,b")]
    {
        let server = Server::answering(200);
        let variables = [("HTTP_PROXY", address.as_str()), ("ALL_PROXY", address.as_str()), (name, list)];
        process(NAME, "alone", &server.dsn(), &variables).run().succeeded();
        assert_eq!(server.event_ids().len(), 1, "{list}");
    }
    assert_eq!(proxy.connections(), 0);
}

#[test]
fn a_value_that_cannot_be_a_proxy_is_as_if_it_were_not_there() {
    const NAME: &str = "proxies::a_value_that_cannot_be_a_proxy_is_as_if_it_were_not_there";
    if role().is_some() {
        return one_is_sent();
    }
    for value in
        ["", "http://[", "http://", "::::", "http://host:99999", "\u{1}", "ä ö", "nonsense://127.0.0.1:1"]
    {
        let server = Server::answering(200);
        let said = process(NAME, "alone", &server.dsn(), &[("HTTP_PROXY", value)]).run().succeeded().stderr;
        assert_eq!(server.event_ids().len(), 1, "{value:?}");
        // Empty is as good as not there.
        let words =
            "crumbtrail: HTTP_PROXY is left out: it is no address of a proxy; events are sent without one\n";
        assert_eq!(said, if value.is_empty() { "" } else { words }, "{value:?}");
    }
}

#[test]
fn a_proxy_that_fails_is_a_network_that_fails_and_its_password_is_not_shown() {
    const NAME: &str = "proxies::a_proxy_that_fails_is_a_network_that_fails_and_its_password_is_not_shown";
    if role().is_some() {
        let rig = Rig::new(to(dsn()));
        lose_one();
        rig.hand_out();
        rig.pass_until(|| rig.guard.stats().pending == 0);
        rig.ends(1, 0, &[(Lost::NetworkError, 1)]);
        return;
    }
    let absent = Absent::new();
    let away = format!("http://user:passw0rd@{}", absent.address());
    let dsn = format!("http://{KEY}@server.test/42");
    let said = process(NAME, "alone", &dsn, &[("HTTP_PROXY", &away)]).run().succeeded().stderr;
    assert!(said.contains("out of reach"), "{said}");
    assert!(!said.contains("passw0rd") && !said.contains(KEY), "{said}");
    if cfg!(feature = "_tls") {
        // One that does not connect us, by TLS: whatever it says, it sees nothing of the event.
        for status in [403, 407, 502] {
            let proxy = Server::new([Act::Answer(Answer::new(status))]);
            let named = format!("http://user:passw0rd@{}", proxy.address());
            let dsn = format!("https://{KEY}@server.test/42");
            let said = process(NAME, "alone", &dsn, &[("HTTPS_PROXY", &named)]).run().succeeded().stderr;
            assert!(!said.contains("passw0rd") && !said.contains(KEY), "{said}");
            let received = String::from_utf8_lossy(&proxy.received()).into_owned();
            assert!(received.contains("CONNECT server.test:443") && !received.contains(KEY), "{received}");
        }
    }
}

#[cfg(feature = "_tls")]
#[test]
fn by_tls_a_proxy_sees_the_name_of_the_server_and_no_more() {
    use crate::certificates::Authority;
    use crate::rig::LONG;
    use crate::support::until;

    const NAME: &str = "proxies::by_tls_a_proxy_sees_the_name_of_the_server_and_no_more";
    if role().is_some() {
        let authority = std::env::var("TEST_AUTHORITY").expect("the parent sets it");
        let rig = Rig::new(to(dsn()).ca_certificates(authority));
        tracing::error!(error = %crate::rig::fault(), "with a canary in it");
        rig.flush();
        rig.ends(1, 1, &[]);
        return;
    }
    let authority = Authority::new();
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let identity = authority.issue("server.test", 2999);
        let server = Server::tls(identity.server(None), [Act::status(200)]);
        let proxy = Server::new([Act::Tunnel(server.address())]);
        let named = format!("http://{}", proxy.address());
        let dsn = format!("https://{KEY}@server.test/42");
        let mut process = process(NAME, "alone", &dsn, &[(variable, &named)]);
        process.command.env("TEST_AUTHORITY", authority.pem());
        process.run().succeeded();
        until(LONG, || server.event_ids().len() == 1);
        let [request] = <[_; 1]>::try_from(proxy.requests()).expect("one request");
        assert_eq!((request.method.as_str(), request.path.as_str()), ("CONNECT", "server.test:443"));
        let received = String::from_utf8_lossy(&proxy.received()).into_owned();
        assert!(!received.contains(KEY) && !received.contains("canary"), "{variable}");
    }
}
