//! Issues: what events of one failure have in common, how often it came, in which releases, and whom it hit.
//!
//! The rules stand here, and are pure: told the time, they never wait, block or panic. Where issues are kept is a
//! [`Book`]: in memory ([`MemoryBook`]), or in a file (`sink/store/`). Both follow the same rules, so whatever is done to
//! one has the same outcome in the other. Called on the worker, and in the command's own process.

mod account;
mod book;
mod days;
mod entry;
mod facts;
#[cfg(test)]
pub(crate) mod history;
mod issue;
mod memory;
mod moment;
mod outgoing;
mod process;
mod state;
mod tags;
mod users;
mod variant;

pub(crate) use account::{Account, Occurrence};
pub(crate) use book::{Book, Fault, NAMED, Only, Pruned, Query, Retention, Sort, finds, texts};
pub(crate) use days::{Days, Horizon};
pub(crate) use entry::{Count, Entry, Heading, Hit, Of, Traffic};
pub(crate) use facts::{Evidence, Facts, Found, Share, Since, Window, kept_hours, kept_minutes, past_hour};
pub(crate) use issue::{Bucket, Issue, IssueId, IssueKind, LineTotal, Summary, Variant};
pub(crate) use memory::MemoryBook;
pub(crate) use moment::Moment;
pub(crate) use outgoing::{Outgoing, Waiting};
pub(crate) use process::ProcessNote;
pub(crate) use state::{Decision, Mute, News, Seen, Sighting, State, Until};
pub(crate) use tags::{TagShares, Tags};
pub(crate) use users::{UserCount, Users, identity};
pub(crate) use variant::variant_of;
