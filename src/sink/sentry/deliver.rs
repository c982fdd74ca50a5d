//! The thread that delivers: several requests at once, each of which ends the event that it is about, or brings it back.
//!
//! What the server answered is final; what the network did is not. Nobody waits for this thread without a deadline of
//! their own.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Delivery;
use super::dsn::{CLIENT, Dsn};
use super::envelope;
use super::outbox::{Letter, Next, Trip};
use super::rate_limits::Said;
use crate::diag::Said as Once;
use crate::http::{Answer, Client, Failure, Post, Settings};
use crate::ledger::{Errand, Lost};

/// Delivers until there is nothing more to come. One that is dropped before leaves everything to the next.
pub(super) struct Deliverer {
    delivery: Arc<Delivery>,
    is_done: bool,
}

impl Deliverer {
    pub(super) fn new(delivery: Arc<Delivery>) -> Self {
        Self { delivery, is_done: false }
    }
}

impl Drop for Deliverer {
    fn drop(&mut self) {
        if !self.is_done {
            BROKEN.say(
                "the thread that sends events could not go on, for want of memory, threads or descriptors, or by a \
                 panic in what it calls; with the next events it is started again, a few times",
            );
        }
        self.delivery.stopped();
    }
}

impl Deliverer {
    pub(super) async fn deliver(mut self, settings: Settings) {
        match Client::new(&settings, self.delivery.dsn.url()) {
            Ok(client) => self.send_all(&client).await,
            Err(why) => {
                OFF.say(&format!("events are not sent to the server of the DSN: {why}"));
                self.delivery.outbox.turn_off();
            }
        }
        self.is_done = true;
    }

    async fn send_all(&self, client: &Client) {
        let Delivery { outbox, clock, stillborn, .. } = &*self.delivery;
        stillborn.store(0, Ordering::SeqCst);
        let request = |trip| Request { delivery: Arc::clone(&self.delivery), client: client.clone(), trip };
        loop {
            // Before the look, so that nothing that comes behind it is missed.
            let stirred = outbox.stirred.notified();
            match outbox.next(clock.now_ms()) {
                Next::Send(letter, trip) => {
                    tokio::spawn(request(trip).send(letter));
                }
                Next::Report(errands, trip) => {
                    tokio::spawn(request(trip).report(errands));
                }
                Next::Wait(None) => stirred.await,
                Next::Wait(Some(wait)) => {
                    // A clock that stands still wakes nobody.
                    let wait = if clock.is_manual() { LOOK_AGAIN } else { wait };
                    let _ = tokio::time::timeout(wait, stirred).await;
                }
                Next::End => return,
            }
        }
    }
}

/// One request on its way.
struct Request {
    delivery: Arc<Delivery>,
    client: Client,
    trip: Trip,
}

impl Drop for Request {
    fn drop(&mut self) {
        self.delivery.outbox.is_back(self.trip);
    }
}

impl Request {
    async fn send(self, letter: Letter) {
        let Delivery { outbox, clock, reports, .. } = &*self.delivery;
        // To memory, which does not fail.
        let Ok(body) = envelope::of_event(letter.id, &letter.payload) else { return };
        let bytes = body.len();
        match post(&self.client, &self.delivery.dsn, body).await {
            Ok(answer) => {
                let end = judge(&answer);
                if answer.status == 429 {
                    reports.refuse();
                }
                if end == Err(Lost::SendError) {
                    say_refused(answer.status, letter.payload.length(), bytes);
                }
                let heard = Heard::of(&answer);
                outbox.answered(letter, end, &heard.said(), clock.now_ms());
            }
            Err(failure) => {
                AWAY.say(&format!(
                    "the server of the DSN is out of reach; events wait for it, and are sent again: {failure}"
                ));
                outbox.failed(letter, self.trip, clock.now_ms());
            }
        }
    }

    async fn report(self, errands: Vec<Errand>) {
        let Delivery { outbox, clock, reports, .. } = &*self.delivery;
        let news = reports.news().and_then(|(report, counts)| {
            let body = envelope::of_report(&report).ok()?;
            Some((body, counts))
        });
        if let Some((body, counts)) = news {
            match post(&self.client, &self.delivery.dsn, body).await {
                Ok(answer) => {
                    // Whatever else the server makes of it: it is not told twice.
                    if answer.status == 429 {
                        reports.try_again()
                    } else {
                        reports.told(counts)
                    }
                    let heard = Heard::of(&answer);
                    outbox.reported(Ok(&heard.said()), clock.now_ms());
                }
                Err(_) => {
                    reports.try_again();
                    outbox.reported(Err(self.trip), clock.now_ms());
                }
            }
        }
        drop(errands);
    }
}

/// Posts an envelope to where a DSN says.
pub(super) async fn post(client: &Client, dsn: &Dsn, body: Vec<u8>) -> Result<Answer, Failure> {
    let headers = vec![
        ("content-type", "application/x-sentry-envelope"),
        ("content-encoding", "gzip"),
        ("user-agent", CLIENT),
    ];
    client.post(Post { url: dsn.url(), headers, secret: ("x-sentry-auth", dsn.auth()), body }).await
}

/// What an answer makes of the event that it answers.
pub(super) fn judge(answer: &Answer) -> Result<(), Lost> {
    match answer.status {
        200..=299 => Ok(()),
        429 => Err(Lost::RateLimited),
        _ => Err(Lost::SendError),
    }
}

/// The headers of an answer that speak of limits.
struct Heard {
    status: u16,
    limits: Option<String>,
    retry_after: Option<String>,
}

impl Heard {
    fn of(answer: &Answer) -> Self {
        Self {
            status: answer.status,
            limits: answer.header("x-sentry-rate-limits"),
            retry_after: answer.header("retry-after"),
        }
    }

    fn said(&self) -> Said<'_> {
        Said { status: self.status, limits: self.limits.as_deref(), retry_after: self.retry_after.as_deref() }
    }
}

/// Says why events are refused, once for each sort of reason.
fn say_refused(status: u16, length: usize, bytes: usize) {
    static KEY: Once = Once::new();
    static SIZE: Once = Once::new();
    static OTHER: Once = Once::new();
    match status {
        413 => SIZE.say(&format!(
            "the server refused an event as too large ({status}): {length} bytes, {bytes} of them compressed"
        )),
        _ => {
            let once = if matches!(status, 401 | 403) { &KEY } else { &OTHER };
            once.say(&format!("the server refuses events: {}", words(status)));
        }
    }
}

/// What a refusal means, and what to do about it.
pub(super) fn words(status: u16) -> String {
    let advice = match status {
        300..=399 => "a redirect, which is not followed: check the host of the DSN",
        401 | 403 => "the key is not accepted: check the DSN",
        404 => "there is no such project, or no such server: check the DSN",
        413 => "too large",
        429 => "too many events: it wants no more for a while",
        500..=599 => "the server itself failed",
        _ => "it does not take what it was sent",
    };
    format!("{status}, {advice}")
}

static AWAY: Once = Once::new();
static BROKEN: Once = Once::new();
static OFF: Once = Once::new();
const LOOK_AGAIN: Duration = Duration::from_millis(1);
