//! What crumbtrail speaks about: events, breadcrumbs, causes, frames, users. Plain data, owned, without behaviour.

mod breadcrumb;
mod captured;
mod draft;
mod event;
mod fingerprint;
mod id;
mod lane_note;
mod tally;
mod user;

pub use breadcrumb::{Breadcrumb, BreadcrumbKind};
pub(crate) use captured::{
    Captured, CapturedError, CapturedFields, CapturedSpan, ClosedLane, Environment, LaneData, Link, Site,
    SpanExtra,
};
pub use draft::{Draft, Verdict};
pub use event::{Cause, EventKind, Frame, LoggedAt, Request, SourceLines, Span, TrackedEvent, TrailSource};
pub use fingerprint::Fingerprint;
pub use id::{EventId, EventIdError};
pub(crate) use lane_note::{LaneNote, LanePart};
pub use tally::Tally;
pub use user::User;
