//! What happened before.

use std::time::SystemTime;

use serde_json::{Map, Value};
use tracing::Level;

/// One step of the trail: a log record, or something that [`add_breadcrumb`](crate::add_breadcrumb) was told.
///
/// ```
/// use crumbtrail::Breadcrumb;
///
/// let crumb = Breadcrumb::new("voucher redeemed").category("cart").data("percent", 15);
/// assert_eq!(crumb.category, "cart");
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Breadcrumb {
    /// When, to a few milliseconds: the order of a trail comes from the ring, not from this.
    pub time: SystemTime,
    /// How bad.
    pub level: Level,
    /// What sort of step; servers choose its icon by it.
    pub kind: BreadcrumbKind,
    /// What it is about: the target of a log record, or what the program named.
    pub category: String,
    /// The module the record comes from; empty for a breadcrumb of [`add_breadcrumb`](crate::add_breadcrumb) that names
    /// none.
    pub target: String,
    /// The message of the record.
    pub message: String,
    /// The other fields of the record.
    pub data: Map<String, Value>,
    /// Something of it was cut: it was longer than [`limits::CRUMB_CELLS`](crate::limits::CRUMB_CELLS) cells hold.
    pub cut: bool,
}

impl Breadcrumb {
    /// A breadcrumb at level INFO, of the present moment.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            time: SystemTime::now(),
            level: Level::INFO,
            kind: BreadcrumbKind::Default,
            category: String::new(),
            target: String::new(),
            message: message.into(),
            data: Map::new(),
            cut: false,
        }
    }

    /// What it is about, such as `cart` or `db.sql`.
    #[must_use]
    pub fn category(mut self, category: impl Into<String>) -> Self {
        self.category = category.into();
        self
    }

    /// How bad. An ERROR is of the kind [`BreadcrumbKind::Error`] as well.
    #[must_use]
    pub fn level(mut self, level: Level) -> Self {
        self.level = level;
        if level == Level::ERROR {
            self.kind = BreadcrumbKind::Error;
        }
        self
    }

    /// What sort of step.
    #[must_use]
    pub fn kind(mut self, kind: BreadcrumbKind) -> Self {
        self.kind = kind;
        self
    }

    /// Adds one value. Text, numbers and booleans are kept as they are, anything else as its JSON text.
    #[must_use]
    pub fn data(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.data.insert(name.into(), value.into());
        self
    }
}

/// What sort of step a breadcrumb is, by the names of
/// [Sentry's protocol](https://develop.sentry.dev/sdk/data-model/event-payloads/breadcrumbs/).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum BreadcrumbKind {
    /// A step like any other.
    #[default]
    Default,
    /// A failure.
    Error,
}
