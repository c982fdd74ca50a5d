//! Names: one that is not found, and a look-up that hangs and cannot be cancelled. Neither holds up anybody, the end of
//! the process included.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use crumbtrail::Lost;
use crumbtrail::limits::{DROP_FLUSH, SEND_TRIES};
use tracing_subscriber::prelude::*;

use crate::rig::{LONG, Rig, lose, lose_one, to};
use crate::server::{KEY, Server};
use crate::support::{child, in_time, ledger_balances, measured_in_time, role, until};

fn dsn(port: u16) -> String {
    format!("http://{KEY}@server.test:{port}/42")
}

#[test]
fn a_name_that_is_not_found_is_looked_up_again() {
    type Found = fn() -> io::Result<Vec<SocketAddr>>;
    let found: [Found; 3] =
        [|| Err(io::Error::other("no such name")), || Ok(Vec::new()), || panic!("a look-up's own fault")];
    for look_up in found {
        let asked = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&asked);
        let rig = Rig::new(to(dsn(80)).look_up(move |name: &str| {
            assert_eq!(name, "server.test");
            counted.fetch_add(1, Ordering::SeqCst);
            look_up()
        }));
        lose_one();
        let deadline = Duration::from_millis(50);
        in_time("flush", deadline, || assert!(rig.guard.flush(deadline).is_err()));
        rig.pass_until(|| rig.guard.stats().pending == 0);
        rig.ends(1, 0, &[(Lost::NetworkError, 1)]);
        assert_eq!(asked.load(Ordering::SeqCst), SEND_TRIES as usize);
    }
}

#[test]
fn a_name_that_is_found_again_has_its_events_sent() {
    let server = Server::answering(200);
    let address = server.address();
    let asked = AtomicUsize::new(0);
    let rig =
        Rig::new(to(dsn(address.port())).look_up(
            move |_: &str| match asked.fetch_add(1, Ordering::SeqCst) {
                0..8 => Err(io::Error::other("no such name")),
                _ => Ok(vec![address]),
            },
        ));
    lose(5);
    rig.hand_out();
    rig.pass_until(|| rig.guard.stats().pending == 0);
    rig.ends(5, 5, &[]);
    assert_eq!(server.event_ids().len(), 5);
}

/// A look-up that hangs until the test ends.
#[derive(Clone, Default)]
struct Hangs(Arc<(Mutex<bool>, Condvar)>);

impl Hangs {
    fn hang(&self) {
        let (over, told) = &*self.0;
        let guard = over.lock().expect("nobody panics with it");
        drop(told.wait_while(guard, |over| !*over).expect("nobody panics with it"));
    }

    fn end(&self) {
        *self.0.0.lock().expect("nobody panics with it") = true;
        self.0.1.notify_all();
    }
}

#[test]
fn a_look_up_that_hangs_is_given_up_and_the_next_one_finds_the_name() {
    let server = Server::answering(200);
    let address = server.address();
    let (hangs, asked) = (Hangs::default(), Arc::<AtomicUsize>::default());
    let (theirs, counted) = (hangs.clone(), Arc::clone(&asked));
    let rig = Rig::new(to(dsn(address.port())).look_up(move |_: &str| {
        if counted.fetch_add(1, Ordering::SeqCst) == 0 {
            theirs.hang();
        }
        Ok(vec![address])
    }));
    let id = lose_one();
    rig.hand_out();
    until(LONG, || asked.load(Ordering::SeqCst) == 1);
    for deadline in [0, 50].map(Duration::from_millis) {
        in_time("flush", deadline, || assert!(rig.guard.flush(deadline).is_err()));
    }
    rig.pass_until(|| rig.guard.stats().pending == 0);
    rig.ends(1, 1, &[]);
    assert_eq!(server.event_ids(), [id]);
    hangs.end();
}

#[test]
fn a_look_up_that_hangs_holds_up_no_end() {
    const NAME: &str = "names::a_look_up_that_hangs_holds_up_no_end";
    let Some(role) = role() else {
        for role in ["drop", "shutdown", "forget"] {
            let begun = Instant::now();
            child(role, NAME).run().succeeded();
            // The look-up takes a minute.
            assert!(begun.elapsed() < Duration::from_secs(30), "{role}: {:?}", begun.elapsed());
        }
        return;
    };
    let hangs = Hangs::default();
    let build = || {
        let hangs = hangs.clone();
        let builder = to(dsn(80)).look_up(move |_: &str| {
            hangs.hang();
            Ok(Vec::new())
        });
        builder.build().expect("the settings are legal")
    };
    if role == "drop" {
        return measured_in_time("drop", DROP_FLUSH, || {
            let (layer, guard) = build();
            let _default = tracing_subscriber::registry().with(layer).set_default();
            lose(3);
            let begun = Instant::now();
            drop(guard);
            begun.elapsed()
        });
    }
    let (layer, guard) = build();
    tracing_subscriber::registry().with(layer).init();
    lose(3);
    let deadline = Duration::from_millis(100);
    in_time("shutdown", deadline, || assert!(guard.shutdown(deadline).is_err()));
    assert_eq!(ledger_balances(&guard).pending, 3);
    if role == "forget" {
        std::mem::forget(guard);
    }
}
