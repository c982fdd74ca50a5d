//! An event of fixed times and names, and paper to write it on.

use std::error::Error;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crumbtrail::{Breadcrumb, Cause, Console, Frame, Memory, Sink, SourceLines, Stack, TrackedEvent, User};
use serde_json::json;
use tracing::{Level, error, info_span};
use tracing_subscriber::prelude::*;

/// 2026-05-01 04:19:17 UTC.
pub(crate) fn moment() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_777_609_157)
}

/// What a console writes on.
#[derive(Clone, Default)]
pub(crate) struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    /// What was written since it was last taken.
    pub(crate) fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The report of an event that comes for the first time.
pub(crate) fn report(event: &TrackedEvent) -> String {
    let paper = Paper::default();
    Console::to(paper.clone()).deliver(event).unwrap();
    paper.take()
}

/// As [`report`], with colours.
pub(crate) fn coloured(event: &TrackedEvent) -> String {
    let paper = Paper::default();
    Console::to(paper.clone()).coloured().deliver(event).unwrap();
    paper.take()
}

#[derive(Debug, thiserror::Error)]
enum Checkout {
    #[error("the payment could not be taken")]
    Payment(#[source] GaveUp),
}

#[derive(Debug, thiserror::Error)]
#[error("gave up on the card gateway after {attempts} attempts")]
struct GaveUp {
    attempts: u32,
    source: io::Error,
}

/// One that knows little more than that something failed.
pub(crate) fn bare() -> TrackedEvent {
    captured(|| {
        let source = io::Error::from_raw_os_error(110);
        let error = Checkout::Payment(GaveUp { attempts: 3, source });
        error!(target: "checkout::orders", error = &error as &dyn Error, "checkout failed");
    })
}

/// One that knows all there is to know.
pub(crate) fn full() -> TrackedEvent {
    let mut event = captured(|| {
        let request = info_span!(
            "request",
            user.id = 1025,
            user.email = "ada@example.com",
            http.request.method = "POST",
            url.path = "/orders/25",
            http.route = "/orders/{id}",
            http.response.status_code = 500,
        );
        let _request = request.entered();
        let _checkout = info_span!("checkout", order = 25, voucher = "spring sale").entered();
        crumbtrail::set_tag("method", "card");
        crumbtrail::set_tag("plan", "pro");
        crumbtrail::set_context("cart", json!({ "items": 3, "currency": "EUR" }));
        let source = io::Error::from_raw_os_error(110);
        let error = Checkout::Payment(GaveUp { attempts: 3, source });
        error!(target: "checkout::orders", error = &error as &dyn Error, cents = 1415, "checkout failed");
    });
    let mut logged = event.logged_at[0].clone();
    logged.target = "checkout".to_owned();
    logged.file = Some("src/main.rs".to_owned());
    logged.line = Some(70);
    logged.message = Some("request failed".to_owned());
    event.logged_at.push(logged);
    event.siblings = vec![vec![cause(&event, Some("Rollback"), "the order could not be taken back")]];
    event.frames = frames();
    event.breadcrumbs = vec![
        crumb(7_300_000, Level::INFO, "auth", "signed in").data("by", "google"),
        crumb(184, Level::WARN, "checkout::stock", "stock is low").data("item", "tray").data("left", 24),
        failed_attempt(1, 164),
        failed_attempt(2, 132),
        crumb(90, Level::WARN, "checkout::queue", "the queue is full"),
        crumb(60, Level::WARN, "checkout::queue", "the queue is full"),
        crumb(30, Level::WARN, "checkout::queue", "the queue is full"),
        crumb(2, Level::ERROR, "checkout::payment", "no luck")
            .data("error", "the payment could not be taken: gave up on the card gateway after 3 attempts")
            .data("card", "visa"),
        {
            let mut crumb = crumb(1, Level::ERROR, "checkout", "request failed");
            crumb.target = "checkout".to_owned();
            crumb
        },
    ];
    event
}

fn failed_attempt(attempt: u32, ago_ms: u64) -> Breadcrumb {
    crumb(ago_ms, Level::WARN, "checkout::payment", "card gateway failed, trying again")
        .data("attempt", attempt)
        .data("error", "the connection broke")
}

pub(crate) fn crumb(ago_ms: u64, level: Level, category: &str, message: &str) -> Breadcrumb {
    let mut crumb = Breadcrumb::new(message).level(level).category(category);
    crumb.time = moment() - Duration::from_millis(ago_ms);
    crumb
}

pub(crate) fn cause(event: &TrackedEvent, type_name: Option<&str>, value: &str) -> Cause {
    let mut cause = event.chain[0].clone();
    cause.type_name = type_name.map(str::to_owned);
    cause.value = value.to_owned();
    cause
}

fn frames() -> Vec<Frame> {
    let mut frames = vec![
        frame("checkout::orders", "place::{{closure}}", "src/orders.rs", 51, true),
        frame("checkout::orders", "place", "src/orders.rs", 40, true),
        frame("tower::util", "call", "/cargo/registry/src/index/tower-0.5.2/src/util.rs", 7, false),
        frame(
            "<axum::Router as tower::Service>",
            "call",
            "/cargo/registry/src/index/axum-0.8/src/r.rs",
            9,
            false,
        ),
        frame("hyper::proto", "poll", "/cargo/registry/src/index/hyper-1.7.0/src/proto.rs", 8, false),
        frame("checkout", "answer", "src/main.rs", 70, true),
        frame("tokio::net", "poll", "/cargo/registry/src/index/tokio-1.40.0/src/net.rs", 8, false),
    ];
    let lines = [
        "        }",
        "\tErr(error) => {",
        "            error!(error = &error as &dyn Error, \"checkout failed\");",
    ];
    let mut source = SourceLines::default();
    source.first_line = 49;
    source.lines = lines.iter().chain(&["", "        }"]).map(|line| (*line).to_owned()).collect();
    frames[0].source = Some(source);
    frames
}

pub(crate) fn frame(module: &str, function: &str, file: &str, line: u32, in_app: bool) -> Frame {
    let mut frame = Frame::default();
    frame.module = Some(module.to_owned());
    frame.function = Some(function.to_owned());
    frame.file = Some(file.to_owned());
    (frame.line, frame.in_app) = (Some(line), in_app);
    frame
}

/// The one event that `work` logs, with a name and a time of ours and without a stack.
pub(crate) fn captured(work: impl FnOnce()) -> TrackedEvent {
    let memory = Memory::new();
    let builder = crumbtrail::builder().release("shop@1.2.3").environment("staging").server_name("web-7");
    let (layer, _guard) = builder.stack(Stack::Off).sink(memory.clone()).build().unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
    let mut events = memory.events();
    let mut event = events.pop().unwrap();
    event.id = "636bc9a52df24cef9af7d825bc168bef".parse().unwrap();
    event.time = moment();
    event.frames = vec![frame("checkout::orders", "place", "src/orders.rs", 51, true)];
    event
}

/// A user of whom everything is known.
pub(crate) fn user(text: &str) -> User {
    User::new(text).email(text).username(text).ip_address(text)
}
