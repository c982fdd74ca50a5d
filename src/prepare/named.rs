//! Whom a lane is about and what its tags are, for lanes that are counted and have no event to tell it.

use std::collections::BTreeMap;

use super::meaning::Meaning;
use super::{Preparer, crumb};
use crate::model::{LaneNote, User};

/// A user and tags.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) user: Option<User>,
    pub(crate) tags: BTreeMap<String, String>,
}

impl Named {
    /// What a span says by its fields, as an event of it would have it.
    pub(crate) fn by_fields(note: &LaneNote) -> Self {
        let mut fields = crumb::to_map(&note.fields(), note.callsite);
        if let Some(extra) = &note.extra {
            fields.extend(crumb::to_map(&extra.fields, note.callsite));
        }
        let Meaning { user, tags, .. } = Meaning::of_fields(fields);
        Self { user, tags }
    }

    /// What was said by `set_user` and `set_tag`.
    pub(crate) fn by_word(note: &LaneNote) -> Self {
        let lane = note.extra.as_ref().and_then(|extra| extra.lane.as_ref());
        lane.map_or_else(Self::default, |lane| Self { user: lane.user.clone(), tags: lane.tags.clone() })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.user.is_none() && self.tags.is_empty()
    }
}

impl Preparer {
    /// Takes the secrets out, as out of an event.
    pub(crate) fn scrub_named(&self, named: &mut Named) {
        self.scrubber.named(named);
    }
}
