//! One payload of each kind, whole; and what each rule of the mapping makes of its cases.

use super::sample::{bare, cause, full, sent};
use crate::model::{EventKind, TrackedEvent};

fn golden(event: &TrackedEvent) -> String {
    let mut sent = sent(event);
    assert_eq!(sent["sdk"]["version"].take(), env!("CARGO_PKG_VERSION"));
    for image in sent["debug_meta"]["images"].as_array_mut().into_iter().flatten() {
        assert!(image["arch"].take().is_string() && image["type"].take().is_string());
    }
    serde_json::to_string_pretty(&sent).unwrap()
}

#[test]
fn an_error_with_all_that_is_known() {
    insta::assert_snapshot!(golden(&full()));
}

#[test]
fn a_panic() {
    let mut event = bare(EventKind::Panic);
    event.title = "panicked: index out of bounds".to_owned();
    event.message = None;
    event.chain = vec![cause(None, "index out of bounds: the len is 3 but the index is 7")];
    event.frames = full().frames;
    event.fingerprint =
        ["v1", "shop::pick", "panicked: index out of bounds: the len is <*>"].into_iter().collect();
    insta::assert_snapshot!(golden(&event));
}

#[test]
fn a_log_record() {
    let mut event = bare(EventKind::Log);
    event.frames = full().frames.into_iter().take(1).collect();
    insta::assert_snapshot!(golden(&event));
}
