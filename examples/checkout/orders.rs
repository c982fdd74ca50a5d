//! Orders: reserve what was ordered, then take the payment.

use std::error::Error;

use thiserror::Error;
use tokio::task::{JoinError, JoinSet};
use tracing::{Instrument, error, info, instrument};

use crate::payment::{self, Method, PaymentError};
use crate::remote::{self, Dice};
use crate::stock::{self, StockError};

/// What a customer wants.
pub(crate) struct Order {
    pub(crate) number: u64,
    pub(crate) customer: u64,
    pub(crate) items: Vec<&'static str>,
    pub(crate) cents: u64,
    pub(crate) method: Method,
}

#[derive(Debug, Error)]
enum OrderError {
    #[error("the goods could not be reserved")]
    Goods(#[source] StockError),
    #[error("a reservation did not end")]
    Reservation(#[source] JoinError),
    #[error("the payment could not be taken")]
    Payment(#[source] PaymentError),
}

/// Takes an order; false where it failed.
#[instrument(
    name = "checkout",
    skip_all,
    fields(
        order = order.number,
        user.id = order.customer,
        tags.method = order.method.name(),
        http.request.method = "POST",
        http.route = "/orders",
    )
)]
pub(crate) async fn place(order: Order) -> bool {
    match fulfil(&order).await {
        Ok(()) => {
            info!(cents = order.cents, "order placed");
            send_receipt(&order).await;
            true
        }
        Err(error) => {
            error!(error = &error as &dyn Error, cents = order.cents, "checkout failed");
            false
        }
    }
}

/// The order stands, whether the customer hears of it or not.
async fn send_receipt(order: &Order) {
    if let Err(error) = remote::mail(order.number).await {
        error!("the receipt for order {} could not be sent: {error}", order.number);
    }
}

async fn fulfil(order: &Order) -> Result<(), OrderError> {
    reserve_all(order).await?;
    payment::charge(order).await.map_err(OrderError::Payment)
}

/// Reserves all items at once, each in a task of its own.
async fn reserve_all(order: &Order) -> Result<(), OrderError> {
    let mut reservations = JoinSet::new();
    for item in &order.items {
        reservations.spawn(stock::reserve(order.number, item).in_current_span());
    }
    while let Some(reservation) = reservations.join_next().await {
        reservation.map_err(OrderError::Reservation)?.map_err(OrderError::Goods)?;
    }
    Ok(())
}

impl Order {
    /// The order that comes with the request of this number.
    pub(crate) fn of(number: u64) -> Self {
        const GOODS: [&str; 5] = ["kettle", "teapot", "cup", "spoon", "tray"];
        let dice = Dice::of("order", number);
        let (first, count) = (dice.below(3) as usize, 1 + dice.below(4) as usize);
        Self {
            number,
            customer: 1_000 + number % 90,
            items: GOODS.into_iter().skip(first).take(count).collect(),
            cents: 490 + number * 37 % 9_000,
            method: if number.is_multiple_of(3) { Method::Wallet } else { Method::Card },
        }
    }
}
