//! The failures of a shop, as its program logs them.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::{Duration, SystemTime};

use tracing::{error, error_span, info_span, warn};

use crate::rig::LONG;
use crate::support::until;

/// The payment could not be taken.
#[derive(Debug)]
struct Payment(io::Error);

impl fmt::Display for Payment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the payment could not be taken")
    }
}

impl Error for Payment {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

/// So many orders whose payment fails, of as many customers.
pub(crate) fn orders(number: u64) {
    (1..=number).for_each(order);
}

/// One of them.
pub(crate) fn order(customer: u64) {
    let span = info_span!("order", user.id = customer, tags.method = "card", http.route = "/orders");
    let _entered = span.entered();
    warn!(attempt = 1, "card gateway failed, trying again");
    let error = Payment(io::Error::other("the connection broke"));
    error!(error = &error as &dyn Error, cents = 1_415, "checkout failed");
}

/// So many sign-ups that fail, of as many people.
pub(crate) fn sign_ups(number: u64) {
    (1..=number).for_each(sign_up);
}

/// One of them.
pub(crate) fn sign_up(person: u64) {
    let _entered = error_span!("sign_up", user.id = 1_000 + person, tags.provider = "google").entered();
    let error = "19?7".parse::<u16>().unwrap_err();
    error!(error = &error as &dyn Error, "sign-up failed");
}

/// A sign-up that goes well.
pub(crate) fn signed_up(person: u64) {
    drop(error_span!("sign_up", user.id = person, tags.provider = "mail").entered());
}

/// What is read on the first page of the docs.
pub(crate) fn a_day() {
    orders(3);
    later();
    sign_ups(2);
}

/// Waits until what follows has another time than what was before.
pub(crate) fn later() {
    let begun = SystemTime::now();
    until(LONG, || begun.elapsed().is_ok_and(|passed| passed > CLOCK));
}

/// Longer than the clock of events stands still.
const CLOCK: Duration = Duration::from_millis(20);
