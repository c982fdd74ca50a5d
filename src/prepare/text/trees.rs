//! Chains that a report draws: error-stack, rootcause, exn.
//!
//! A drawn tree may branch. What is told is the chain of first causes; a branch beside it is no cause of what stands
//! above it in the list.

use super::derived::{Shape, Tree};
use super::listed::without_place;
use super::nested;
use crate::limits::CHAIN_LINKS;
use crate::model::Cause;

/// The chain of a drawing, if the text is one.
pub(super) fn drawn(text: &str) -> Option<Vec<Cause>> {
    error_stack(text).or_else(|| rootcause(text)).or_else(|| exn(text))
}

/// ```text
/// top
/// ├╴at src/main.rs:1:1
/// │
/// ╰─▶ root
///     ╰╴at src/main.rs:2:2
/// ```
fn error_stack(text: &str) -> Option<Vec<Cause>> {
    if !text.contains(['├', '╰']) || !text.contains('╴') {
        return None;
    }
    let mut causes: Vec<Cause> = Vec::new();
    let mut column = 0;
    let mut own = true;
    for line in text.lines() {
        let drawn: usize = line.chars().take_while(|character| " │├╰┬─▶╴".contains(*character)).count();
        let begin = line.char_indices().nth(drawn).map_or(line.len(), |(at, _)| at);
        let (drawing, words) = line.split_at_checked(begin)?;
        if drawing.contains('▶') {
            // One that stands no further to the right is beside the last.
            own = drawn > column;
            if own {
                column = drawn;
                causes.push(Cause::new(None, words));
            }
        } else if drawing.contains(['╴', '│', '├', '╰']) {
            own = false;
        } else if own && !words.is_empty() {
            match causes.last_mut() {
                None => causes.push(Cause::new(None, line)),
                Some(cause) => {
                    cause.value.push('\n');
                    cause.value.push_str(words);
                }
            }
        }
        if causes.len() > CHAIN_LINKS {
            break;
        }
    }
    (!causes.is_empty()).then_some(causes)
}

/// ```text
///  ● top
///  ├ src/main.rs:1
///  │
///  ● root
///  ╰ src/main.rs:1
/// ```
fn rootcause(text: &str) -> Option<Vec<Cause>> {
    let text = text.trim_start_matches('\n');
    let indent =
        text.find('●').filter(|indent| text.get(..*indent).is_some_and(|before| before.trim().is_empty()))?;
    let mut causes: Vec<Cause> = Vec::new();
    for line in text.lines() {
        if let Some(words) = line.get(indent..).and_then(|line| line.strip_prefix("● ")) {
            if causes.len() > CHAIN_LINKS {
                break;
            }
            causes.push(of_debug(words));
        }
    }
    Some(causes)
}

/// ```text
/// top, at src/main.rs:1:1
/// |-- root, at src/main.rs:2:2
/// ```
fn exn(text: &str) -> Option<Vec<Cause>> {
    let mut causes: Vec<Cause> = Vec::new();
    // What a line begins with, below which its causes stand.
    let mut branch = None;
    for line in text.trim_end().lines() {
        let words = line.trim_start_matches([' ', '|', '`', '-', '>']);
        let drawing = line.len() - words.len();
        let last = line.trim_start_matches([' ', '|']).starts_with('`');
        let own = match (branch, drawing) {
            (None, 0) => true,
            (Some((column, _)), drawing) if drawing > column => true,
            // A chain that does not branch is drawn without indenting it.
            (Some((column, false)), drawing) if drawing == column && drawing > 0 => true,
            _ => false,
        };
        if own {
            branch = Some((drawing, last));
            causes.push(Cause::new(None, without_place(words)?));
        } else if drawing == 0 {
            return None;
        }
        if causes.len() > CHAIN_LINKS {
            break;
        }
    }
    (!causes.is_empty()).then_some(causes)
}

/// A link that was written by its `Debug`, or as it is.
fn of_debug(words: &str) -> Cause {
    let tree = Tree::parse(words, false);
    let tree =
        tree.filter(|tree| tree.node(0).is_some_and(|node| node.shape != Shape::Other) && tree.is_telling());
    let mut links = tree.map(|tree| nested::links(&tree)).unwrap_or_default();
    if links.is_empty() { Cause::new(None, words) } else { links.swap_remove(0).cause }
}
