//! The ledgers that processes noted in a store, as text and as JSON.

use serde_json::{Value, json};

use super::ledger::{Terms, words};
use super::{Form, View, json, lines};
use crate::diag::escape_into;
use crate::issues::{Book, Fault, LineTotal, ProcessNote};
use crate::report::{self, count, stretch};

pub(super) fn tell(view: &View) -> Result<String, Fault> {
    let notes = view.store.notes()?;
    let notes: Vec<(ProcessNote, Terms)> =
        notes.into_iter().map(|note| (Terms::of(&note), note)).map(|(terms, note)| (note, terms)).collect();
    let by_line = view.store.lines()?;
    Ok(match view.form {
        Form::Json => as_json(view, &notes, &by_line),
        Form::Text => as_text(view, &notes, &by_line),
    })
}

fn as_json(view: &View, notes: &[(ProcessNote, Terms)], by_line: &[LineTotal]) -> String {
    let mut fields = json::terms(&Terms::sum(notes.iter().map(|(_, terms)| terms)));
    let rest = [
        ("processes", notes.iter().map(|(note, terms)| json::process(note, terms)).collect()),
        ("not_told_apart", by_line.iter().map(json::line).collect()),
        ("path", view.path.to_string_lossy().into()),
        ("bytes", json!(view.store.bytes())),
    ];
    fields.extend(rest.map(|(name, value)| (name.to_owned(), value)));
    lines([Value::Object(fields)])
}

fn as_text(view: &View, notes: &[(ProcessNote, Terms)], by_line: &[LineTotal]) -> String {
    let sum = Terms::sum(notes.iter().map(|(_, terms)| terms));
    let mut text = String::new();
    let mut put = |name: &str, words: &str| {
        text.push_str(&format!("{name:<10} "));
        escape_into(words, &mut text);
        text.push('\n');
    };
    let ends = sum.ends().map(|(name, number)| format!("{} {name}", count(number)));
    put("accepted", &format!("{} = {}", count(sum.accepted), ends.join(" + ")));
    put("", &balance(notes));
    for (name, reasons) in [("dropped", &sum.dropped), ("lost", &sum.lost), ("unsent", &sum.unsent)] {
        for (reason, number) in reasons {
            put(name, &format!("{} {}", count(*number), words(reason)));
        }
    }
    let noted = notes.iter().map(|(note, _)| note.noted).max();
    let ago = noted.map(|noted| format!(", the last one {} ago", stretch(view.now().since(noted))));
    put("noted by", &format!("{}{}", processes(notes.len()), ago.unwrap_or_default()));
    put("file", &format!("{}, {}", view.path.display(), size(view.store.bytes())));
    if !by_line.is_empty() {
        text.push('\n');
        text.push_str(&report::lines(by_line, view.now(), view.look));
    }
    text
}

/// Whether each ledger adds up, and which does not.
fn balance(notes: &[(ProcessNote, Terms)]) -> String {
    let wrong = notes.iter().filter(|(_, terms)| !terms.balances()).map(|(note, _)| note.pid.to_string());
    let wrong: Vec<String> = wrong.collect();
    if wrong.is_empty() {
        return "it balances".to_owned();
    }
    format!("it does not balance, by what {} noted: {}", processes(wrong.len()), wrong.join(", "))
}

fn processes(number: usize) -> String {
    if number == 1 { "1 process".to_owned() } else { format!("{} processes", count(number as u64)) }
}

/// Bytes as they are read at a glance: `512 B`, `3.4 KiB`, `20.0 MiB`.
pub(super) fn size(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1_024 => return format!("{bytes} B"),
        1_024..0x10_0000 => (1_024, "KiB"),
        0x10_0000..0x4000_0000 => (1 << 20, "MiB"),
        _ => (1 << 30, "GiB"),
    };
    format!("{}.{} {name}", count(bytes / unit), bytes % unit * 10 / unit)
}

#[cfg(test)]
#[test]
fn sizes_read_at_a_glance() {
    for (bytes, text) in [
        (0, "0 B"),
        (1_023, "1023 B"),
        (1_024, "1.0 KiB"),
        (3_500, "3.4 KiB"),
        (20 << 20, "20.0 MiB"),
        (5 << 40, "5,120.0 GiB"),
    ] {
        assert_eq!(size(bytes), text);
    }
}
