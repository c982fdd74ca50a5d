//! A small service that takes orders and sign-ups, dozens at once, while the services it depends on are late, silent or
//! wrong now and then.
//!
//! `cargo run --example checkout`
//!
//! The two lines of crumbtrail are in `main`; the summary at the end looks at what it made of them. Everything else is what a service has anyway: error types, `?`, log
//! macros, `#[instrument]` and span fields. `RUST_LOG=info` shows the log beside the reports of what failed.

mod accounts;
mod orders;
mod payment;
mod remote;
mod stock;
mod summary;

use std::time::Duration;

use tokio::task::JoinSet;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::prelude::*;

use accounts::SignUp;
use orders::Order;

const REQUESTS: u64 = 300;
/// A request arrives while dozens of others are still being answered.
const PAUSE: Duration = Duration::from_millis(4);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let seen = crumbtrail::Memory::new();
    let (layer, guard) = crumbtrail::from_env()
        .release(crumbtrail::release!())
        .sink(crumbtrail::Console::stderr())
        .sink(seen.clone())
        .build()?;
    let log = EnvFilter::builder().with_default_directive(LevelFilter::OFF.into()).from_env_lossy();
    tracing_subscriber::registry().with(layer).with(tracing_subscriber::fmt::layer().with_filter(log)).init();

    let failed = serve().await;

    guard.handle().flush_async(Duration::from_secs(5)).await?;
    summary::print(REQUESTS, failed, &seen.events(), &guard.stats());
    Ok(())
}

/// Answers all requests and returns how many failed.
async fn serve() -> usize {
    let mut answers = JoinSet::new();
    for number in 1..=REQUESTS {
        answers.spawn(answer(number));
        tokio::time::sleep(PAUSE).await;
    }
    answers.join_all().await.into_iter().filter(|answered| !answered).count()
}

/// Answers one request; false where the client gets a 500. The errors were logged where they happened.
async fn answer(number: u64) -> bool {
    if number.is_multiple_of(4) {
        accounts::sign_up(SignUp::of(number)).await.is_ok()
    } else {
        orders::place(Order::of(number)).await
    }
}
