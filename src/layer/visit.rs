//! The visitors: one pass over an event's or a span's fields.

use std::error::Error;
use std::fmt;

use tracing::Event;
use tracing::field::{Field, Visit};

use super::detect::{self, Rank};
use super::tail::Pieces;
use crate::capture;
use crate::limits::{ERROR_TEXT_BYTES, FIELD_BYTES, FIELDS, MESSAGE_BYTES};
use crate::model::CapturedError;
use crate::trail::crumb::{self, Decoded, Encoded, Encoder, Name};
use crate::trail::text::{BoundedString, Heard, format_into};

/// Encodes the fields of a breadcrumb.
pub(super) struct CrumbVisitor<'a, 'b>(pub(super) &'a mut Encoder<'b>);

impl Visit for CrumbVisitor<'_, '_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.f64(Name::Index(field.index()), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.i64(Name::Index(field.index()), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.u64(Name::Index(field.index()), value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.0.i128(Name::Index(field.index()), value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.0.u128(Name::Index(field.index()), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.bool(Name::Index(field.index()), value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.text(Name::Index(field.index()), value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.0.format(Name::Index(field.index()), format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.format(Name::Index(field.index()), format_args!("{value:?}"));
    }
}

/// Encodes the fields of a span and notices whether one of them makes it a lane's root.
pub(super) struct SpanVisitor<'a, 'b> {
    pub(super) crumb: CrumbVisitor<'a, 'b>,
    pub(super) root: bool,
}

impl Visit for SpanVisitor<'_, '_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.crumb.record_f64(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.crumb.record_i64(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.crumb.record_u64(field, value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.crumb.record_i128(field, value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.crumb.record_u128(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.crumb.record_bool(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.root |= detect::is_kind_of_work(field, value);
        self.crumb.record_str(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.crumb.record_error(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // `otel.kind = ?SpanKind::Server` and `%"server"` arrive here; nobody else pays for the text.
        if field.name() == "otel.kind" {
            let text = BoundedString::format(FIELD_BYTES, format_args!("{value:?}"));
            self.record_str(field, &text);
        } else {
            self.crumb.record_debug(field, value);
        }
    }
}

/// Takes the errors among the fields of an ERROR.
///
/// What the first look wrote whole into the breadcrumb is taken from there: a user's formatter runs but once for it. An
/// error that came as text is formatted anew by the alternate format.
#[derive(Debug)]
pub(super) struct ErrorVisitor<'a> {
    /// The fields as the breadcrumb has them.
    crumb: Encoded<'a>,
    /// The first, which is nearly always the only one.
    first: Option<(Rank, CapturedError)>,
    others: Vec<(Rank, CapturedError)>,
}

impl<'a> ErrorVisitor<'a> {
    pub(super) fn new(crumb: Encoded<'a>) -> Self {
        Self { crumb, first: None, others: Vec::new() }
    }

    /// The error that an event is about, and further ones.
    pub(super) fn into_errors(mut self) -> (Option<CapturedError>, Vec<CapturedError>) {
        if self.others.is_empty() {
            return (self.first.map(|(_, error)| error), Vec::new());
        }
        self.others.splice(..0, self.first);
        // Stable: of equals the first.
        self.others.sort_by_key(|(rank, _)| *rank);
        let mut errors = self.others.into_iter();
        let error = errors.next().map(|(_, error)| error);
        // What else is called an error is one; a reason is so only where there is nothing better.
        let siblings = errors.filter(|(rank, error)| *rank < Rank::Reason && !error.is_fields());
        (error, siblings.map(|(_, error)| error).collect())
    }

    /// Takes what a field carries, if that is an error.
    pub(super) fn take(&mut self, field: &Field, value: Worded<'_>) {
        let known = whole(self.crumb, field);
        match (detect::rank_of(field, value), value) {
            (None, _) => {}
            (Some(rank), Worded::Error(error)) => self.error(rank, || capture::typed(error, known)),
            (Some(rank), Worded::Text(text)) => self.error(rank, || {
                let plain = BoundedString::format(ERROR_TEXT_BYTES, format_args!("{text}"));
                CapturedError::Text { plain, alternate: None, joints: Vec::new() }
            }),
            (Some(rank), Worded::Shown(shown)) => self.error(rank, || {
                let plain = known.map_or_else(
                    || BoundedString::format(ERROR_TEXT_BYTES, format_args!("{shown:?}")),
                    str::to_owned,
                );
                // `%error` hands the formatter's flags on to `Display`, and the alternate `Display` of anyhow, eyre and
                // their kin shows the causes.
                let (alternate, joints) =
                    BoundedString::format_jointed(ERROR_TEXT_BYTES, format_args!("{shown:#?}"));
                let alternate = Some(alternate).filter(|alternate| *alternate != plain);
                CapturedError::Text { plain, alternate, joints }
            }),
        }
    }

    fn error(&mut self, rank: Rank, error: impl FnOnce() -> CapturedError) {
        if self.others.len() + 1 < ERRORS {
            let error = if rank == Rank::Explicit { CapturedError::Fields } else { error() };
            match self.first {
                None => self.first = Some((rank, error)),
                Some(_) => self.others.push((rank, error)),
            }
        }
    }
}

/// The text of a field, if the breadcrumb has the whole of it.
fn whole<'a>(crumb: Encoded<'a>, field: &Field) -> Option<&'a str> {
    match encoded(crumb, field)?.value {
        Decoded::Text(text) => Some(text),
        _ => None,
    }
}

/// A field, if the breadcrumb has the whole of it.
fn encoded<'a>(crumb: Encoded<'a>, field: &Field) -> Option<crumb::Field<'a>> {
    let mut fields = crumb::fields(crumb.words.as_flattened());
    fields.find(|known| known.name == Name::Index(field.index()) && !known.cut)
}

/// Encodes the fields of an ERROR with more room than its breadcrumb had: of what that has whole, a copy.
pub(super) struct LongVisitor<'a, 'b> {
    crumb: Encoded<'a>,
    encoder: &'a mut Encoder<'b>,
    /// The message, which is the first field, stands beside those that are counted.
    has_message: bool,
    /// Fields beyond those that an event keeps.
    pub(super) left_out: u64,
}

impl<'a, 'b> LongVisitor<'a, 'b> {
    pub(super) fn new(crumb: Encoded<'a>, encoder: &'a mut Encoder<'b>) -> Self {
        Self { crumb, encoder, has_message: false, left_out: 0 }
    }

    fn field(&mut self, field: &Field, value: impl FnOnce(&mut Encoder<'_>, Name<'_>)) {
        if field.name() == "message" {
            self.has_message = true;
            self.encoder.beside_message();
        }
        if field.index() > FIELDS || field.index() == FIELDS && !self.has_message {
            self.left_out += 1;
        } else if let Some(known) = encoded(self.crumb, field) {
            self.encoder.copy(&known);
        } else {
            value(self.encoder, Name::Index(field.index()));
        }
    }

    fn format(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        // An error at the end of the message is read whole, and the message cut afterwards.
        let limit = if field.name() == "message" { ERROR_TEXT_BYTES } else { FIELD_BYTES };
        self.field(field, |encoder, name| encoder.format_within(name, limit, value));
    }
}

impl Visit for LongVisitor<'_, '_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.field(field, |encoder, name| encoder.f64(name, value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.field(field, |encoder, name| encoder.i64(name, value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field(field, |encoder, name| encoder.u64(name, value));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.field(field, |encoder, name| encoder.i128(name, value));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.field(field, |encoder, name| encoder.u128(name, value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.field(field, |encoder, name| encoder.bool(name, value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.format(field, format_args!("{value}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.format(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.format(field, format_args!("{value:?}"));
    }
}

/// Room for the longest fields that an event keeps.
pub(super) const LONG_BYTES: usize = FIELDS * (FIELD_BYTES + 8) + ERROR_TEXT_BYTES;

/// Errors that one line is searched for.
const ERRORS: usize = 4;

/// A value that is more than a number.
#[derive(Clone, Copy)]
pub(super) enum Worded<'a> {
    Text(&'a str),
    Error(&'a (dyn Error + 'static)),
    Shown(&'a dyn fmt::Debug),
}

/// Shows somebody the values that are more than numbers.
pub(super) struct Words<F>(pub(super) F);

impl<F: FnMut(&Field, Worded<'_>)> Visit for Words<F> {
    fn record_f64(&mut self, _: &Field, _: f64) {}

    fn record_i64(&mut self, _: &Field, _: i64) {}

    fn record_u64(&mut self, _: &Field, _: u64) {}

    fn record_i128(&mut self, _: &Field, _: i128) {}

    fn record_u128(&mut self, _: &Field, _: u128) {}

    fn record_bool(&mut self, _: &Field, _: bool) {}

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0(field, Worded::Text(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.0(field, Worded::Error(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0(field, Worded::Shown(value));
    }
}

/// A message whole, where the breadcrumb has but its beginning, and its pieces.
pub(super) fn message(event: &Event<'_>) -> (String, Pieces) {
    let mut text = BoundedString::new(ERROR_TEXT_BYTES);
    let mut pieces = Pieces::up_to(ERROR_TEXT_BYTES);
    event.record(&mut Words(|field: &Field, value: Worded<'_>| {
        if let (MESSAGE, Worded::Shown(message)) = (field.name(), value) {
            let mut heard = Heard { text: &mut text, ear: &mut pieces };
            format_into(&mut heard, format_args!("{message:?}"));
        }
    }));
    (text.as_str().to_owned(), pieces)
}

/// What a line says, for the rules that ignore by text: its message, and its errors along their chains.
pub(super) fn words(event: &Event<'_>) -> BoundedString {
    let mut said = BoundedString::new(MESSAGE_BYTES);
    event.record(&mut Words(|field: &Field, value: Worded<'_>| match value {
        Worded::Error(error) => capture::say_chain(error, &mut said),
        _ if field.name() != MESSAGE && detect::rank(field.name()).is_none() => {}
        Worded::Text(text) => _ = format_into(&mut said, format_args!("{text}\n")),
        Worded::Shown(shown) => _ = format_into(&mut said, format_args!("{shown:?}\n")),
    }));
    said
}

/// Whether an event carries an error, told without running any formatter: for one that must not be looked at closer.
pub(super) fn notices_error(event: &Event<'_>) -> bool {
    let mut noticed = false;
    event.record(&mut Words(|field: &Field, value: Worded<'_>| {
        noticed |= detect::rank_of(field, value).is_some();
    }));
    noticed
}

/// The field that has the message.
const MESSAGE: &str = "message";
