//! What the environment asks for.
//!
//! A value that cannot be read is said on stderr and left out: it never stops a service.

use std::env;
use std::fmt;

use super::store::Named;
use super::{Builder, Stack, Store};
use crate::diag;
use crate::error::BuildError;
use crate::layer::gate;
#[cfg(feature = "sentry")]
use crate::sink::Dsn;

/// A builder with the defaults and what the environment says:
///
/// | variable | meaning |
/// |---|---|
/// | `CRUMBTRAIL=off` | turns everything off; outranks the code |
/// | `CRUMBTRAIL_BREADCRUMBS` | as [`Builder::breadcrumbs`] |
/// | `CRUMBTRAIL_SPANS` | as [`Builder::spans`] |
/// | `CRUMBTRAIL_LANES` | as [`Builder::lanes`] |
/// | `CRUMBTRAIL_STACK=on\|off` | as [`Builder::stack`] |
/// | `CRUMBTRAIL_SAMPLE_RATE` | as [`Builder::sample_rate`] |
/// | `CRUMBTRAIL_STORE=path\|memory\|off` | as [`Builder::store`] |
/// | `CRUMBTRAIL_QUIET=1` | no line on a terminal for an issue that is new |
/// | `SENTRY_DSN` | as `Builder::dsn`, with the feature `sentry`; one that cannot be used turns this one sink off |
/// | `SENTRY_RELEASE` | as [`Builder::release`] |
/// | `SENTRY_ENVIRONMENT` | as [`Builder::environment`] |
///
/// What the code sets afterwards outranks it. A value that cannot be read is said on stderr and left out.
pub fn from_env() -> Builder {
    let mut builder = Builder::new();
    let directives = |name: &'static str, check: fn(&str) -> Result<(), BuildError>| {
        let text = variable(name)?;
        check(&text).map_err(|error| refuse(name, &error)).ok().map(|()| text)
    };
    if let Some(text) =
        directives("CRUMBTRAIL_BREADCRUMBS", |text| gate::targets("breadcrumbs", text).map(drop))
    {
        builder.breadcrumbs = text;
    }
    if let Some(text) = directives("CRUMBTRAIL_SPANS", |text| gate::targets("spans", text).map(drop)) {
        builder.spans = text;
    }
    if let Some(text) = directives("CRUMBTRAIL_LANES", |text| gate::lanes(text).map(drop)) {
        builder.lanes = text;
    }
    match variable("CRUMBTRAIL_STACK").as_deref() {
        None => {}
        Some("on") => builder.stack = Stack::On,
        Some("off") => builder.stack = Stack::Off,
        Some(other) => refuse("CRUMBTRAIL_STACK", &format!("{other:?} is neither `on` nor `off`")),
    }
    if let Some(text) = variable("CRUMBTRAIL_SAMPLE_RATE") {
        match text.parse::<f64>() {
            Ok(rate) if (0.0..=1.0).contains(&rate) => builder.rules.sample_rate = Some(rate),
            _ => refuse("CRUMBTRAIL_SAMPLE_RATE", &format!("{text:?} is no number from 0 to 1")),
        }
    }
    builder.store = variable("CRUMBTRAIL_STORE").and_then(|text| store(&text)).or(builder.store);
    match variable("CRUMBTRAIL_QUIET").as_deref() {
        None | Some("0") => {}
        Some("1") => builder.quiet = true,
        Some(other) => refuse("CRUMBTRAIL_QUIET", &format!("{other:?} is neither `1` nor `0`")),
    }
    match variable("CRUMBTRAIL").as_deref() {
        None | Some("on") => {}
        Some("off") => builder.off = true,
        Some(other) => refuse("CRUMBTRAIL", &format!("{other:?} is neither `on` nor `off`")),
    }
    #[cfg(feature = "sentry")]
    if let Some(text) = variable("SENTRY_DSN").filter(|text| !text.trim().is_empty()) {
        match Dsn::parse(&text) {
            Ok(dsn) => builder.delivery.dsn = Some(Ok(dsn)),
            Err(why) => {
                refuse("SENTRY_DSN", &format!("{why}; nothing is sent to a server"));
                builder.delivery.refused = Some(why);
            }
        }
    }
    #[cfg(not(feature = "sentry"))]
    if variable("SENTRY_DSN").is_some() {
        refuse("SENTRY_DSN", &"crumbtrail is built without its feature `sentry`, which sends to a server");
    }
    builder.release = variable("SENTRY_RELEASE").or(builder.release);
    builder.environment = variable("SENTRY_ENVIRONMENT").or(builder.environment);
    builder
}

/// The release that [`release!`](crate::release) names: what the environment says at run time, else the commit the
/// program was built from, else its version.
#[doc(hidden)]
pub fn release_of(commit: Option<&str>, version: &str) -> String {
    let commit = commit.filter(|commit| !commit.is_empty());
    variable("SENTRY_RELEASE").unwrap_or_else(|| commit.unwrap_or(version).to_owned())
}

fn store(text: &str) -> Option<Named> {
    let store = match text {
        "memory" => Store::Memory,
        "off" => Store::Off,
        #[cfg(feature = "store")]
        path => Store::Path(path.into()),
        #[cfg(not(feature = "store"))]
        _ => {
            refuse(
                "CRUMBTRAIL_STORE",
                &"crumbtrail is built without its feature `store`, which keeps a file",
            );
            return None;
        }
    };
    Some(Named::Environment(store))
}

/// A variable of the environment that is set to something.
fn variable(name: &str) -> Option<String> {
    match env::var(name) {
        Ok(value) => Some(value).filter(|value| !value.is_empty()),
        Err(env::VarError::NotPresent) => None,
        Err(env::VarError::NotUnicode(_)) => {
            refuse(name, &"it is no Unicode text");
            None
        }
    }
}

fn refuse(name: &str, why: &dyn fmt::Display) {
    diag::say(&format!("{name} is left out: {why}"));
}
