//! What a hook may say of an error before it becomes an event.

use std::collections::BTreeMap;

use serde_json::Value;
use tracing::Level;

use super::Fingerprint;

/// What becomes of an error, by [`Builder::on_error`](crate::Builder::on_error).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Verdict {
    /// It becomes an event.
    #[default]
    Track,
    /// It is a breadcrumb only.
    Demote,
    /// It is neither: as if the line were not there.
    Drop,
}

/// An event that is about to be made, for [`Builder::on_error`](crate::Builder::on_error): where it was logged, and
/// what is to be said of it beyond what the line says.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Draft {
    pub(crate) target: String,
    pub(crate) level: Option<Level>,
    pub(crate) fingerprint: Option<Fingerprint>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) contexts: BTreeMap<String, Value>,
}

impl Draft {
    /// The module that logged the error; empty for [`capture_error`](crate::capture_error).
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Says how bad it is, instead of ERROR.
    pub fn set_level(&mut self, level: Level) {
        self.level = Some(level);
    }

    /// Says which issue it belongs to, instead of what grouping makes of it.
    pub fn set_fingerprint(&mut self, fingerprint: impl Into<Fingerprint>) {
        self.fingerprint = Some(fingerprint.into());
    }

    /// Adds a searchable name and value; it outranks those of the line, the spans and the lane.
    pub fn set_tag(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.tags.insert(name.into(), value.into());
    }

    /// Adds detail, under a name.
    pub fn set_context(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.contexts.insert(name.into(), value.into());
    }
}
