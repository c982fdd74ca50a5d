//! What a server answers is final: an event that it refuses is lost under that name, and said on stderr; the next one goes
//! out.

use std::time::Duration;

use crumbtrail::{Lost, Memory};

use crate::rig::{LONG, Rig, lose, lose_one, to};
use crate::server::{Act, Answer, KEY, Server};
use crate::support::{child, role, until};

#[test]
fn a_refusal_is_final_and_the_next_event_goes_out() {
    for status in [300, 304, 400, 401, 403, 404, 405, 413, 418, 500, 502, 503, 504, 599] {
        let server = Server::new([Act::status(status), Act::status(200)]);
        let rig = Rig::new(to(server.dsn()));
        let refused = lose_one();
        rig.hand_out();
        until(LONG, || rig.guard.stats().pending == 0);
        // However long it takes, it is not sent again.
        rig.pass(3_600);
        let next = lose_one();
        rig.flush();
        rig.ends(2, 1, &[(Lost::SendError, 1)]);
        assert_eq!(server.event_ids(), [refused, next], "{status}");
    }
}

#[test]
fn every_success_is_one() {
    for status in [200, 201, 202, 204] {
        let server = Server::answering(status);
        let rig = Rig::new(to(server.dsn()));
        let ids = lose(3);
        rig.flush();
        rig.ends(3, 3, &[]);
        let mut arrived = server.event_ids();
        arrived.sort();
        let mut ids = ids;
        ids.sort();
        assert_eq!(arrived, ids, "{status}");
    }
}

#[test]
fn whatever_a_body_is_the_status_counts() {
    for body in [&b""[..], b"{", b"\0\xff", b"<html>", &[b'x'; 300_000]] {
        let server = Server::new([Act::Answer(Answer::new(200).body(body))]);
        let rig = Rig::new(to(server.dsn()));
        lose(3);
        rig.flush();
        rig.ends(3, 3, &[]);
    }
}

#[test]
fn why_events_are_refused_is_said_once_and_without_the_key() {
    const NAME: &str = "answers::why_events_are_refused_is_said_once_and_without_the_key";
    if role().is_none() {
        for (status, words) in [
            (400, "crumbtrail: the server refuses events: 400, it does not take what it was sent"),
            (401, "crumbtrail: the server refuses events: 401, the key is not accepted: check the DSN"),
            (403, "crumbtrail: the server refuses events: 403, the key is not accepted: check the DSN"),
            (404, "crumbtrail: the server refuses events: 404, there is no such project"),
            (413, "crumbtrail: the server refused an event as too large (413): "),
            (503, "crumbtrail: the server refuses events: 503, the server itself failed"),
            (302, "crumbtrail: the server refuses events: 302, a redirect, which is not followed"),
        ] {
            let server = Server::answering(status);
            let mut child = child("alone", NAME);
            child.command.env("SENTRY_DSN", server.dsn());
            let said = child.run().succeeded().stderr;
            assert!(said.starts_with(words), "{said}");
            assert_eq!(said.lines().count(), 1, "{said}");
            assert!(!said.contains(KEY) && !said.contains("127.0.0.1"), "{said}");
        }
        return;
    }
    let builder = crumbtrail::from_env().throttle(crumbtrail::Throttle::Off).stack(crumbtrail::Stack::Off);
    let rig = Rig::new(builder);
    lose(3);
    rig.flush();
    rig.ends(3, 0, &[(Lost::SendError, 3)]);
}

#[test]
fn what_another_sink_took_is_delivered_though_not_sent() {
    let server = Server::new([Act::status(500), Act::status(200)]);
    let memory = Memory::new();
    let rig = Rig::new(to(server.dsn()).sink(memory.clone()));
    lose_one();
    rig.flush();
    lose_one();
    rig.flush();
    until(LONG, || rig.guard.stats().pending == 0);
    let stats = crate::support::ledger_balances(&rig.guard);
    assert_eq!((stats.accepted, stats.delivered, stats.lost_total()), (2, 2, 0));
    assert_eq!((stats.unsent.len(), stats.unsent[&Lost::SendError]), (1, 1));
    assert_eq!(memory.events().len(), 2);
    // The server is told of what it was not sent, whoever else has it.
    assert_eq!(server.reported(), [("send_error".to_owned(), 1)].into());
}

