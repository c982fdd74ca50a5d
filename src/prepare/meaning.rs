//! Fields that mean something beyond themselves: the user, the request, tags, what sort of error it is.
//!
//! An event's own fields outrank its spans' (nearest first), which outrank what its lanes were told. A user is taken
//! whole from the first place that names one: half of one and half of another would be a third person.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::model::{Environment, LaneData, Request, Span, User};

/// What the fields around an event say.
#[derive(Debug, Default)]
pub(super) struct Meaning {
    pub(super) user: Option<User>,
    pub(super) request: Option<Request>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) contexts: BTreeMap<String, Value>,
    pub(super) spans: Vec<Span>,
}

impl Meaning {
    /// Takes the fields with a meaning out of `fields` and of the spans.
    pub(super) fn of(
        fields: &mut Map<String, Value>,
        mut spans: Vec<Span>,
        lanes: Vec<Arc<LaneData>>,
        environment: &Environment,
    ) -> Self {
        let mut meaning = Self::default();
        let mut request = Asked::default();
        meaning.read(fields, &mut request);
        meaning.classify(fields);
        for span in &mut spans {
            meaning.read(&mut span.fields, &mut request);
        }
        for lane in lanes {
            meaning.user = meaning.user.take().or_else(|| lane.user.clone());
            for (name, value) in &lane.tags {
                meaning.tags.entry(name.clone()).or_insert_with(|| value.clone());
            }
            for (name, value) in &lane.contexts {
                meaning.contexts.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        meaning.user = meaning.user.take().or_else(|| environment.user.clone());
        for (name, value) in &environment.contexts {
            meaning.contexts.entry(name.clone()).or_insert_with(|| value.clone());
        }
        meaning.request = request.into_request();
        meaning.spans = spans;
        meaning
    }

    /// What fields say by themselves.
    pub(super) fn of_fields(mut fields: Map<String, Value>) -> Self {
        let mut meaning = Self::default();
        meaning.read(&mut fields, &mut Asked::default());
        meaning
    }

    /// Takes the fields of the event itself that say of what sort its error is.
    fn classify(&mut self, fields: &mut Map<String, Value>) {
        fields.retain(|name, value| {
            let is_class = is_class(name) && !value.is_object() && !value.is_array();
            if is_class {
                self.tags.entry(name.clone()).or_insert_with(|| plain(value));
            }
            !is_class
        });
    }

    fn read(&mut self, fields: &mut Map<String, Value>, request: &mut Asked) {
        let mut user = User::default();
        fields.retain(|name, value| {
            let user_slot = match name.as_str() {
                "user.id" | "enduser.id" => Some(&mut user.id),
                "user.email" => Some(&mut user.email),
                "user.name" | "user.username" => Some(&mut user.username),
                "user.ip" | "user.ip_address" => Some(&mut user.ip_address),
                _ => None,
            };
            if let Some(slot) = user_slot {
                *slot = Some(plain(value));
                return false;
            }
            if let Some(tag) = name.strip_prefix("tags.") {
                self.tags.entry(tag.to_owned()).or_insert_with(|| plain(value));
                return false;
            }
            !request.read(name, value)
        });
        if !user.is_empty() {
            self.user.get_or_insert(user);
        }
    }
}

/// The request, while its parts are gathered: the first place that names one decides.
#[derive(Debug, Default)]
struct Asked {
    request: Request,
    /// The whole address, which says more than its path, wherever that stands.
    address: Option<String>,
}

impl Asked {
    /// Takes a field, by [OpenTelemetry's names](https://opentelemetry.io/docs/specs/semconv/http/http-spans/), the
    /// older ones too; false where it is none of them.
    fn read(&mut self, name: &str, value: &Value) -> bool {
        let slot = match name {
            "http.request.method" | "http.method" => &mut self.request.method,
            "url.full" | "http.url" => &mut self.address,
            "url.path" | "http.target" => &mut self.request.url,
            "http.route" => &mut self.request.route,
            "http.response.status_code" | "http.status_code" => {
                let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
                let status = number.and_then(|status| u16::try_from(status).ok());
                self.request.status = self.request.status.or(status);
                return status.is_some();
            }
            _ => return false,
        };
        slot.get_or_insert_with(|| plain(value));
        true
    }

    fn into_request(self) -> Option<Request> {
        let request = Request { url: self.address.or(self.request.url), ..self.request };
        (request != Request::default()).then_some(request)
    }
}

/// Whether a field has the name of a classification: `error_code`, `error.type`, `err_kind`, `stage`.
fn is_class(name: &str) -> bool {
    const KINDS: [&str; 5] = ["class", "code", "count", "kind", "type"];
    let class = ["error", "err"].iter().find_map(|error| name.strip_prefix(error)?.strip_prefix(['_', '.']));
    name == "stage" || class.is_some_and(|class| KINDS.contains(&class))
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
