//! What is said of the program and its host: release, environment, host, system, compiler.

use std::process::Command;

use tracing_subscriber::Registry;

use crate::rig::{Rig, fail};
use crate::support::{child, role};

#[test]
fn system_architecture_and_compiler_stand_in_the_contexts() {
    let rig = Rig::new();
    rig.on_thread(|| fail("failed"));
    let contexts = rig.event().contexts;
    assert_eq!(contexts["os"]["name"], std::env::consts::OS);
    assert_eq!(contexts["device"]["arch"], std::env::consts::ARCH);
    assert_eq!(contexts["runtime"]["name"], "rustc");
    let rustc = Command::new(option_env!("RUSTC").unwrap_or("rustc")).arg("--version").output();
    let version = contexts["runtime"]["version"].as_str().unwrap();
    assert!(version.starts_with("1."), "{version}");
    if let Ok(rustc) = rustc {
        let said = String::from_utf8(rustc.stdout).unwrap();
        assert!(said.contains(version), "{said} against {version}");
    }
}

#[test]
fn a_context_of_the_programs_own_outranks_ours() {
    let rig = Rig::new();
    rig.on_thread(|| {
        tracing::info_span!("work").in_scope(|| {
            crumbtrail::set_context("os", serde_json::json!({ "name": "an emulated one" }));
            fail("failed");
        });
    });
    assert_eq!(rig.event().contexts["os"], serde_json::json!({ "name": "an emulated one" }));
}

#[test]
fn the_environment_is_assumed_by_the_build_and_named_by_the_program() {
    let assumed = Rig::new();
    assumed.on_thread(|| fail("failed"));
    let event = assumed.event();
    assert_eq!(event.environment, if cfg!(debug_assertions) { "development" } else { "production" });
    assert_eq!(event.release, None);

    let named =
        Rig::with(|builder| builder.environment("staging").release("shop@1.2.3").server_name("web-7"));
    named.on_thread(|| fail("failed"));
    let event = named.event();
    assert_eq!((event.environment.as_str(), event.release.as_deref()), ("staging", Some("shop@1.2.3")));
    assert_eq!(event.server_name.as_deref(), Some("web-7"));
}

#[test]
fn the_host_is_named_as_the_system_names_it() {
    let rig = Rig::new();
    rig.on_thread(|| fail("failed"));
    let host = rig.event().server_name;
    if let Ok(known) = std::fs::read_to_string("/proc/sys/kernel/hostname") {
        assert_eq!(host.as_deref(), Some(known.trim()));
    }
}

#[test]
fn the_release_is_the_environments_else_the_commits_else_the_version() {
    if let Some(role) = role() {
        let expected = match role.as_str() {
            "told" => "from the environment".to_owned(),
            _ => option_env!("GIT_SHA")
                .map_or_else(|| format!("crumbtrail@{}", env!("CARGO_PKG_VERSION")), str::to_owned),
        };
        assert_eq!(crumbtrail::release!(), expected);
        assert_eq!(
            crumbtrail::release_of(Some("abc123"), "x@1"),
            if role == "told" { "from the environment" } else { "abc123" }
        );
        return;
    }
    const NAME: &str = "environment::the_release_is_the_environments_else_the_commits_else_the_version";
    child("silent", NAME).run().succeeded();
    let mut empty = child("silent", NAME);
    empty.command.env("SENTRY_RELEASE", "");
    empty.run().succeeded();
    let mut told = child("told", NAME);
    told.command.env("SENTRY_RELEASE", "from the environment");
    told.run().succeeded();
}

#[test]
fn building_touches_no_global_state() {
    let (_layer, _guard) = crumbtrail::builder().build::<Registry>().unwrap();
    assert!(tracing::dispatcher::get_default(|dispatch| !dispatch.is::<Registry>()));
}
