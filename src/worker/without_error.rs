//! What is said on stderr of ERRORs that carried no error: once that there is such a thing, and at the end how many.

use std::fmt::Write as _;

use crate::diag::Said;
use crate::ledger::{Ledger, LineCount};

/// Names the first line whose ERROR carried no error, once in a process, and what to do about it.
pub(super) fn say_first(ledger: &Ledger) {
    static FIRST: Said = Said::new();
    let first = ledger.lines.seen().find(|(_, line)| line.without_error() > 0);
    if let Some((site, _)) = first {
        let place = site.map(|site| place(&site.target, site.file.as_deref(), site.line)).unwrap_or_default();
        FIRST.say(&format!(
            "an ERROR carried no error: {place}; such lines are counted, see Stats::lines, and are breadcrumbs; \
             Builder::track_messages(true) tracks them"
        ));
    }
}

/// All that were counted, the lines with most first; None where there are none.
pub(super) fn summary(total: u64, lines: &[LineCount]) -> Option<String> {
    if total == 0 {
        return None;
    }
    let silent: Vec<&LineCount> = lines.iter().filter(|line| line.without_error > 0).collect();
    let mut text = match total {
        1 => "1 ERROR carried no error and was not tracked:".to_owned(),
        _ => format!("{total} ERRORs carried no error and were not tracked:"),
    };
    for line in silent.iter().take(NAMED) {
        let place = place(&line.target, line.file.as_deref(), line.line);
        let _ = write!(text, " ×{} {place},", line.without_error);
    }
    match silent.len().saturating_sub(NAMED) {
        0 => {
            text.pop();
        }
        more => {
            let _ = write!(text, " and {more} more lines");
        }
    }
    Some(text)
}

fn place(target: &str, file: Option<&str>, line: Option<u32>) -> String {
    match (file, line) {
        (Some(file), Some(line)) => format!("{target} ({file}:{line})"),
        (Some(file), None) => format!("{target} ({file})"),
        (None, _) if target.is_empty() => "lines beyond those that are counted one by one".to_owned(),
        (None, _) => target.to_owned(),
    }
}

/// Lines that are named; the rest is in [`Stats`](crate::Stats).
const NAMED: usize = 10;
