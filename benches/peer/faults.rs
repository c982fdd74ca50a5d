//! Faults of the network, of the program's hooks and of its errors: what the peer makes of each, and crumbtrail.
//!
//! Each side is a process of its own before a scripted server, and is killed where it does not end. The row says what was
//! seen; `met` means that crumbtrail did what its documentation promises. The peer is `sentry` with all its defaults.
//! Excluded: TLS and name look-up, which are the same client's on both sides.

#[path = "../harness/child.rs"]
mod child;
mod envelope;
#[path = "../harness/report.rs"]
mod report;
mod scenes;
#[path = "../harness/server.rs"]
mod server;
mod sides;

use std::env;
use std::error::Error;
use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use child::Ended;
use envelope::Envelope;
use report::Report;
use server::{Reply, Request, Server};
use sides::Side;

/// A process that has not ended by then never will.
const DEADLINE: Duration = Duration::from_secs(12);
/// The same where a scene waits for many answers, or for an attempt that follows another.
const LONG: Duration = Duration::from_secs(45);
/// What a server takes at the most, as Sentry's does.
const LARGEST: usize = 1024 * 1024;
/// The public key of the DSN.
const KEY: &str = "b7c4d8e19f2a4c5d8e6f7a8b9c0d1e2f";
/// What the error says that a scene logs behind its fault.
const NEXT: &str = "the gateway is gone";
const SIDE: &str = "--side";

/// One row of the table.
struct Fault {
    name: &'static str,
    scene: &'static str,
    /// The server that the DSN names, and in front of it the one that it redirects to.
    stage: fn() -> io::Result<Vec<Server>>,
    deadline: Duration,
    words: fn(&Seen) -> String,
    /// Whether crumbtrail has kept its promise.
    right: fn(&Seen) -> bool,
}

/// What was seen of one side.
struct Seen {
    ended: Ended,
    /// What each server was sent, the one that the DSN names last.
    requests: Vec<Vec<Request>>,
}

