//! Events as text on stderr.

use std::io::{self, Write};

use super::Sink;
use crate::ledger::Lost;
use crate::model::TrackedEvent;
use crate::report;

/// A sink that writes each event to stderr: title, chain of causes, the program's own frames, the trail as a timeline,
/// user, tags. Everything that came from outside is escaped.
///
/// ```no_run
/// let (layer, _guard) = crumbtrail::from_env().sink(crumbtrail::Console::stderr()).build()?;
/// # drop::<crumbtrail::CrumbLayer<tracing_subscriber::Registry>>(layer);
/// # Ok::<(), crumbtrail::BuildError>(())
/// ```
#[derive(Debug)]
pub struct Console(());

impl Console {
    /// Writes to stderr.
    pub fn stderr() -> Self {
        Self(())
    }
}

impl Sink for Console {
    fn deliver(&self, event: &TrackedEvent) -> Result<(), Lost> {
        let text = report::event(event);
        io::stderr().lock().write_all(text.as_bytes()).map_err(|_| Lost::Sink)
    }
}
