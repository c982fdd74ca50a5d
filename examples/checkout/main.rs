//! A small service that takes orders and sign-ups, dozens at once, while the services it depends on are late, silent or
//! wrong now and then. It is deployed twice: as release `9f2c1aa`, and as `abc123`, which asks Google for its new kind of
//! profiles. Then whoever is on duty looks at what broke.
//!
//! `cargo run --example checkout`
//!
//! The two lines of crumbtrail are in `serve`; each deployment is a process of its own, and both keep their issues in one
//! store, whose page is printed at the end. Everything else is what a service has anyway: error types, `?`, log macros,
//! `#[instrument]` and span fields. `RUST_LOG=info` shows the log as well; a path as argument says where the store is to be.

mod accounts;
mod orders;
mod payment;
mod remote;
mod stock;
mod summary;

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use crumbtrail::view::{Colour, Filter, Form, Sort, View};
use tokio::task::JoinSet;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::prelude::*;

use accounts::SignUp;
use orders::Order;

const REQUESTS: u64 = 960;
/// A request arrives while dozens of others are still being answered.
const PAUSE: Duration = Duration::from_millis(3);
/// The releases, and the version of Google's interface that each asks for.
const DEPLOYMENTS: [(&str, &str); 2] = [("9f2c1aa", "1"), ("abc123", "2")];

fn main() -> anyhow::Result<()> {
    if env::var_os("SERVE").is_some() {
        return serve();
    }
    let named = env::args_os().nth(1).map(PathBuf::from);
    let store = named.unwrap_or_else(|| {
        env::temp_dir().join(format!("crumbtrail-checkout-{}", std::process::id())).join("checkout.db")
    });
    for (release, google_version) in DEPLOYMENTS {
        deploy(release, google_version, &store)?;
    }
    look(&store)
}

/// Runs the service as a release, to its end.
fn deploy(release: &str, google_version: &str, store: &Path) -> anyhow::Result<()> {
    let service = Command::new(env::current_exe()?)
        .env("SERVE", "1")
        .env("SENTRY_RELEASE", release)
        .env("GOOGLE_VERSION", google_version)
        .env("CRUMBTRAIL_STORE", store)
        .status()
        .context("the service could not be started")?;
    ensure!(service.success(), "the service {release} ended with {service}");
    Ok(())
}

/// The service itself.
#[tokio::main]
async fn serve() -> anyhow::Result<()> {
    let (layer, guard) = crumbtrail::from_env().release(crumbtrail::release!()).build()?;
    let log = EnvFilter::builder().with_default_directive(LevelFilter::OFF.into()).from_env_lossy();
    tracing_subscriber::registry().with(layer).with(tracing_subscriber::fmt::layer().with_filter(log)).init();

    let failed = answer_all().await;

    guard.handle().flush_async(Duration::from_secs(5)).await?;
    summary::print(REQUESTS, failed, &guard.stats());
    Ok(())
}

/// What `crumbtrail issues` and `crumbtrail show` print.
#[expect(clippy::print_stdout, reason = "it is what the example is run for")]
fn look(store: &Path) -> anyhow::Result<()> {
    let view = View::open(store)?.colour(Colour::Auto);
    println!("\n$ crumbtrail issues --sort users\n{}", view.issues(&by_users())?);
    let id = worst_sign_up(store)?;
    println!("$ crumbtrail show {id}\n{}", view.show(&id, 1)?);
    println!("look further:  cargo run --features cli -- --store {}", store.display());
    Ok(())
}

/// The name of the issue that kept most people from signing up.
fn worst_sign_up(store: &Path) -> anyhow::Result<String> {
    let mut sign_ups = by_users();
    (sign_ups.text, sign_ups.limit) = (Some("sign_up".to_owned()), Some(1));
    let found = View::open(store)?.form(Form::Json).issues(&sign_ups)?;
    let issue: serde_json::Value = serde_json::from_str(&found).context("no sign-up failed")?;
    let id = issue.get("id").and_then(|id| id.as_str()).context("an issue has an id")?;
    Ok(id.chars().take(8).collect())
}

fn by_users() -> Filter {
    let mut filter = Filter::default();
    filter.sort = Sort::Users;
    filter
}

/// Answers all requests and returns how many failed.
async fn answer_all() -> usize {
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
