//! `on_error`, `before_send`, `before_breadcrumb`.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crumbtrail::{Dropped, Fingerprint, Lost, Verdict};
use serde_json::json;
use tracing::{Level, error, info_span, warn};

use crate::errors::{Checkout, payment};
use crate::one;
use crate::rig::{Rig, named};
use crate::support::{child, role};

fn fail(error: &(dyn Error + 'static), message: &str) {
    error!(error, "{message}");
}

#[test]
fn on_error_has_the_error_itself_and_decides() {
    let rig = Rig::with(|builder| {
        builder.on_error(|error, draft| match error.downcast_ref::<Checkout>() {
            Some(Checkout::OutOfStock) => Verdict::Drop,
            Some(Checkout::NoArticle { id, shop }) => {
                draft.set_tag("shop", shop.as_str());
                draft.set_context("article", json!({ "id": id }));
                draft.set_level(Level::WARN);
                draft.set_fingerprint("no article");
                Verdict::Track
            }
            Some(Checkout::Payment(gateway)) if gateway.host == "pay-3" => Verdict::Demote,
            _ => Verdict::Track,
        })
    });
    rig.on_thread(|| {
        let _span = info_span!("work").entered();
        fail(&Checkout::OutOfStock, "dropped");
        fail(&payment(), "demoted");
        fail(&Checkout::NoArticle { id: 7, shop: "north".to_owned() }, "told more of");
        crumbtrail::capture_error(&Checkout::OutOfStock);
    });
    let event = one(&rig);
    assert_eq!(event.tags["shop"], "north");
    assert_eq!(event.contexts["article"], json!({ "id": 7 }));
    assert_eq!((event.level, &event.fingerprint), (Level::WARN, &Fingerprint::from("no article")));
    let crumbs: Vec<_> = event.breadcrumbs.iter().map(|crumb| crumb.message.as_str()).collect();
    assert_eq!(crumbs, ["demoted"], "what is dropped is as if it were not there");
    assert_eq!(rig.stats().dropped[&Dropped::Verdict], 3);
}

#[test]
fn on_error_is_told_where_the_line_stands() {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let sees = Arc::clone(&seen);
    let rig = Rig::with(move |builder| {
        builder.on_error(move |error, draft| {
            sees.lock().unwrap().push((draft.target().to_owned(), error.to_string()));
            Verdict::Track
        })
    });
    rig.on_thread(|| error!(target: "shop::cart", error = &Checkout::OutOfStock as &dyn Error, "failed"));
    assert_eq!(rig.delivered().len(), 1);
    assert_eq!(*seen.lock().unwrap(), [("shop::cart".to_owned(), "out of stock".to_owned())]);
}

#[test]
fn on_error_is_not_asked_about_texts_and_stats_say_how_many() {
    let asked = Arc::new(AtomicU64::new(0));
    let counts = Arc::clone(&asked);
    let rig = Rig::with(move |builder| {
        builder.on_error(move |_, _| {
            counts.fetch_add(1, Ordering::Relaxed);
            Verdict::Drop
        })
    });
    rig.on_thread(|| {
        error!(error = %payment(), "by display");
        error!(error = ?payment(), "by debug");
        error!("in the message: {}", payment());
    });
    assert_eq!(rig.delivered().len(), 3);
    assert_eq!((asked.load(Ordering::Relaxed), rig.stats().unjudged), (0, 3));
}

#[test]
fn before_send_changes_an_event_or_drops_it() {
    let rig = Rig::with(|builder| {
        builder.before_send(|mut event| {
            event.tags.insert("region".to_owned(), "eu".to_owned());
            event.message = event.message.map(|message| message.replace("secret", "…"));
            (event.value != "out of stock").then_some(event)
        })
    });
    rig.on_thread(|| {
        fail(&Checkout::OutOfStock, "dropped");
        fail(&payment(), "with a secret in it");
    });
    let event = one(&rig);
    assert_eq!((event.tags["region"].as_str(), event.title.as_str()), ("eu", "with a … in it"));
    assert_eq!(rig.stats().dropped[&Dropped::BeforeSend], 1);
}

/// What is taken out of the message is in no other place of ours, and what a hook says holds.
#[test]
fn before_send_has_the_finished_event_and_its_word_holds() {
    let rig = Rig::with(|builder| {
        builder.before_send(|mut event| {
            assert!(event.title.starts_with("paid by card") && !event.fingerprint.parts().is_empty());
            event.title = "no money".to_owned();
            event.message = Some("paid by card".to_owned());
            event.logged_at.clear();
            Some(event)
        })
    });
    // Put together here, since the event shows its source.
    let card = "41 11".replace(' ', "");
    rig.on_thread(|| error!(error = &payment() as &dyn Error, "paid by card {card}"));
    let event = one(&rig);
    assert_eq!(event.title, "no money");
    let places: Vec<_> = event.logged_at.iter().map(|place| place.message.as_deref()).collect();
    assert_eq!(places, [Some("paid by card")]);
    let whole = format!("{event:#?}");
    assert!(!whole.contains("4111"), "{whole}");
}

#[test]
fn before_breadcrumb_changes_a_breadcrumb_or_drops_it() {
    let rig = Rig::with(|builder| {
        builder.before_breadcrumb(|mut crumb| {
            crumb.message.make_ascii_uppercase();
            (!crumb.data.contains_key("noise")).then_some(crumb)
        })
    });
    rig.on_thread(|| {
        let _span = info_span!("work").entered();
        warn!("kept");
        warn!(noise = true, "left out");
        fail(&payment(), "failed");
    });
    let event = one(&rig);
    let crumbs: Vec<_> = event.breadcrumbs.iter().map(|crumb| crumb.message.as_str()).collect();
    assert_eq!(crumbs, ["KEPT"]);
}

/// What a hook was to take out may be secret: what it panicked on goes nowhere.
#[test]
fn a_hook_that_panics_costs_its_event_and_no_other() {
    const NAME: &str = "hooks::a_hook_that_panics_costs_its_event_and_no_other";
    if role().is_none() {
        let ended = child("host", NAME).run().succeeded();
        let said = |what: &str| ended.stderr.lines().filter(|line| line.contains(what)).count();
        assert_eq!(said("crumbtrail: on_error panicked"), 1, "{}", ended.stderr);
        assert_eq!(said("crumbtrail: a hook panicked"), 1, "{}", ended.stderr);
        return;
    }
    let rig = Rig::with(|builder| {
        builder
            .on_error(|error, _| {
                assert_ne!(error.to_string(), "out of stock", "the hook's own fault");
                Verdict::Track
            })
            .before_send(|event| {
                assert_ne!(event.message.as_deref(), Some("send"), "the hook's own fault");
                Some(event)
            })
            .before_breadcrumb(|crumb| {
                assert_ne!(crumb.message, "crumb", "the hook's own fault");
                Some(crumb)
            })
    });
    rig.on_thread(|| {
        for _ in 0..2 {
            fail(&Checkout::OutOfStock, "error");
            fail(&payment(), "send");
        }
        info_span!("work").in_scope(|| {
            warn!("crumb");
            fail(&payment(), "with it");
        });
        info_span!("work").in_scope(|| fail(&payment(), "well"));
    });
    let events = rig.delivered();
    assert_eq!(events.len(), 1);
    assert_eq!(named(&events, "well").value, "payment failed");
    assert_eq!(rig.stats().lost[&Lost::HookPanicked], 5);
}

#[test]
fn what_a_hook_logs_is_not_followed() {
    let rig = Rig::with(|builder| {
        builder
            .on_error(|_, _| {
                error!(error = "from the hook", "on_error");
                Verdict::Track
            })
            .before_send(|event| {
                error!(error = "from the hook", "before_send");
                Some(event)
            })
    });
    rig.on_thread(|| fail(&payment(), "failed"));
    // Under a scoped subscriber `tracing` itself follows nothing; `tests/layer/reentry.rs` has a global one.
    assert_eq!(rig.delivered().len(), 1);
}
