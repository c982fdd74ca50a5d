//! The subscribers that are compared. One process has one of them, as its global default: several live dispatchers with
//! different verdicts would make `tracing` ask at every event, and a scoped default costs more than a global one.

use std::any::Any;
use std::error::Error;
use std::io;

use crumbtrail::{Builder, Lost, Sink, Stack, Store, Throttle, TrackedEvent};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::prelude::*;

use crate::failure::SEEN;
use crate::floor::Floor;

/// crumbtrail with its defaults.
pub(crate) const OURS: &str = "crumbtrail";
/// The same, with a book of issues in memory, for which lanes are counted; and without any.
pub(crate) const COUNTING: &str = "crumbtrail+book";
pub(crate) const BOOKLESS: &str = "crumbtrail-book";
/// crumbtrail that tells every ERROR, without a stack.
pub(crate) const TELLING: &str = "crumbtrail+errors";
/// The same, with its stack.
pub(crate) const STACKS: &str = "crumbtrail+stacks";
/// crumbtrail with its defaults, and a sink that drops.
pub(crate) const THROTTLED: &str = "crumbtrail+throttle";
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
        COUNTING => failing(crumbtrail::builder().store(Store::Memory)),
        BOOKLESS => failing(crumbtrail::builder().store(Store::Off)),
        TELLING => failing(crumbtrail::builder().throttle(Throttle::Off).stack(Stack::Off)),
        STACKS => failing(crumbtrail::builder().throttle(Throttle::Off)),
        THROTTLED => failing(crumbtrail::builder()),
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

/// With a sink that drops what it is given.
fn failing(builder: Builder) -> Result<Box<dyn Any>, Box<dyn Error>> {
    let (layer, guard) = builder.sink(Nowhere).build()?;
    tracing_subscriber::registry().with(layer).try_init()?;
    Ok(Box::new(guard))
}

struct Nowhere;

impl Sink for Nowhere {
    fn deliver(&self, event: &TrackedEvent) -> Result<(), Lost> {
        // Several functions at one address are one that the others were compiled into.
        let mut frames: Vec<_> = event.frames.iter().filter(|frame| frame.address.is_some()).collect();
        frames.dedup_by(|one, other| one.address == other.address && one.function != other.function);
        SEEN.note(event.breadcrumbs.len(), frames.len());
        Ok(())
    }
}
