//! The smallest program: two lines of set-up, a WARN that becomes a breadcrumb, an ERROR that becomes an event.
//!
//! `cargo run --example minimal`

use tracing::level_filters::LevelFilter;
use tracing::{error, info_span, warn};
use tracing_subscriber::prelude::*;

fn main() -> Result<(), crumbtrail::BuildError> {
    let (layer, _guard) = crumbtrail::from_env().sink(crumbtrail::Console::stderr()).build()?;
    tracing_subscriber::registry()
        .with(layer) // before fmt, and with the filter on fmt, so that it sees what fmt leaves out
        .with(tracing_subscriber::fmt::layer().with_filter(LevelFilter::INFO))
        .init();

    let _request = info_span!("request", user.id = 42).entered();
    warn!(left = 3, "the disk is nearly full");
    if let Err(error) = std::fs::read_to_string("no-such-file.toml") {
        error!(%error, "the settings could not be read");
    }
    Ok(())
}
