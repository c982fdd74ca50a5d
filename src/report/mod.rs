//! Reports: an event as text that a person reads. Pure; everything that came from outside is escaped.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::diag::escape_into;
use crate::model::{Breadcrumb, Cause, Frame, TrackedEvent, TrailSource};

/// The whole event: title, chain, in-app frames, trail, user, tags.
pub(crate) fn event(event: &TrackedEvent) -> String {
    let mut report = Report::default();
    let (level, at) = (event.level, clock(event.time));
    report.line("", &format!("{level} {}", event.title));
    report.chain(&event.chain, event.chain_cut);
    report.frames(&event.frames);
    report.trail(event);
    report.facts(event);
    report.line("  ", &format!("event {} · {at} · {}", event.id, event.target));
    report.text.push('\n');
    report.text
}

#[derive(Default)]
struct Report {
    text: String,
}

impl Report {
    fn line(&mut self, indent: &str, text: &str) {
        self.text.push_str(indent);
        escape_into(text, &mut self.text);
        self.text.push('\n');
    }

    fn chain(&mut self, chain: &[Cause], cut: bool) {
        for (index, cause) in chain.iter().enumerate() {
            let lead = if index == 0 { "" } else { "caused by " };
            let type_name = cause.type_name.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
            self.line("  ", &format!("{lead}{type_name}{}", cause.value));
        }
        if cut {
            self.line("  ", "caused by …");
        }
    }

    /// The program's own frames; where it has none, the first of all.
    fn frames(&mut self, frames: &[Frame]) {
        let own: Vec<&Frame> = frames.iter().filter(|frame| frame.in_app).collect();
        let shown = if own.is_empty() { frames.iter().take(1).collect() } else { own };
        let mut inner: Option<&Frame> = None;
        for frame in shown {
            // An async function is a closure in itself, and a traced one another: the innermost says where it stood.
            let within = inner.replace(frame).is_some_and(|inner| is_closure_of(inner, frame));
            if within {
                continue;
            }
            let path = match (&frame.module, frame.function.as_deref().map(without_closures)) {
                (Some(module), Some(function)) => format!("{module}::{function}"),
                (Some(one), None) => one.clone(),
                (None, Some(one)) => one.to_owned(),
                (None, None) => "?".to_owned(),
            };
            let place = frame.file.as_ref().map(|file| {
                frame.line.map_or_else(|| format!(" ({file})"), |line| format!(" ({file}:{line})"))
            });
            self.line("    at ", &format!("{path}{}", place.unwrap_or_default()));
        }
    }

    fn trail(&mut self, event: &TrackedEvent) {
        let of = match event.trail {
            TrailSource::Span => "span",
            TrailSource::Task => "task",
            TrailSource::Thread => "thread",
        };
        if event.breadcrumbs.is_empty() {
            return self.line("  ", &format!("trail of this {of}: nothing before"));
        }
        let cut = if event.trail_cut { ", older ones may be missing" } else { "" };
        self.line("  ", &format!("trail of this {of}{cut}"));
        for crumb in &event.breadcrumbs {
            self.line("  ", &step(crumb, event.time));
        }
    }

    fn facts(&mut self, event: &TrackedEvent) {
        if let Some(user) = &event.user {
            let parts = [&user.id, &user.username, &user.email, &user.ip_address];
            let parts: Vec<&str> = parts.into_iter().filter_map(Option::as_deref).collect();
            self.line("  ", &format!("user {}", parts.join(" · ")));
        }
        if let Some(request) = &event.request {
            let status = request.status.map(|status| status.to_string());
            let parts = [&request.method, &request.url, &request.route, &status];
            let parts: Vec<&str> = parts.into_iter().filter_map(Option::as_deref).collect();
            self.line("  ", &format!("request {}", parts.join(" ")));
        }
        if !event.tags.is_empty() {
            let tags: Vec<String> =
                event.tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
            self.line("  ", &format!("tags {}", tags.join(" ")));
        }
        // The error's own field is told by the chain.
        let told = |name: &str, value: &Value| {
            let alike = name == "e" || name.contains("err");
            value.as_str().is_some_and(|text| {
                text == event.value || alike && !event.value.is_empty() && text.starts_with(&event.value)
            })
        };
        let rest = pairs(event.fields.iter().filter(|(name, value)| !told(name, value)));
        if !rest.is_empty() {
            self.line("  ", &format!("with{rest}"));
        }
        for span in &event.spans {
            self.line("  ", &format!("in {}{}", span.name, pairs(&span.fields)));
        }
        let release = event.release.as_deref().unwrap_or("(no release)");
        let host = event.server_name.as_ref().map(|host| format!(" on {host}")).unwrap_or_default();
        self.line("  ", &format!("release {release} in {}{host}", event.environment));
    }
}

/// Whether the function of `inner` is written inside that of `frame`, which called it.
fn is_closure_of(inner: &Frame, frame: &Frame) -> bool {
    let (Some(inside), Some(function)) = (&inner.function, &frame.function) else { return false };
    let closure = inside.strip_prefix(function.as_str());
    inner.module == frame.module && closure.is_some_and(|closure| closure.starts_with(CLOSURE))
}

fn without_closures(mut function: &str) -> &str {
    while let Some(outer) = function.strip_suffix(CLOSURE) {
        function = outer;
    }
    function
}

const CLOSURE: &str = "::{{closure}}";

/// One step of the trail: its age at the time of the event, level, category, message and data.
fn step(crumb: &Breadcrumb, now: SystemTime) -> String {
    let age = age(now.duration_since(crumb.time).unwrap_or_default());
    let cut = if crumb.cut { " …" } else { "" };
    format!("{age:>9}  {:<5} {}  {}{}{cut}", crumb.level, crumb.category, crumb.message, pairs(&crumb.data))
}

fn pairs<'a>(fields: impl IntoIterator<Item = (&'a String, &'a Value)>) -> String {
    fields.into_iter().fold(String::new(), |mut text, (name, value)| {
        let _ = match value {
            Value::String(value) => write!(text, " {name}={value}"),
            value => write!(text, " {name}={value}"),
        };
        text
    })
}

fn age(age: Duration) -> String {
    match age.as_secs() {
        0 if age.as_millis() == 0 => "0 ms".to_owned(),
        0 => format!("-{} ms", age.as_millis()),
        1..60 => format!("-{:.1} s", age.as_secs_f64()),
        60..3600 => format!("-{} min", age.as_secs() / 60),
        seconds => format!("-{} h", seconds / 3600),
    }
}

/// The time of day, in UTC.
fn clock(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() % 86_400;
    format!("{:02}:{:02}:{:02} UTC", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
