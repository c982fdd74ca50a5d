//! Stock: asks the warehouse, which answers in plain text; where it is slow the forecast answers, where it is down the
//! other warehouse.

use std::io;
use std::num::ParseIntError;
use std::time::Duration;

use thiserror::Error;
use tokio::time::timeout;
use tracing::{debug, warn};

use crate::remote::{self, Warehouse};

#[derive(Debug, Error)]
pub(crate) enum StockError {
    #[error("no warehouse could be asked for {item:?}")]
    Unreachable { item: &'static str, source: io::Error },
    #[error("the warehouse was asked for {item:?} and answered {answer:?}")]
    Unreadable { item: &'static str, answer: String, source: ParseIntError },
}

/// A warehouse that takes longer is answered for by the forecast.
const PATIENCE: Duration = Duration::from_millis(150);
const LOW: u32 = 40;

/// Reserves one item of an order.
pub(crate) async fn reserve(order: u64, item: &'static str) -> Result<(), StockError> {
    let Ok(answer) = timeout(PATIENCE, ask(order, item)).await else {
        warn!(item, after = ?PATIENCE, "warehouse is slow, going by the forecast");
        return Ok(());
    };
    let answer = answer.map_err(|source| StockError::Unreachable { item, source })?;
    let left: u32 = match answer.parse() {
        Ok(left) => left,
        Err(source) => return Err(StockError::Unreadable { item, answer, source }),
    };
    if left < LOW {
        warn!(item, left, "stock is low");
    }
    debug!(item, left, "reserved");
    Ok(())
}

async fn ask(order: u64, item: &'static str) -> io::Result<String> {
    match remote::warehouse(Warehouse::North, order, item).await {
        Ok(answer) => Ok(answer),
        Err(error) => {
            warn!(item, %error, "warehouse north is down, asking south");
            remote::warehouse(Warehouse::South, order, item).await
        }
    }
}
