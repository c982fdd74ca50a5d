//! Lines written after the habits of 42 applications: each is logged twice, with other values or with another failure,
//! and says what it is called and how many issues that makes.

use std::error::Error;
use std::fmt::Write;

use tracing::{error, info_span, instrument};

use crate::errors::*;
use crate::rig::{issues, rig};

struct Row {
    application: &'static str,
    /// Logs once, for the occurrence 0 or 1.
    log: fn(usize),
    /// What the first occurrence is called.
    title: &'static str,
    issues: usize,
}

const fn one(application: &'static str, title: &'static str, log: fn(usize)) -> Row {
    Row { application, log, title, issues: 1 }
}

const fn two(application: &'static str, title: &'static str, log: fn(usize)) -> Row {
    Row { application, log, title, issues: 2 }
}

#[instrument(err)]
fn compact(layer: u64, n: usize) -> anyhow::Result<()> {
    let _ = layer;
    Err(unreadable(n))
}

#[instrument(err(Debug), skip_all)]
fn load_session(n: usize) -> Result<(), Store> {
    Err(either(n))
}

fn rows() -> Vec<Row> {
    vec![
        one("crates-io", "Failed to send webhook to https://crates.example/api/v1/serde?[Filtered]", |n| {
            error!("Failed to send webhook to {}: {}", url(n), refused());
        }),
        two("crates-io", "failed to commit the index", |n| {
            let err = os([2, 13][n]);
            error!(error = %err, "failed to commit the index: {err}");
        }),
        one("docs.rs", "failed to build the crate's documentation", |n| {
            let err = unreadable(n);
            error!(?err, krate = %uuid(n), "failed to build the crate's documentation");
        }),
        one("bors", "Cannot load permissions for repository 17", |n| {
            let error = timed_out(n);
            error!("Cannot load permissions for repository {}: {error:?}", id(n));
        }),
        one("lemmy", "Could not deliver activity 17", |n| {
            error!("Could not deliver activity {}: {}", id(n), refused());
        }),
        two("linkerd2-proxy", "Server failed to accept connection", |n| {
            let error = os([24, 103][n]);
            error!(%error, "Server failed to accept connection");
        }),
        two("quickwit", "failed to publish split", |n| {
            error!(error = ?either(n), split_id = %uuid(n), "failed to publish split");
        }),
        one("quickwit", "failed to fetch node info", |n| {
            error!(error = %timed_out(n), node = host(n), "failed to fetch node info");
        }),
        one("neon", "could not ingest record at 0/15E1B20", |n| {
            error!("could not ingest record at {}: {:#}", ["0/15E1B20", "0/2A000028"][n], unreadable(n));
        }),
        one("neon", "compact", |n| {
            compact(id(n), n).unwrap_err();
        }),
        two("neon", "error in page service connection handler", |n| {
            let error = if n == 0 { unreadable(n) } else { timed_out(n) };
            error!("error in page service connection handler: {error:?}");
        }),
        one("vector", "Failed to read a file.", |n| {
            error!(
                message = "Failed to read a file.",
                error = %os(2),
                file = path(n),
                error_type = "reader_failed",
                stage = "receiving",
                internal_log_rate_limit = true,
            );
        }),
        two("vector", "Unable to serialize the event.", |n| {
            let error: Box<dyn Error> = if n == 0 { bad_json(n).into() } else { bad_number(n).into() };
            error!(message = "Unable to serialize the event.", error = ?error, stage = "processing");
        }),
        two("meilisearch", "a batch failed to be processed", |n| {
            let err = either(n);
            error!(error = &err as &dyn Error, batch = id(n), "a batch failed to be processed");
        }),
        one("spacedrive", "Failed to watch location 17", |n| {
            error!("Failed to watch location {}: {:#?}", id(n), no_entry(n));
        }),
        one("tuwunel", "Failed to join !OGEhHVWSdvArJzumhm:matrix.example.org", |n| {
            error!("Failed to join {}: {}", room(n), joined(&lost(n), "; caused by: "));
        }),
        two("tuwunel", "load_session", |n| {
            load_session(n).unwrap_err();
        }),
        one("influxdb", "error writing WAL file", |n| {
            error!(error = %refused(), wal_file_number = id(n), "error writing WAL file");
        }),
        one("risingwave", "failed to recover the cluster", |n| {
            error!(error = %joined(&lost(n), ": "), "failed to recover the cluster");
        }),
        two("risingwave", "actor exit with error", |n| {
            error!(actor_id = id(n), error = ?if n == 0 { corrupt(n) } else { no_entry(n) }, "actor exit with error");
        }),
        one("rerun", "Failed to load \"/var/lib/data/part-0017.parquet\"", |n| {
            error!("Failed to load {:?}: {}", path(n), joined(&lost(n), " -> "));
        }),
        one("greptimedb", "Failed to flush region 17(17, 0)", |n| {
            let mut text = String::new();
            write!(text, "0: Failed to write, at src/flush.rs:1{n}:5\n1: {}, at src/io.rs:22:9", lost(n))
                .unwrap();
            error!(err = ?text, "Failed to flush region {0}({0}, 0)", id(n));
        }),
        one("reth", "Failed to insert block", |n| {
            error!(target: "engine::tree", %n, err = %corrupt(n), block = uuid(n), "Failed to insert block");
        }),
        two("reth", "Fatal error in the database provider", |n| {
            error!(target: "provider", "Fatal error in the database provider: {:?}", either(n));
        }),
        one(
            "apollo router",
            "could not fetch schema from https://crates.example/api/v1/serde?[Filtered]",
            |n| {
                error!("could not fetch schema from {}: {}", url(n), timed_out(n));
            },
        ),
        two("apollo router", "plugin failed", |n| {
            error!(
                error = %if n == 0 { refused().to_string() } else { "HTTP status server error (503 Service Unavailable)".to_owned() },
                "plugin failed"
            );
        }),
        one("matrix-rust-sdk", "Failed to decrypt a room event", |n| {
            error!(room_id = room(n), "Failed to decrypt a room event: {}", bad_number(n));
        }),
        one("svix-webhooks", "Error running queue worker, ch_3MmlLrLkdIwHu7ix0snN0B15", |n| {
            let message = ["ch_3MmlLrLkdIwHu7ix0snN0B15", "msg_2xLpV5cUkq09hYwq1MZaKkT7eRb"][n];
            error!("Error running queue worker, {message}: {}", no_entry(n));
        }),
        two("svix-webhooks", "Could not reach the cache", |n| {
            let err = if n == 0 { refused() } else { os(110) };
            error!(error = &err as &dyn Error, "Could not reach the cache");
        }),
        one("firezone", "Failed to resolve 10.0.4.17:5432", |n| {
            error!("Failed to resolve {}: {:#}", host(n), timed_out(n));
        }),
        two("MAS", "entry 17 not found in orders", |n| {
            let err = either(n);
            error!(message = &err as &dyn Error);
        }),
        one("MAS", "load_upstream_provider", |n| {
            let span = info_span!("load_upstream_provider", id = id(n));
            let _span = span.entered();
            error!(error = %no_entry(n));
        }),
        one("restate", "Partition 17 task failed", |n| {
            error!("Partition {} task failed: {}", id(n), lost(n));
        }),
        one("text-generation-inference", "Shard 17 failed to start: exit status: 101", |n| {
            error!("Shard {} failed to start: exit status: 101", id(n));
        }),
        two("text-generation-inference", "connection to 10.0.4.17:5432 lost", |n| {
            let err = if n == 0 { lost(n) } else { corrupt(n) };
            error!("{err}");
        }),
        one("rust-analyzer", "failed to find sysroot for /var/lib/data/part-0017.parquet", |n| {
            error!("failed to find sysroot for {}: {}", path(n), os(2));
        }),
        two("ruffle", "Couldn't parse movie", |n| {
            if n == 0 {
                error!("Couldn't parse movie: {}", bad_number(n));
            } else {
                error!("Couldn't decode sound {}: {}", id(n), bad_number(n));
            }
        }),
        one("surrealdb", "There was an error writing to wss://10.0.4.17/rpc", |n| {
            error!(
                "There was an error writing to wss://{}/rpc: {}",
                ["10.0.4.17", "db.example.com"][n],
                refused()
            );
        }),
        one("autopush-rs", "Error sending to endpoint", |n| {
            error!("Error sending to endpoint: {:?}", lost(n));
        }),
        two("iroh", "failed to dial relay", |n| {
            error!("failed to dial relay: {:#?}", either(n));
        }),
        two("symbolicator", "Failed to download source", |n| {
            let error = index(n);
            error!(error = &error as &dyn Error, source = host(n), "Failed to download source");
        }),
        one("iggy", "Failed to delete segment 17 of partition 17", |n| {
            error!("Failed to delete segment {0} of partition {0}, error: {1}", id(n), os(2));
        }),
        two("iggy", "Failed to send response", |n| {
            let error = os([32, 104][n]);
            error!("Failed to send response, error: {error}");
        }),
        one("rustfs", "heal object failed", |n| {
            error!(bucket = uuid(n), object = path(n), error = %corrupt(n), "heal object failed");
        }),
        two("rustfs", "notify failed", |n| {
            error!("notify failed: {}", if n == 0 { lost(0).to_string() } else { os(2).to_string() });
        }),
        one("tensorzero", "Error sending request to model provider", |n| {
            error!("Error sending request to model provider: {}", url_error(n));
        }),
        one("chroma", "Failed to compact collection 0191f7c2-4a1b-7c3d-9e5f-0123456789ab", |n| {
            error!("Failed to compact collection {}: {:?}", uuid(n), corrupt(n));
        }),
        two("chroma", "Compaction failed", |n| {
            error!("Compaction failed: {:?}", either(n));
        }),
        one("tabby", "Failed to sync repository https://crates.example/api/v1/serde?[Filtered]", |n| {
            error!("Failed to sync repository {}: {}", url(n), unreadable(n));
        }),
        two("foundry", "failed to get block 17", |n| {
            let err = if n == 0 { refused() } else { os(110) };
            error!(target: "backend", ?err, "failed to get block {}", id(n));
        }),
        one("hickory-dns", "could not register socket 10.0.4.17:5432", |n| {
            error!("could not register socket {}: {}", host(n), os(98));
        }),
        two("zero2prod", "Failed to execute query", |n| {
            error!(error.cause = ?n, e = ?either(n), "Failed to execute query: {:?}", either(n));
        }),
        one("temporal sdk-core", "Error while completing activity", |n| {
            let status =
                ["status: Unavailable, message: \"tcp connect 17\"", "status: Unavailable, message: \"\""][n];
            error!(error = status, task_token = uuid(n), "Error while completing activity");
        }),
        one("uv", "Failed to unpack /var/lib/data/part-0017.parquet", |n| {
            error!("Failed to unpack {}: {}", path(n), os(28));
        }),
        one("loco", "controller_error", |n| {
            let err = no_entry(n);
            error!(error.msg = %err, error.details = ?err, "controller_error");
        }),
        one("openobserve", "[INGESTER:WAL] replay wal file: /var/lib/data/part-0017.parquet", |n| {
            log::error!("[INGESTER:WAL] replay wal file: {}, error: {}", path(n), os(2));
        }),
        two("openobserve", "[SCHEDULER] trigger 17 failed", |n| {
            log::error!("[SCHEDULER] trigger {} failed: {}", id(n), os([2, 13][n]));
        }),
        one("qdrant", "Failed to apply collection operation 17 on shard 17", |n| {
            log::error!("Failed to apply collection operation {0} on shard {0}: {1}", id(n), no_entry(n));
        }),
    ]
}

