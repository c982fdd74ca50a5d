//! What makes an issue one, and what makes it two.

use std::error::Error;

use tracing::error;

use crate::errors::*;
use crate::rig::{issues, rig, rig_with};

/// Eight failures, each with values that differ every time.
fn failure(n: usize) -> Box<dyn Error> {
    let id = n as u64;
    match n % 8 {
        0 => no_entry(n / 8).into(),
        1 => lost(n / 8).into(),
        2 => Store::Corrupt(id, id * 512).into(),
        3 => os(2).into(),
        4 => os(13).into(),
        5 => bad_number(n / 8).into(),
        6 => format!("user {id} has no card {:08x}", id * 77_777).into(),
        _ => format!("gave up after {:?}", std::time::Duration::from_micros(id * 333)).into(),
    }
}

#[test]
fn ten_thousand_ids_through_one_line_are_one_issue() {
    let rig = rig();
    for n in 0..10_000_u64 {
        let id = n.wrapping_mul(6_364_136_223_846_793_005);
        rig.run(|| {
            error!(error = "refused", "cannot charge order {n} of {id:016x} at 10.0.{}.{}", n / 256, n % 256)
        });
    }
    let events = rig.events();
    assert_eq!((events.len(), issues(&events).len()), (10_000, 1));
    assert_eq!(
        events[9].title,
        format!(
            "cannot charge order 9 of {:016x} at 10.0.0.9",
            9_u64.wrapping_mul(6_364_136_223_846_793_005)
        )
    );
}

#[test]
fn eight_failures_through_one_line_are_eight_issues() {
    type Log = fn(usize);
    let forms: [(&str, Log); 6] = [
        ("the text alone", |n| error!("{}", failure(n))),
        ("a field", |n| error!(error = %failure(n))),
        ("a field by debug", |n| error!(error = ?failure(n))),
        ("a word and the text", |n| error!("Error: {}", failure(n))),
        ("a word and a field", |n| error!(error = %failure(n), "error")),
        ("typed", |n| {
            let error = failure(n);
            error!(error = &*error, "Failed");
        }),
    ];
    for (form, log) in forms {
        let rig = rig();
        (0..200).for_each(|n| rig.run(|| log(n)));
        let events = rig.events();
        assert_eq!((events.len(), issues(&events).len()), (200, 8), "{form}: {:#?}", issues(&events));
    }
}

#[test]
fn the_same_failure_at_several_lines_is_one_issue() {
    let rig = rig();
    rig.run(|| {
        error!(error = %lost(0), "cannot charge order {}", id(0));
        error!(error = %lost(1), "cannot charge order {}", id(1));
        let order = id(1);
        error!(error = %lost(1), order, "cannot charge order {order}");
    });
    assert_eq!(issues(&rig.events()).len(), 1);
}

#[test]
fn module_message_type_and_code_tell_issues_apart() {
    let rig = rig();
    let logs = || {
        error!(error = %os(2), "cannot read");
        error!(error = %os(2), "cannot write");
        error!(error = %os(13), "cannot read");
        error!(target: "elsewhere", error = %os(2), "cannot read");
        error!(error = ?no_entry(0), "cannot read");
        error!(error = ?corrupt(0), "cannot read");
        error!(error = "status code: 404", "cannot read");
        error!(error = "status code: 503", "cannot read");
    };
    rig.run(logs);
    rig.run(logs);
    let events = rig.events();
    assert_eq!((events.len(), issues(&events).len()), (16, 8), "{:#?}", issues(&events));
}

#[test]
fn a_field_names_the_issue_and_is_no_data() {
    let rig = rig();
    rig.run(|| {
        for n in 0..3 {
            error!(error = %either(n % 2), fingerprint = "card declined", "{} declined", uuid(n));
        }
        error!(error = %no_entry(0), error.fingerprint = "other", "declined");
        error!(error = %no_entry(0), fingerprint = 17, "declined");
        error!(error = %no_entry(0), fingerprint = " ", "declined");
    });
    let events = rig.events();
    let named: Vec<_> = events.iter().map(|event| event.fingerprint.to_string()).collect();
    assert_eq!(named[..5], ["card declined", "card declined", "card declined", "other", "17"]);
    assert!(named[5].starts_with("v1 · "), "{}", named[5]);
    assert!(
        events.iter().all(|event| !event.fields.keys().any(|name| name.contains("fingerprint"))),
        "{events:#?}"
    );
}

#[test]
fn a_hook_outranks_the_field_and_may_build_on_what_would_have_been() {
    let rig = rig_with(|builder| {
        builder.on_error(|error, draft| {
            match error.downcast_ref::<Store>() {
                Some(Store::NoEntry { .. }) => draft.set_fingerprint("from the hook"),
                Some(Store::Corrupt(..)) => {
                    draft.set_fingerprint(
                        ["{{ default }}", "corrupt"].into_iter().collect::<crumbtrail::Fingerprint>(),
                    );
                }
                _ => {}
            }
            crumbtrail::Verdict::Track
        })
    });
    rig.run(|| {
        for error in [no_entry(0), corrupt(0), lost(0)] {
            error!(error = &error as &dyn Error, fingerprint = "from the field", "declined");
        }
    });
    let events = rig.events();
    assert_eq!(events[0].fingerprint.parts(), ["from the hook"]);
    assert_eq!(events[1].fingerprint.parts(), ["v1", module_path!(), "declined", "Corrupt", "corrupt"]);
    assert_eq!(events[2].fingerprint.parts(), ["from the field"]);
    assert!(events.iter().all(|event| event.fields.len() == 1), "{events:#?}");
}

#[test]
fn a_panic_is_known_by_its_text_without_values() {
    let rig = rig();
    let panics = |n: usize| {
        let result = std::panic::catch_unwind(|| assert!(n > 10_000, "order {n} is gone at {}", host(n)));
        assert!(result.is_err());
    };
    rig.run(|| (0..20).for_each(panics));
    let events = rig.events();
    assert_eq!((events.len(), issues(&events).len()), (20, 1), "{:#?}", issues(&events));
    assert_eq!(events[3].title, "panicked: order 3 is gone at [fd00::17]:6432");
}
