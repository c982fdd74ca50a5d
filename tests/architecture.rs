//! The shape of the crate, held by a test: which module may import which, where `unsafe` may stand, and a few rules
//! that no lint knows.
//!
//! What is compiled for tests only may import, print and be as long as it likes. The last part of this file shows each
//! rule samples that break it.
#![cfg(test)]

#[path = "architecture/scan.rs"]
mod scan;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fmt, fs};

use scan::{Import, Scan};

/// What everything may import, and what imports nothing but `limits` and by [`EDGES`].
const LEAVES: &[&str] = &["model", "error", "ledger", "diag", "clock", "sync", "limits"];

/// What may import everything, and what nothing imports: start-up.
const ROOTS: &[&str] = &["lib", "builder"];

/// The one direction. A module may import itself, the leaves, and what stands here; a leaf only what stands here.
const EDGES: &[(&str, &[&str])] = &[
    ("tower", &["layer", "api"]),
    ("fmt", &["layer", "api"]),
    ("api", &["capture", "scope", "trail"]),
    ("layer", &["scope", "capture", "trail"]),
    ("capture", &["scope", "trail", "queue"]),
    ("scope", &["trail"]),
    ("queue", &["trail"]),
    ("trail", &[]),
    ("worker", &["queue", "prepare", "grouping", "issues", "alert", "sink"]),
    ("prepare", &["trail"]),
    ("grouping", &[]),
    ("issues", &[]),
    ("report", &["issues"]),
    ("alert", &["issues", "sink", "http", "report"]),
    ("sink", &["issues", "http", "report"]),
    ("http", &[]),
    ("view", &["issues", "sink", "report"]),
    // The command is a program like any other: beside its view it has what lib.rs names for users.
    ("bin", &["view", "lib"]),
    // A flush that came too late is the caller's to see.
    // Lines are named as the model names them; what their first ERROR said is set without anyone waiting.
    ("ledger", &["error", "model", "sync"]),
];

/// The crates that one place knows, and which place that is.
const BORROWED: &[(&str, &str)] = &[
    ("axum", "src/view/"),
    ("findshlibs", "src/sink/sentry/"),
    ("flate2", "src/sink/sentry/"),
    ("httpdate", "src/sink/sentry/"),
    ("once_cell", "src/sync.rs"),
    ("reqwest", "src/http.rs"),
    ("rusqlite", "src/sink/store/"),
    ("rustls", "src/http.rs"),
    ("sentry_types", "src/sink/sentry/"),
];

/// The stack walk, the coarse clock, the layer's one `downcast_raw`, the ring's cell.
const UNSAFE: &[&str] = &["src/capture/stack.rs", "src/clock.rs", "src/layer/mod.rs", "src/trail/cell.rs"];

/// What a library does not print, what is not finished, and what is not read here.
const MACROS: &[&str] =
    &["dbg", "eprint", "eprintln", "print", "println", "todo", "unimplemented", "include"];

/// How long a file may be, its tests aside.
const LINES: usize = 600;

#[test]
fn imports_go_one_way() {
    holds(&[Rule::Import, Rule::Reexport]);
}

#[test]
fn unsafe_stands_in_four_files() {
    holds(&[Rule::Unsafe]);
}

#[test]
fn a_borrowed_crate_is_known_in_one_place() {
    holds(&[Rule::Borrowed]);
}

#[test]
fn nothing_prints_and_nothing_is_left_to_do() {
    holds(&[Rule::Macro, Rule::Unfinished]);
}

#[test]
fn a_file_says_what_it_promises_and_stays_short() {
    holds(&[Rule::Head, Rule::Length]);
}

#[test]
fn the_table_has_no_circle_and_knows_every_module() {
    let edges: BTreeMap<&str, &[&str]> = EDGES.iter().copied().collect();
    assert_eq!(edges.len(), EDGES.len(), "a module stands twice in the table");
    for (path, _) in tree() {
        assert!(is_module(&top(&path)) || path == "src/lib.rs", "{path}: the table does not know its module");
    }
    for &(module, targets) in EDGES {
        for target in targets {
            assert!(is_module(target) || ROOTS.contains(target), "{module} → {target}: no such module");
            let downwards = !LEAVES.contains(&module) || LEAVES.contains(target);
            assert!(downwards, "{module} → {target}: a leaf may import leaves only");
        }
        let mut open = targets.to_vec();
        let mut reached = BTreeSet::new();
        while let Some(next) = open.pop() {
            assert_ne!(next, module, "the table has a circle through {module}");
            if reached.insert(next) {
                open.extend(edges.get(next).copied().unwrap_or_default());
            }
        }
    }
}

