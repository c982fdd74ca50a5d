//! The program's hooks on what is about to be told, and the rules that only the worker can apply.
//!
//! They run on the worker, on data of their own, and hold nothing of ours. One that panics costs its event: what it was
//! to take out may be secret.

use std::fmt;

use crate::diag::Said;
use crate::ledger::{Counted, Dropped, Ledger, Lost};
use crate::model::{Breadcrumb, TrackedEvent};
use crate::sync::caught;

/// What a program does to its events before they are told.
#[derive(Default)]
pub(crate) struct Hooks {
    pub(crate) before_send: Option<BeforeSend>,
    pub(crate) before_breadcrumb: Option<BeforeBreadcrumb>,
    /// The names of types whose errors are ignored, with their paths.
    pub(crate) ignored_types: Vec<&'static str>,
    /// `on_error` is asked about errors whose type is at hand.
    pub(crate) on_error: bool,
}

pub(crate) type BeforeSend = Box<dyn Fn(TrackedEvent) -> Option<TrackedEvent> + Send + Sync>;
pub(crate) type BeforeBreadcrumb = Box<dyn Fn(Breadcrumb) -> Option<Breadcrumb> + Send + Sync>;

/// Why an event is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Dropped(Dropped),
    Lost(Lost),
}

impl Hooks {
    /// The event as the hooks leave it; `typed` where its error was judged by its type already.
    pub(crate) fn apply(
        &self,
        mut event: TrackedEvent,
        typed: bool,
        ledger: &Ledger,
    ) -> Result<TrackedEvent, Refused> {
        static PANICKED: Said = Said::new();
        if !typed && (self.on_error || !self.ignored_types.is_empty()) {
            self.judge_text(&event, ledger)?;
        }
        let lost = || {
            PANICKED.say("a hook panicked; the events it was given are counted as lost, see Stats");
            Refused::Lost(Lost::HookPanicked)
        };
        if let Some(before_breadcrumb) = &self.before_breadcrumb {
            let crumbs = std::mem::take(&mut event.breadcrumbs);
            let kept = caught(|| crumbs.into_iter().filter_map(before_breadcrumb).collect());
            event.breadcrumbs = kept.ok_or_else(lost)?;
        }
        let Some(before_send) = &self.before_send else { return Ok(event) };
        caught(|| before_send(event)).ok_or_else(lost)?.ok_or(Refused::Dropped(Dropped::BeforeSend))
    }

    /// Of an error of which only the text came, the names of its types are all there is to go by.
    fn judge_text(&self, event: &TrackedEvent, ledger: &Ledger) -> Result<(), Refused> {
        let mut known = true;
        for cause in &event.chain {
            match cause.type_name.as_deref().filter(|name| *name != UNSPECIFIC) {
                Some(name) if self.ignored_types.iter().any(|ignored| may_be(name, ignored)) => {
                    return Err(Refused::Dropped(Dropped::Ignored));
                }
                Some(_) => {}
                None => known = false,
            }
        }
        if self.on_error || !known || event.chain.is_empty() {
            ledger.count(Counted::Unjudged);
        }
        Ok(())
    }
}

/// Whether a name that a text tells is that of the type: `io::Error` is `std::io::error::Error`, and `reqwest::Error` is
/// not.
fn may_be(told: &str, type_name: &str) -> bool {
    // Without what it is generic over.
    let mut path = type_name.split('<').next().unwrap_or(type_name).rsplit("::");
    let mut told = told.rsplit("::");
    path.next() == told.next() && told.next().is_none_or(|module| path.any(|part| part == module))
}

/// What half of all errors are called.
const UNSPECIFIC: &str = "Error";

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("before_send", &self.before_send.is_some())
            .field("before_breadcrumb", &self.before_breadcrumb.is_some())
            .field("ignored_types", &self.ignored_types)
            .finish()
    }
}