#[test]
fn a_redirect_is_not_followed_wherever_it_leads() {
    let second = Server::answering(200);
    let elsewhere = format!("http://{}/api/42/envelope/", second.address());
    for status in [301, 302, 303, 307, 308] {
        for place in [elsewhere.as_str(), "file:///etc/passwd", "/api/42/envelope/", "//", "", "javascript:0"]
        {
            let server =
                Server::new([Act::Answer(Answer::new(status).header("location", place)), Act::status(200)]);
            let rig = Rig::new(to(server.dsn()));
            let redirected = lose_one();
            rig.hand_out();
            until(LONG, || rig.guard.stats().pending == 0);
            let next = lose_one();
            rig.flush();
            rig.ends(2, 1, &[(Lost::SendError, 1)]);
            assert_eq!(server.event_ids(), [redirected, next], "{status} to {place}");
        }
    }
    assert_eq!((second.connections(), second.received().len()), (0, 0));
}

#[test]
fn no_cookie_is_kept_and_nothing_of_an_answer_comes_back() {
    let said = Answer::new(200).header("set-cookie", "session=planted; Path=/").header("etag", "planted");
    let server = Server::new([Act::Answer(said)]);
    let rig = Rig::new(to(server.dsn()));
    lose_one();
    rig.flush();
    lose_one();
    rig.flush();
    rig.ends(2, 2, &[]);
    assert_eq!(server.requests().len(), 2);
    let received = String::from_utf8_lossy(&server.received()).into_owned();
    assert!(!received.contains("planted") && !received.to_lowercase().contains("cookie"), "{received}");
}

#[test]
fn a_request_says_what_the_protocol_asks_for() {
    let server = Server::answering(200);
    let rig = Rig::new(to(server.dsn()));
    let id = lose_one();
    rig.flush();
    rig.ends(1, 1, &[]);
    let [request] = <[_; 1]>::try_from(server.requests()).expect("one request");
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/api/42/envelope/"));
    assert_eq!(request.header("content-type"), Some("application/x-sentry-envelope"));
    assert_eq!(request.header("content-encoding"), Some("gzip"));
    let client = concat!("crumbtrail/", env!("CARGO_PKG_VERSION"));
    assert_eq!(request.header("user-agent"), Some(client));
    let auth = format!("Sentry sentry_key={KEY}, sentry_version=7, sentry_client={client}");
    assert_eq!(request.header("x-sentry-auth"), Some(auth.as_str()));
    let envelope = request.envelope();
    assert_eq!(envelope.header["event_id"].as_str().map(|id| id.replace('-', "")), Some(id));
    assert_eq!(envelope.header["sdk"]["name"], "crumbtrail");
    assert!(envelope.header["sent_at"].is_string(), "{:?}", envelope.header);
    // The DSN in the header would outrank the key, and is nobody's to log.
    assert_eq!(envelope.header.get("dsn"), None);
    assert_eq!(envelope.items.len(), 1);
    assert_eq!(envelope.items[0].0["type"], "event");
}

#[test]
fn several_events_are_on_their_way_at_once() {
    use crate::server::Gate;
    use crumbtrail::limits::SENDS;

    let gate = Gate::default();
    let server = Server::new([Act::Answer(Answer::new(200).behind(&gate))]);
    let rig = Rig::new(to(server.dsn()));
    lose(SENDS * 3);
    rig.hand_out();
    until(LONG, || server.requests().len() == SENDS);
    crate::rig::stays(|| server.begun() == SENDS);
    gate.open();
    rig.flush();
    let all = 3 * SENDS as u64;
    rig.ends(all, all, &[]);
    assert_eq!(server.most_in_flight(), SENDS);
    // A connection that was answered on is used again.
    assert_eq!(server.connections(), SENDS);
    assert_eq!(server.event_ids().len(), 3 * SENDS);
    assert_eq!(rig.guard.flush(Duration::ZERO), Ok(()));
}
