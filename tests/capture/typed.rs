//! Errors that are handed over as errors.

use std::error::Error;
use std::fmt;

use tracing::{error, info_span, warn};

use crumbtrail::EventKind;

use crate::errors::{Checkout, payment, types, values, with_contexts};
use crate::rig::{Rig, named, trail};

#[test]
fn an_error_in_any_field_is_the_events_whatever_its_name() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let failed = payment();
        error!(error = &failed as &dyn Error, "as error");
        error!(whatever = &failed as &dyn Error, "as whatever");
        error!(first = 1, message = &failed as &dyn Error);
        error!(error = "a text", typed = &failed as &dyn Error, "typed outranks named");
        error!(typed = &failed as &dyn Error, error = "a text", "in either order");
    });
    let events = rig.events();
    assert_eq!(events.len(), 5);
    for event in &events {
        let io = std::io::Error::from_raw_os_error(110).to_string();
        assert_eq!(values(event), ["payment failed", "gateway pay-3 gave no answer", &io]);
        assert_eq!(types(event), [Some("Payment"), Some("Gateway"), Some("io::Error")]);
        assert_eq!((event.value.as_str(), event.chain_cut), ("payment failed", false));
        assert_eq!((event.kind, event.handled), (EventKind::Error, true));
    }
    assert_eq!(events[1].fields["whatever"], "payment failed");
    assert_eq!(events[2].message.as_deref(), Some("payment failed"));
    assert_eq!(events[2].title, "payment failed");
    assert_eq!(events[3].fields["error"], "a text");
}

#[test]
fn the_first_of_two_errors_is_the_events_and_the_other_stays_a_field() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let (first, second) = (std::io::Error::other("first"), std::io::Error::other("second"));
        error!(a = &first as &dyn Error, b = &second as &dyn Error, "failed");
    });
    let event = rig.event();
    assert_eq!(values(&event), ["first"]);
    assert_eq!(event.fields["b"], "second");
}

#[test]
fn boxes_and_wrappers_show_what_is_in_them() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let boxed: Box<dyn Error> = Box::new(payment());
        error!(error = &*boxed, "box");
        let shared: Box<dyn Error + Send + Sync> = "only a text".into();
        error!(error = &*shared as &dyn Error, "text in a box");
        let any = with_contexts(2);
        let any: &(dyn Error + 'static) = any.as_ref();
        error!(error = any, "anyhow");
        let transparent = Checkout::from(with_contexts(1));
        error!(error = &transparent as &dyn Error, "transparent");
        error!(error = &Outside(Inside) as &dyn Error, "two at one address");
        let custom = std::io::Error::new(std::io::ErrorKind::InvalidData, payment());
        error!(error = &custom as &dyn Error, "custom");
    });
    let events = rig.events();
    assert_eq!(named(&events, "box").chain.len(), 3);
    assert_eq!(values(named(&events, "text in a box")), ["only a text"]);
    assert_eq!(types(named(&events, "text in a box")), [None]);
    assert_eq!(values(named(&events, "anyhow")), ["context 2", "context 1", "connection reset"]);
    assert_eq!(values(named(&events, "transparent")), ["context 1", "connection reset"]);
    let two = named(&events, "two at one address");
    assert_eq!((values(two), two.chain_cut), (vec!["outside", "inside"], false));
    // `io::Error` passes its inner error's text on, and names that one's source as its own.
    assert_eq!(values(named(&events, "custom"))[..2], ["payment failed", "gateway pay-3 gave no answer"]);
    assert_eq!(types(named(&events, "custom"))[0], Some("io::Error"));
}

#[test]
fn types_are_named_by_their_debug_form() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let number = "seven".parse::<u32>().unwrap_err();
        error!(error = &number as &dyn Error, "a struct");
        error!(error = &Checkout::OutOfStock as &dyn Error, "a bare variant");
        let article = Checkout::NoArticle { id: 7, shop: "north".to_owned() };
        error!(error = &article as &dyn Error, "a variant with fields");
        error!(error = &std::fmt::Error as &dyn Error, "a unit");
    });
    let events = rig.events();
    let type_name = |name: &str| types(named(&events, name))[0];
    assert_eq!(type_name("a struct"), Some("ParseIntError"));
    assert_eq!(type_name("a bare variant"), Some("OutOfStock"));
    assert_eq!(type_name("a variant with fields"), Some("NoArticle"));
    assert_eq!(type_name("a unit"), Some("Error"));
    assert_eq!(values(named(&events, "a variant with fields")), ["no article 7 in north"]);
}

#[test]
fn an_error_that_is_handed_over_needs_no_log_line() {
    let rig = Rig::new();
    let line = rig.on_thread(|| {
        let _span = info_span!("work", order = 17).entered();
        warn!("before");
        let line = line!() + 1;
        let id = crumbtrail::capture_error(&payment());
        assert_eq!(crumbtrail::last_event_id(), id);
        line
    });
    let event = rig.event();
    assert_eq!(values(&event).len(), 3);
    assert_eq!((event.file.as_deref(), event.line), (Some(file!()), Some(line)));
    assert_eq!((event.message.as_deref(), event.title.as_str()), (None, "Payment"));
    assert_eq!((event.culprit.as_str(), trail(&event)), ("work", vec!["before"]));
    assert_eq!(event.spans[0].fields["order"], 17);
}

#[test]
fn an_error_line_is_a_breadcrumb_of_the_next_one() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let _span = info_span!("work").entered();
        error!(error = &payment() as &dyn Error, attempt = 1, "first");
        error!("no error in it");
        error!(error = &payment() as &dyn Error, "second");
    });
    let events = rig.events();
    assert_eq!(events.len(), 2);
    assert_eq!(trail(&events[0]), [""; 0]);
    assert_eq!(trail(&events[1]), ["first", "no error in it"]);
    let crumb = &events[1].breadcrumbs[0];
    assert_eq!((crumb.kind, crumb.level), (crumbtrail::BreadcrumbKind::Error, tracing::Level::ERROR));
    assert_eq!((&crumb.data["error"], &crumb.data["attempt"]), (&"payment failed".into(), &1.into()));
}

#[test]
fn an_error_line_without_an_error_is_counted_and_no_event() {
    let rig = Rig::new();
    rig.on_thread(|| {
        error!("nothing but words");
        error!(code = 5, error = 404, err = true, error_kind = "timeout", "classified, but no error");
        error!(e = 1.5, cause = tracing::field::Empty, "numbers are none");
        warn!(error = &payment() as &dyn Error, "a WARN is a breadcrumb, whatever it carries");
    });
    assert_eq!(rig.events().len(), 0);
    assert_eq!(rig.stats().errors_without_error, 3);
}

/// An error without size, in another one without size: both at one address.
#[derive(Debug)]
struct Outside(Inside);

#[derive(Debug)]
struct Inside;

impl fmt::Display for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("outside")
    }
}

impl Error for Outside {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

impl fmt::Display for Inside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("inside")
    }
}

impl Error for Inside {}
