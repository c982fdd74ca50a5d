//! Which line an ERROR comes from, found without running a formatter or allocating.

use std::fmt;
use std::ptr;

use tracing::field::{Field, Visit};
use tracing::{Event, Metadata};

use super::detect;
use crate::capture::Rules;
use crate::model::Site;
use crate::trail::log_site::{LOG_FILE, LOG_LINE, LOG_TARGET, is_log};

/// A line, as far as its event tells.
#[derive(Debug)]
pub(super) struct Line {
    /// What tells it from other lines.
    pub(super) key: u64,
    /// It is one of those that are breadcrumbs only.
    pub(super) is_noise: bool,
    /// What it says may make it ignored.
    pub(super) is_read: bool,
}

impl Line {
    pub(super) fn of(event: &Event<'_>, rules: &Rules) -> Self {
        let callsite = event.metadata();
        if is_log(callsite) {
            // All records of the `log` crate come through a few callsites; their true place is in their fields.
            let mut line = LogVisitor { line: Self { key: SEED, is_noise: false, is_read: false }, rules };
            event.record(&mut line);
            return line.line;
        }
        Self {
            key: ptr::from_ref(callsite).addr() as u64,
            is_noise: detect::is_noise(callsite.target()),
            is_read: rules.reads(callsite.target()),
        }
    }
}

/// The line by name, for who reads of it.
pub(super) fn site(event: &Event<'_>) -> Site {
    let callsite: &'static Metadata<'static> = event.metadata();
    let mut site = Site {
        target: callsite.target().into(),
        file: callsite.file().map(Into::into),
        line: callsite.line(),
    };
    if is_log(callsite) {
        event.record(&mut SiteVisitor(&mut site));
    }
    site
}

struct LogVisitor<'a> {
    line: Line,
    rules: &'a Rules,
}

impl LogVisitor<'_> {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.line.key = (self.line.key ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }
}

impl Visit for LogVisitor<'_> {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == LOG_LINE {
            self.add(&value.to_le_bytes());
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            LOG_TARGET => {
                self.line.is_noise = detect::is_noise(value);
                self.line.is_read = self.rules.reads(value);
                self.add(value.as_bytes());
            }
            LOG_FILE => self.add(value.as_bytes()),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

struct SiteVisitor<'a>(&'a mut Site);

impl Visit for SiteVisitor<'_> {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == LOG_LINE {
            self.0.line = u32::try_from(value).ok();
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            LOG_TARGET => self.0.target = value.to_owned().into(),
            LOG_FILE => self.0.file = Some(value.to_owned().into()),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

const SEED: u64 = 0xCBF2_9CE4_8422_2325;
