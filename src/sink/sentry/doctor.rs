//! Whether events would arrive, and where they stop if not: step by step, and in words.
//!
//! Blocks the thread that asks, for as long as the look-up of a name and one request may take. It works beside a running
//! pipeline and without one.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::bounded;

use super::deliver::{judge, post, words};
use super::dsn::Dsn;
use super::envelope::{self, Packed};
use super::wire::Wire;
use crate::http::{self, Answer, Client, LookUp, Settings};
use crate::limits::{SEND_CONNECT, SEND_TOTAL};
use crate::model::TrackedEvent;

/// What [`doctor`](crate::doctor) found: a line for each step, as far as it came.
///
/// ```no_run
/// let diagnosis = crumbtrail::doctor(crumbtrail::from_env());
/// println!("{diagnosis}");
/// assert!(diagnosis.is_healthy());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis(Vec<Finding>);

/// What one step came to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// Which step.
    pub step: Step,
    /// Whether it came to a good end.
    pub is_ok: bool,
    /// What came of it, and what to do about it.
    pub words: String,
}

/// A step on the way of an event to its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// The DSN names a server.
    Dsn,
    /// The server's name has an address.
    Name,
    /// The server is reached, and it is the one that it should be.
    Connection,
    /// The server takes the DSN's key.
    Key,
    /// The server takes an event.
    Event,
}

impl Diagnosis {
    /// Whether the test event was taken.
    pub fn is_healthy(&self) -> bool {
        self.0.last().is_some_and(|last| last.step == Step::Event && last.is_ok)
    }

    /// The steps that were made, in their order.
    pub fn findings(&self) -> &[Finding] {
        &self.0
    }

    fn note(&mut self, step: Step, outcome: Result<String, String>) {
        let is_ok = outcome.is_ok();
        let (Ok(words) | Err(words)) = outcome;
        self.0.push(Finding { step, is_ok, words });
    }
}

/// One line for each step.
impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Finding { step, is_ok, words }) in self.0.iter().enumerate() {
            let (end, mark) = (if at > 0 { "\n" } else { "" }, if *is_ok { "ok  " } else { "FAIL" });
            write!(f, "{end}{mark}  {step:<10}  {words}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Dsn => "DSN",
            Self::Name => "name",
            Self::Connection => "connection",
            Self::Key => "key",
            Self::Event => "test event",
        })
    }
}

/// Goes the way of an event, with `event`.
pub(crate) fn diagnose(
    dsn: Option<Result<Dsn, &'static str>>,
    settings: Settings,
    event: &TrackedEvent,
) -> Diagnosis {
    let mut diagnosis = Diagnosis(Vec::new());
    let dsn = match dsn {
        Some(Ok(dsn)) => dsn,
        other => {
            let why = other.and_then(Result::err).unwrap_or("there is none: set SENTRY_DSN");
            diagnosis.note(Step::Dsn, Err(format!("{why}; its form is https://key@host/project")));
            return diagnosis;
        }
    };
    diagnosis.note(Step::Dsn, Ok(format!("events go to {}", dsn.place())));
    let found = look_up(dsn.host(), settings.look_up.clone());
    // A proxy may know the name all the same.
    diagnosis.note(Step::Name, found);
    let answer = send(&dsn, settings, event);
    let answer = match answer {
        Ok(answer) => answer,
        Err(why) => {
            diagnosis.note(Step::Connection, Err(advised(why)));
            return diagnosis;
        }
    };
    let how = if dsn.is_encrypted() {
        "the server answers, and its certificate is trusted"
    } else {
        "the server answers; by http, so that anybody on the way can read the events and the key"
    };
    diagnosis.note(Step::Connection, Ok(how.to_owned()));
    let status = answer.status;
    let is_key_wrong = matches!(status, 401 | 403);
    if is_key_wrong {
        diagnosis.note(Step::Key, Err(words(status)));
    } else if matches!(status, 200..=299 | 413 | 429) {
        // Of other refusals nobody can tell whether the key was looked at.
        diagnosis.note(Step::Key, Ok("taken".to_owned()));
    }
    if !is_key_wrong {
        let taken =
            format!("{status}, taken as {}: look for it in the project, as {:?}", event.id, event.title);
        diagnosis.note(Step::Event, judge(&answer).map(|()| taken).map_err(|_| words(status)));
    }
    diagnosis
}

/// Looks a name up on a thread of its own, since that may hang.
fn look_up(host: &str, look_up: Option<LookUp>) -> Result<String, String> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(format!("{address} is an address already"));
    }
    let look_up = look_up.unwrap_or_else(|| Arc::new(http::system_look_up));
    let (told, heard) = bounded(1);
    let name = host.to_owned();
    let asking = thread::Builder::new().name("crumbtrail-names".to_owned());
    asking
        .spawn(move || told.send(look_up(&name)))
        .map_err(|error| format!("no thread to ask on: {error}"))?;
    let found = heard.recv_timeout(SEND_CONNECT);
    let found = found.map_err(|_| format!("nobody says within {SEND_CONNECT:?} where {host} is"))?;
    let found = found.map_err(|error| format!("{host} is not known: {error}"))?;
    let addresses: Vec<String> = found.iter().map(SocketAddr::ip).map(|ip| ip.to_string()).collect();
    if addresses.is_empty() { Err(format!("{host} has no address")) } else { Ok(addresses.join(", ")) }
}

/// Sends the event once.
fn send(dsn: &Dsn, settings: Settings, event: &TrackedEvent) -> Result<Answer, String> {
    let body =
        Packed::new(&Wire::new().payload(event)).and_then(|payload| envelope::of_event(event.id, &payload));
    let body = body.map_err(|error| error.to_string())?;
    let (told, heard) = bounded(1);
    let dsn = dsn.clone();
    let sending = http::run("crumbtrail-doctor", move || async move {
        let answer = match Client::new(&settings, dsn.url()) {
            Ok(client) => post(&client, &dsn, body).await.map_err(|failure| failure.to_string()),
            Err(why) => Err(why),
        };
        // Nobody listens any more.
        let _ = told.send(answer);
    });
    sending.map_err(|error| format!("no thread to send on: {error}"))?;
    let patience = SEND_TOTAL + MORE;
    heard.recv_timeout(patience).unwrap_or_else(|_| Err(format!("no answer within {patience:?}")))
}

/// What went wrong, and what that may mean.
fn advised(why: String) -> String {
    match ADVICE.iter().find(|(words, _)| why.contains(words)) {
        Some((_, advice)) => format!("{why}; {advice}"),
        None => why,
    }
}

const ADVICE: [(&str, &str); 7] = [
    ("InvalidContentType", "does the server speak https there?"),
    ("UnknownIssuer", "name the authority that signed its certificate by Builder::ca_certificates"),
    ("CaUsedAsEndEntity", "its certificate is that of an authority: have it sign one for the server"),
    ("not valid for name", "its certificate is another host's: check the host of the DSN"),
    ("certificate expired", "its certificate has to be renewed, or the clock of this machine is wrong"),
    ("CertificateRequired", "it asks for a certificate of ours: name one by Builder::client_certificate"),
    (
        "Connection refused",
        "nothing listens there: check host and port of the DSN, and the proxy, if there is one",
    ),
];

/// Beyond what a request may take: to start and to end it.
const MORE: Duration = Duration::from_secs(1);
