//! What events of one issue have in common.

use std::fmt;

/// The name of an issue: events with equal fingerprints are one.
///
/// It is readable, stable across releases, and sent along to every sink that groups: Sentry, GlitchTip and Bugsink
/// [honour it](https://develop.sentry.dev/sdk/data-model/event-payloads/#fingerprint).
///
/// ```
/// let fingerprint = crumbtrail::Fingerprint::from("card declined");
/// assert_eq!(fingerprint.parts(), ["card declined"]);
/// assert_eq!(fingerprint.to_string(), "card declined");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(Vec<String>);

impl Fingerprint {
    pub(crate) fn new(parts: Vec<String>) -> Self {
        Self(parts)
    }

    /// Its parts, the most general first; empty until an event is grouped.
    pub fn parts(&self) -> &[String] {
        &self.0
    }
}

/// A fingerprint of one part.
impl From<&str> for Fingerprint {
    fn from(part: &str) -> Self {
        Self(vec![part.to_owned()])
    }
}

/// A fingerprint of one part.
impl From<String> for Fingerprint {
    fn from(part: String) -> Self {
        Self(vec![part])
    }
}

/// A fingerprint of several parts.
impl<P: Into<String>> FromIterator<P> for Fingerprint {
    fn from_iter<I: IntoIterator<Item = P>>(parts: I) -> Self {
        Self(parts.into_iter().map(Into::into).collect())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" · "))
    }
}
