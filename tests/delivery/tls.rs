//! TLS: a server that is not who it should be gets no byte of an event, and stderr says why; the settings say whom to trust
//! beside the system's authorities, and who we are.

use std::env;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crumbtrail::{Builder, Lost};

use crate::certificates::{Authority, Identity};
use crate::rig::{LONG, Rig, lose_one, to};
use crate::server::{Act, KEY, Server};
use crate::support::{child, role, until};

const NAME: &str = "server.test";
/// Not over before this test is.
const VALID: i32 = 2999;

/// Events to that port by TLS, under the name [`NAME`].
pub(crate) fn securely_to(port: u16) -> Builder {
    to(format!("https://{KEY}@{NAME}:{port}/42"))
        .look_up(move |_: &str| Ok(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))]))
}

fn server_of(identity: &Identity, clients: Option<&Authority>) -> Server {
    Server::tls(identity.server(clients), [Act::status(200)])
}

/// All of it arrives.
#[track_caller]
fn arrives(builder: Builder, server: &Server) {
    let rig = Rig::new(builder);
    let ids = [lose_one(), lose_one()];
    rig.flush();
    rig.ends(2, 2, &[]);
    let mut arrived = server.event_ids();
    arrived.sort();
    let mut ids = ids.to_vec();
    ids.sort();
    assert_eq!(arrived, ids);
    let received = String::from_utf8_lossy(&server.received()).into_owned();
    assert!(!received.contains(KEY) && !received.contains("POST"), "it was sent in the clear");
}

/// Nothing of it arrives, however often it is tried.
#[track_caller]
fn is_lost(builder: Builder, server: &Server) {
    let rig = Rig::new(builder);
    lose_one();
    rig.hand_out();
    rig.pass_until(|| rig.guard.stats().pending == 0);
    rig.ends(1, 0, &[(Lost::NetworkError, 1)]);
    assert_eq!(server.requests().len(), 0);
    assert!(server.connections() > 1, "it was tried again");
}

#[test]
fn an_authority_of_the_programs_own_is_trusted() {
    let authority = Authority::new();
    let server = server_of(&authority.issue(NAME, VALID), None);
    arrives(securely_to(server.address().port()).ca_certificates(authority.pem()), &server);
    // Several at once, as a bundle.
    let bundle = Authority::new().pem() + &authority.pem();
    let server = server_of(&authority.issue(NAME, VALID), None);
    arrives(securely_to(server.address().port()).ca_certificates(bundle), &server);
}