/// As `reqwest` says it.
fn url_error(n: usize) -> String {
    format!("error sending request for url ({})", url(n))
}

#[test]
fn each_line_has_its_title_and_its_issues() {
    let mut wrong = String::new();
    let mut told = String::new();
    for row in rows() {
        let rig = rig();
        // Once to be known: whether a line says anything but its error shows from the second time on.
        for n in [0, 1, 0] {
            rig.run(|| (row.log)(n));
        }
        let events = rig.events();
        let [first, second, again] = &events[..] else {
            writeln!(wrong, "{}: {} events", row.application, events.len()).unwrap();
            continue;
        };
        let events = [first.clone(), second.clone(), again.clone()];
        let found = issues(&events);
        if (first.title.as_str(), found.len()) != (row.title, row.issues) {
            writeln!(wrong, "{}: {:?} for {:?}, {found:#?}", row.application, first.title, row.title)
                .unwrap();
        }
        writeln!(told, "{}: {}", row.application, first.title).unwrap();
        for issue in found {
            writeln!(told, "    {issue}").unwrap();
        }
    }
    insta::assert_snapshot!("corpus", told);
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn every_application_of_the_survey_has_a_line() {
    let mut applications: Vec<_> = rows().iter().map(|row| row.application).collect();
    applications.dedup();
    assert_eq!(applications.len(), 42, "{applications:?}");
}
