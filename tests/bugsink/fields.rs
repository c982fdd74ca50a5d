//! What a `Memory` has of an event, the server has.

use std::error::Error;
use std::io;
use std::panic::{self, AssertUnwindSafe};

use anyhow::Context;
use crumbtrail::{Breadcrumb, EventKind, User};
use serde_json::json;
use thiserror::Error;
use tracing::{Level, error, info_span, warn};

use crate::alike::{all_alike, grouped_alike};
use crate::server::shared;
use crate::{pipeline, told};

#[derive(Debug, Error)]
enum OrderError {
    #[error("the payment could not be taken")]
    Payment(#[source] PaymentError),
    #[error("no article {0}")]
    Article(u32),
}

#[derive(Debug, Error)]
#[error("gave up on the card gateway after {attempts} attempts")]
struct PaymentError {
    attempts: u32,
    source: io::Error,
}

#[test]
fn each_event_is_stored_with_all_that_it_says() {
    let Some(server) = shared() else { return };
    let events = told(pipeline(server.dsn("fields")), || {
        place_an_order(1);
        sign_up();
        crash();
        crumbtrail::capture_error(&OrderError::Article(7));
    });
    // Whatever of this were missing would be alike as well.
    let kinds: Vec<_> = events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::Error, EventKind::Error, EventKind::Panic, EventKind::Error]);
    let order = &events[0];
    assert_eq!((order.chain.len(), order.breadcrumbs.len(), order.tags.len()), (3, 4, 2), "{order:#?}");
    assert!(order.user.is_some() && order.request.is_some() && order.release.is_some(), "{order:#?}");
    assert!(events[1].chain.len() == 3 && !events[2].handled, "{events:#?}");
    all_alike(&server.stores("fields", events.len()), &events);
}

#[test]
fn an_issue_there_is_a_fingerprint_here() {
    let Some(server) = shared() else { return };
    let events = told(pipeline(server.dsn("grouping")), || {
        for number in 0..4 {
            place_an_order(number);
            let _span = info_span!("restock").entered();
            let error = io::Error::other(format!("shelf {number} is full"));
            error!(error = &error as &dyn Error, "{number} kettles could not be put away");
            error!(error = %error, fingerprint = "our own", "whatever it says: {number}");
            error!(error = %OrderError::Article(number), fingerprint = "our own", "and wherever");
        }
    });
    let stored = server.stores("grouping", events.len());
    all_alike(&stored, &events);
    grouped_alike(&stored);
    let mut issues: Vec<_> = stored.iter().map(|event| &event.issue).collect();
    issues.sort();
    issues.dedup();
    assert_eq!((stored.len(), issues.len()), (16, 3), "{events:#?}");
}

/// A typed chain, with all that spans and calls say of who was hit.
fn place_an_order(number: u32) {
    let request = info_span!(
        "request",
        user.id = 1025,
        user.email = "ada@example.com",
        tags.method = "card",
        http.request.method = "POST",
        url.path = "/orders/25",
        http.route = "/orders/{id}",
    );
    let _request = request.entered();
    let _checkout = info_span!("checkout", order = number, voucher = "spring sale").entered();
    crumbtrail::set_tag("plan", "pro");
    crumbtrail::set_user(User::new("1025").username("ada").ip_address("203.0.113.7"));
    crumbtrail::set_context("cart", json!({ "items": 3, "currency": "EUR", "codes": ["a", null, 1.5] }));
    warn!(item = "tray", left = 24, low = true, share = 0.25, "stock is low");
    crumbtrail::add_breadcrumb(
        Breadcrumb::new("voucher redeemed").category("cart").level(Level::DEBUG).data("percent", 15),
    );
    for attempt in 1..=2 {
        warn!(attempt, error = %io::Error::from(io::ErrorKind::BrokenPipe), "card gateway failed");
    }
    let source = io::Error::from_raw_os_error(110);
    let error = OrderError::Payment(PaymentError { attempts: 3, source });
    error!(error = &error as &dyn Error, cents = 1415, "checkout failed");
}

/// A chain that is only known by its text.
fn sign_up() {
    let _span = info_span!("sign_up", user.id = "7").entered();
    let error = "1990-07-14".parse::<u16>().context("no year of birth").context("no profile").unwrap_err();
    error!("signing up failed: {error:#}");
}

fn crash() {
    let _span = info_span!("crash").entered();
    warn!("the ice is thin");
    let crashed = panic::catch_unwind(AssertUnwindSafe(|| panic!("the ice broke at {}", 3)));
    assert!(crashed.is_err());
}
