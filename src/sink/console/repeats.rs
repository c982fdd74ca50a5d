//! What a console has shown, and what it has yet to say of what came again. Pure: time is handed in.

use std::collections::HashMap;
use std::time::Duration;

use tracing::Level;

use crate::limits::{CONSOLE_ISSUES, CONSOLE_REPEATS};
use crate::model::{EventKind, Fingerprint, Tally, TrackedEvent};
use crate::report::{Look, Repeat, Seen, Subject, repeat};

/// The issues, and the lines that were not told apart.
///
/// What is due is rendered by [`due`](Self::due) and, once it is written, taken off by [`told`](Self::told): what could
/// not be written is not lost.
#[derive(Debug)]
pub(super) struct Repeats {
    known: HashMap<Key, Known>,
    /// What was forgotten with repeats that nobody was told of. It is told of with the next one that comes, so there is
    /// one at the most, unless nothing can be written.
    parting: Option<Known>,
    /// Before this, nothing is due.
    due_ms: u64,
    /// Grows by one with each that becomes known or comes again.
    turns: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Issue(Fingerprint),
    Line { target: String, file: Option<String>, line: Option<u32> },
}

/// One of them.
#[derive(Debug)]
struct Known {
    subject: Subject,
    /// An event of it was written in full.
    in_full: bool,
    first_ms: u64,
    /// How many came since, the first one included.
    since: u64,
    /// How many of them nobody was told of yet.
    untold: u64,
    /// When something was last written of it; None before that.
    told_ms: Option<u64>,
    /// The turn of its first.
    began: u64,
    /// The turn of its last.
    came: u64,
}

/// What a console does with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Met {
    /// Write it in full, with what is known of its issue beside.
    First(Option<Seen>),
    /// Its repeats are told by a line.
    Again,
}

/// Which lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Those that were last told of long enough ago.
    ByNow,
    /// All.
    All,
}

impl Met {
    pub(super) fn in_full(self) -> Option<Option<Seen>> {
        match self {
            Self::First(seen) => Some(seen),
            Self::Again => None,
        }
    }
}

impl Default for Repeats {
    fn default() -> Self {
        Self { known: HashMap::new(), parting: None, due_ms: u64::MAX, turns: 0 }
    }
}

impl Repeats {
    /// Counts an event, unless it is to be written in full.
    pub(super) fn meet(&mut self, event: &TrackedEvent, now_ms: u64) -> Met {
        let key = Key::of(event);
        let Some(known) = self.come(&key) else { return Met::First(None) };
        if known.in_full {
            self.due_ms = known.count(1).min(self.due_ms);
            return Met::Again;
        }
        let ago = Duration::from_millis(now_ms.saturating_sub(known.first_ms));
        Met::First(Some(Seen { ago, since: known.since + 1 }))
    }

    /// Counts what came without an event.
    pub(super) fn tally(&mut self, tally: &Tally, now_ms: u64) {
        if tally.count == 0 {
            return;
        }
        let Tally { fingerprint, title, target, file, line, count } = tally;
        let (key, subject) = match fingerprint {
            Some(fingerprint) => {
                let subject =
                    Subject::Issue { kind: EventKind::Error, level: Level::ERROR, title: title.clone() };
                (Key::Issue(fingerprint.clone()), subject)
            }
            None => {
                let (target, file, line) = (target.clone(), file.clone(), *line);
                let subject = Subject::Line { target: target.clone(), file: file.clone(), line };
                (Key::Line { target, file, line }, subject)
            }
        };
        let known = match self.come(&key) {
            Some(known) => known,
            None => self.learn(key, subject, now_ms),
        };
        self.due_ms = known.count(*count).min(self.due_ms);
    }

    /// The event was written in full.
    pub(super) fn told_in_full(&mut self, event: &TrackedEvent, now_ms: u64) {
        let key = Key::of(event);
        let known = match self.come(&key) {
            Some(known) => known,
            None => self.learn(key, subject(event), now_ms),
        };
        // A tally knows no more than a title.
        known.subject = subject(event);
        known.since = known.since.saturating_add(1);
        // Its report says how many came before.
        (known.in_full, known.untold, known.told_ms) = (true, 0, Some(now_ms));
    }

