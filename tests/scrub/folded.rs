//! Lines about one failure are one event, and panics are told once, whatever is filtered from them.

use std::error::Error;

use tracing::{Instrument, error, info_span, instrument, warn};

use crate::one;
use crate::rig::Rig;

const SECRET: &str = "hunter2hunter2";

#[derive(Debug, thiserror::Error)]
#[error("cannot reach postgres://shop:{0}@db/shop?ssl={0}")]
struct Unreachable(&'static str);

#[derive(Debug, thiserror::Error)]
#[error("no order with password: {SECRET}")]
struct NoOrder(#[source] Unreachable);

#[instrument(err, skip_all)]
fn connect() -> Result<(), Unreachable> {
    Err(Unreachable(SECRET))
}

#[instrument(err, skip_all)]
fn order() -> Result<(), NoOrder> {
    connect().map_err(NoOrder)
}

#[test]
fn an_error_on_its_way_up_is_one_event() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let _request = info_span!("request").entered();
        warn!("a step");
        if let Err(error) = order() {
            error!(error = &error as &dyn Error, "giving up with token={SECRET}");
        }
    });
    let event = one(&rig);
    assert_eq!(event.logged_at.len(), 3);
    let values: Vec<_> = event.chain.iter().map(|cause| cause.value.as_str()).collect();
    assert_eq!(
        values,
        ["no order with password: [Filtered]", "cannot reach postgres://[Filtered]@db/shop?[Filtered]"]
    );
    // None of its own lines is a step of its trail.
    let steps: Vec<_> = event.breadcrumbs.iter().map(|crumb| crumb.message.as_str()).collect();
    assert_eq!(steps, ["a step"]);
    assert!(!format!("{event:?}").contains(SECRET), "{event:#?}");
}

/// A breadcrumb is shorter than an event's message and may end inside of a secret.
#[test]
fn a_line_is_known_by_a_breadcrumb_that_was_cut_in_a_secret() {
    // Of the second, only a word that was cut is taken for a secret.
    let leads = [format!("password: {SECRET}"), "invalid token: unexpected end of file".to_owned()];
    for (room, lead) in (380..460).flat_map(|room| leads.iter().map(move |lead| (room, lead))) {
        let rig = Rig::new();
        rig.on_thread(|| {
            let _request = info_span!("request").entered();
            let before = "x".repeat(room);
            let failed = |message: String| error!(error = &Unreachable(SECRET) as &dyn Error, "{message}");
            info_span!("inner").in_scope(|| failed(format!("{before} {lead} {before}")));
            let error = NoOrder(Unreachable(SECRET));
            error!(error = &error as &dyn Error, "giving up");
        });
        let event = one(&rig);
        assert_eq!((event.logged_at.len(), event.breadcrumbs.len()), (2, 0), "{room}, {lead}: {event:#?}");
    }
}

#[test]
fn a_panic_is_told_once_with_its_join_error() {
    let rig = Rig::new();
    rig.block_on(2, async {
        let work = async {
            let task = async { panic!("no luck: password: \"{SECRET}\"") };
            let Err(error) = tokio::spawn(task).await;
            error!(error = &error as &dyn Error, "a task died");
        };
        work.instrument(info_span!("request")).await;
    });
    let event = one(&rig);
    assert_eq!((event.kind, event.logged_at.len()), (crumbtrail::EventKind::Panic, 2));
    assert_eq!(event.value, "no luck: password: \"[Filtered]\"");
    assert!(!format!("{event:?}").contains(SECRET), "{event:#?}");
}
