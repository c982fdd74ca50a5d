//! Where a log record comes from.

use serde_json::{Map, Value};
use tracing::Metadata;

/// The target of a record: its callsite's, or, for one of the `log` crate, that of the field in which `tracing-log` hands
/// it over. Takes the fields out of `data` that only say where the record comes from.
pub(crate) fn take_target(data: &mut Map<String, Value>, callsite: &Metadata<'_>) -> String {
    if !is_log(callsite) {
        return callsite.target().to_owned();
    }
    let target = data.remove(LOG_TARGET).and_then(|value| value.as_str().map(str::to_owned));
    for place in [LOG_FILE, LOG_LINE, "log.module_path"] {
        data.remove(place);
    }
    target.unwrap_or_else(|| callsite.target().to_owned())
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
