//! The examples as a new user runs them, and that README shows what they really print.
#![cfg(test)]

use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

const README: &str = include_str!("../README.md");

/// One run for all tests: it is the same every time, but for times.
static CHECKOUT: LazyLock<Ran> = LazyLock::new(|| run("checkout", &[]));

#[test]
fn minimal_reports_its_one_failure() {
    // It ends at once, and the guard's patience is no match for an unoptimised walk through debug information while the
    // machine is busy with other tests.
    let ran = run("minimal", &[("CRUMBTRAIL_STACK", "off")]);
    assert!(ran.log.contains("the disk is nearly full"), "fmt's own lines are missing: {}", ran.log);
    let [report] = ran.reports.as_slice() else { panic!("not one report: {:?}", ran.reports) };
    for part in [
        "ERROR the settings could not be read\n",
        "\n  No such file or directory (os error 2)\n",
        "/minimal.rs:",
        "\n  trail of this span\n",
        "  WARN  minimal  the disk is nearly full left=3\n",
        "\n  user 42\n",
    ] {
        assert!(report.contains(part), "{part:?} is missing from\n{report}");
    }
}

#[test]
fn checkout_reports_every_failure_and_the_ledger_knows_of_each() {
    let summary = CHECKOUT.log.trim();
    let failed = CHECKOUT.reports.len();
    assert_eq!(
        summary,
        format!("300 requests, {failed} failed, {failed} events: {failed} delivered + 0 lost + 0 pending")
    );
    assert!((3..=20).contains(&failed), "a few per cent are to fail, not {failed} of 300");
}

/// Dozens of requests run at once, and each is told of by its own breadcrumbs alone.
#[test]
fn a_failure_of_checkout_has_the_trail_of_its_own_request() {
    for report in &CHECKOUT.reports {
        let own: &[&str] = match report.lines().next() {
            Some("ERROR checkout failed") => &["checkout::stock", "checkout::payment"],
            Some("ERROR sign_up") => &["checkout::accounts"],
            other => panic!("a report that nothing of checkout writes: {other:?}"),
        };
        let trail: Vec<&str> = report.lines().filter(|line| line.contains(" ms  ")).collect();
        assert!(!trail.is_empty(), "nothing led to\n{report}");
        for crumb in &trail {
            assert!(own.iter().any(|module| crumb.contains(module)), "{crumb:?} is not of\n{report}");
        }
        let attempts = if report.contains("after 3 attempts") { 1 } else { 0 };
        for attempt in ["attempt=1 ", "attempt=2 "] {
            let made = trail.iter().filter(|crumb| crumb.contains(attempt)).count();
            assert!(made == attempts || attempts == 0 && made < 2, "{made} times {attempt} in\n{report}");
        }
    }
}

#[test]
fn readme_shows_a_report_that_checkout_prints() {
    let shown = README.split("```text\n").nth(1).and_then(|rest| rest.split("```").next());
    let shown = comparable(shown.expect("README shows a report"));
    let printed: Vec<_> = CHECKOUT.reports.iter().map(|report| comparable(report)).collect();
    assert!(printed.contains(&shown), "README shows {shown:#?}\nbut checkout prints {printed:#?}");
}

#[test]
fn readme_names_commands_and_files_that_exist() {
    for (named, path) in [
        ("cargo run --example checkout", "examples/checkout/main.rs"),
        ("cargo run --example minimal", "examples/minimal.rs"),
        ("ARCHITECTURE.md", "ARCHITECTURE.md"),
        ("LICENSE-MIT", "LICENSE-MIT"),
        ("LICENSE-APACHE", "LICENSE-APACHE"),
    ] {
        assert!(README.contains(named), "README no longer names {named}");
        assert!(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path).is_file(), "{path} is missing");
    }
    let version = concat!("\nMSRV is ", env!("CARGO_PKG_RUST_VERSION"));
    assert!(README.contains(version), "README names another rust-version than Cargo.toml");
}

/// What a report says whenever and wherever it is made: without ages, names of machines and releases, and frames where
/// this build walks no stack.
fn comparable(report: &str) -> Vec<String> {
    let lines = report.lines().filter(|line| {
        let line = line.trim_start();
        let frame = line.starts_with("at ") && !cfg!(feature = "stack");
        !(frame || line.starts_with("event ") || line.starts_with("release ") || line.is_empty())
    });
    let lines = lines.map(|line| match line.split_once(" ms  ") {
        Some((_, step)) => format!("-… ms  {step}"),
        None => line.to_owned(),
    });
    lines.collect()
}

/// What an example wrote.
struct Ran {
    log: String,
    reports: Vec<String>,
}

/// Builds and runs an example as `cargo run --example` does, with the features and the profile of this test.
fn run(example: &str, settings: &[(&str, &str)]) -> Ran {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    for (name, _) in env::vars_os() {
        let ours = name.to_str().is_some_and(|name| {
            ["CRUMBTRAIL", "SENTRY_", "RUST_LOG"].iter().any(|prefix| name.starts_with(prefix))
        });
        if ours {
            cargo.env_remove(name);
        }
    }
    cargo.envs(settings.iter().copied());
    let features = [("stack", cfg!(feature = "stack")), ("tokio", cfg!(feature = "tokio"))];
    let features: Vec<&str> = features.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect();
    cargo.args(["run", "--quiet", "--example", example, "--no-default-features"]);
    cargo.arg("--features").arg(features.join(","));
    // A test binary lies in the folder `deps` of its profile's folder in the target folder.
    let binary = env::current_exe().expect("a test binary knows where it is");
    let profile = binary.ancestors().nth(2).expect("a test binary lies in its profile's folder");
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    cargo.arg("--target-dir").arg(profile.parent().expect("a profile's folder lies in the target folder"));
    let output = cargo.output().expect("cargo can be started");
    let (log, reports) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{example} ended with {}\n{log}\n{reports}", output.status);
    // Before the first report cargo may have warned.
    let first = reports.find("ERROR ").unwrap_or(reports.len());
    let reports = reports[first..].split_inclusive("\n\n").map(str::to_owned).collect();
    Ran { log, reports }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
