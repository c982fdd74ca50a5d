//! The visitors: one pass over an event's or a span's fields.

use std::error::Error;
use std::fmt;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};

use super::detect::{self, Rank};
use crate::capture;
use crate::limits::{ERROR_TEXT_BYTES, FIELD_BYTES, FIELDS, MESSAGE_BYTES};
use crate::model::CapturedError;
use crate::trail::crumb::{Decoded, Encoder, Name};
use crate::trail::text::BoundedString;

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

/// Takes the fields of an ERROR: into JSON, into a breadcrumb, and the error among them.
///
/// A user's formatter runs once for each, and a second time, by the alternate format, for the error itself.
pub(super) struct ErrorVisitor<'a, 'b> {
    crumb: &'a mut Encoder<'b>,
    pub(super) message: Option<String>,
    pub(super) fields: Map<String, Value>,
    /// Fields beyond those that an event keeps.
    left_out: u64,
    error: Option<(Rank, CapturedError)>,
}

impl<'a, 'b> ErrorVisitor<'a, 'b> {
    pub(super) fn new(crumb: &'a mut Encoder<'b>) -> Self {
        Self { crumb, message: None, fields: Map::new(), left_out: 0, error: None }
    }

    /// The error that the event carries, if it carries one.
    pub(super) fn into_parts(self) -> (Option<String>, Map<String, Value>, Option<CapturedError>) {
        let mut fields = self.fields;
        if self.left_out > 0 {
            fields.insert("…".to_owned(), self.left_out.into());
        }
        (self.message, fields, self.error.map(|(_, error)| error))
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
        self.crumb.text(Name::Index(field.index()), &text);
        if field.name() == "message" {
            self.message = Some(text);
        } else {
            self.keep(field, Value::String(text));
        }
    }

    /// Whether an error found in this field outranks what was found before.
    fn outranks(&self, rank: Rank) -> bool {
        self.error.as_ref().is_none_or(|(best, _)| rank < *best)
    }

    fn limit(field: &Field) -> usize {
        if field.name() == "message" { MESSAGE_BYTES } else { FIELD_BYTES }
    }
}

impl Visit for ErrorVisitor<'_, '_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.crumb.f64(Name::Index(field.index()), value);
        self.number(field, Decoded::F64(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.crumb.i64(Name::Index(field.index()), value);
        self.number(field, Decoded::I64(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.crumb.u64(Name::Index(field.index()), value);
        self.number(field, Decoded::U64(value));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.crumb.i128(Name::Index(field.index()), value);
        self.number(field, Decoded::I128(value));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.crumb.u128(Name::Index(field.index()), value);
        self.number(field, Decoded::U128(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.crumb.bool(Name::Index(field.index()), value);
        self.number(field, Decoded::Bool(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let limit = Self::limit(field);
        if let Some(rank) = detect::rank(field.name()).filter(|rank| self.outranks(*rank)) {
            let plain = BoundedString::format(ERROR_TEXT_BYTES, format_args!("{value}"));
            self.error = Some((rank, CapturedError::Text { plain, alternate: None }));
        }
        let text = BoundedString::format(limit, format_args!("{value}"));
        self.text(field, text);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        if self.outranks(Rank::Typed) {
            self.error = Some((Rank::Typed, capture::typed(value)));
        }
        let text = BoundedString::format(Self::limit(field), format_args!("{value}"));
        self.text(field, text);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let limit = Self::limit(field);
        let Some(rank) = detect::rank(field.name()).filter(|rank| self.outranks(*rank)) else {
            let text = BoundedString::format(limit, format_args!("{value:?}"));
            return self.text(field, text);
        };
        let plain = BoundedString::format(ERROR_TEXT_BYTES, format_args!("{value:?}"));
        // `%error` hands the formatter's flags on to `Display`, and the alternate `Display` of anyhow, eyre and their
        // kin shows the causes.
        let alternate = BoundedString::format(ERROR_TEXT_BYTES, format_args!("{value:#?}"));
        let text = BoundedString::format(limit, format_args!("{plain}"));
        self.text(field, text);
        let alternate = Some(alternate).filter(|alternate| *alternate != plain);
        self.error = Some((rank, CapturedError::Text { plain, alternate }));
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
