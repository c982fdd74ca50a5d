//! Both sides as a program has them, behind one face: with a DSN or without, and with hooks. One process has one of them, as its global default.

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use crumbtrail::{Guard, Throttle};
use sentry::{ClientInitGuard, ClientOptions};
use sentry_tracing::{BreadcrumbLayer, ErrorLayer, SpanLayer};
use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::prelude::*;

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// `sentry` with `sentry-tracing` by its present layers, with its defaults.
    Peer,
    /// crumbtrail with its defaults, but without the throttle: the peer has none.
    Crumbtrail,
}

/// What the program's hooks do before they hand on what they were given; without a function there is no hook.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Hooks {
    pub(crate) before_send: Option<fn()>,
    pub(crate) before_breadcrumb: Option<fn()>,
}

/// A side at work.
pub(crate) trait Tracker {
    /// Its flush.
    fn flush(&self, timeout: Duration);

    /// Waits until nothing is on its way any more, so long at the most.
    fn settle(&self, timeout: Duration);
}

impl Side {
    pub(crate) const BOTH: [Self; 2] = [Self::Peer, Self::Crumbtrail];

    /// As the tables and a child's arguments name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Peer => "peer",
            Self::Crumbtrail => "crumbtrail",
        }
    }

    /// Installs it for the rest of the process.
    pub(crate) fn start(self, dsn: Option<&str>, hooks: Hooks) -> Result<Box<dyn Tracker>, Box<dyn Error>> {
        match self {
            Self::Peer => peer(dsn, hooks),
            Self::Crumbtrail => crumbtrail(dsn, hooks),
        }
    }
}

fn peer(dsn: Option<&str>, hooks: Hooks) -> Result<Box<dyn Tracker>, Box<dyn Error>> {
    let mut options = ClientOptions::new();
    if let Some(dsn) = dsn {
        options = options.dsn(dsn);
    }
    if let Some(hook) = hooks.before_send {
        options = options.before_send(move |event| {
            hook();
            Some(event)
        });
    }
    if let Some(hook) = hooks.before_breadcrumb {
        options = options.before_breadcrumb(move |breadcrumb| {
            hook();
            Some(breadcrumb)
        });
    }
    let guard = sentry::init(options);
    let warn_and_info =
        filter_fn(|callsite| callsite.is_event() && matches!(*callsite.level(), Level::WARN | Level::INFO));
    tracing_subscriber::registry()
        .with(SpanLayer::new().with_filter(LevelFilter::INFO))
        .with(BreadcrumbLayer::new().with_filter(warn_and_info))
        .with(ErrorLayer::new().with_filter(LevelFilter::ERROR))
        .try_init()?;
    Ok(Box::new(guard))
}

impl Tracker for ClientInitGuard {
    fn flush(&self, timeout: Duration) {
        (**self).flush(Some(timeout));
    }

    fn settle(&self, timeout: Duration) {
        Tracker::flush(self, timeout);
    }
}

fn crumbtrail(dsn: Option<&str>, hooks: Hooks) -> Result<Box<dyn Tracker>, Box<dyn Error>> {
    let mut builder = crumbtrail::builder().throttle(Throttle::Off);
    if let Some(dsn) = dsn {
        builder = builder.dsn(dsn);
    }
    if let Some(hook) = hooks.before_send {
        builder = builder.before_send(move |event| {
            hook();
            Some(event)
        });
    }
    if let Some(hook) = hooks.before_breadcrumb {
        builder = builder.before_breadcrumb(move |breadcrumb| {
            hook();
            Some(breadcrumb)
        });
    }
    let (layer, guard) = builder.build()?;
    tracing_subscriber::registry().with(layer).try_init()?;
    Ok(Box::new(guard))
}

impl Tracker for Guard {
    fn flush(&self, timeout: Duration) {
        // Its answer is another measure's.
        let _ = Self::flush(self, timeout);
    }

    fn settle(&self, timeout: Duration) {
        let begun = Instant::now();
        Tracker::flush(self, timeout);
        while self.stats().pending > 0 && begun.elapsed() < timeout {
            thread::sleep(Duration::from_millis(5));
        }
    }
}
