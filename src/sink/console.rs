//! Events as text that a person reads, on stderr or wherever text can be written.
//!
//! Each issue once in full; what comes again of it is one line, now and then. What was written is never changed: the
//! cursor only moves on. Each report is one write, so the lines of other writers do not get into it.

mod repeats;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

use super::Sink;
use crate::clock::Clock;
use crate::ledger::Lost;
use crate::model::{Tally, TrackedEvent};
use crate::report::{self, Look, Style};

use repeats::{Due, Repeats};

/// A sink that writes events as text: title, chain of causes, the program's own frames with their source, the trail as a
/// timeline, user, request, tags. Everything that came from outside is escaped.
///
/// The first event of an issue is written in full. What comes again of it is counted and told by one line, at most
/// every [`limits::CONSOLE_REPEATS`](crate::limits::CONSOLE_REPEATS):
///
/// ```text
/// ERROR ×37 in 10 s  checkout failed
/// ```
///
/// It keeps count of [`limits::CONSOLE_ISSUES`](crate::limits::CONSOLE_ISSUES) issues; one that it had to forget is
/// written in full again.
///
/// ```no_run
/// let (layer, _guard) = crumbtrail::from_env().sink(crumbtrail::Console::stderr()).build()?;
/// # drop::<crumbtrail::CrumbLayer<tracing_subscriber::Registry>>(layer);
/// # Ok::<(), crumbtrail::BuildError>(())
/// ```
pub struct Console(Mutex<Paper>);

/// What is written on.
struct Paper {
    out: Box<dyn Write + Send>,
    look: Look,
    clock: Clock,
    repeats: Repeats,
}

impl Console {
    /// Writes to stderr: with colours where that is a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`; as wide as
    /// `COLUMNS` says, else [`limits::REPORT_COLUMNS`](crate::limits::REPORT_COLUMNS).
    pub fn stderr() -> Self {
        let stderr = io::stderr();
        let look = Look::of(stderr.is_terminal(), |name| std::env::var(name).ok());
        Self::new(stderr, look)
    }

    /// Writes to `writer`, without colours: a file, say, or a buffer of a test's.
    ///
    /// ```no_run
    /// let file = std::fs::File::options().append(true).create(true).open("failures.txt")?;
    /// let builder = crumbtrail::from_env().sink(crumbtrail::Console::to(file));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn to(writer: impl Write + Send + 'static) -> Self {
        Self::new(writer, Look::plain())
    }

    /// With colours, whatever it writes to.
    #[must_use]
    pub fn coloured(self) -> Self {
        self.change(|paper| paper.look.style = Style::Coloured)
    }

    /// Measures time by `clock`.
    #[doc(hidden)]
    #[must_use]
    pub fn clock(self, clock: &Clock) -> Self {
        self.change(|paper| paper.clock = clock.clone())
    }

    fn new(writer: impl Write + Send + 'static, look: Look) -> Self {
        let (clock, repeats) = (Clock::default(), Repeats::default());
        Self(Mutex::new(Paper { out: Box::new(writer), look, clock, repeats }))
    }

    fn change(mut self, change: impl FnOnce(&mut Paper)) -> Self {
        change(self.0.get_mut().unwrap_or_else(PoisonError::into_inner));
        self
    }

    fn on_paper<T>(&self, work: impl FnOnce(&mut Paper) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Sink for Console {
    fn deliver(&self, event: &TrackedEvent) -> Result<(), Lost> {
        self.on_paper(|paper| paper.deliver(event))
    }

    fn tally(&self, tally: &Tally) {
        self.on_paper(|paper| {
            let now_ms = paper.clock.now_ms();
            paper.repeats.tally(tally, now_ms);
            paper.catch_up(Due::ByNow);
        });
    }

    fn catch_up(&self) {
        self.on_paper(|paper| paper.catch_up(Due::ByNow));
    }

    fn flush(&self) {
        self.on_paper(|paper| paper.catch_up(Due::All));
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").finish_non_exhaustive()
    }
}

impl Paper {
    fn deliver(&mut self, event: &TrackedEvent) -> Result<(), Lost> {
        let now_ms = self.clock.now_ms();
        let met = self.repeats.meet(event, now_ms);
        // What is due came before.
        let mut text = self.repeats.due(now_ms, Due::ByNow, self.look);
        if let Some(seen) = met.in_full() {
            text.push_str(&report::event(event, seen, self.look));
        }
        let written = self.write(&text);
        if written.is_ok() {
            self.repeats.told(now_ms, Due::ByNow);
            if met.in_full().is_some() {
                self.repeats.told_in_full(event, now_ms);
            }
        }
        written.map_err(|_| Lost::Sink)
    }

    /// Writes the lines that are due. What cannot be written stays due.
    fn catch_up(&mut self, due: Due) {
        let now_ms = self.clock.now_ms();
        let text = self.repeats.due(now_ms, due, self.look);
        if self.write(&text).is_ok() {
            self.repeats.told(now_ms, due);
        }
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}
