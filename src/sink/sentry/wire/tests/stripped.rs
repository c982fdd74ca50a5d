//! A program without symbols: its addresses reach the server, which has a twin with symbols to resolve them by.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;
use std::{env, fs, process};

use serde_json::Value;
use tracing_subscriber::prelude::*;

use super::super::Wire;
use crate::builder::{Stack, builder};
use crate::ledger::Lost;
use crate::model::TrackedEvent;
use crate::sink::Sink;
use crate::sink::sentry::images::Images;

const NAME: &str =
    "sink::sentry::wire::tests::stripped::a_stripped_program_sends_addresses_that_its_twin_resolves";
const ROLE: &str = "CRUMBS_TEST_ROLE";

#[test]
fn a_stripped_program_sends_addresses_that_its_twin_resolves() {
    if env::var_os(ROLE).is_some() {
        return print_a_failure();
    }
    let Some(stripped) = Stripped::of(&env::current_exe().unwrap()) else {
        assert!(env::var_os("CI").is_none(), "neither strip nor objcopy is here");
        eprintln!("skipped: neither strip nor objcopy is here");
        return;
    };
    let sent = stripped.run();
    let frames = sent["exception"]["values"][0]["stacktrace"]["frames"].as_array().unwrap();
    let (line, walked) = frames.split_last().unwrap();
    assert!(line["filename"].as_str().unwrap().ends_with("stripped.rs") && line["lineno"].is_u64(), "{line}");
    let images = sent["debug_meta"]["images"].as_array().unwrap();
    let program = images.iter().find(|image| image["code_file"] == *stripped.0.to_string_lossy()).unwrap();
    let here = print_a_failure as fn() as usize as u64;
    let mut twins = Images::default();
    twins.learn([here].into_iter());
    let twin = twins.of(here).unwrap();
    assert_eq!(program["debug_id"], twin.debug_id.unwrap().to_string(), "the symbols are found by it");

    let mut functions = Vec::new();
    for frame in walked {
        assert!(frame.get("function").is_none() && frame.get("in_app").is_none(), "{frame}");
        let at = number(&frame["instruction_addr"]);
        let image = images.iter().find(|image| image["image_addr"] == frame["image_addr"]);
        let image = image.unwrap_or_else(|| panic!("{frame} lies in none of {images:#?}"));
        let offset = at - number(&image["image_addr"]);
        assert!(offset < image["image_size"].as_u64().unwrap(), "{frame} lies outside of {image}");
        if image == program {
            functions.push(resolved(twin.start + offset));
        }
    }
    let at = |name: &str| functions.iter().position(|function| function.contains(name));
    let (outer, inner) = (at("stripped::print_a_failure"), at("stripped::fails"));
    assert!(outer.is_some() && outer < inner, "{functions:#?}");
    // What starts a thread is of no use to anybody.
    assert!(walked[0]["package"] == *stripped.0.to_string_lossy(), "{:#}", walked[0]);
}

/// This test binary without its symbols, until it is dropped.
struct Stripped(PathBuf);

impl Stripped {
    fn of(twin: &Path) -> Option<Self> {
        let copy = Self(env::temp_dir().join(format!("crumbtrail-stripped-{}", process::id())));
        let strip = Command::new("strip").args(["--strip-all", "-o"]).arg(&copy.0).arg(twin).status();
        let done =
            strip.or_else(|_| Command::new("objcopy").arg("--strip-all").arg(twin).arg(&copy.0).status());
        done.ok()?.success().then_some(copy)
    }

    /// The payload of the failure that it meets.
    fn run(&self) -> Value {
        let mut command = Command::new(&self.0);
        command.args([NAME, "--exact", "--nocapture", "--test-threads=1"]).env(ROLE, "stripped");
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let payload = said.lines().find_map(|line| line.strip_prefix(PAYLOAD));
        let payload =
            payload.unwrap_or_else(|| panic!("{said}\n{}", String::from_utf8_lossy(&output.stderr)));
        serde_json::from_str(payload).unwrap()
    }
}

impl Drop for Stripped {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

const PAYLOAD: &str = "payload: ";

#[inline(never)]
fn print_a_failure() {
    let (layer, guard) = builder().stack(Stack::On).sink(Printer(Mutex::new(Wire::new()))).build().unwrap();
    let _default = tracing_subscriber::registry().with(layer).set_default();
    fails();
    guard.flush(Duration::from_secs(60)).unwrap();
}

#[inline(never)]
fn fails() {
    tracing::error!(error = "refused", "failed");
    // What comes behind keeps the line's own frame on the stack.
    std::hint::black_box(());
}

struct Printer(Mutex<Wire>);

impl Sink for Printer {
    fn deliver(&self, event: &TrackedEvent) -> Result<(), Lost> {
        let payload = self.0.lock().unwrap().payload(event);
        println!("\n{PAYLOAD}{}", String::from_utf8(payload).unwrap());
        Ok(())
    }
}

/// The functions at an address of this process, of which it is one to return to.
fn resolved(address: u64) -> String {
    let mut names = Vec::new();
    let address = std::ptr::without_provenance_mut(usize::try_from(address).unwrap());
    backtrace::resolve(address, |symbol| names.extend(symbol.name().map(|name| format!("{name:#}"))));
    names.join(" < ")
}

fn number(address: &Value) -> u64 {
    u64::from_str_radix(address.as_str().unwrap().strip_prefix("0x").unwrap(), 16).unwrap()
}
