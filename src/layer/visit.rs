//! The visitors: one pass over an event's or a span's fields.

use std::error::Error;
use std::fmt;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};

use super::detect::{self, Rank};
use crate::capture;
use crate::limits::{ERROR_TEXT_BYTES, FIELD_BYTES, FIELDS};
use crate::model::CapturedError;
use crate::trail::crumb::{self, Decoded, Encoded, Encoder, Name};
use crate::trail::text::{BoundedString, format_into};

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

/// Takes what an event needs of an ERROR's fields: as JSON, and the errors among them.
///
/// What the first look wrote whole into the breadcrumb is taken from there: a user's formatter runs but once for it. An
/// error that came as text is formatted anew by the alternate format.
#[derive(Debug)]
pub(super) struct ErrorVisitor<'a> {
    /// The fields as the breadcrumb has them.
    crumb: Encoded<'a>,
    message: Option<String>,
    fields: Map<String, Value>,
    /// Fields beyond those that an event keeps.
    left_out: u64,
    errors: Vec<(Rank, CapturedError)>,
}

/// What an ERROR said.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) message: Option<String>,
    pub(super) fields: Map<String, Value>,
    /// The error, if a field carried one.
    pub(super) error: Option<CapturedError>,
    /// Further errors of other fields.
    pub(super) siblings: Vec<CapturedError>,
}

impl<'a> ErrorVisitor<'a> {
    pub(super) fn new(crumb: Encoded<'a>) -> Self {
        Self { crumb, message: None, fields: Map::new(), left_out: 0, errors: Vec::new() }
    }

    /// The text of a field, if the breadcrumb has the whole of it.
    fn known(&self, field: &Field) -> Option<&'a str> {
        let mut fields = crumb::fields(self.crumb.words.as_flattened());
        let found = fields.find(|known| known.name == Name::Index(field.index()) && !known.cut)?;
        match found.value {
            Decoded::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a field, up to a limit.
    fn format(&self, field: &Field, limit: usize, value: fmt::Arguments<'_>) -> String {
        self.known(field).map_or_else(|| BoundedString::format(limit, value), str::to_owned)
    }

    pub(super) fn into_said(self) -> Said {
        let Self { message, mut fields, left_out, mut errors, .. } = self;
        if left_out > 0 {
            fields.insert("…".to_owned(), left_out.into());
        }
        // Stable: of equals the first.
        errors.sort_by_key(|(rank, _)| *rank);
        let mut errors = errors.into_iter();
        let error = errors.next().map(|(_, error)| error);
        // What else is called an error is one; a reason is so only where there is nothing better.
        let siblings = errors.filter(|(rank, _)| *rank < Rank::Reason).map(|(_, error)| error);
        Said { message, fields, error, siblings: siblings.filter(|error| !error.is_fields()).collect() }
    }

    fn number(&mut self, field: &Field, value: Decoded<'_>) {
        self.keep(field, value.to_json());
    }

    fn keep(&mut self, field: &Field, value: Value) {
        if self.fields.len() < FIELDS || self.fields.contains_key(field.name()) {
            self.fields.insert(field.name().to_owned(), value);
        } else {
            self.left_out += 1;
        }
    }

    /// A text, already formatted.
    fn text(&mut self, field: &Field, text: String) {
        if field.name() == "message" {
            self.message = Some(text);
        } else {
            self.keep(field, Value::String(text));
        }
    }

    fn limit(field: &Field) -> usize {
        // An error at the end of the message is read whole, and cut afterwards.
        if field.name() == "message" { ERROR_TEXT_BYTES } else { FIELD_BYTES }
    }

    fn error(&mut self, rank: Rank, error: impl FnOnce() -> CapturedError) {
        if self.errors.len() < ERRORS {
            let error = if rank == Rank::Explicit { CapturedError::Fields } else { error() };
            self.errors.push((rank, error));
        }
    }
}

impl Visit for ErrorVisitor<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.number(field, Decoded::F64(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(field, Decoded::I64(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.number(field, Decoded::U64(value));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.number(field, Decoded::I128(value));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.number(field, Decoded::U128(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.number(field, Decoded::Bool(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if let Some(rank) = detect::rank(field.name()) {
            let plain = || BoundedString::format(ERROR_TEXT_BYTES, format_args!("{value}"));
            self.error(rank, || CapturedError::Text { plain: plain(), alternate: None });
        }
        let text = BoundedString::format(Self::limit(field), format_args!("{value}"));
        self.text(field, text);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let text = self.format(field, Self::limit(field), format_args!("{value}"));
        self.error(Rank::Typed, || capture::typed(value, Some(&text)));
        self.text(field, text);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match detect::rank(field.name()) {
            None => {}
            Some(Rank::Explicit) => self.error(Rank::Explicit, || CapturedError::Fields),
            Some(rank) => {
                let plain = self.format(field, ERROR_TEXT_BYTES, format_args!("{value:?}"));
                // `%error` hands the formatter's flags on to `Display`, and the alternate `Display` of anyhow, eyre and
                // their kin shows the causes.
                let alternate = BoundedString::format(ERROR_TEXT_BYTES, format_args!("{value:#?}"));
                self.text(field, BoundedString::format(Self::limit(field), format_args!("{plain}")));
                let alternate = Some(alternate).filter(|alternate| *alternate != plain);
                return self.error(rank, || CapturedError::Text { plain, alternate });
            }
        }
        let text = self.format(field, Self::limit(field), format_args!("{value:?}"));
        self.text(field, text);
    }
}

/// Errors that one line is searched for.
const ERRORS: usize = 4;

/// Collects what a line says, for the rules that ignore by text.
pub(super) struct TextVisitor(pub(super) BoundedString);

impl Visit for TextVisitor {
    fn record_f64(&mut self, _: &Field, _: f64) {}

    fn record_i64(&mut self, _: &Field, _: i64) {}

    fn record_u64(&mut self, _: &Field, _: u64) {}

    fn record_i128(&mut self, _: &Field, _: i128) {}

    fn record_u128(&mut self, _: &Field, _: u128) {}

    fn record_bool(&mut self, _: &Field, _: bool) {}

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" || detect::rank(field.name()).is_some() {
            format_into(&mut self.0, format_args!("{value:?}\n"));
        }
    }
}

/// Whether an event carries an error, told without running any formatter: for one that must not be looked at closer.
#[derive(Default)]
pub(super) struct ErrorNoticed(pub(super) bool);

impl Visit for ErrorNoticed {
    fn record_f64(&mut self, _: &Field, _: f64) {}

    fn record_i64(&mut self, _: &Field, _: i64) {}

    fn record_u64(&mut self, _: &Field, _: u64) {}

    fn record_i128(&mut self, _: &Field, _: i128) {}

    fn record_u128(&mut self, _: &Field, _: u128) {}

    fn record_bool(&mut self, _: &Field, _: bool) {}

    fn record_str(&mut self, field: &Field, _: &str) {
        self.0 |= detect::rank(field.name()).is_some();
    }

    fn record_error(&mut self, _: &Field, _: &(dyn Error + 'static)) {
        self.0 = true;
    }

    fn record_debug(&mut self, field: &Field, _: &dyn fmt::Debug) {
        self.0 |= detect::rank(field.name()).is_some();
    }
}
