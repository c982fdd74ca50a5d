//! Public signatures name nothing but `std`, `tracing`, `tracing-subscriber` and `serde_json`'s value: what else the
//! crate stands on may change under its users without a new major version.
//!
//! rustdoc says what the public signatures are: as JSON, which a stable rustdoc writes when it is told that it may.
//! That takes a build of its own, with every feature, in a folder of its own.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use std::{env, fs};

use serde_json::{Value, json};

/// Crates whose names may stand in a signature. `tracing` hands on `tracing-core`.
const CRATES: &[&str] = &["std", "core", "alloc", "tracing", "tracing_core", "tracing_subscriber"];

/// Of other crates, these alone: a value, and the map that a value holds.
const ITEMS: &[&str] = &["serde_json::value::Value", "serde_json::map::Map"];

/// What a program that keeps issues, or looks at them, goes by.
const STORE: &[&str] = &[
    "Builder::store",
    "BuildError::is_store",
    "Store::Default",
    "Store::Path",
    "Store::Memory",
    "Store::Off",
    "view::Colour::Auto",
    "view::Condition::is_healthy",
    "view::Export::Events",
    "view::Export::Issues",
    "view::Filter",
    "view::Form::Json",
    "view::Form::Text",
    "view::Mute::Count",
    "view::Mute::For",
    "view::Mute::Forever",
    "view::Mute::Users",
    "view::Sort::Count",
    "view::Sort::LastSeen",
    "view::Sort::Users",
    "view::State::Muted",
    "view::State::Resolved",
    "view::State::Unresolved",
    "view::Tail::news",
    "view::View::events",
    "view::View::export",
    "view::View::issues",
    "view::View::mute",
    "view::View::newest",
    "view::View::open",
    "view::View::prune",
    "view::View::reopen",
    "view::View::resolve",
    "view::View::show",
    "view::View::stats",
    "view::View::tail",
    "view::ViewError::is_store",
    "view::ViewError::is_unknown",
    "view::doctor",
];

/// One for all tests: it is a build of its own.
static API: LazyLock<Value> = LazyLock::new(rustdoc);

#[test]
fn what_programs_go_by_is_there() {
    let face = face(&API);
    let missing: Vec<_> = STORE.iter().filter(|name| !face.contains(**name)).collect();
    assert!(missing.is_empty(), "{missing:?} is not among {face:#?}");
}

#[test]
fn public_signatures_name_what_users_have_already() {
    let named = named(&API);
    // What is known to be there has been seen, so what is not seen is not there.
    for known in
        ["tracing_core::event::Event", "tracing_subscriber::layer::Layer", "serde_json::value::Value"]
    {
        assert!(named.contains_key(known), "{known} was not seen among {:?}", named.keys());
    }
    let foreign: Vec<_> = named.iter().filter(|(name, _)| !may_be_named(name)).collect();
    assert!(foreign.is_empty(), "{foreign:#?}");
}

#[test]
fn a_foreign_name_is_found_wherever_it_stands() {
    let field = json!({ "struct_field": { "resolved_path": { "path": "Uuid", "id": 7, "args": null } } });
    let argument = json!({ "function": { "sig": { "inputs": [["id", { "borrowed_ref": { "type":
        { "resolved_path": { "path": "Option", "id": 8, "args": { "angle_bracketed": { "args": [{ "type":
            { "resolved_path": { "path": "Uuid", "id": 7, "args": null } } }] } } } } } }]] } } });
    let bound = json!({ "struct": { "generics": { "params": [{ "kind": { "type": { "bounds": [{ "trait_bound":
        { "trait": { "path": "Uuid", "id": 7, "args": null } } }] } } }] } } });
    let implemented = json!({ "impl": { "trait": { "path": "Uuid", "id": 7 }, "blanket_impl": null } });
    let handed_on = json!({ "use": { "source": "uuid::Uuid", "name": "Uuid", "id": 7, "is_glob": false } });
    for inner in [field, argument, bound, implemented, handed_on] {
        let crate_ = sample(&inner);
        let foreign: Vec<_> = named(&crate_).into_keys().filter(|name| !may_be_named(name)).collect();
        assert_eq!(foreign, ["uuid::Uuid"], "{inner}");
    }
    let everybodys =
        json!({ "impl": { "trait": { "path": "Uuid", "id": 7 }, "blanket_impl": { "generic": "T" } } });
    assert!(named(&sample(&everybodys)).is_empty());
}

