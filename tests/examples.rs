//! The examples as a new user runs them, and that README shows what they really print.
#![cfg(test)]

#[path = "support/example.rs"]
mod example;

use std::path::PathBuf;
use std::sync::LazyLock;

use example::Output;

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
        "\n  io::Error: No such file or directory (os error 2)\n",
        "/minimal.rs:",
        "\n  trail of this span\n",
        "  WARN   minimal  the disk is nearly full  left=3\n",
        "\n  user     42\n",
    ] {
        assert!(report.contains(part), "{part:?} is missing from\n{report}");
    }
}

/// Each issue is told in full once; the summary and the ledger know of every event.
#[test]
fn checkout_reports_every_issue_and_the_ledger_knows_of_each_event() {
    let mut summary = CHECKOUT.log.lines();
    let (head, ledger) = (summary.next().unwrap(), summary.next_back().unwrap());
    let numbers = |text: &str| -> Vec<usize> {
        text.split(|character: char| !character.is_ascii_digit())
            .filter_map(|word| word.parse().ok())
            .collect()
    };
    let [300, failed, events, issues] = numbers(head)[..] else { panic!("{head:?}") };
    assert!((10..=30).contains(&failed) && events >= failed, "{head}");
    assert_eq!(numbers(ledger), [events, events, 0, 0, 0, 0], "{ledger}");
    let times: Vec<usize> = summary.map(|issue| numbers(issue)[0]).collect();
    assert_eq!((times.len(), times.iter().sum::<usize>()), (issues, events), "{}", CHECKOUT.log);
    assert_eq!(CHECKOUT.reports.len(), issues, "{:#?}", CHECKOUT.reports);
}

/// What is worth finding out: one of the failures has something in common.
#[test]
fn checkout_ends_with_what_the_requests_of_a_failure_have_in_common() {
    let only = CHECKOUT.log.lines().filter(|line| line.contains("all provider=google"));
    let only: Vec<&str> = only.collect();
    assert!(
        only.len() == 1 && only[0].contains("sign_up: invalid digit found in string"),
        "{}",
        CHECKOUT.log
    );
}

/// Dozens of requests run at once, and each is told of by its own breadcrumbs alone.
#[test]
fn a_failure_of_checkout_has_the_trail_of_its_own_request() {
    for report in &CHECKOUT.reports {
        let title = report.lines().next().unwrap_or_default();
        let own: &[&str] = match title {
            "ERROR checkout failed" => &["checkout::stock", "checkout::payment"],
            "ERROR sign_up" => &["checkout::accounts"],
            _ if title.starts_with("ERROR the receipt for order ") => {
                &["checkout::stock", "checkout::payment"]
            }
            other => panic!("a report that nothing of checkout writes: {other:?}"),
        };
        let trail: Vec<&str> = report.lines().filter(|line| line.contains(" ms  ")).collect();
        for crumb in &trail {
            assert!(own.iter().any(|module| crumb.contains(module)), "{crumb:?} is not of\n{report}");
        }
        let attempts = if report.contains("after 3 attempts") { 1 } else { 0 };
        for attempt in ["attempt=1", "attempt=2"] {
            let made = trail.iter().filter(|crumb| crumb.contains(attempt)).count();
            assert!(made == attempts || attempts == 0 && made < 2, "{made} times {attempt} in\n{report}");
        }
    }
    let with_trails = CHECKOUT.reports.iter().filter(|report| report.contains(" ms  WARN")).count();
    assert!(with_trails > 3, "{with_trails} of {} have a trail", CHECKOUT.reports.len());
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
        let source = line.contains(" │ ") || line.ends_with(" │");
        let frame = (line.starts_with("at ") || source) && !cfg!(feature = "stack");
        !(frame || line.starts_with("event ") || line.starts_with("release ") || line.is_empty())
    });
    // Ages differ in width too, which moves what is aligned behind them.
    let lines = lines.map(|line| match line.split_once(" ms  ") {
        Some((_, step)) => format!("-… ms  {step}"),
        None => line.trim_start().to_owned(),
    });
    lines.collect()
}

/// What an example wrote.
struct Ran {
    log: String,
    reports: Vec<String>,
}

fn run(example: &str, settings: &[(&str, &str)]) -> Ran {
    let Output { stdout: log, stderr: reports } = example::run(example, settings);
    // Only a report begins in the first column; so do cargo's warnings, before the first of them.
    let mut whole: Vec<String> = Vec::new();
    for line in reports.split_inclusive('\n') {
        let repeats = ["ERROR ×", "ERROR again "].iter().any(|begin| line.starts_with(begin));
        if line.starts_with("ERROR ") && !repeats {
            whole.push(line.to_owned());
        } else if let Some(report) = whole.last_mut().filter(|_| !repeats) {
            report.push_str(line);
        }
    }
    Ran { log, reports: whole }
}
