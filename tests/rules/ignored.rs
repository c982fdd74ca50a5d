//! `ignore` and `ignore_error`.

use std::error::Error;
use std::io;

use crumbtrail::Dropped;
use tracing::{error, info_span};

use crate::errors::{Checkout, Gateway, payment, types, values, with_contexts};
use crate::one;
use crate::rig::Rig;

fn fail(error: &(dyn Error + 'static)) {
    error!(error, "failed");
}

#[test]
fn an_ignored_type_is_found_wherever_it_stands_in_the_chain() {
    let rig = Rig::with(|builder| builder.ignore_error::<Gateway>());
    rig.on_thread(|| {
        fail(&payment());
        fail(&Gateway { host: "pay-1", source: io::Error::other("down") });
        fail(&Checkout::OutOfStock);
        crumbtrail::capture_error(&payment());
    });
    let events = rig.delivered();
    assert_eq!(events.len(), 1);
    assert_eq!((values(&events[0]), types(&events[0])), (vec!["out of stock"], vec![Some("OutOfStock")]));
    assert_eq!(rig.stats().dropped[&Dropped::Ignored], 3);
    assert_eq!(rig.stats().unjudged, 0);
}

/// Its outermost link is a wrapper of `anyhow`'s own, for each context.
#[test]
fn an_ignored_type_is_found_below_the_contexts_of_anyhow() {
    let rig = Rig::with(|builder| builder.ignore_error::<io::Error>());
    rig.on_thread(|| {
        let failed = anyhow::Error::from(io::Error::from_raw_os_error(104));
        fail(failed.as_ref());
        fail(failed.context("inner").context("outer").as_ref());
        fail(with_contexts(2).as_ref());
    });
    assert_eq!(rig.delivered().len(), 1, "the last one has no io::Error");
    assert_eq!(rig.stats().dropped[&Dropped::Ignored], 2);
}

#[test]
fn of_a_text_the_types_name_decides_where_it_is_told_and_stats_count_where_not() {
    let rig = Rig::with(|builder| builder.ignore_error::<Gateway>());
    rig.on_thread(|| {
        error!(error = ?Gateway { host: "pay-1", source: io::Error::other("down") }, "by debug");
        error!(error = %payment(), "by display");
    });
    let events = rig.delivered();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].message.as_deref(), Some("by display"));
    assert_eq!((rig.stats().dropped[&Dropped::Ignored], rig.stats().unjudged), (1, 1));
}

#[test]
fn a_module_s_lines_are_ignored_by_what_they_say() {
    let rig = Rig::with(|builder| {
        builder.ignore("shop::probe", "").ignore("", "closed by peer").ignore("shop", "out of stock")
    });
    rig.on_thread(|| {
        error!(target: "shop::probe::http", error = %payment(), "probe");
        error!(target: "shop::probes", error = %payment(), "another module");
        error!(error = "connection closed by peer", "reading");
        let at_once = "connection closed by peer, at once".to_owned();
        error!("reading failed: {at_once}");
        error!(target: "shop::cart", error = %Checkout::OutOfStock, "in the error");
        error!(target: "cart", error = %Checkout::OutOfStock, "another target");
        error!(target: "shop", error = &Checkout::OutOfStock as &dyn Error, "typed");
    });
    let events = rig.delivered();
    let told: Vec<_> = events.iter().map(|event| event.message.as_deref().unwrap()).collect();
    assert_eq!(told, ["another module", "another target"]);
    assert_eq!(rig.stats().dropped[&Dropped::Ignored], 5);
}

#[test]
fn what_is_ignored_is_a_breadcrumb_all_the_same() {
    let rig = Rig::with(|builder| builder.ignore("", "out of stock"));
    rig.on_thread(|| {
        let _span = info_span!("work").entered();
        error!(error = %Checkout::OutOfStock, "ignored");
        fail(&payment());
    });
    let event = one(&rig);
    assert_eq!(event.breadcrumbs[0].message, "ignored");
}
