//! What a store tells a person who looks: the work of the command `crumbtrail`, for programs to use as well.
//!
//! A [`View`] is of one file, which may be written meanwhile; what it answers is of one moment. It makes no file, sets none
//! aside, and writes nothing but what a person decides: [`resolve`](View::resolve), [`mute`](View::mute),
//! [`reopen`](View::reopen), [`prune`](View::prune). Called on any thread of the process that looks; it may wait for a disk,
//! and a bounded time for another process that writes. Never panics.

mod doctor;
mod error;
mod filter;
mod json;
mod ledger;
mod name;
mod stats;
mod tail;

use std::env;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::diag::escape_into;
use crate::issues::{Book, Decision, Fault, Issue, IssueId, Moment, Pruned, Retention};
use crate::model::TrackedEvent;
use crate::report::{self, Look, Style, count};
use crate::sink::{Access, Mark, Store, default_path, newest as newest_store};

use name::{Missing, Named};

pub use doctor::{Condition, doctor};
pub use error::ViewError;
pub use filter::{Filter, Mute, Sort, State};
pub use tail::Tail;

/// A look at one store.
///
/// An issue is called by the first digits of its id, by the id of one of its events, or `latest`.
///
/// ```no_run
/// use crumbtrail::view::{Filter, View};
///
/// let view = View::newest()?;
/// print!("{}", view.issues(&Filter::default())?);
/// print!("{}", view.show("latest", 1)?);
/// # Ok::<(), crumbtrail::view::ViewError>(())
/// ```
pub struct View {
    store: Store,
    path: PathBuf,
    look: Look,
    form: Form,
}

/// What answers are written as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// Text for a person. Everything in it that came from outside is escaped.
    #[default]
    Text,
    /// JSON for a program: one value, or one a line where there are many. The names of its fields stay as they are.
    Json,
}

/// Whether text has colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Colour {
    /// Where stdout is a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`.
    Auto,
    /// It has.
    Always,
    /// It has not.
    #[default]
    Never,
}

/// What an export holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Export {
    /// Every event that is kept, in the order in which they were recorded.
    Events,
    /// Every issue, without its events.
    Issues,
}

