//! The first look at an ERROR: its breadcrumb, whether it carries an error, and the key by which the throttle knows it.
//!
//! One visit of the fields that allocates nothing, so that an ERROR which is then only counted costs little more than a
//! WARN. What an event needs beyond is taken by a second visit (`visit.rs`), of those that are told.

use std::error::Error;
use std::fmt;

use tracing::field::{Field, Visit};

use super::detect::{self, Rank};
use super::tail::Pieces;
use super::visit::Worded;
use crate::capture::{Judgement, Key, Rules};
use crate::model::Draft;
use crate::trail::crumb::{Ear, Encoder, Name};
use crate::trail::log_site;
use crate::trail::text::format_into;

/// What the first look found.
#[derive(Debug)]
pub(super) struct Sight {
    /// How surely a field carries an error, and the index of the surest.
    pub(super) rank: Option<(Rank, usize)>,
    pub(super) key: Key,
    pub(super) draft: Draft,
    pub(super) judgement: Judgement,
    /// The index of the message among the fields, and its pieces.
    pub(super) message: Option<usize>,
    pub(super) pieces: Pieces,
}

/// Takes the look.
pub(super) struct SightVisitor<'a, 'b> {
    crumb: &'a mut Encoder<'b>,
    rules: &'a Rules,
    sight: Sight,
}

impl<'a, 'b> SightVisitor<'a, 'b> {
    pub(super) fn new(crumb: &'a mut Encoder<'b>, rules: &'a Rules, key: Key, draft: Draft) -> Self {
        let sight = Sight {
            rank: None,
            key,
            draft,
            judgement: Judgement::Track,
            message: None,
            pieces: Pieces::default(),
        };
        Self { crumb, rules, sight }
    }

    pub(super) fn into_sight(self) -> Sight {
        self.sight
    }

    /// What is no text may name an issue.
    fn tell(&mut self, field: &Field, value: impl fmt::Display) {
        if is_telling(field.name()) {
            format_into(&mut self.sight.key.next_exact(), format_args!("{value}"));
        }
    }

    fn found(&mut self, rank: Rank, field: &Field) {
        let found = (rank, field.index());
        self.sight.rank =
            Some(self.sight.rank.map_or(found, |best| if rank < best.0 { found } else { best }));
    }
}

/// The message goes to the throttle's key and into pieces.
struct MessageEar<'a> {
    key: crate::capture::Heard<'a>,
    pieces: &'a mut Pieces,
}

impl Ear for MessageEar<'_> {
    fn hear(&mut self, piece: &str) -> bool {
        let more = self.pieces.hear(piece);
        self.key.hear(piece) || more
    }
}

/// Fields whose value tells one issue from another.
fn is_telling(name: &str) -> bool {
    matches!(name, "fingerprint" | "error.fingerprint" | "error_type" | "error.type" | log_site::LOG_TARGET)
}

impl Visit for SightVisitor<'_, '_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.crumb.f64(Name::Index(field.index()), value);
        self.tell(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.crumb.i64(Name::Index(field.index()), value);
        self.tell(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.crumb.u64(Name::Index(field.index()), value);
        self.tell(field, value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.crumb.i128(Name::Index(field.index()), value);
        self.tell(field, value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.crumb.u128(Name::Index(field.index()), value);
        self.tell(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.crumb.bool(Name::Index(field.index()), value);
        self.tell(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.crumb.text(Name::Index(field.index()), value);
        if field.name() == "message" {
            self.sight.message = Some(field.index());
            self.sight.pieces.hear(value);
            self.sight.key.next().hear(value);
        } else if let Some(rank) = detect::rank_of(field, Worded::Text(value)) {
            self.found(rank, field);
            self.sight.key.next().hear(value);
        } else {
            self.tell(field, value);
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let first = self.sight.rank.is_none_or(|(rank, _)| rank != Rank::Typed);
        self.found(Rank::Typed, field);
        self.crumb.format_heard(
            Name::Index(field.index()),
            format_args!("{value}"),
            &mut self.sight.key.next(),
        );
        self.sight.key.chain(value);
        if first {
            self.sight.judgement = self.rules.judge(value, &mut self.sight.draft);
            self.sight.key.fingerprint(self.sight.draft.fingerprint.as_ref());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let name = Name::Index(field.index());
        if field.name() == "message" {
            self.sight.message = Some(field.index());
            let mut ear = MessageEar { key: self.sight.key.next(), pieces: &mut self.sight.pieces };
            self.crumb.format_heard(name, format_args!("{value:?}"), &mut ear);
        } else if let Some(rank) = detect::rank(field.name()) {
            self.found(rank, field);
            self.crumb.format_heard(name, format_args!("{value:?}"), &mut self.sight.key.next());
            // In which anyhow, eyre and their kin show the causes.
            self.sight.key.format(format_args!("{value:#?}"));
        } else if is_telling(field.name()) {
            self.crumb.format_heard(name, format_args!("{value:?}"), &mut self.sight.key.next_exact());
        } else {
            self.crumb.format(name, format_args!("{value:?}"));
        }
    }
}
