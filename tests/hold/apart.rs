//! What only looks like one failure stays two.

use std::io;

use tracing::{error, info_span, instrument, warn};

use crate::rig::{Rig, trail};

#[instrument(err)]
fn fetch(item: u32) -> Result<(), io::Error> {
    Err(io::Error::other("connection refused"))
}

#[test]
fn a_loop_of_37_items_that_fail_is_37_failures() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let _job = info_span!("job").entered();
        for item in 0..37 {
            if let Err(error) = fetch(item) {
                error!(%error, item, "item failed");
            }
        }
    });
    let events = rig.delivered();
    assert_eq!((events.len(), rig.stats().folded), (37, 37));
    for (item, event) in events.iter().enumerate() {
        assert_eq!((event.logged_at.len(), &event.fields["item"]), (2, &item.into()));
        assert_eq!(event.spans[0].fields["item"], item);
        // The items before it are steps that led there; its own two lines are not.
        assert_eq!(trail(event).iter().filter(|message| **message == "item failed").count(), item);
    }
}

#[test]
fn a_retry_that_fails_again_at_the_same_line_is_two() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let _job = info_span!("job").entered();
        for attempt in 0..2 {
            error!(error = "connection refused", attempt, "no answer");
        }
        // The handler gives up: it tells of the second one.
        assert!(fetch(1).is_err() && fetch(2).is_err());
        error!(error = "fetch failed: connection refused", "giving up");
    });
    let events = rig.delivered();
    assert_eq!((events.len(), rig.stats().folded), (4, 1));
    let places: Vec<_> = events.iter().map(|event| event.logged_at.len()).collect();
    assert_eq!(places, [1, 1, 1, 2]);
    assert_eq!(events[3].spans[0].fields["item"], 2);
}

#[test]
fn an_error_that_was_handled_and_another_one_in_a_sibling_are_two() {
    #[instrument(err)]
    fn primary() -> Result<(), io::Error> {
        Err(io::Error::other("timeout"))
    }

    #[instrument(err)]
    fn secondary() -> Result<(), io::Error> {
        Err(io::Error::other("timeout"))
    }

    let rig = Rig::new();
    rig.on_thread(|| {
        let _job = info_span!("job").entered();
        if primary().is_err()
            && let Err(error) = secondary()
        {
            error!(%error, "both failed");
        }
    });
    let events = rig.delivered();
    assert_eq!((events.len(), rig.stats().folded), (2, 1));
    assert_eq!((events[0].title.as_str(), events[0].logged_at.len()), ("primary", 1));
    assert_eq!((events[1].title.as_str(), events[1].logged_at.len()), ("both failed", 2));
    assert_eq!(events[1].spans[0].name, "secondary");
}

#[test]
fn an_error_that_shows_other_causes_than_its_childs_is_another_one() {
    #[instrument(err)]
    fn cached() -> anyhow::Result<u32> {
        anyhow::bail!("cache is down")
    }

    #[instrument(err)]
    fn load() -> anyhow::Result<u32> {
        cached().or_else(|_| "seven".parse().map_err(|error| anyhow::Error::new(error).context("no number")))
    }

    #[instrument(err(Debug))]
    fn parsed() -> Result<u32, std::num::ParseIntError> {
        let _ = cached();
        "seven".parse()
    }

    let rig = Rig::new();
    rig.on_thread(|| {
        let _job = info_span!("job").entered();
        assert!(load().is_err() && parsed().is_err());
    });
    let events = rig.delivered();
    let titles: Vec<_> = events.iter().map(|event| event.title.as_str()).collect();
    assert_eq!((titles, rig.stats().folded), (vec!["cached", "load", "cached", "parsed"], 0));
}

#[test]
fn something_logged_in_between_keeps_errors_apart_that_show_no_cause() {
    #[instrument(err)]
    fn inner() -> Result<(), io::Error> {
        Err(io::Error::other("no route"))
    }

    #[instrument(err)]
    fn outer() -> Result<(), io::Error> {
        if inner().is_err() {
            warn!("falling back");
        }
        Err(io::Error::other("no fallback"))
    }

    let rig = Rig::new();
    rig.on_thread(|| assert!(outer().is_err()));
    let events = rig.events();
    assert_eq!(events.iter().map(|event| event.title.as_str()).collect::<Vec<_>>(), ["inner", "outer"]);
}

#[test]
fn two_lines_of_one_function_may_be_two_failures_with_one_text() {
    let rig = Rig::with(|builder| builder.stack(crumbtrail::Stack::On));
    rig.on_thread(|| {
        let _job = info_span!("job").entered();
        error!(error = "timeout", "no user");
        error!(error = "timeout", "no cart");
    });
    assert_eq!(rig.events().len(), 2);
}

#[test]
fn lanes_do_not_fold_into_one_another() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let _worker = info_span!("worker").entered();
        let jobs: Vec<_> =
            (0..20).map(|job| info_span!("job", crumbtrail.lane = true, tags.job = job)).collect();
        for (number, job) in jobs.iter().enumerate() {
            job.in_scope(|| assert!(fetch(number as u32).is_err()));
        }
        for job in &jobs {
            job.in_scope(|| error!(error = "job failed: connection refused", "job failed"));
        }
    });
    let events = rig.delivered();
    assert_eq!((events.len(), rig.stats().folded), (20, 20));
    for event in events {
        assert_eq!(event.spans[0].fields["item"].to_string(), event.tags["job"]);
        assert_eq!(event.logged_at.len(), 2);
    }
}

/// The stack shows that the error came up, where no span does.
#[cfg(feature = "stack")]
#[test]
fn a_function_that_logs_and_returns_its_error_and_its_caller_are_one() {
    #[inline(never)]
    fn load() -> Result<(), io::Error> {
        let error = io::Error::other("disk on fire");
        error!(%error, "cannot load");
        Err(error)
    }

    #[inline(never)]
    fn serve() {
        if let Err(error) = load() {
            error!(%error, "cannot serve");
        }
    }

    let rig = Rig::with(|builder| builder.stack(crumbtrail::Stack::On));
    rig.on_thread(serve);
    let events = rig.delivered();
    assert_eq!((events.len(), rig.stats().folded), (1, 1));
    assert_eq!((events[0].title.as_str(), events[0].logged_at.len()), ("cannot serve", 2));
    // The stack is that of the line nearest the failure.
    assert!(events[0].frames[0].function.as_deref().is_some_and(|function| function.ends_with("load")));
}

#[test]
fn a_function_that_calls_itself_logs_one_failure_at_one_place() {
    #[instrument(err)]
    fn walk(depth: u32) -> Result<(), io::Error> {
        if depth == 0 { Err(io::Error::other("no such folder")) } else { walk(depth - 1) }
    }

    let rig = Rig::new();
    rig.on_thread(|| assert!(walk(5).is_err()));
    let events = rig.delivered();
    assert_eq!((events.len(), rig.stats().folded), (1, 5));
    assert_eq!(events[0].spans[0].fields["depth"], 0);
}
