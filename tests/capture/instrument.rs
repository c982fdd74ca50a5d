//! `#[instrument(err)]`: no message, nothing but the error that a function returned.

use std::error::Error;
use std::num::ParseIntError;

use tracing::{info_span, instrument};

use crate::errors::{Checkout, payment, types, values, with_contexts};
use crate::rig::{Rig, trail};

#[instrument(err, skip(secret))]
fn charge(order: u32, secret: &str) -> Result<(), Checkout> {
    tracing::warn!("about to charge {}", secret.len());
    Err(payment())
}

#[instrument(err(Debug))]
fn load_user(name: &str) -> Result<u32, ParseIntError> {
    name.parse()
}

#[instrument(err, name = "ship parcel", target = "shipping")]
async fn ship(order: u32) -> anyhow::Result<()> {
    tokio::task::yield_now().await;
    Err(with_contexts(2))
}

#[instrument(err(Debug))]
async fn bill(order: u32) -> anyhow::Result<()> {
    tokio::task::yield_now().await;
    Err(with_contexts(1))
}

#[instrument(err(level = "warn"))]
fn tolerated() -> Result<(), ParseIntError> {
    "seven".parse::<u32>().map(drop)
}

#[instrument(err)]
fn refuses() -> Result<(), Box<dyn Error>> {
    Err("not today".into())
}

#[test]
fn a_function_that_returns_an_error_is_the_events_title() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let _request = info_span!("request").entered();
        assert!(charge(17, "1234").is_err());
    });
    let event = rig.event();
    assert_eq!((event.title.as_str(), event.message.as_deref()), ("charge", None));
    assert_eq!((event.culprit.as_str(), event.target.as_str()), ("request", module_path!()));
    // `err` writes `%error`, which shows the outermost text alone.
    assert_eq!(values(&event), ["payment failed"]);
    assert_eq!(event.spans[0].fields["order"], 17);
    assert!(!event.spans[0].fields.contains_key("secret"));
    assert_eq!(trail(&event), ["about to charge 4"]);
    assert_eq!(event.file.as_deref(), Some(file!()));
}

#[test]
fn by_debug_the_type_is_known() {
    let rig = Rig::new();
    rig.on_thread(|| assert!(load_user("ada").is_err()));
    let event = rig.event();
    assert_eq!(event.title, "load_user");
    assert_eq!(types(&event), [Some("ParseIntError")]);
    assert_eq!(event.spans[0].fields["name"], "ada");
}

#[test]
fn async_functions_too_with_the_whole_chain_of_anyhow() {
    let rig = Rig::new();
    rig.block_on(2, async {
        for order in 0..2 {
            assert!(tokio::spawn(ship(order)).await.unwrap().is_err());
            assert!(tokio::spawn(bill(order)).await.unwrap().is_err());
        }
    });
    let events = rig.events();
    assert_eq!(events.len(), 4);
    for (index, event) in events.iter().enumerate() {
        let shipped = index % 2 == 0;
        assert_eq!(event.title, if shipped { "ship parcel" } else { "bill" });
        assert_eq!(event.target, if shipped { "shipping" } else { module_path!() });
        let (full, short) =
            (&["context 2", "context 1", "connection reset"][..], &["context 1", "connection reset"][..]);
        assert_eq!(values(event), if shipped { full } else { short });
        assert_eq!(event.spans[0].fields["order"], index / 2);
    }
}

#[test]
fn a_box_is_no_obstacle_and_a_warn_is_no_event() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let _request = info_span!("request").entered();
        assert!(tolerated().is_err());
        assert!(refuses().is_err());
    });
    let event = rig.event();
    assert_eq!((event.title.as_str(), values(&event)), ("refuses", vec!["not today"]));
    let crumb = &event.breadcrumbs[0];
    assert_eq!((crumb.message.as_str(), &crumb.data["error"]), ("", &"invalid digit found in string".into()));
}

#[test]
fn an_error_on_its_way_up_through_two_functions_is_one_event_with_two_places() {
    #[instrument(err)]
    fn outer() -> Result<(), anyhow::Error> {
        inner().map_err(|error| error.context("outer"))
    }

    #[instrument(err)]
    fn inner() -> Result<(), anyhow::Error> {
        Err(anyhow::anyhow!("inner"))
    }

    let rig = Rig::new();
    rig.on_thread(|| assert!(outer().is_err()));
    let events = rig.delivered();
    assert_eq!(events.iter().map(|event| event.title.as_str()).collect::<Vec<_>>(), ["inner"]);
    assert_eq!(values(&events[0]), ["outer", "inner"]);
    assert_eq!((events[0].logged_at.len(), rig.stats().folded), (2, 1));
    assert!(events[0].breadcrumbs.is_empty(), "its own lines are no steps that led there");
}
