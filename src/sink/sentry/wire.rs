//! stub
#![allow(clippy::indexing_slicing, reason = "stub")]
//! stub
use crate::model::TrackedEvent;
pub(super) struct Wire {}
impl Wire {
    pub(super) fn new() -> Self {
        Self {}
    }
    pub(super) fn payload(&mut self, event: &TrackedEvent) -> Vec<u8> {
        let mut value = serde_json::json!({"event_id": event.id.to_string(), "platform": "native", "logentry": {"message": event.title}});
        value["breadcrumbs"] = serde_json::json!({"values": event.breadcrumbs.iter().map(|c| serde_json::json!({"message": c.message, "data": c.data})).collect::<Vec<_>>()});
        serde_json::to_vec(&value).unwrap_or_default()
    }
}
