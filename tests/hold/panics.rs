//! A task that panics is told by the hook, and once more by whoever waited for it: one event.

use crumbtrail::EventKind;
use tracing::{Instrument, error, info_span};

use crate::rig::Rig;

#[test]
fn the_join_error_of_a_panic_is_no_event_of_its_own() {
    let rig = Rig::new();
    rig.block_on(2, async {
        for number in 0..3 {
            let work = async move { panic!("the {number}th boom") }.instrument(info_span!("work", number));
            let failed = tokio::spawn(work).await.unwrap_err();
            match number {
                0 => error!(error = %failed, "worker died"),
                1 => error!(error = ?failed, "worker died"),
                _ => error!(error = &failed as &dyn std::error::Error, "worker died"),
            }
        }
    });
    let events = rig.delivered();
    assert_eq!((events.len(), rig.stats().folded), (3, 3), "{events:#?}");
    for (number, event) in events.iter().enumerate() {
        assert_eq!((event.kind, event.handled), (EventKind::Panic, false));
        assert_eq!((event.value.clone(), event.logged_at.len()), (format!("the {number}th boom"), 2));
        assert_eq!(event.logged_at[1].message.as_deref(), Some("worker died"));
        assert_eq!(
            (event.spans[0].name.as_str(), &event.spans[0].fields["number"]),
            ("work", &number.into())
        );
    }
}

#[test]
fn it_folds_however_late_it_is_looked_at() {
    let rig = Rig::new();
    rig.block_on(1, async {
        let task = tokio::spawn(async { panic!("boom") });
        while !task.is_finished() {
            tokio::task::yield_now().await;
        }
        assert_eq!(tokio::task::spawn_blocking(|| ()).await.ok(), Some(()));
        // The panic is told, and gone.
        let failed = task.await.unwrap_err();
        assert!(rig.delivered().len() == 1 && failed.is_panic());
        error!(error = %failed, "worker died");
        let cancelled = tokio::spawn(std::future::pending::<()>());
        cancelled.abort();
        let cancelled = cancelled.await.unwrap_err();
        error!(error = %cancelled, "worker was stopped");
    });
    let events = rig.delivered();
    let kinds: Vec<_> = events.iter().map(|event| event.kind).collect();
    assert_eq!((kinds, rig.stats().folded), (vec![EventKind::Panic, EventKind::Error], 1));
}
