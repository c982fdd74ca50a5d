//! Nothing that is logged makes crumbtrail take more than it promises, in bytes or in time.

use std::time::{Duration, Instant};

use tracing::{error, info_span, warn};

use crumbtrail::limits;

use crate::heap::taken;
use crate::rig::{Rig, fail};

const HUGE: usize = 100 << 20;

/// What one ERROR may take on the caller's thread at the most: its texts, twice while they grow, and the trail.
const CALLER_BYTES: usize = 256 << 10;

/// Runs `work`, which must take neither much room nor long.
#[track_caller]
fn bounded<T>(work: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let (done, taken) = taken(work);
    assert!(taken.peak <= CALLER_BYTES, "{taken:?}");
    // Copying a hundred mebibytes once would take no longer; a bound that a busy machine keeps.
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    done
}

#[test]
fn a_message_of_a_hundred_mebibytes_costs_what_a_short_one_costs() {
    let rig = Rig::new();
    let huge = "ä".repeat(HUGE / 2);
    rig.on_thread(|| {
        // The first event makes room that is kept.
        fail("first");
        bounded(|| error!(error = "refused", "{huge}"));
        bounded(|| error!(error = huge.as_str(), "in the error"));
        bounded(|| error!(error = %huge, "in the error, formatted"));
        bounded(|| error!(error = "refused", field = huge.as_str(), "in a field"));
        bounded(|| error!(error = "refused", field = %huge, "in a field, formatted"));
        bounded(|| warn!(field = huge.as_str(), "in a breadcrumb {huge}"));
        let span = bounded(|| info_span!("work", field = huge.as_str()));
        bounded(|| _ = span.record("field", huge.as_str()));
        bounded(|| span.in_scope(|| crumbtrail::set_tag("huge", &huge)));
        bounded(|| crumbtrail::capture_error(&std::io::Error::other("small")));
        span.in_scope(|| fail("last"));
    });
    let events = rig.events();
    assert_eq!(events.len(), 8);
    let cut = |text: &str, limit: usize| text.ends_with("ä…") && text.len() <= limit + '…'.len_utf8();
    assert!(cut(events[1].message.as_deref().unwrap(), limits::MESSAGE_BYTES));
    assert!(cut(&events[2].value, limits::ERROR_TEXT_BYTES), "the error's text says that it was cut");
    assert!(cut(&events[3].value, limits::ERROR_TEXT_BYTES));
    assert!(cut(events[4].fields["field"].as_str().unwrap(), limits::FIELD_BYTES));
    assert!(cut(&events[7].tags["huge"], limits::FIELD_BYTES));
    assert!(events[7].spans[0].cut);
    assert!(events[6].breadcrumbs.iter().all(|crumb| crumb.cut == (crumb.message != "first")));
}

#[test]
fn more_fields_than_an_event_keeps_are_counted_in_their_place() {
    let rig = Rig::new();
    let text = "x".repeat(limits::FIELD_BYTES);
    rig.on_thread(|| {
        // The first event makes room that is kept.
        fail("first");
        let begun = Instant::now();
        macro_rules! many {
            ($($name:ident)*) => { error!(error = "refused", $($name = %text,)* "many") };
        }
        let ((), all) = taken(|| {
            many!(a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 b0 b1 b2 b3 b4 b5 b6 b7 b8 b9
                c0 c1 c2 c3 c4 c5 c6 c7 c8 c9 d0 d1 d2 d3 d4 d5 d6 d7 d8 d9
                e0 e1 e2 e3 e4 e5 e6 e7 e8 e9 f0 f1 f2 f3 f4 f5 f6 f7 f8 f9
                g0 g1 g2 g3 g4 g5 g6 g7 g8 g9 h0 h1 h2 h3 h4 h5 h6 h7 h8 h9)
        });
        assert!(all.peak <= (limits::FIELDS + 8) * limits::FIELD_BYTES * 2, "{all:?}");
        assert!(begun.elapsed() < Duration::from_secs(1));
        macro_rules! fitting {
            ($($name:ident)*) => { error!(error = "refused", $($name = 1,)* "fitting") };
        }
        fitting!(a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 b0 b1 b2 b3 b4 b5 b6 b7 b8 b9
            c0 c1 c2 c3 c4 c5 c6 c7 c8 c9 d0 d1 d2 d3 d4 d5 d6 d7 d8 d9 e0 e1 e2 e3 e4 e5 e6 e7 e8);
    });
    let events = rig.events();
    let many = &events[1].fields;
    assert_eq!((many.len(), many["…"].as_u64()), (limits::FIELDS + 1, Some(31)));
    assert_eq!(
        (many["error"].as_str(), many.contains_key("e8"), many.contains_key("e9")),
        (Some("refused"), true, false)
    );
    let fitting = &events[2].fields;
    assert_eq!((fitting.len(), fitting.get("…")), (limits::FIELDS, None));
}

#[test]
fn a_warning_allocates_nothing_and_an_error_a_bounded_amount() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let _span = info_span!("work").entered();
        let number = 7;
        for _ in 0..2 * limits::TRAIL_CRUMBS {
            warn!(number, text = "some", part = 0.5, "message");
        }
        let ((), all) =
            taken(|| (0..1_000).for_each(|_| warn!(number, text = "some", part = 0.5, "message")));
        assert_eq!((all.peak, all.kept), (0, 0));
        fail("first");
        let ((), all) = taken(|| fail("second"));
        assert!(all.peak <= CALLER_BYTES, "{all:?}");
    });
    assert_eq!(rig.events().len(), 2);
}
