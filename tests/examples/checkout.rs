//! `examples/checkout` as a new user runs it: what its ledgers, its issues and its last page say, and that it is what README
//! shows.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crumbtrail::view::{Filter, Form, View};
use regex_lite::Regex;
use serde_json::Value;

use crate::example;

const README: &str = include_str!("../../README.md");
const RELEASES: [&str; 2] = ["9f2c1aa", "abc123"];

/// One run for all tests: it is the same every time, but for times.
static CHECKOUT: LazyLock<Checkout> = LazyLock::new(Checkout::run);

/// What it printed and what it left behind.
struct Checkout {
    printed: String,
    issues: Vec<Issue>,
}

/// What the store says of an issue, and its events that are kept.
struct Issue {
    told: Value,
    events: Vec<Value>,
}

impl Checkout {
    /// A minute that ends while it runs lets more of a failure be told in full: then it is run once more.
    fn run() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("checkout");
        let in_one_minute = |run: &Self| run.sign_up().number("tallied") == 30;
        let mut run = Self::run_in(&folder);
        for _ in 0..2 {
            if !in_one_minute(&run) {
                run = Self::run_in(&folder);
            }
        }
        run
    }

    fn run_in(folder: &Path) -> Self {
        // What an earlier run of the tests left.
        let _ = fs::remove_dir_all(folder);
        let store: PathBuf = folder.join("checkout.db");
        let output = example::run("checkout", &[store.to_str().unwrap()], &[]);
        let view = View::open(store).unwrap().form(Form::Json);
        let mut all = Filter::default();
        all.limit = None;
        let issues = json(&view.issues(&all).unwrap()).into_iter().map(|summary| {
            let id = summary["id"].as_str().unwrap();
            let told = json(&view.show(id, 1).unwrap()).remove(0);
            Issue { told, events: json(&view.events(id, 1_000).unwrap()) }
        });
        Self { issues: issues.collect(), printed: output.stdout }
    }

    /// What befell most of those who wanted an account.
    fn sign_up(&self) -> &Issue {
        let sign_ups = self.issues.iter().filter(|issue| issue.told["title"] == "sign_up");
        sign_ups.max_by_key(|issue| issue.number("users")).unwrap()
    }

    /// The page that it ends with.
    fn page(&self) -> &str {
        let begin = self.printed.find("$ crumbtrail show ").expect("it shows an issue");
        let page = &self.printed[begin..];
        page.split("look further:").next().unwrap()
    }
}

impl Issue {
    fn number(&self, name: &str) -> u64 {
        self.told[name].as_u64().unwrap_or_else(|| panic!("{name} is no number in {:#}", self.told))
    }
}

