//! [`Builder`]: crate::Builder
//! [`Guard`]: crate::Guard
//! [`Memory`]: crate::Memory
//! [`Sink`]: crate::Sink
//! [`Stats`]: crate::Stats
//! [`limits`]: crate::limits
#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

mod api;
mod builder;
mod capture;
mod clock;
mod diag;
mod error;
mod grouping;
#[cfg(feature = "sentry")]
mod http;
#[cfg_attr(
    not(feature = "store"),
    expect(dead_code, unused_imports, reason = "a book in memory is written, but nobody looks into it")
)]
mod issues;
mod layer;
mod ledger;
pub mod limits;
mod model;
mod prepare;
mod queue;
mod report;
mod scope;
mod sink;
mod sync;
mod trail;
#[cfg(feature = "store")]
pub mod view;
mod worker;

pub use api::{add_breadcrumb, capture_error, last_event_id, set_context, set_tag, set_user};
#[cfg(feature = "sentry")]
pub use builder::doctor;
#[doc(hidden)]
pub use builder::release_of;
pub use builder::{Builder, Stack, Store, builder, from_env};
pub use capture::Throttle;
#[doc(hidden)]
pub use clock::Clock;
pub use error::{BuildError, FlushError};
pub use layer::CrumbLayer;
pub use ledger::{Dropped, Handle, LineCount, Lost, Stats};
pub use model::{
    Breadcrumb, BreadcrumbKind, Cause, Draft, EventId, EventIdError, EventKind, Fingerprint, Frame, LoggedAt,
    Request, SourceLines, Span, Tally, TrackedEvent, TrailSource, User, Verdict,
};
pub use sink::{Console, Memory, Sink};
#[cfg(feature = "sentry")]
pub use sink::{Diagnosis, Finding, Step};
pub use worker::Guard;

/// The release of the program that this is written in, for [`Builder::release`]: `SENTRY_RELEASE` when it runs, else
/// `GIT_SHA` when it was compiled, else its name and version.
///
/// ```
/// let release = crumbtrail::release!();
/// assert!(!release.is_empty());
/// ```
#[macro_export]
macro_rules! release {
    () => {
        $crate::release_of(
            ::core::option_env!("GIT_SHA"),
            ::core::concat!(::core::env!("CARGO_PKG_NAME"), "@", ::core::env!("CARGO_PKG_VERSION")),
        )
    };
}
