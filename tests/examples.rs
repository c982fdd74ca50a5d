//! The examples as a new user runs them, and that README shows what they really print.
#![cfg(test)]

#[cfg(feature = "store")]
#[path = "examples/checkout.rs"]
mod checkout;
#[path = "support/example.rs"]
mod example;

use std::fs;
use std::path::{Path, PathBuf};

use example::Output;

const README: &str = include_str!("../README.md");

#[test]
fn minimal_reports_its_one_failure() {
    // It ends at once, and the guard's patience is no match for an unoptimised walk through debug information while the
    // machine is busy with other tests.
    let ran = run("minimal", &[("CRUMBTRAIL_STACK", "off"), ("CRUMBTRAIL_STORE", "memory")]);
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

/// What an example shows is what crumbtrail made of log lines: none writes to a store, sets a clock, or says what the store
/// has to say.
#[test]
fn no_example_writes_to_a_store_sets_a_clock_or_prints_the_sentence() {
    const NOT_THEIRS: [&str; 13] = [
        "sql",
        "file::create",
        "fs::write",
        "openoptions",
        "clock",
        "systemtime",
        "set_time",
        "started with",
        "first seen",
        "past hour",
        "of users",
        "only with",
        "provider=",
    ];
    let examples = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples");
    let files = rust_files(&examples);
    assert!(files.iter().any(|path| path.ends_with("checkout/main.rs")), "{files:?}");
    for path in files {
        for (number, line) in (1..).zip(fs::read_to_string(&path).unwrap().lines()) {
            let line = line.to_lowercase();
            for word in NOT_THEIRS {
                assert!(!line.contains(word), "{}:{number} has {word:?}", path.display());
            }
        }
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
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

/// What an example wrote.
struct Ran {
    log: String,
    reports: Vec<String>,
}

fn run(example: &str, settings: &[(&str, &str)]) -> Ran {
    let Output { stdout: log, stderr: reports } = example::run(example, &[], settings);
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
