//! The failures: each makes the crate fail for real.

use std::error::Error;
use std::io;

/// An enum as programs write it, by `thiserror`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Shop {
    #[error("could not load the settings")]
    Settings(#[source] Settings),
    #[error("no article {id} in {shop}")]
    NoArticle { id: u32, shop: String },
    #[error(transparent)]
    Any(#[from] anyhow::Error),
    #[error(transparent)]
    File(#[from] io::Error),
    #[error("storage: {0}")]
    Storage(#[from] rusqlite::Error),
    #[error("request refused")]
    Refused {
        #[source]
        source: reqwest::Error,
        attempt: u32,
    },
}

/// A struct with a source.
#[derive(Debug, thiserror::Error)]
#[error("{path} cannot be read")]
pub(crate) struct Settings {
    pub(crate) path: String,
    pub(crate) source: io::Error,
}

/// An enum whose `Display` is written by hand, and that names no source.
#[derive(Debug)]
pub(crate) enum Cache {
    Backend(Backend),
}

#[derive(Debug)]
pub(crate) enum Backend {
    Io(io::Error),
}

impl std::fmt::Display for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the cache is of no use")
    }
}

impl std::fmt::Display for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the backend is gone")
    }
}

impl Error for Cache {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let Self::Backend(backend) = self;
        Some(backend)
    }
}

impl Error for Backend {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let Self::Io(error) = self;
        Some(error)
    }
}

pub(crate) mod by_snafu {
    use snafu::prelude::*;

    #[derive(Debug, Snafu)]
    pub(crate) enum Order {
        #[snafu(display("order {id} was not stored"))]
        Store { id: u32, source: Disk },
    }

    #[derive(Debug, Snafu)]
    pub(crate) enum Disk {
        #[snafu(display("the disk refused {path}"))]
        Open { path: String, source: std::io::Error, backtrace: Option<snafu::Backtrace> },
    }

    pub(crate) fn order() -> Order {
        let path = super::MISSING;
        let opened = std::fs::File::open(path).context(OpenSnafu { path }).context(StoreSnafu { id: 7_u32 });
        opened.unwrap_err()
    }
}

const MISSING: &str = "/no such folder/settings.toml";

pub(crate) fn missing_file() -> io::Error {
    std::fs::File::open(MISSING).unwrap_err()
}

pub(crate) fn settings() -> Shop {
    Shop::Settings(Settings { path: "settings.toml".to_owned(), source: missing_file() })
}

pub(crate) fn in_anyhow() -> anyhow::Error {
    anyhow::anyhow!("connection reset: by peer")
}

pub(crate) fn with_contexts() -> anyhow::Error {
    use anyhow::Context as _;
    Err::<(), _>(settings()).context("loading").context("starting: the second try").unwrap_err()
}

pub(crate) fn in_eyre() -> eyre::Report {
    use eyre::WrapErr as _;
    Err::<(), _>(settings()).wrap_err("loading").wrap_err("starting").unwrap_err()
}

pub(crate) fn in_color_eyre() -> color_eyre::Report {
    use color_eyre::{Section as _, eyre::WrapErr as _};
    let failed = Err::<(), _>(settings()).wrap_err("loading,\nat length").wrap_err("starting").unwrap_err();
    failed.suggestion("try another file").note("files differ")
}

pub(crate) fn in_miette() -> miette::Report {
    use miette::{IntoDiagnostic as _, WrapErr as _};
    Err::<(), _>(settings()).into_diagnostic().wrap_err("loading").unwrap_err()
}

pub(crate) fn no_json() -> serde_json::Error {
    serde_json::from_str::<u32>("\"seven: or so\"").unwrap_err()
}

pub(crate) fn no_table() -> rusqlite::Error {
    let connection = rusqlite::Connection::open_in_memory().unwrap();
    connection.execute("insert into nowhere values (1)", []).unwrap_err()
}

pub(crate) fn no_unique_row() -> rusqlite::Error {
    let connection = rusqlite::Connection::open_in_memory().unwrap();
    connection.execute("create table t (a integer primary key)", []).unwrap();
    connection.execute("insert into t values (1)", []).unwrap();
    connection.execute("insert into t values (1)", []).unwrap_err()
}

/// Of a local port that nobody listens at.
pub(crate) async fn no_answer() -> reqwest::Error {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    reqwest::get(format!("http://127.0.0.1:{port}/pay?key=1")).await.unwrap_err()
}

pub(crate) async fn no_address() -> reqwest::Error {
    reqwest::Client::new().get("nowhere").send().await.unwrap_err()
}

pub(crate) async fn panicked() -> tokio::task::JoinError {
    tokio::spawn(async { panic!("boom: {}", 1) }).await.unwrap_err()
}

pub(crate) async fn cancelled() -> tokio::task::JoinError {
    let task = tokio::spawn(std::future::pending::<()>());
    task.abort();
    task.await.unwrap_err()
}

pub(crate) async fn elapsed() -> tokio::time::error::Elapsed {
    tokio::time::timeout(std::time::Duration::ZERO, std::future::pending::<()>()).await.unwrap_err()
}