/// A scan that sees nothing finds nothing wrong.
#[test]
fn the_scan_sees_the_tree() {
    let mut edges = BTreeSet::new();
    let mut unsafes = BTreeSet::new();
    for (path, source) in tree() {
        for (_, import) in scan(&path, &source).imports {
            if let Import::Module(to) = import {
                edges.insert((top(&path), to));
            }
        }
        if scan::words(&source).iter().any(|(_, word)| word == "unsafe") {
            unsafes.insert(path);
        }
    }
    for (from, to) in [("layer", "scope"), ("capture", "queue"), ("worker", "sink"), ("ledger", "error")] {
        assert!(edges.contains(&(from.into(), to.into())), "{from} → {to} was not seen");
    }
    assert!(unsafes.iter().eq(UNSAFE), "{unsafes:?}");
}

#[track_caller]
fn holds(rules: &[Rule]) {
    let files = tree();
    let test_modules: Vec<_> =
        files.iter().flat_map(|(path, source)| scan(path, source).test_modules).collect();
    let for_tests = |path| test_modules.iter().any(|module| module_of(path).starts_with(module));
    let found = files.iter().flat_map(|(path, source)| violations(path, source, for_tests(path)));
    let found: Vec<String> =
        found.filter(|found| rules.contains(&found.rule)).map(|found| found.to_string()).collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

/// Every file under src, by its path from the package's root.
fn tree() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut open = vec![root.join("src")];
    let mut files = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
                files.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    Import,
    Reexport,
    Unsafe,
    Borrowed,
    Macro,
    Unfinished,
    Head,
    Length,
}

#[derive(Debug)]
struct Violation {
    rule: Rule,
    place: String,
    what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// Everything that is wrong with one file; less, if it is compiled for tests only.
fn violations(path: &str, source: &str, for_tests: bool) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut wrong = |rule, line: usize, what: String| {
        found.push(Violation { rule, place: format!("{path}:{line}"), what })
    };
    let from = top(path);
    let scan = if for_tests { Scan::default() } else { scan(path, source) };

    for (line, import) in scan.imports {
        match import {
            Import::Module(to) | Import::Reexport(to) if !allowed(&from, &to) => {
                wrong(Rule::Import, line, format!("{from} imports {to}"));
            }
            Import::Reexport(to) if from != "lib" && from != to => {
                wrong(Rule::Reexport, line, format!("{from} hands on what is {to}'s; only lib.rs does that"));
            }
            Import::Root if !allowed(&from, "lib") => {
                wrong(
                    Rule::Import,
                    line,
                    format!("{from} imports by a name that lib.rs gives, not by its module"),
                );
            }
            Import::Opaque(what) => wrong(Rule::Import, line, format!("{from} imports {what}")),
            Import::Module(_) | Import::Reexport(_) | Import::Root => {}
        }
    }
    for (line, word) in scan::words(source) {
        if word == "unsafe" && !UNSAFE.contains(&path) {
            wrong(Rule::Unsafe, line, "unsafe outside of the files that may".into());
        }
        for (name, home) in BORROWED {
            if word == *name && !path.starts_with(home) {
                wrong(Rule::Borrowed, line, format!("{name}, which {home} alone knows"));
            }
        }
    }
    for (line, name) in scan.macros {
        if MACROS.contains(&name.as_str()) {
            wrong(Rule::Macro, line, format!("{name}!"));
        }
    }
    for (line, text) in (1..).zip(source.lines()) {
        for mark in ["TODO", "FIXME", "XXX"] {
            if text.split(mark).skip(1).any(|rest| !rest.starts_with("(#")) {
                wrong(
                    Rule::Unfinished,
                    line,
                    format!("{mark} without the number of its issue, as in {mark}(#7)"),
                );
            }
        }
    }
    if !source.starts_with("//! ") && !source.starts_with("#![doc = include_str!(\"../README.md\")]") {
        wrong(Rule::Head, 1, "does not begin by saying what it promises".into());
    }
    let lines = source.lines().count() - scan.test_lines;
    if lines > LINES && !for_tests {
        wrong(Rule::Length, lines, format!("longer than {LINES} lines, its tests aside"));
    }
    found
}

fn scan(path: &str, source: &str) -> Scan {
    scan::scan(source, &module_of(path), is_module)
}

fn allowed(from: &str, to: &str) -> bool {
    let leaf = LEAVES.contains(&to) && (to == "limits" || !LEAVES.contains(&from));
    let listed = EDGES.iter().any(|(module, targets)| *module == from && targets.contains(&to));
    from == to || ROOTS.contains(&from) || leaf || listed
}