const FAULTS: [Fault; 14] = [
    Fault {
        name: "the server never answers, the guard is dropped",
        scene: "drop",
        stage: || alone(|_| Reply::Never),
        deadline: DEADLINE,
        words: |seen| seen.returned("drop"),
        right: |ours| ours.is(|ms| ms <= 2_050.0, "returned_ms"),
    },
    Fault {
        name: "the same, queue full, flush(500 ms)",
        scene: "flush",
        stage: || alone(|_| Reply::Never),
        deadline: DEADLINE,
        words: |seen| seen.returned("flush"),
        right: |ours| ours.is(|ms| ms <= 550.0, "returned_ms"),
    },
    Fault {
        name: "before_send panics",
        scene: "hook-panics",
        stage: || alone(|_| Reply::ok()),
        deadline: DEADLINE,
        words: |seen| {
            let unwound = seen.is(|unwound| unwound > 0.0, "unwound");
            let how = if unwound { "unwinds out of the program's error!" } else { "stays inside" };
            format!("{how}; the next event {}", if seen.took(NEXT) { "arrives" } else { "does not arrive" })
        },
        right: |ours| ours.is(|unwound| unwound == 0.0, "unwound") && ours.took(NEXT),
    },
    Fault {
        name: "an error whose source() returns itself",
        scene: "cycle",
        stage: || alone(|_| Reply::ok()),
        deadline: DEADLINE,
        words: |seen| format!("{}; {}", seen.returned("error!"), seen.arrived(1)),
        right: |ours| ours.is(|ms| ms <= 1_000.0, "returned_ms") && ours.taken() == 1,
    },
    Fault {
        name: "a message of 100 MiB, a server that takes 1 MiB",
        scene: "huge",
        stage: || {
            alone(|request| {
                let bytes = Envelope::of(request).map_or(0, |envelope| envelope.bytes);
                if bytes > LARGEST { Reply::Status(413, String::new()) } else { Reply::ok() }
            })
        },
        deadline: LONG,
        words: |seen| {
            let bytes = seen.events().map(|envelope| envelope.bytes).max().unwrap_or_default();
            let taken = if seen.taken() == 1 { "taken" } else { "refused, the event is gone" };
            format!("an envelope of {bytes} bytes: {taken}")
        },
        right: |ours| ours.taken() == 1,
    },
    Fault {
        name: "an answer without end, for 3 s",
        scene: "endless",
        stage: || {
            let mut events = 0;
            alone(move |request| {
                events += usize::from(is_event(request));
                if events == 2 { Reply::Endless } else { Reply::ok() }
            })
        },
        deadline: LONG,
        words: |seen| match seen.ended.figure("grown_kib") {
            Some(kib) => format!("memory grows by {:.1} MiB", kib / 1024.0),
            None => seen.ended.end(),
        },
        right: |ours| ours.is(|kib| kib <= 2_048.0, "grown_kib"),
    },
    Fault {
        name: "307 to another host",
        scene: "redirect",
        stage: || {
            let other = Server::start(Ipv4Addr::new(127, 0, 0, 2), |_| Reply::ok())?;
            let elsewhere = format!("Location: http://{}/api/1/envelope/\r\n", other.address());
            let server = Server::start(Ipv4Addr::LOCALHOST, move |_| Reply::Status(307, elsewhere.clone()))?;
            Ok(vec![other, server])
        },
        deadline: DEADLINE,
        words: |seen| {
            let other = seen.requests.first().map_or(&[][..], Vec::as_slice);
            let event = other.iter().any(is_event);
            let key = other.iter().any(|request| request.head.contains(KEY));
            match (event, key) {
                (true, true) => "that host is sent the event and the key",
                (true, false) => "that host is sent the event",
                (false, _) if other.is_empty() => "that host is sent nothing",
                (false, _) => "that host is asked, without the event",
            }
            .to_owned()
        },
        right: |ours| {
            let asked = ours.requests.last().is_some_and(|requests| !requests.is_empty());
            asked && ours.requests.first().is_some_and(Vec::is_empty)
        },
    },
    Fault {
        name: "a limit of 60 s, and behind it one of 1 s",
        scene: "limits",
        stage: || {
            let limits = "X-Sentry-Rate-Limits: 60:error:organization, 1:error:organization\r\n";
            alone(|_| Reply::Status(200, limits.to_owned()))
        },
        deadline: DEADLINE,
        words: |seen| match seen.taken() {
            1 => "nothing is sent after 2 s: the longer one holds".to_owned(),
            2 => "an event is sent after 2 s: the shorter one replaces the longer".to_owned(),
            other => format!("{other} of 2 events arrive"),
        },
        right: |ours| ours.taken() == 1 && ours.ended.ended_well(),
    },
    Fault {
        name: "500 errors at once, 20 ms for each answer",
        scene: "burst",
        stage: || alone(|_| Reply::Late(Duration::from_millis(20))),
        deadline: LONG,
        words: |seen| seen.arrived(500),
        right: |ours| ours.taken() == 500,
    },
    Fault {
        name: "the server closes two connections, then it is well",
        scene: "reset",
        stage: || {
            let mut attempts = 0;
            alone(move |_| {
                attempts += 1;
                if attempts <= 2 { Reply::Close } else { Reply::ok() }
            })
        },
        deadline: LONG,
        words: |seen| format!("{}; attempts: {}", seen.arrived(1), seen.events().count()),
        right: |ours| ours.taken() == 1,
    },
    Fault {
        name: "503 once: final by the protocol, to be reported",
        scene: "unwell",
        stage: || {
            let mut events = 0;
            alone(move |request| {
                events += usize::from(is_event(request));
                if events == 1 { Reply::Status(503, String::new()) } else { Reply::ok() }
            })
        },
        deadline: LONG,
        words: |seen| {
            let reported = if seen.reports("send_error") { "reported" } else { "not reported" };
            format!("{}, the loss is {reported}", seen.arrived(3))
        },
        right: |ours| ours.taken() == 2 && ours.reports("send_error"),
    },
    Fault {
        name: "no DSN",
        scene: "no-dsn",
        stage: || alone(|_| Reply::ok()),
        deadline: LONG,
        words: |seen| {
            let figure = |name| seen.ended.figure(name).unwrap_or(f64::NAN);
            let (threads, warn_us, error_us) =
                (figure("threads"), figure("warn_ns") / 1_000.0, figure("error_ns") / 1_000.0);
            format!("threads: {threads}; a WARN takes {warn_us:.2} µs, an ERROR {error_us:.1} µs")
        },
        right: |ours| ours.is(|threads| threads <= 1.0, "threads"),
    },
    Fault {
        name: "before_send logs an ERROR",
        scene: "send-logs",
        stage: || alone(|_| Reply::ok()),
        deadline: DEADLINE,
        words: |seen| format!("{}; {}", seen.returned("error!"), seen.arrived(1)),
        right: |ours| ours.ended.ended_well() && ours.taken() == 1,
    },
    Fault {
        name: "before_breadcrumb logs a WARN",
        scene: "breadcrumb-logs",
        stage: || alone(|_| Reply::ok()),
        deadline: DEADLINE,
        words: |seen| format!("{}; {}", seen.returned("warn!"), seen.arrived(1)),
        right: |ours| ours.ended.ended_well() && ours.taken() == 1,
    },
];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    if let [mode, name, scene, dsn] = arguments.as_slice()
        && mode == SIDE
    {
        let side = Side::BOTH.into_iter().find(|side| side.name() == name).ok_or("no such side")?;
        return scenes::play(scene, side, dsn);
    }
    if !report::is_bench_run()? {
        return Ok(());
    }
    let mut report = Report::side_by_side("faults");
    let mut wrong = 0;
    let only = arguments.iter().find(|argument| FAULTS.iter().any(|fault| fault.scene == **argument));
    for fault in FAULTS.iter().filter(|fault| only.is_none_or(|only| only == fault.scene)) {
        let [peer, ours] = Side::BOTH.map(|side| fault.happens(side));
        let (peer, ours) = (peer?, ours?);
        let right = (fault.right)(&ours);
        wrong += usize::from(!right);
        report.compare(fault.name, &(fault.words)(&peer), &(fault.words)(&ours), right);
    }
    report.finish(
        env!("CARGO_MANIFEST_DIR"),
        "../README.md",
        &["sentry", "sentry-tracing", "reqwest", "tracing", "tracing-subscriber"],
    )?;
    // It is right or wrong, on every machine.
    if wrong > 0 { Err(format!("crumbtrail does wrong in {wrong} faults").into()) } else { Ok(()) }
}