    /// The lines that are due.
    pub(super) fn due(&self, now_ms: u64, due: Due, look: Look) -> String {
        if self.nothing_is(due, now_ms) {
            return String::new();
        }
        let mut lines: Vec<&Known> = self.known.values().filter(|known| known.is_due(now_ms, due)).collect();
        lines.extend(&self.parting);
        lines.sort_by_key(|known| known.began);
        let text = lines.into_iter().map(|known| {
            let within = known.told_ms.map(|told_ms| Duration::from_millis(now_ms.saturating_sub(told_ms)));
            repeat(&Repeat { of: &known.subject, times: known.untold, within }, look)
        });
        text.collect()
    }

    /// The lines that [`due`](Self::due) gives were written.
    pub(super) fn told(&mut self, now_ms: u64, due: Due) {
        if self.nothing_is(due, now_ms) {
            return;
        }
        self.parting = None;
        self.due_ms = u64::MAX;
        for known in self.known.values_mut() {
            if known.is_due(now_ms, due) {
                (known.untold, known.told_ms) = (0, Some(now_ms));
            } else if known.untold > 0 {
                self.due_ms = known.due_ms().min(self.due_ms);
            }
        }
    }

    fn nothing_is(&self, due: Due, now_ms: u64) -> bool {
        self.parting.is_none() && due == Due::ByNow && now_ms < self.due_ms
    }

    fn come(&mut self, key: &Key) -> Option<&mut Known> {
        self.turns += 1;
        let known = self.known.get_mut(key)?;
        known.came = self.turns;
        Some(known)
    }

    /// Takes one in, for the one that was quiet for longest where there is no more room.
    fn learn(&mut self, key: Key, subject: Subject, now_ms: u64) -> &mut Known {
        if self.known.len() >= CONSOLE_ISSUES {
            let quiet = self.known.iter().min_by_key(|(_, known)| known.came).map(|(key, _)| key.clone());
            let parting = quiet.and_then(|quiet| self.known.remove(&quiet));
            self.parting = parting.filter(|known| known.untold > 0).or_else(|| self.parting.take());
        }
        let turn = self.turns;
        let known = Known {
            subject,
            in_full: false,
            first_ms: now_ms,
            since: 0,
            untold: 0,
            told_ms: None,
            began: turn,
            came: turn,
        };
        self.known.entry(key).insert_entry(known).into_mut()
    }
}

impl Known {
    /// Counts so many more, and says when they are due.
    fn count(&mut self, times: u64) -> u64 {
        self.since = self.since.saturating_add(times);
        self.untold = self.untold.saturating_add(times);
        self.due_ms()
    }

    fn is_due(&self, now_ms: u64, due: Due) -> bool {
        self.untold > 0 && (due == Due::All || now_ms >= self.due_ms())
    }

    /// The first time, at once.
    fn due_ms(&self) -> u64 {
        self.told_ms.map_or(0, |told_ms| told_ms.saturating_add(CONSOLE_REPEATS.as_millis() as u64))
    }
}

impl Key {
    fn of(event: &TrackedEvent) -> Self {
        Self::Issue(event.fingerprint.clone())
    }
}

/// The title, and what kept this issue from being another of the same title.
fn subject(event: &TrackedEvent) -> Subject {
    let first = event.chain.first().map(|cause| match &cause.type_name {
        Some(name) if event.kind != EventKind::Panic => format!("{name}: {}", cause.value),
        _ => cause.value.clone(),
    });
    let first = first.filter(|text| !text.contains(event.title.as_str()));
    let title = first.map_or_else(
        || event.title.clone(),
        |first| {
            let first: String = first.chars().take(SUBJECT_CHARS).collect();
            format!("{} · {first}", event.title)
        },
    );
    Subject::Issue { kind: event.kind, level: event.level, title }
}

/// Characters that are kept of an error's text.
const SUBJECT_CHARS: usize = 200;
