//! The subscribers that are compared. One process has one of them, as its global default: several live dispatchers with
//! different verdicts would make `tracing` ask at every event, and a scoped default costs more than a global one.

use std::any::Any;
use std::error::Error;
use std::io;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::prelude::*;

use crate::floor::Floor;

/// crumbtrail with its defaults.
pub(crate) const OURS: &str = "crumbtrail";
/// The [`Floor`].
pub(crate) const FLOOR: &str = "floor";

/// Installs a subscriber for the rest of the process; what it returns is to be kept until the end.
pub(crate) fn install(subject: &str) -> Result<Box<dyn Any>, Box<dyn Error>> {
    match subject {
        OURS => {
            let (layer, guard) = crumbtrail::builder().sink(crumbtrail::Memory::new()).build()?;
            tracing_subscriber::registry().with(layer).try_init()?;
            Ok(Box::new(guard))
        }
        "crumbtrail+fmt" => {
            let (layer, guard) = crumbtrail::builder().sink(crumbtrail::Memory::new()).build()?;
            let fmt = tracing_subscriber::fmt::layer().with_writer(io::sink).with_filter(LevelFilter::INFO);
            tracing_subscriber::registry().with(layer).with(fmt).try_init()?;
            Ok(Box::new(guard))
        }
        FLOOR => {
            tracing_subscriber::registry().with(Floor::new()).try_init()?;
            Ok(Box::new(()))
        }
        "floor+ring" => {
            tracing_subscriber::registry().with(Floor::with_ring()).try_init()?;
            Ok(Box::new(()))
        }
        "floor+faults" => {
            tracing_subscriber::registry().with(Floor::with_faults()).try_init()?;
            Ok(Box::new(()))
        }
        "registry" => {
            tracing_subscriber::registry().try_init()?;
            Ok(Box::new(()))
        }
        other => Err(format!("no such subject: {other}").into()),
    }
}
