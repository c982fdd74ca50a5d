//! What crumbtrail speaks about: events, breadcrumbs, causes, frames, users. Plain data, owned, without behaviour.

mod breadcrumb;
mod captured;
mod event;
mod id;
mod user;

pub use breadcrumb::{Breadcrumb, BreadcrumbKind};
pub(crate) use captured::{
    Captured, CapturedError, CapturedSpan, Environment, LaneData, Link, Site, SpanExtra,
};
pub use event::{Cause, EventKind, Frame, Request, Span, TrackedEvent, TrailSource};
pub use id::{EventId, EventIdError};
pub use user::User;
