//! What the tests here begin with: a folder for a store, and pipelines to a server on a clock that only the test moves.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crumbtrail::{Builder, Clock, EventId, Guard, Stack, Store, Throttle};
use rusqlite::Connection;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::prelude::*;

use crate::support::{ledger_balances, until};

/// Longer than anything here takes that works.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// A folder for a store, gone with the test.
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::SeqCst);
        let folder = std::env::temp_dir().join(format!("crumbtrail-outbox-{}-{number}", std::process::id()));
        std::fs::create_dir(&folder).expect("the folder can be made");
        Self(folder)
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.0.join("shop.db")
    }

    /// The ids of the events that wait in the store, the oldest first.
    pub(crate) fn waiting(&self) -> Vec<String> {
        let file = self.look();
        let mut statement =
            file.prepare("SELECT lower(hex(id)) FROM outbox ORDER BY seq").expect("the table is there");
        let ids = statement.query_map([], |row| row.get(0)).expect("it can be read");
        ids.collect::<Result<_, _>>().expect("ids are bytes")
    }

    /// Changes something in the store from outside.
    pub(crate) fn change(&self, sql: &str) {
        self.look().execute_batch(sql).expect("the store can be changed");
    }

    fn look(&self) -> Connection {
        let file = Connection::open(self.store()).expect("the store can be opened");
        file.busy_timeout(LONG).expect("a wait can be set");
        file
    }

    /// How many processes, or pipelines, have the store open.
    pub(crate) fn owners(&self) -> usize {
        let entries = self.0.read_dir().expect("the folder can be read");
        let names =
            entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a plain name"));
        let digits = |name: &str| {
            name.strip_prefix("shop.db-")
                .is_some_and(|rest| rest.bytes().all(|digit| digit.is_ascii_hexdigit()))
        };
        names.filter(|name| digits(name)).count()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A builder for events to that server, by way of that store.
pub(crate) fn to(dsn: impl Into<String>, store: &Path) -> Builder {
    let builder = crumbtrail::builder().throttle(Throttle::Off).panics(false).stack(Stack::Off);
    builder.dsn(dsn).store(Store::Path(store.to_owned()))
}

/// A DSN of which each process decides by itself where it leads.
pub(crate) fn dsn_at(port: u16) -> String {
    format!("http://key@server.test:{port}/42")
}

/// Where such a DSN leads to nobody.
pub(crate) fn nowhere(port: u16) -> impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync {
    move |_: &str| Ok(vec![(Ipv4Addr::new(127, 0, 0, 9), port).into()])
}

/// Where it leads to a server of this host.
pub(crate) fn here(port: u16) -> impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync {
    move |_: &str| Ok(vec![(Ipv4Addr::LOCALHOST, port).into()])
}

/// Logs as many ERRORs with an error; the ids of their events, as they are sent.
pub(crate) fn lose(count: usize) -> Vec<String> {
    let lose_one = |_| {
        tracing::error!(error = %io::Error::other("disk on fire"), "lost");
        crumbtrail::last_event_id().as_ref().map(EventId::to_string).expect("it is captured")
    };
    (0..count).map(lose_one).collect()
}

pub(crate) fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

/// A pipeline as this thread's subscriber.
pub(crate) struct Rig {
    pub(crate) guard: Guard,
    pub(crate) clock: Clock,
    default: DefaultGuard,
}

impl Rig {
    /// On a clock that stands still.
    pub(crate) fn new(builder: Builder) -> Self {
        let clock = Clock::manual();
        let (layer, guard) = builder.clock(&clock).build().expect("the settings are legal");
        Self { guard, clock, default: tracing_subscriber::registry().with(layer).set_default() }
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Has the worker hand out what it holds, without waiting for what becomes of it.
    pub(crate) fn hand_out(&self) {
        let _ = self.guard.flush(Duration::ZERO);
    }

    /// Lets time pass until the condition holds: a quarter of a minute at a time, as often as it takes.
    #[track_caller]
    pub(crate) fn pass_until(&self, mut condition: impl FnMut() -> bool) {
        until(LONG, || {
            let holds = condition();
            if !holds {
                self.pass(15);
            }
            holds
        });
    }

    #[track_caller]
    pub(crate) fn flush(&self) {
        assert_eq!(self.guard.flush(LONG), Ok(()));
    }

    /// Ends the pipeline, whatever is left, and waits until the store is left to others.
    #[track_caller]
    pub(crate) fn end(self, place: &Place) {
        let owners = place.owners();
        self.hand_out();
        let Self { guard, clock, default } = self;
        drop(default);
        until(LONG, || {
            clock.advance(Duration::from_secs(60));
            place.owners() < owners
        });
        ledger_balances(&guard);
        // Its drop would wait for what is known to have ended.
        std::mem::forget(guard);
    }
}
