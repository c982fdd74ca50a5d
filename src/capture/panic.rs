//! Panics become events: where, what was said, on which stack, in whose span.
//!
//! Called by the panic hook, on the thread that panics: a panic in here would end the program, so nothing of the user's
//! is run, neither a callback nor a formatter, and nothing waits. A panic that we cause and catch ourselves, in a
//! formatter, a hook or a sink, finds the door shut and is none of ours.

use std::panic::PanicHookInfo;

use tracing::Level;

use super::{Failure, Key, Pipeline};
use crate::clock;
use crate::limits::MESSAGE_BYTES;
use crate::model::{Breadcrumb, CapturedError, Draft, EventKind, Site};
use crate::sync::enter;
use crate::trail::text::fitting;
use crate::trail::{CRUMB_BYTES, Record, record};

impl Pipeline {
    /// Takes a panic of this thread, which is inside the span `span`.
    pub(crate) fn capture_panic(&self, info: &PanicHookInfo<'_>, span: Option<u64>) {
        enter(|_| {
            let payload = fitting(payload(info), MESSAGE_BYTES).to_owned();
            let place = info.location();
            let site = Site {
                target: "".into(),
                file: place.map(|place| place.file().to_owned().into()),
                line: place.map(|place| place.line()),
            };
            let mut key = Key::of_line(u64::from(site.line.unwrap_or_default()));
            key.format(format_args!("{}", site.file.as_deref().unwrap_or_default()));
            let line = self.ledger.lines.at(key.finish(), || site.clone());
            self.ledger.accept();
            if self.is_too_fast(line) {
                self.ledger.tally(line.count_untold());
                return;
            }
            let mut crumb =
                Breadcrumb::new(format!("panicked: {payload}")).level(Level::ERROR).category("panic");
            // By the clock of the breadcrumbs around it.
            crumb.time = clock::time_of(clock::coarse_ns());
            key.format(format_args!("{payload}"));
            let key = key.finish();
            if let Some(admitted) = self.admit(key, line, None) {
                let failure = Failure {
                    kind: EventKind::Panic,
                    site,
                    level: Level::ERROR,
                    fields: None,
                    error: CapturedError::Panic { payload },
                    siblings: Vec::new(),
                    draft: Draft::default(),
                    key,
                };
                self.capture(admitted, failure, line, span);
            } else {
                self.note_tallied(span, key);
            }
            self.keep(&crumb, span);
        });
    }

    /// Keeps a breadcrumb that is no log record, in the span `span` or outside of any.
    pub(crate) fn keep(&self, breadcrumb: &Breadcrumb, span: Option<u64>) {
        let mut memory = [0; CRUMB_BYTES];
        let encoded = record::encode(breadcrumb, &mut memory);
        let inside = span.and_then(|span| self.scopes.inside(span));
        let place = inside.unwrap_or_else(|| self.scopes.outside(&self.trail));
        let record = Record {
            callsite: None,
            time_ns: clock::ns_of(breadcrumb.time),
            lane: place.lane,
            span: place.span,
            mark: record::own_mark(breadcrumb, encoded.cut),
            payload: encoded.words,
        };
        self.push(&record, &place);
    }
}

/// What was said; of a payload that is no text, what the standard library says of it.
fn payload<'a>(info: &'a PanicHookInfo<'_>) -> &'a str {
    let payload = info.payload();
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("Box<dyn Any>")
}