impl Fault {
    fn happens(&self, side: Side) -> Result<Seen, Box<dyn Error>> {
        let servers = (self.stage)()?;
        let address = servers.last().ok_or("a stage has a server")?.address();
        let dsn = format!("http://{KEY}@{address}/1");
        let ended = child::run(&[SIDE, side.name(), self.scene, &dsn], self.deadline)?;
        let requests = servers.iter().map(Server::requests).collect();
        Ok(Seen { ended, requests })
    }
}

impl Seen {
    /// Envelopes with an event, at the server that the DSN names.
    fn events(&self) -> impl Iterator<Item = Envelope> {
        let requests = self.requests.last().into_iter().flatten();
        requests.filter_map(Envelope::of).filter(|envelope| envelope.event().is_some())
    }

    /// Events that it has taken, each once.
    fn taken(&self) -> usize {
        self.requests.last().map_or(0, |requests| envelope::taken(requests))
    }

    /// Whether it has taken an event that says so.
    fn took(&self, text: &str) -> bool {
        let taken = self.requests.last().into_iter().flatten().filter(|request| request.status == Some(200));
        let says =
            |envelope: Envelope| envelope.event().is_some_and(|event| event.to_string().contains(text));
        taken.filter_map(Envelope::of).any(says)
    }

    /// Whether it was told of a loss for that reason.
    fn reports(&self, reason: &str) -> bool {
        let envelopes = self.requests.last().into_iter().flatten().filter_map(Envelope::of);
        envelopes.into_iter().any(|envelope| {
            envelope.of_type("client_report").any(|report| report.to_string().contains(reason))
        })
    }

    fn is(&self, right: fn(f64) -> bool, figure: &str) -> bool {
        self.ended.figure(figure).is_some_and(right)
    }

    fn arrived(&self, logged: usize) -> String {
        match (self.taken(), logged) {
            (0, 1) => "the event does not arrive".to_owned(),
            (1, 1) => "the event arrives".to_owned(),
            (taken, logged) => format!("{taken} of {logged} arrive"),
        }
    }

    /// When a call returned, or what became of the process instead.
    fn returned(&self, call: &str) -> String {
        match self.ended.figure("returned_ms") {
            Some(ms) if ms < 1.0 => format!("{call} returns at once"),
            Some(ms) if ms < 1_000.0 => format!("{call} returns after {ms} ms"),
            Some(ms) => format!("{call} returns after {:.2} s", ms / 1_000.0),
            None => format!("{call} never returns: {}", self.ended.end()),
        }
    }
}

/// One server.
fn alone(script: impl FnMut(&Request) -> Reply + Send + 'static) -> io::Result<Vec<Server>> {
    Ok(vec![Server::start(Ipv4Addr::LOCALHOST, script)?])
}

fn is_event(request: &Request) -> bool {
    Envelope::of(request).is_some_and(|envelope| envelope.event().is_some())
}
