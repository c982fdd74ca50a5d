//! ERRORs without an error, and libraries' noise.

use crumbtrail::{Dropped, EventKind};
use tracing::{error, info_span};

use crate::errors::payment;
use crate::one;
use crate::rig::Rig;
use crate::support::{child, role};

#[test]
fn an_error_line_without_an_error_is_counted_by_line_and_not_tracked() {
    let rig = Rig::new();
    rig.on_thread(|| {
        for _ in 0..3 {
            error!("worker queue closed: shutting down");
        }
        for number in 0..5 {
            error!(error_code = "E7", number, "no luck with {number}");
        }
        for user in ["ada", "bob"] {
            error!("no account for name {user}");
            error!("gave up on {user:?}");
            error!("user {user}, attempts: {}", 3);
        }
    });
    assert!(rig.delivered().is_empty());
    let stats = rig.stats();
    assert_eq!((stats.accepted, stats.errors_without_error), (0, 14));
    let counts: Vec<_> = stats.lines.iter().map(|line| line.without_error).collect();
    assert_eq!(counts, [5, 3, 2, 2, 2], "{:?}", stats.lines);
    assert!(stats.lines.iter().all(|line| line.target == "rules::messages"
        && line.file.as_deref().is_some_and(|file| file.ends_with("messages.rs"))
        && line.line.is_some()));
}

#[test]
fn with_track_messages_it_is_an_event_of_its_own_kind() {
    let rig = Rig::with(|builder| builder.track_messages(true));
    rig.on_thread(|| error!(number = 7, "worker queue closed"));
    let event = one(&rig);
    assert_eq!((event.kind, event.title.as_str()), (EventKind::Log, "worker queue closed"));
    assert!(event.chain.is_empty() && event.fields["number"] == 7);
    assert_eq!(rig.stats().errors_without_error, 0);
}

/// `error!("{error}")` has nothing of its own by which it could be told from a message, until it says another thing.
#[test]
fn a_line_that_says_nothing_of_its_own_is_an_error_from_the_second_text_on() {
    let rig = Rig::new();
    rig.on_thread(|| {
        for text in ["out of stock", "payment failed", "out of stock", "no answer"] {
            error!("{text}");
        }
    });
    let values: Vec<_> = rig.delivered().into_iter().map(|event| event.value).collect();
    assert_eq!(values, ["payment failed", "out of stock", "no answer"]);
    assert_eq!(rig.stats().errors_without_error, 1);
}

/// Its breadcrumb has but the beginning.
#[test]
fn an_error_is_found_at_the_end_of_a_long_message() {
    let rig = Rig::new();
    let query = "column, ".repeat(200);
    rig.on_thread(|| {
        let failed = payment();
        for n in 0..3 {
            error!("query {n} {query} failed: {failed}");
            error!("query {n} {query} was slow");
        }
    });
    let events = rig.delivered();
    assert_eq!((events.len(), rig.stats().errors_without_error), (3, 3));
    assert!(events.iter().all(|event| event.value == "payment failed"));
}

/// What looks like an error's field and has none.
#[test]
fn a_field_that_names_something_is_no_error() {
    let rig = Rig::new();
    rig.on_thread(|| {
        error!(error = ?None::<std::io::Error>, "done");
        error!(source = "sensor-4", "no data");
        error!(chain = "mainnet", "no peers");
        error!(cause = "the disk is full", "no luck");
    });
    assert_eq!(one(&rig).value, "the disk is full");
}

#[test]
fn libraries_noise_is_a_breadcrumb() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let _span = info_span!("work").entered();
        error!(target: "tower_http::trace::on_failure", classification = "Status code: 500", "response failed");
        error!(target: "librdkafka", error = "broker down", "librdkafka: FAIL broker down");
        error!(error = %payment(), "the program's own");
    });
    let event = one(&rig);
    let crumbs: Vec<_> = event.breadcrumbs.iter().map(|crumb| crumb.target.as_str()).collect();
    assert_eq!(crumbs, ["tower_http::trace::on_failure", "librdkafka"]);
    let stats = rig.stats();
    assert_eq!((stats.accepted, stats.errors_without_error), (1, 0));
    assert_eq!(stats.dropped.get(&Dropped::Ignored), None);
}

#[test]
fn the_first_one_names_the_way_to_track_them_and_the_end_lists_them() {
    const NAME: &str = "messages::the_first_one_names_the_way_to_track_them_and_the_end_lists_them";
    if role().is_none() {
        let ended = child("host", NAME).run().succeeded();
        let said: Vec<_> = ended.stderr.lines().filter(|line| line.starts_with("crumbtrail: ")).collect();
        assert_eq!(said.len(), 2, "{said:#?}");
        assert!(said[0].contains("track_messages(true)") && said[0].contains("messages.rs:"), "{said:#?}");
        assert!(said[1].contains("7 ERRORs carried no error") && said[1].contains("×4"), "{said:#?}");
        return;
    }
    let memory = crumbtrail::Memory::new();
    let (layer, guard) = crumbtrail::builder().sink(memory).build().unwrap();
    let subscriber = tracing_subscriber::layer::SubscriberExt::with(tracing_subscriber::registry(), layer);
    tracing::subscriber::with_default(subscriber, || {
        for _ in 0..3 {
            error!("worker queue closed");
        }
        for _ in 0..4 {
            error!("no luck");
        }
    });
    guard.shutdown(std::time::Duration::from_secs(5)).unwrap();
    drop(guard);
}