fn is_module(name: &str) -> bool {
    LEAVES.contains(&name) || name == "builder" || EDGES.iter().any(|(module, _)| *module == name)
}

/// The module that a file is, named from the crate's root.
fn module_of(path: &str) -> Vec<String> {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs");
    let mut names: Vec<String> = path.split('/').map(str::to_owned).collect();
    names.pop_if(|last| matches!(last.as_str(), "mod" | "lib"));
    names
}

/// The module at the crate's top that a file belongs to.
fn top(path: &str) -> String {
    module_of(path).into_iter().next().unwrap_or_else(|| "lib".into())
}

/// The rules that one file breaks, its head aside.
fn broken(path: &str, source: &str) -> Vec<Rule> {
    violations(path, &format!("//! A sample.\n{source}"), false).into_iter().map(|found| found.rule).collect()
}

#[test]
fn a_wrong_import_is_found_wherever_it_hides() {
    let wrong = [
        ("src/trail/ring.rs", "use crate::layer::CrumbLayer;"),
        ("src/trail/ring.rs", "use crate::{limits::A, model::{B, C}, layer::{gate::{Gate}}};"),
        ("src/trail/ring.rs", "use {crate::limits::A, crate::layer::B};"),
        ("src/trail/ring.rs", "use super::super::layer::CrumbLayer;"),
        ("src/trail/ring.rs", "use super::{cell::Cell, super::layer::CrumbLayer};"),
        ("src/trail/ring.rs", "use self::super::super::layer as harmless;"),
        ("src/trail/ring/part.rs", "use super::super::super::layer::CrumbLayer;"),
        ("src/trail/mod.rs", "use super::layer::CrumbLayer;"),
        ("src/queue.rs", "use super::worker::Worker;"),
        ("src/trail/mod.rs", "mod inner { mod deeper { use super::super::super::layer::CrumbLayer; } }"),
        ("src/trail/mod.rs", "fn f() { crate::layer::f(); }"),
        ("src/trail/mod.rs", "fn f() -> Option<<crate::layer::A as Clone>::B> { None }"),
        ("src/trail/mod.rs", "impl From<super::layer::A> for B {}"),
        ("src/trail/mod.rs", "fn f() { assert!(matches!(x, [crate::layer::A, ..])); }"),
        ("src/trail/mod.rs", "macro_rules! m { () => { $crate::layer::f() } }"),
        ("src/trail/mod.rs", "#[cfg(not(test))] use crate::layer::A;"),
        ("src/trail/mod.rs", "#[cfg(any(test, unix))] use crate::layer::A;"),
        ("src/trail/mod.rs", "struct S { #[cfg(test)] a: u8, b: crate::layer::A }"),
        ("src/trail/mod.rs", "#[cfg(test)] mod tests { } use crate::layer::A;"),
        ("src/trail/mod.rs", "use crate::CrumbLayer;"),
        ("src/trail/mod.rs", "use crate::builder::Builder;"),
        ("src/clock.rs", "use crate::sync::enter;"),
        ("src/model/mod.rs", "use crate::trail::Trail;"),
        ("src/scope/mod.rs", "use crate::capture::Pipeline;"),
        ("src/bin/crumbtrail/main.rs", "use crumbtrail::sink::Sink;"),
    ];
    for (path, source) in wrong {
        assert_eq!(broken(path, source), [Rule::Import], "{path}: {source}");
    }
}

#[test]
fn an_import_that_cannot_be_followed_is_wrong() {
    let wrong = [
        ("src/trail/mod.rs", "use crate as whole;"),
        ("src/trail/mod.rs", "use crate::*;"),
        ("src/trail/mod.rs", "use crate::{self as whole};"),
        ("src/trail/ring.rs", "use super::super as whole;"),
        ("src/queue.rs", "use super::*;"),
        ("src/trail/mod.rs", "extern crate self as whole;"),
        ("src/trail/mod.rs", "#[path = \"../layer/mod.rs\"] mod layer;"),
    ];
    for (path, source) in wrong {
        assert_eq!(broken(path, source), [Rule::Import], "{path}: {source}");
    }
    assert_eq!(broken("src/capture/mod.rs", "pub(crate) use crate::trail::Trail;"), [Rule::Reexport]);
}