fn json(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn numbers(text: &str) -> Vec<u64> {
    text.split(|character: char| !character.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect()
}

#[test]
fn the_ledger_of_each_deployment_balances_and_the_store_has_every_event() {
    let ledgers: Vec<&str> = CHECKOUT.printed.lines().filter(|line| line.contains(" accepted = ")).collect();
    assert_eq!(ledgers.len(), RELEASES.len(), "{}", CHECKOUT.printed);
    for (release, ledger) in RELEASES.into_iter().zip(ledgers) {
        let [requests, failed, accepted, delivered, folded, tallied, lost, pending] = numbers(ledger)[..]
        else {
            panic!("{ledger:?}")
        };
        assert!(requests == 960 && failed > 0 && accepted >= failed, "{ledger}");
        assert_eq!((accepted, lost, pending), (delivered + folded + tallied, 0, 0), "{ledger}");
        let counts = CHECKOUT.issues.iter().flat_map(|issue| issue.told["counts"].as_array().unwrap());
        let of_release = counts.filter(|bucket| bucket["release"] == release);
        let counted: u64 = of_release.map(|bucket| bucket["count"].as_u64().unwrap()).sum();
        assert_eq!(counted, delivered + tallied, "{release}: {ledger}");
    }
}

#[test]
fn it_lists_every_issue() {
    let listed = CHECKOUT.printed.split("$ crumbtrail issues --sort users\n").nth(1).unwrap();
    let listed: Vec<&str> = listed.lines().skip(1).take_while(|line| !line.is_empty()).collect();
    assert_eq!(listed.len(), CHECKOUT.issues.len(), "{}", CHECKOUT.printed);
    for issue in &CHECKOUT.issues {
        let id = &issue.told["id"].as_str().unwrap()[..8];
        let line = listed.iter().find(|line| line.starts_with(id));
        let [count, users] = ["count", "users"].map(|name| issue.number(name).to_string());
        let words: Vec<&str> =
            line.unwrap_or_else(|| panic!("{id} is not listed")).split_whitespace().collect();
        assert_eq!(words[..4], [id, "open", &count, &users]);
    }
}

/// The sentence, and that it is no more than the numbers that it is made of.
#[test]
fn it_ends_with_what_the_failed_sign_ups_have_in_common() {
    let issue = CHECKOUT.sign_up();
    let facts = &issue.told["facts"];
    let share =
        |part: &Value, whole: &Value| (100.0 * part.as_f64().unwrap() / whole.as_f64().unwrap()).round();
    let evidence = facts["evidence"].as_array().unwrap();
    let provider = evidence.iter().find(|evidence| evidence["tag"] == "provider").unwrap();
    let sentence = format!(
        "started with abc123, 40 times in the past hour, hits 12 % of users, \
         only with provider=google ({} % of all lanes with any provider)",
        share(&provider["lanes_with"], &provider["lanes"])
    );
    assert_eq!(issue.told["sentence"], sentence);
    let page = CHECKOUT.page().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(page.contains(&sentence), "{page}");

    assert_eq!((&facts["since"], &facts["release"]), (&"started".into(), &"abc123".into()));
    assert_eq!((issue.number("count"), &facts["past_hour"]), (40, &40.into()));
    assert_eq!(share(&facts["share"]["hit"], &facts["share"]["seen"]), 12.0);
    let Value::Object(provider) = provider else { panic!("{provider}") };
    assert_eq!((&provider["value"], &provider["events"]), (&"google".into(), &40.into()));
    assert_eq!(provider["events_with"], provider["events"]);
    assert!(share(&provider["lanes_with"], &provider["lanes"]) < 40.0, "{provider:?}");
}

/// Dozens of requests run at once, and each is told of by its own breadcrumbs alone.
#[test]
fn a_failure_has_the_trail_of_its_own_request() {
    let events: Vec<&Value> = CHECKOUT.issues.iter().flat_map(|issue| &issue.events).collect();
    for event in &events {
        let title = event["title"].as_str().unwrap();
        let own: &[&str] = match title {
            "sign_up" => &["checkout::accounts"],
            "checkout failed" => &["checkout::stock", "checkout::payment"],
            _ if title.starts_with("the receipt for order ") => &["checkout::stock", "checkout::payment"],
            _ => panic!("nothing of checkout logs {event:#}"),
        };
        let trail = trail(event);
        for crumb in trail {
            assert!(own.iter().any(|module| crumb["target"] == *module), "{crumb} is not of\n{event:#}");
        }
        let gave_up = event["chain"].to_string().contains("after 3 attempts");
        for attempt in [1, 2] {
            let made = trail.iter().filter(|crumb| crumb["data"]["attempt"] == attempt).count();
            let expected = if gave_up { 1..=1 } else { 0..=1 };
            assert!(expected.contains(&made), "{made} times attempt {attempt} in\n{event:#}");
        }
    }
    let with_trails = events.iter().filter(|event| !trail(event).is_empty()).count();
    assert!(with_trails > 10, "{with_trails} of {} have a trail", events.len());
}

fn trail(event: &Value) -> &[Value] {
    event["breadcrumbs"].as_array().map_or(&[], Vec::as_slice)
}

#[test]
fn readme_shows_the_page_that_it_ends_with() {
    let shown = README.split("```text\n").nth(1).and_then(|rest| rest.split("```").next());
    let shown = comparable(shown.expect("README shows a page"));
    let printed = comparable(CHECKOUT.page());
    assert!(
        shown == printed,
        "README shows\n{}\n\nbut checkout prints\n{}",
        shown.join("\n"),
        printed.join("\n")
    );
}

/// What a page says whenever and wherever it is made: without times, ids of events and names of hosts, and frames where
/// this build walks no stack.
fn comparable(page: &str) -> Vec<String> {
    let places = [
        // Moments and ages: of the issue, of its events, of the steps that led there.
        (r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)? UTC", "…"),
        (r"just now|\d+ (s|min|h) ago", "…"),
        (r"in the past \d+ s\b", "in the past …"),
        (r"^-\d+ ms +", "-… ms "),
        // A page that is made at the turn of an hour or a day has two bars.
        (r"\d+ (an hour|a day) at most", "… $1 at most"),
        (r"^[·▁▂▃▄▅▆▇█]+$", ""),
        (r"^(\d\d[h-](\d\d)? *)+$", ""),
        // The build, the host and the event.
        (r" in (development|production) on .*$", ""),
        (r"^event +[0-9a-f]{32} ", "event … "),
    ];
    let places = places.map(|(form, instead)| (Regex::new(form).unwrap(), instead));
    let is_source = |line: &str| line.contains(" │ ") || line.ends_with(" │");
    let lines = page.lines().map(|line| {
        places.iter().fold(line.trim().to_owned(), |line, (form, instead)| {
            form.replace_all(&line, *instead).into_owned()
        })
    });
    let frames = cfg!(feature = "stack");
    lines
        .filter(|line| !line.is_empty() && (frames || !(line.starts_with("at ") || is_source(line))))
        .collect()
}
