//! A build that brings no cryptography of its own: it asks the process for its provider, and without one turns the sink off,
//! loudly, instead of panicking.

use std::net::{Ipv4Addr, SocketAddr};

use crumbtrail::{Lost, Memory, Stack, Throttle};
use rustls::crypto::aws_lc_rs;
use tracing_subscriber::prelude::*;

use crate::certificates::Authority;
use crate::rig::{LONG, lose};
use crate::server::{Act, KEY, Server};
use crate::support::{child, ledger_balances, role};

#[test]
fn the_provider_of_the_process_is_used_and_without_one_the_sink_is_off() {
    const NAME: &str = "providers::the_provider_of_the_process_is_used_and_without_one_the_sink_is_off";
    let Some(role) = role() else {
        let authority = Authority::new();
        let identity = authority.issue("server.test", 2999);
        for (role, arrives) in [("without", 0), ("with", 3)] {
            let server = Server::tls(identity.server(None), [Act::status(200)]);
            let mut child = child(role, NAME);
            child.command.env("TEST_PORT", server.address().port().to_string());
            child.command.env("TEST_AUTHORITY", authority.pem());
            let said = child.run().succeeded().stderr;
            assert_eq!(server.event_ids().len(), arrives, "{role}");
            let off = "crumbtrail: events are not sent to the server of the DSN: the process has installed no provider \
                       of cryptography";
            assert_eq!(said.starts_with(off), role == "without", "{said}");
            assert!(!said.contains("panicked") && !said.contains(KEY), "{said}");
        }
        return;
    };
    let variable = |name: &str| std::env::var(name).expect("the parent sets it");
    let port: u16 = variable("TEST_PORT").parse().expect("a port");
    let memory = Memory::new();
    // By hand: what the other tests begin with installs one.
    let (layer, guard) = crumbtrail::builder()
        .throttle(Throttle::Off)
        .panics(false)
        .stack(Stack::Off)
        .dsn(format!("https://{KEY}@server.test:{port}/42"))
        .look_up(move |_: &str| Ok(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))]))
        .ca_certificates(variable("TEST_AUTHORITY"))
        .sink(memory.clone())
        .build()
        .expect("the settings are legal");
    let _default = tracing_subscriber::registry().with(layer).set_default();
    if role == "with" {
        // Behind `build`, and before the first event.
        assert!(aws_lc_rs::default_provider().install_default().is_ok(), "nobody has installed one");
    }
    lose(3);
    assert_eq!(guard.flush(LONG), Ok(()));
    let stats = ledger_balances(&guard);
    assert_eq!((stats.accepted, stats.delivered, memory.events().len()), (3, 3, 3));
    let unsent = stats.unsent.get(&Lost::Sink).copied();
    assert_eq!(unsent, (role == "without").then_some(3), "{stats:?}");
    if role == "without" {
        assert!(rustls::crypto::CryptoProvider::get_default().is_none(), "none is installed by us");
    }
}