/// What rustdoc would say of a crate with one item.
fn sample(inner: &Value) -> Value {
    json!({
        "index": { "1": { "id": 1, "name": "sample", "inner": inner } },
        "paths": {
            "7": { "crate_id": 2, "path": ["uuid", "Uuid"] },
            "8": { "crate_id": 1, "path": ["core", "option", "Option"] },
        },
    })
}

fn may_be_named(name: &str) -> bool {
    let from = name.split("::").next().unwrap_or(name);
    CRATES.contains(&from) || ITEMS.contains(&name)
}

/// The names of other crates' items in public signatures, and where they stand.
fn named(api: &Value) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::<String, Vec<String>>::new();
    for item in api["index"].as_object().unwrap().values() {
        // What another crate wrote, for every type, is listed with ours.
        if item["crate_id"].as_u64().is_some_and(|from| from != 0) {
            continue;
        }
        let whole = &item["inner"]["impl"];
        // What someone implemented for every type, and what the compiler implements, is not this crate's to choose.
        if !whole["blanket_impl"].is_null() || whole["is_synthetic"] == true {
            continue;
        }
        let mut ids = Vec::new();
        collect(&item["inner"], &mut ids);
        for id in ids {
            let path = &api["paths"][&id];
            if path["crate_id"].as_u64().is_some_and(|from| from != 0) {
                let names: Vec<&str> =
                    path["path"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
                found.entry(names.join("::")).or_default().push(place(item));
            } else {
                assert!(
                    !path.is_null() || !api["index"][&id].is_null(),
                    "rustdoc does not say what {id} is: {item}"
                );
            }
        }
    }
    found
}

/// Every name that a program can write behind `crumbtrail::`, but for those in other crates.
fn face(api: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    enter(api, &api["root"], "", &mut found);
    found
}

/// Adds what stands in a module, a type or its implementations, behind the names that lead there.
fn enter(api: &Value, id: &Value, path: &str, found: &mut BTreeSet<String>) {
    let item = &api["index"][&id.to_string()];
    let Some((kind, inner)) = item["inner"].as_object().and_then(|inner| inner.iter().next()) else { return };
    let name = match kind.as_str() {
        "use" => return enter(api, &inner["id"], path, found),
        // An implementation has no name, and the crate none that is written.
        "impl" if !inner["trait"].is_null() => return,
        "impl" => path.to_owned(),
        _ if *id == api["root"] => String::new(),
        _ => format!("{path}{}::", item["name"].as_str().unwrap_or_default()),
    };
    found.insert(name.trim_end_matches("::").to_owned());
    for list in ["items", "impls", "variants"] {
        for id in inner[list].as_array().into_iter().flatten() {
            enter(api, id, &name, found);
        }
    }
}

fn place(item: &Value) -> String {
    let span = &item["span"];
    format!("{}:{}", span["filename"].as_str().unwrap_or("?"), span["begin"][0])
}

/// The ids behind every path that is written in an item.
fn collect(inner: &Value, ids: &mut Vec<String>) {
    match inner {
        Value::Object(fields) => {
            if (fields.contains_key("path") || fields.contains_key("source"))
                && let Some(id) = fields.get("id").and_then(Value::as_u64)
            {
                ids.push(id.to_string());
            }
            fields.values().for_each(|value| collect(value, ids));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, ids)),
        _ => {}
    }
}

/// Has rustdoc write down the public face of the crate.
fn rustdoc() -> Value {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("public_api");
    let done = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["rustdoc", "--quiet", "--lib", "--all-features", "--target-dir"])
        .arg(&target)
        .args(["--", "-Z", "unstable-options", "--output-format", "json", "--document-hidden-items"])
        .env("RUSTC_BOOTSTRAP", "1")
        .env_remove("RUSTDOCFLAGS")
        .output()
        .unwrap();
    assert!(done.status.success(), "rustdoc wrote no JSON:\n{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&fs::read(target.join("doc/crumbtrail.json")).unwrap()).unwrap()
}