#[test]
fn whoever_is_not_who_they_should_be_gets_nothing_and_stderr_says_why() {
    const TEST: &str = "tls::whoever_is_not_who_they_should_be_gets_nothing_and_stderr_says_why";
    if let Some(port) = role() {
        let authority = env::var("TEST_AUTHORITY").expect("the parent sets it");
        let rig = Rig::new(securely_to(port.parse().expect("a port")).ca_certificates(authority));
        tracing::error!(error = %crate::rig::fault(), "with a canary in it");
        rig.hand_out();
        rig.pass_until(|| rig.guard.stats().pending == 0);
        rig.ends(1, 0, &[(Lost::NetworkError, 1)]);
        return;
    }
    let authority = Authority::new();
    let plain = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n".to_vec();
    for (server, words) in [
        (server_of(&authority.issue(NAME, 2020), None), "xpired"),
        (server_of(&authority.issue("other.test", VALID), None), "other.test"),
        (server_of(&Authority::new().issue(NAME, VALID), None), "UnknownIssuer"),
        (Server::new([Act::Blurt(plain)]), ""),
        (Server::new([Act::Blurt(vec![0xff; 500])]), ""),
        (Server::new([Act::Blurt(Vec::new())]), ""),
    ] {
        let mut child = child(&server.address().port().to_string(), TEST);
        child.command.env("TEST_AUTHORITY", authority.pem());
        let said = child.run().succeeded().stderr;
        let begins =
            "crumbtrail: the server of the DSN is out of reach; events wait for it, and are sent again: ";
        assert!(said.starts_with(begins) && said.contains(words), "{words}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(!said.contains(KEY), "{said}");
        // A greeting was seen, and nothing of an event: not in the clear, and no request at all.
        assert_eq!(server.requests().len(), 0, "{words}");
        let received = String::from_utf8_lossy(&server.received()).into_owned();
        for secret in [KEY, "canary", "POST", "envelope"] {
            assert!(!received.contains(secret), "{words}: {secret}");
        }
        println!("{words}: {said}");
    }
}

#[test]
fn whoever_accepts_any_certificate_says_so() {
    let authority = Authority::new();
    for identity in
        [authority.issue(NAME, 2020), authority.issue("other.test", VALID), authority.issue(NAME, VALID)]
    {
        let server = server_of(&identity, None);
        let port = server.address().port();
        is_lost(securely_to(port).danger_accept_invalid_certificates(false), &server);
        arrives(securely_to(port).danger_accept_invalid_certificates(true), &server);
    }
}

#[test]
fn a_server_that_asks_who_we_are_is_shown_our_certificate() {
    let (authority, theirs) = (Authority::new(), Authority::new());
    let identity = authority.issue(NAME, VALID);
    let server = server_of(&identity, Some(&theirs));
    let builder = || securely_to(server.address().port()).ca_certificates(authority.pem());
    is_lost(builder(), &server);
    is_lost(builder().client_certificate(authority.issue("client.test", VALID).pem()), &server);
    arrives(builder().client_certificate(theirs.issue("client.test", VALID).pem()), &server);
}

#[test]
fn certificates_that_cannot_be_read_are_an_error() {
    let authority = Authority::new();
    let identity = authority.issue(NAME, VALID);
    let key_alone =
        identity.pem().split("-----BEGIN PRIVATE").nth(1).map(|key| format!("-----BEGIN PRIVATE{key}"));
    let key_alone = key_alone.expect("there is a key");
    for pem in ["", "no PEM", &key_alone] {
        let refused = securely_to(1).ca_certificates(pem).build::<tracing_subscriber::Registry>();
        let refused = refused.map(|_| ()).expect_err("there is no authority in it");
        assert!(refused.is_certificate() && !refused.is_dsn(), "{pem}: {refused}");
    }
    for pem in ["", "no PEM", &authority.pem(), &key_alone] {
        let refused = securely_to(1).client_certificate(pem).build::<tracing_subscriber::Registry>();
        let refused = refused.map(|_| ()).expect_err("there is no certificate with its key in it");
        assert!(refused.is_certificate(), "{pem}: {refused}");
        let shown = format!("{refused} {refused:?}");
        assert!(!shown.contains("PRIVATE") && !shown.contains("BEGIN"), "{shown}");
    }
}

#[test]
fn where_the_system_knows_no_authority_the_programs_own_will_do() {
    const TEST: &str = "tls::where_the_system_knows_no_authority_the_programs_own_will_do";
    if let Some(role) = role() {
        let (scheme, port) = role.split_once(' ').expect("two words");
        let builder = match scheme {
            "https" => {
                let authority = env::var("TEST_AUTHORITY").expect("the parent sets it");
                securely_to(port.parse().expect("a port")).ca_certificates(authority)
            }
            _ => to(format!("http://{KEY}@127.0.0.1:{port}/42")),
        };
        let rig = Rig::new(builder);
        lose_one();
        rig.flush();
        rig.ends(1, 1, &[]);
        return;
    }
    let authority = Authority::new();
    let secure = server_of(&authority.issue(NAME, VALID), None);
    let open = Server::answering(200);
    for (scheme, server) in [("https", &secure), ("http", &open)] {
        let mut child = child(&format!("{scheme} {}", server.address().port()), TEST);
        child.command.env("TEST_AUTHORITY", authority.pem());
        child.command.env("SSL_CERT_FILE", "/nowhere").env("SSL_CERT_DIR", "/nowhere");
        child.run().succeeded();
        until(LONG, || server.event_ids().len() == 1);
    }
}

#[test]
fn a_server_that_hangs_in_the_handshake_costs_nobody_their_deadline() {
    let server = Server::new([Act::Silence]);
    let rig = Rig::new(securely_to(server.address().port()));
    lose_one();
    rig.hand_out();
    until(LONG, || server.begun() == 1);
    let deadline = Duration::from_millis(100);
    crate::support::in_time("flush", deadline, || assert!(rig.guard.flush(deadline).is_err()));
    // The network's own time is up, too.
    server.script([Act::Blurt(Vec::new())]);
    rig.pass_until(|| rig.guard.stats().pending == 0);
    rig.ends(1, 0, &[(Lost::NetworkError, 1)]);
}
