//! The rules by which an error becomes no event: what the program ignores, what its hook says of it, which part of all
//! is told.
//!
//! Runs on the caller's thread with the error in hand. The hook and `source()` are the program's own code: nothing of
//! ours is held while they run, and their panics are caught.

use std::any::type_name;
use std::error::Error;
use std::fmt;

use crate::diag::Said;
use crate::ledger::{Dropped, Lost};
use crate::limits::CHAIN_LINKS;
use crate::model::{Draft, Verdict};
use crate::sync::caught;

/// What a program wants to hear of.
#[derive(Default)]
pub(crate) struct Rules {
    pub(crate) texts: Vec<IgnoredText>,
    pub(crate) types: Vec<IgnoredType>,
    pub(crate) on_error: Option<OnError>,
    /// Which part of all events is told, from 0 to 1; None for all.
    pub(crate) sample_rate: Option<f64>,
    /// ERRORs without an error become events too.
    pub(crate) track_messages: bool,
}

pub(crate) type OnError = Box<dyn Fn(&(dyn Error + 'static), &mut Draft) -> Verdict + Send + Sync>;

/// Lines of a module that say something.
#[derive(Debug)]
pub(crate) struct IgnoredText {
    pub(crate) target: String,
    pub(crate) text: String,
}

/// A type of errors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IgnoredType {
    is: fn(&(dyn Error + 'static)) -> bool,
    name: &'static str,
}

/// What is to become of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judgement {
    Track,
    /// It is a breadcrumb only, for that reason.
    Demote(Dropped),
    /// It is nothing.
    Drop,
    /// It could not be judged, and what is not judged may be secret.
    Lose(Lost),
}

impl Rules {
    /// Judges an error by its types and by the hook.
    pub(crate) fn judge(&self, error: &(dyn Error + 'static), draft: &mut Draft) -> Judgement {
        static PANICKED: Said = Said::new();
        if !self.types.is_empty() && self.is_ignored(error) {
            return Judgement::Demote(Dropped::Ignored);
        }
        let Some(on_error) = &self.on_error else { return Judgement::Track };
        match caught(|| on_error(error, draft)) {
            Some(Verdict::Track) => Judgement::Track,
            Some(Verdict::Demote) => Judgement::Demote(Dropped::Verdict),
            Some(Verdict::Drop) => Judgement::Drop,
            None => {
                PANICKED
                    .say("on_error panicked; the events it was asked about are counted as lost, see Stats");
                Judgement::Lose(Lost::HookPanicked)
            }
        }
    }

    /// Whether an error or one of its causes is of a type that is ignored: the outermost may be a wrapper, as `anyhow`
    /// makes one for each context.
    fn is_ignored(&self, error: &(dyn Error + 'static)) -> bool {
        let mut next = Some(error);
        for _ in 0..CHAIN_LINKS {
            let Some(link) = next else { return false };
            if self.types.iter().any(|ignored| (ignored.is)(link)) {
                return true;
            }
            next = caught(|| link.source()).flatten();
        }
        false
    }

    /// Whether lines of this target may be ignored by what they say: only then is their text worth having.
    pub(crate) fn reads(&self, target: &str) -> bool {
        self.texts.iter().any(|ignored| ignored.is_of(target))
    }

    /// Whether a line of this target that says this is ignored.
    pub(crate) fn ignores(&self, target: &str, text: &str) -> bool {
        self.texts.iter().any(|ignored| ignored.is_of(target) && text.contains(&ignored.text))
    }

    /// Whether the event of this random number is told.
    pub(crate) fn samples(&self, random: u64) -> bool {
        // 53 bits, as many as a float holds.
        self.sample_rate.is_none_or(|rate| ((random >> 11) as f64) < rate * (1_u64 << 53) as f64)
    }
}

impl IgnoredText {
    fn is_of(&self, target: &str) -> bool {
        self.target.is_empty()
            || target
                .strip_prefix(&*self.target)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    }
}

impl IgnoredType {
    pub(crate) fn of<E: Error + 'static>() -> Self {
        Self { is: |error| error.is::<E>(), name: type_name::<E>() }
    }

    /// Its name, with its path.
    pub(crate) fn name(self) -> &'static str {
        self.name
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules")
            .field("texts", &self.texts)
            .field("types", &self.types)
            .finish_non_exhaustive()
    }
}