#[test]
fn a_right_import_is_none_of_these() {
    let right = [
        ("src/lib.rs", "mod api; pub use api::f; pub use crate::layer::CrumbLayer;"),
        ("src/builder.rs", "use crate::{Sink, worker::Worker, layer::gate};"),
        (
            "src/layer/mod.rs",
            "use crate::trail::{self, Record}; use crate::limits::A; fn f() { crate::clock::now(); }",
        ),
        ("src/trail/ring.rs", "use super::cell::Cell; use super::*; pub(in crate::trail) struct A;"),
        ("src/trail/ring.rs", "mod inner { use super::super::super::limits::A; use super::super::cell; }"),
        (
            "src/trail/mod.rs",
            "// use crate::layer::A;\n/// [`A`](crate::layer::A)\nconst A: &str = \"crate::layer::A\";",
        ),
        (
            "src/trail/mod.rs",
            "#[cfg(test)] use crate::layer::A; #[cfg(all(unix, test))] mod t { use crate::layer::A; }",
        ),
        ("src/trail/mod.rs", "struct S { #[cfg(test)] a: crate::layer::A, #[cfg(test)] b: Map<u8, u8> }"),
        ("src/ledger/mod.rs", "use crate::error::FlushError; use crate::limits::A;"),
        (
            "src/bin/crumbtrail/main.rs",
            "mod arguments; use arguments::A; use crumbtrail::view; fn f() { crumbtrail::from_env(); }",
        ),
        ("src/trail/mod.rs", "fn f(&self) -> impl Iterator + use<'_> { self.iter() }"),
    ];
    for (path, source) in right {
        assert_eq!(broken(path, source), [], "{path}: {source}");
    }
}

#[test]
fn each_other_rule_can_be_broken() {
    let file = "src/trail/mod.rs";
    assert_eq!(broken(file, "fn f() { unsafe { g() } }"), [Rule::Unsafe]);
    assert_eq!(broken(file, "mac! { unsafe impl Send for A {} }"), [Rule::Unsafe]);
    assert_eq!(broken(file, "#[cfg(test)] mod t { unsafe fn f() {} }"), [Rule::Unsafe]);
    assert_eq!(broken(file, "// unsafe\n#![deny(unsafe_code)] const A: &str = \"unsafe\";"), []);
    assert_eq!(broken("src/trail/cell.rs", "unsafe impl Send for A {}"), []);

    assert_eq!(broken(file, "use once_cell::race::OnceBox;"), [Rule::Borrowed]);
    assert_eq!(broken("src/sink/store/mod.rs", "fn f() { reqwest::get() }"), [Rule::Borrowed]);
    assert_eq!(broken("src/sink/store/mod.rs", "use rusqlite::Connection; // reqwest"), []);

    assert_eq!(broken(file, "fn f() { println!(); std::eprintln!(\"{}\", dbg!(1)); }"), [Rule::Macro; 3]);
    assert_eq!(broken(file, "fn f() { todo!() }"), [Rule::Macro]);
    assert_eq!(broken(file, "// TODO: later\n// FIXME(me)"), [Rule::Unfinished; 2]);
    assert_eq!(broken(file, "// TODO(#12): once the store is there"), []);

    let of_lines = |lines: usize| "\n".repeat(lines - 1);
    assert_eq!(broken(file, &of_lines(LINES + 1)), [Rule::Length]);
    assert_eq!(broken(file, &of_lines(LINES)), []);
    assert_eq!(broken(file, &format!("#[cfg(test)] mod tests {{{}}}", of_lines(LINES))), []);

    let headless = violations(file, "// A sample.\nfn f() {}", false);
    assert_eq!(headless.iter().map(|found| found.rule).collect::<Vec<_>>(), [Rule::Head]);
}

#[test]
fn what_is_declared_for_tests_only_may_do_more() {
    let source = "mod a; #[cfg(test)] mod b; #[cfg(all(test, unix))] pub(crate) mod c; #[cfg(unix)] mod d; \
        #[cfg(any(test, unix))] mod e; #[cfg(test)] mod f { mod g; } mod h { #[cfg(test)] mod i; }";
    let found = scan("src/trail/ring.rs", source).test_modules;
    assert_eq!(
        found,
        [["trail", "ring", "b"].as_slice(), &["trail", "ring", "c"], &["trail", "ring", "h", "i"]]
    );

    let long = format!("//! A sample.\nuse crate::layer::A; fn f() {{ println!() }} {}", "\n".repeat(LINES));
    assert!(violations("src/trail/ring/b.rs", &long, true).is_empty());
    let wrong = violations("src/trail/ring/b.rs", "// A sample.\nunsafe fn f() {} // TODO", true);
    assert_eq!(
        wrong.iter().map(|found| found.rule).collect::<Vec<_>>(),
        [Rule::Unsafe, Rule::Unfinished, Rule::Head]
    );
}
