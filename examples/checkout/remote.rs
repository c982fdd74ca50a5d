//! The services that a checkout depends on, played without a network: how late each answers, and whether, is decided
//! by the request's number, so that every run fails in the same places.

use std::io::{Error, ErrorKind, Result};
use std::time::Duration;

use tokio::time::sleep;

#[derive(Clone, Copy)]
pub(crate) enum Warehouse {
    North,
    South,
}

/// A warehouse says how many of an item are left, as text.
pub(crate) async fn warehouse(warehouse: Warehouse, order: u64, item: &str) -> Result<String> {
    let dice = Dice::of(item, order);
    late(if dice.one_in(50) { 180 } else { 5 + dice.below(25) }).await;
    match (warehouse, dice.below(400)) {
        (_, 0) | (Warehouse::North, 1..=6) => {
            Err(Error::new(ErrorKind::ConnectionRefused, "connection refused"))
        }
        (Warehouse::South, 1..=3) => Ok("n/a".to_owned()),
        (_, left) => Ok(left.to_string()),
    }
}

/// The card gateway has bad moments: who meets one meets it again at the next attempt.
pub(crate) async fn gateway(order: u64, attempt: u32) -> Result<()> {
    let (moment, now) = (Dice::of("moment", order), Dice::of("gateway", order * 10 + u64::from(attempt)));
    late(8 + now.below(25)).await;
    match moment.below(60) {
        0 if now.one_in(3) => Err(Error::new(ErrorKind::ConnectionReset, "connection reset by peer")),
        0 => std::future::pending().await,
        1..=7 if attempt == 1 => Err(Error::new(ErrorKind::BrokenPipe, "broken pipe")),
        _ => Ok(()),
    }
}

/// Today's rate, in points for 100 cents.
pub(crate) async fn rate(order: u64) -> Result<u64> {
    let dice = Dice::of("rate", order);
    late(5 + dice.below(10)).await;
    if dice.one_in(20) {
        return Err(Error::new(ErrorKind::UnexpectedEof, "the exchange hung up"));
    }
    Ok(100)
}

/// A wallet takes a charge, unless the rate is too far from its own.
pub(crate) async fn wallet(order: u64, rate: u64) -> Result<()> {
    let dice = Dice::of("wallet", order);
    late(10 + dice.below(30)).await;
    if rate < 100 && dice.one_in(2) {
        return Err(Error::new(ErrorKind::InvalidInput, "quoted at 97, the rate is 100"));
    }
    Ok(())
}

/// A provider of identities says an address and a year of birth, or that the token has run out. The second version of
/// Google's interface sends whole dates for the people who allow it.
pub(crate) async fn provider(provider: &str, sign_up: u64, attempt: u32) -> Result<String> {
    let dice = Dice::of("profile", sign_up);
    late(15 + dice.below(30)).await;
    let (address, year) = (format!("user{sign_up}@example.com"), 1950 + dice.below(60));
    let whole_dates = version(provider) == 2;
    Ok(match dice.below(40) {
        0..=5 if attempt == 1 => "expired".to_owned(),
        0..=23 if whole_dates => format!("{address} {year}-07-14"),
        _ => format!("{address} {year}"),
    })
}

/// The version of a provider's interface that this deployment asks for.
pub(crate) fn version(provider: &str) -> u32 {
    let google = || std::env::var("GOOGLE_VERSION").ok()?.parse().ok();
    if provider == "google" { google().unwrap_or(1) } else { 1 }
}

/// How many accounts the store has room for.
pub(crate) async fn free_accounts(sign_up: u64) -> u64 {
    late(3).await;
    match Dice::of("free", sign_up).below(60) {
        0 => 0,
        1..=3 => 80,
        _ => 40_000,
    }
}

/// Stores an account and returns its number.
pub(crate) async fn open_account(sign_up: u64, free: u64) -> Result<u64> {
    late(5).await;
    if free == 0 {
        return Err(Error::new(ErrorKind::StorageFull, "no space left on device"));
    }
    Ok(50_000 + sign_up)
}

/// A mail server takes a receipt, unless it is greylisting.
pub(crate) async fn mail(order: u64) -> Result<()> {
    let dice = Dice::of("mail", order);
    late(5 + dice.below(5)).await;
    if dice.one_in(60) {
        return Err(Error::new(ErrorKind::ConnectionRefused, "451 try again later"));
    }
    Ok(())
}

async fn late(ms: u64) {
    sleep(Duration::from_millis(ms)).await;
}

/// Chance that depends on nothing but a name and a number.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn of(what: &str, number: u64) -> Self {
        Self(what.bytes().fold(mix(number ^ SEED), |seed, byte| mix(seed ^ u64::from(byte))))
    }

    /// One of the numbers below `sides`.
    pub(crate) fn below(&self, sides: u64) -> u64 {
        mix(self.0 ^ sides) % sides
    }

    pub(crate) fn one_in(&self, sides: u64) -> bool {
        self.below(sides) == 0
    }
}

/// Another seed, other failures.
const SEED: u64 = 8_000;

/// Spreads every bit of a number over all of them.
fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    let number = (number ^ (number >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    number ^ (number >> 32)
}