impl View {
    /// Looks at the store in a file.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ViewError> {
        let path = path.as_ref();
        match path.try_exists() {
            Ok(true) => {}
            Ok(false) => {
                return Err(ViewError::store(format!("there is no store at {}; {HOW_MADE}", path.display())));
            }
            Err(error) => {
                return Err(ViewError::store(format!(
                    "the store {} cannot be read: {error}",
                    path.display()
                )));
            }
        }
        let store = Store::open(path, Access::Command).map_err(|fault| ViewError::of_store(path, &fault))?;
        Ok(Self { store, path: path.to_owned(), look: Look::plain(), form: Form::default() })
    }

    /// Looks at the store in the state directory that was written last.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn newest() -> Result<Self, ViewError> {
        newest().and_then(Self::open)
    }

    /// Answers in this form.
    #[must_use]
    pub fn form(mut self, form: Form) -> Self {
        self.form = form;
        self
    }

    /// Writes text with or without colours, and as wide as `COLUMNS` says, else
    /// [`limits::REPORT_COLUMNS`](crate::limits::REPORT_COLUMNS).
    #[must_use]
    pub fn colour(mut self, colour: Colour) -> Self {
        self.look = Look::of(io::stdout().is_terminal(), |name| env::var(name).ok());
        match colour {
            Colour::Auto => {}
            Colour::Always => self.look.style = Style::Coloured,
            Colour::Never => self.look.style = Style::Plain,
        }
        self
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The issues, one a line.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn issues(&self, filter: &Filter) -> Result<String, ViewError> {
        let mut query = filter.query();
        // One more tells whether there are more.
        query.most = query.most.map(|most| most.saturating_add(1));
        let mut issues = self.store.list(&query).map_err(|fault| self.fault(&fault))?;
        let is_cut = filter.limit.is_some_and(|limit| issues.len() > limit);
        issues.truncate(filter.limit.unwrap_or(usize::MAX));
        if self.form == Form::Json {
            return Ok(lines(issues.iter().map(json::summary)));
        }
        if issues.is_empty() {
            let is_whole = Filter { sort: filter.sort, ..Filter::default() } == *filter;
            return Ok(if is_whole { "no issues\n" } else { "no such issues\n" }.to_owned());
        }
        let mut text = report::issues(&issues, self.now(), self.look);
        if is_cut {
            text.push_str(&format!("… the first {}; --limit 0 shows all\n", count(issues.len() as u64)));
        }
        Ok(text)
    }

    /// Everything that is known of an issue, with one of its events: the newest that is kept is number 1. Where the name is
    /// that of an event, that one is shown.
    ///
    /// # Errors
    /// There is no such issue or event, or the store cannot be read.
    pub fn show(&self, name: &str, number: usize) -> Result<String, ViewError> {
        let named = self.find(name)?;
        let mut issue = self.known(named.issue())?;
        match named {
            Named::Event(_, event) => issue.newest = Some(*event),
            Named::Issue(_) if number <= 1 => {}
            Named::Issue(id) => issue.newest = Some(self.numbered(id, number)?),
        }
        let now = self.now();
        let facts = self.store.facts(issue.summary.id, now).map_err(|fault| self.fault(&fault))?;
        let Some(facts) = facts else { return Err(gone(issue.summary.id)) };
        Ok(match self.form {
            Form::Text => report::issue(&issue, &facts, now, self.look),
            Form::Json => lines([json::issue(&issue, &facts)]),
        })
    }

    /// The events of an issue that are kept, newest first, so many at the most.
    ///
    /// # Errors
    /// There is no such issue, or the store cannot be read.
    pub fn events(&self, name: &str, limit: usize) -> Result<String, ViewError> {
        let id = self.find(name)?.issue();
        let events = self.store.events(id, limit).map_err(|fault| self.fault(&fault))?;
        Ok(match self.form {
            Form::Json => lines(events.iter().map(json::event)),
            Form::Text => report::events(&events, self.now(), self.look),
        })
    }

    /// Issues are mended: only a release that is first seen later brings one back; without releases, any event after a
    /// while does. Says so of each.
    ///
    /// # Errors
    /// One of them is not there, and nothing was decided; or the store cannot be written.
    pub fn resolve<N: AsRef<str>>(&mut self, names: &[N]) -> Result<String, ViewError> {
        self.decide(names, Decision::Resolve, "resolved")
    }

    /// Nobody wants to hear of issues, for so long. Says so of each.
    ///
    /// # Errors
    /// As of [`resolve`](Self::resolve).
    pub fn mute<N: AsRef<str>>(&mut self, names: &[N], mute: Mute) -> Result<String, ViewError> {
        self.decide(names, Decision::Mute(mute.into()), "muted")
    }

    /// Nothing is decided of issues any more. Says so of each.
    ///
    /// # Errors
    /// As of [`resolve`](Self::resolve).
    pub fn reopen<N: AsRef<str>>(&mut self, names: &[N]) -> Result<String, ViewError> {
        self.decide(names, Decision::Reopen, "reopened")
    }

    /// Forgets events, and issues of which nothing was seen, that are older than `age`, and the oldest events until the
    /// file takes no more than `bytes`: by default [`limits::KEEP_DAYS`](crate::limits::KEEP_DAYS) and
    /// [`limits::STORE_BYTES`](crate::limits::STORE_BYTES). The totals of an issue stay as long as it does: where
    /// forgetting every event does not do, the issues not seen for longest are forgotten, but none that was seen within
    /// the past hour. Says what was forgotten.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn prune(&mut self, age: Option<Duration>, bytes: Option<u64>) -> Result<String, ViewError> {
        let standard = Retention::default();
        let keep = Retention {
            age: age.unwrap_or(standard.age),
            bytes: bytes.unwrap_or(standard.bytes),
            ..standard
        };
        let now = self.now();
        let mut pruned = Pruned { is_more: true, ..Pruned::default() };
        while pruned.is_more {
            let further = self.store.prune(&keep, now).map_err(|fault| self.fault(&fault))?;
            pruned = Pruned {
                events: pruned.events.saturating_add(further.events),
                issues: pruned.issues.saturating_add(further.issues),
                buckets: pruned.buckets.saturating_add(further.buckets),
                is_more: further.is_more,
            };
        }
        let of = |number: u64, one: &str, many: &str| {
            format!("{} {}", count(number), if number == 1 { one } else { many })
        };
        Ok(format!(
            "forgot {} and {}; {} by day instead of by hour; the file takes {}\n",
            of(pruned.events, "event", "events"),
            of(pruned.issues, "issue", "issues"),
            of(pruned.buckets, "count stands", "counts stand"),
            stats::size(self.store.bytes()),
        ))
    }

    /// What the programs that write the store have accepted, and what became of it; what was counted by line alone; how large
    /// the file is.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn stats(&self) -> Result<String, ViewError> {
        stats::tell(self).map_err(|fault| self.fault(&fault))
    }

    /// The newest `first` events, and what is recorded from now on.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn tail(&self, first: usize) -> Result<Tail<'_>, ViewError> {
        Tail::begin(self, first)
    }

    /// Writes what the store holds as JSON, one event or issue a line, and says how many they were. `written` is told how many
    /// they are so far.
    ///
    /// # Errors
    /// The store cannot be read, or `out` not written.
    pub fn export(
        &self,
        what: Export,
        out: &mut dyn Write,
        written: &mut dyn FnMut(u64),
    ) -> Result<u64, ViewError> {
        let mut number = 0;
        match what {
            Export::Issues => {
                let issues = self.store.list(&Filter { limit: None, ..Filter::default() }.query());
                for issue in issues.map_err(|fault| self.fault(&fault))? {
                    write(out, &lines([json::summary(&issue)]))?;
                    number += 1;
                    written(number);
                }
            }
            Export::Events => {
                let mut mark = Mark::default();
                loop {
                    let events = self.store.recorded(mark, BATCH).map_err(|fault| self.fault(&fault))?;
                    let Some((last, _)) = events.last() else { break };
                    mark = *last;
                    number += events.len() as u64;
                    write(out, &lines(events.iter().map(|(_, event)| json::event(event))))?;
                    written(number);
                }
            }
        }
        out.flush().map_err(|error| ViewError::output(&error))?;
        Ok(number)
    }

    fn decide<N: AsRef<str>>(
        &mut self,
        names: &[N],
        decision: Decision,
        done: &str,
    ) -> Result<String, ViewError> {
        let mut issues = Vec::new();
        for name in names {
            issues.push(self.known(self.find(name.as_ref())?.issue())?.summary);
        }
        let now = self.now();
        let mut text = String::new();
        for issue in issues {
            let decided = self.store.decide(issue.id, decision, now);
            if !decided.map_err(|fault| self.fault(&fault))? {
                return Err(gone(issue.id));
            }
            text.push_str(&format!("{done}  {}  ", report::short_id(issue.id)));
            escape_into(&issue.title, &mut text);
            text.push('\n');
        }
        Ok(text)
    }

    fn find(&self, name: &str) -> Result<Named, ViewError> {
        name::find(&self.store, name).map_err(|missing| match missing {
            Missing::View(error) => error,
            Missing::Book(fault) => self.fault(&fault),
        })
    }

    fn known(&self, id: IssueId) -> Result<Issue, ViewError> {
        self.store.issue(id).map_err(|fault| self.fault(&fault))?.ok_or_else(|| gone(id))
    }

    /// The event of that number, the newest being the first.
    fn numbered(&self, id: IssueId, number: usize) -> Result<TrackedEvent, ViewError> {
        let events = self.store.events(id, number).map_err(|fault| self.fault(&fault))?;
        let kept = events.len();
        events.into_iter().nth(number.saturating_sub(1)).ok_or_else(|| {
            ViewError::unknown(format!(
                "of the issue {id} {kept} {} kept, and so there is none of number {number}",
                if kept == 1 { "event is" } else { "events are" },
            ))
        })
    }

    fn fault(&self, fault: &Fault) -> ViewError {
        ViewError::of_store(&self.path, fault)
    }

    fn now(&self) -> Moment {
        Moment::of(SystemTime::now())
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("path", &self.path).field("form", &self.form).finish_non_exhaustive()
    }
}

/// The store that was written last.
fn newest() -> Result<PathBuf, ViewError> {
    newest_store().ok_or_else(|| {
        // The command's own would lie beside those of programs.
        let folder = default_path().and_then(|path| Some(path.parent()?.to_owned()));
        let looked = folder.map_or_else(
            || "there is no directory for state to look for a store in".to_owned(),
            |folder| format!("there is no store in {}", folder.display()),
        );
        ViewError::store(format!("{looked}; {HOW_MADE}, and `--store` looks elsewhere"))
    })
}

/// JSON values, one a line.
fn lines(values: impl IntoIterator<Item = serde_json::Value>) -> String {
    values.into_iter().map(|value| json::harmless(&value.to_string()) + "\n").collect()
}

fn write(out: &mut dyn Write, text: &str) -> Result<(), ViewError> {
    out.write_all(text.as_bytes()).map_err(|error| ViewError::output(&error))
}

/// It was there a moment ago.
fn gone(id: IssueId) -> ViewError {
    ViewError::unknown(format!("the issue {id} has just been forgotten"))
}

/// What a person can do who has no store.
const HOW_MADE: &str = "a program makes one by itself where it sends to no server, or by `Builder::store`";
/// Events that are read at a time.
const BATCH: usize = 256;
