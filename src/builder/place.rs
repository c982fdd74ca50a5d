//! What every event says of the program: its release, its environment, the machine.

use std::collections::BTreeMap;
use std::env;

use serde_json::{Value, json};

use super::Builder;
use crate::model::Environment;

/// Where the program runs.
pub(super) fn environment(builder: &Builder) -> Environment {
    let assumed = if cfg!(debug_assertions) { "development" } else { "production" };
    let host = || hostname::get().ok().and_then(|name| name.into_string().ok());
    Environment {
        release: builder.release.clone(),
        environment: builder.environment.clone().unwrap_or_else(|| assumed.to_owned()),
        server_name: builder.server_name.clone().or_else(host),
        user: builder.user.clone(),
        contexts: contexts(),
    }
}

/// Operating system, architecture and compiler, by the names of
/// [Sentry's protocol](https://develop.sentry.dev/sdk/data-model/event-payloads/contexts/).
fn contexts() -> BTreeMap<String, Value> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let kernel = read("/proc/sys/kernel/osrelease").map(|text| text.trim().to_owned());
    let distribution = read("/etc/os-release").and_then(|text| {
        let name = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
        Some(name.trim_matches('"').to_owned())
    });
    let mut os = json!({ "name": env::consts::OS });
    for (name, value) in [("version", distribution), ("kernel_version", kernel)] {
        if let (Some(os), Some(value)) = (os.as_object_mut(), value) {
            os.insert(name.to_owned(), value.into());
        }
    }
    let rustc = env!("CRUMBTRAIL_RUSTC").trim_start_matches("rustc ");
    BTreeMap::from([
        ("os".to_owned(), os),
        ("device".to_owned(), json!({ "arch": env::consts::ARCH })),
        ("runtime".to_owned(), json!({ "name": "rustc", "version": rustc })),
    ])
}
