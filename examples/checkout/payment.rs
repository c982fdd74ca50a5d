//! Payment: cards go through a gateway, which is tried a few times; wallets hold points, changed at the day's rate.

use std::io;
use std::time::Duration;

use thiserror::Error;
use tokio::time::{error::Elapsed, sleep, timeout};
use tracing::{debug, instrument, warn};

use crate::orders::Order;
use crate::remote;

/// How a customer pays.
#[derive(Clone, Copy)]
pub(crate) enum Method {
    Card,
    Wallet,
}

#[derive(Debug, Error)]
pub(crate) enum PaymentError {
    #[error("gave up on the card gateway after {attempts} attempts")]
    GaveUp { attempts: u32, source: GatewayError },
    #[error("the wallet refused {points} points")]
    Refused { points: u64, source: io::Error },
}

#[derive(Debug, Error)]
pub(crate) enum GatewayError {
    #[error("no answer within {DEADLINE:?}")]
    Silent(#[from] Elapsed),
    #[error("the connection broke")]
    Broken(#[from] io::Error),
}

/// Points for 100 cents.
const YESTERDAYS_RATE: u64 = 97;
const ATTEMPTS: u32 = 3;
const DEADLINE: Duration = Duration::from_millis(100);
const BACK_OFF: Duration = Duration::from_millis(15);

/// Takes the payment of an order.
#[instrument(skip_all, fields(cents = order.cents))]
pub(crate) async fn charge(order: &Order) -> Result<(), PaymentError> {
    match order.method {
        Method::Card => charge_card(order).await,
        Method::Wallet => charge_wallet(order).await,
    }
}

async fn charge_wallet(order: &Order) -> Result<(), PaymentError> {
    let rate = remote::rate(order.number).await.unwrap_or_else(|error| {
        warn!(%error, rate = YESTERDAYS_RATE, "no rate of today, taking yesterday's");
        YESTERDAYS_RATE
    });
    let points = order.cents * rate / 100;
    remote::wallet(order.number, rate).await.map_err(|source| PaymentError::Refused { points, source })
}

async fn charge_card(order: &Order) -> Result<(), PaymentError> {
    let mut attempt = 1;
    loop {
        match ask_gateway(order, attempt).await {
            Ok(()) => break,
            Err(source) if attempt == ATTEMPTS => {
                return Err(PaymentError::GaveUp { attempts: ATTEMPTS, source });
            }
            Err(error) => warn!(attempt, %error, "card gateway failed, trying again"),
        }
        sleep(BACK_OFF * attempt).await;
        attempt += 1;
    }
    debug!(attempt, "card charged");
    Ok(())
}

async fn ask_gateway(order: &Order, attempt: u32) -> Result<(), GatewayError> {
    timeout(DEADLINE, remote::gateway(order.number, attempt)).await??;
    Ok(())
}

impl Method {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Wallet => "wallet",
        }
    }
}
