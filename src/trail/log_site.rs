//! Where a log record comes from.

use serde_json::{Map, Value};
use tracing::Metadata;

/// Where a record comes from: its callsite, or, for one of the `log` crate, the fields in which `tracing-log` hands
/// over what the five callsites of its own cannot say.
#[derive(Debug)]
pub(crate) struct LogSite {
    pub(crate) target: String,
    pub(crate) file: Option<String>,
    pub(crate) line: Option<u32>,
}

impl LogSite {
    /// Reads the site and takes its fields out of `data`.
    pub(crate) fn take(data: &mut Map<String, Value>, callsite: &Metadata<'_>) -> Self {
        if !is_log(callsite) {
            return Self {
                target: callsite.target().to_owned(),
                file: callsite.file().map(str::to_owned),
                line: callsite.line(),
            };
        }
        let mut text = |name| data.remove(name).and_then(|value| value.as_str().map(str::to_owned));
        let (target, file) = (text(LOG_TARGET), text(LOG_FILE));
        text("log.module_path");
        let line =
            data.remove(LOG_LINE).and_then(|line| line.as_u64()).and_then(|line| u32::try_from(line).ok());
        Self { target: target.unwrap_or_else(|| callsite.target().to_owned()), file, line }
    }
}

/// The field in which `tracing-log` names the true target.
pub(crate) const LOG_TARGET: &str = "log.target";
/// The one in which it names the file.
pub(crate) const LOG_FILE: &str = "log.file";
/// The one in which it names the line.
pub(crate) const LOG_LINE: &str = "log.line";

/// Whether this is one of the callsites that `tracing-log` dispatches every record of the `log` crate through.
pub(crate) fn is_log(callsite: &Metadata<'_>) -> bool {
    callsite.target() == "log" && callsite.name() == "log event"
}
