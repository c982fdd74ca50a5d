//! Our own voice: a line on stderr when crumbtrail itself has something to say.
//!
//! It never goes through `tracing` or `log`, so it cannot feed itself, and every text in it is escaped. Each
//! [`Said`] speaks once in a process: what goes on happening is counted in [`Stats`](crate::Stats) instead. May block
//! on a full stderr, so it is called at start-up, on the worker and on the thread that delivers, and on the caller's thread
//! for mistakes in the program only.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

/// A remark that is made once in a process.
#[derive(Debug)]
pub(crate) struct Said(AtomicBool);

impl Said {
    pub(crate) const fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Says it, the first time.
    pub(crate) fn say(&self, text: &str) {
        // Relaxed: nothing is published with the flag; two threads cannot both see `false`.
        if !self.0.swap(true, Ordering::Relaxed) {
            say(text);
        }
    }
}

/// Says `text` on stderr, escaped, as one line.
pub(crate) fn say(text: &str) {
    let mut line = String::with_capacity(text.len() + 16);
    line.push_str("crumbtrail: ");
    escape_into(text, &mut line);
    line.push('\n');
    // A closed stderr is the host's choice; there is nobody else to tell.
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
}

/// Appends `text` with everything that could steer a terminal made visible: controls (newlines too) and the
/// characters that change the direction of text.
pub(crate) fn escape_into(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '\n' | '\r' | '\t' => out.extend(character.escape_default()),
            _ if steers(character) => {
                let _ = write!(out, "{}", character.escape_unicode());
            }
            _ => out.push(character),
        }
    }
}

/// C0, DEL, C1; line and paragraph separators; bidirectional marks, embeddings, overrides and isolates, and the older
/// characters beside them; annotations, tags and the byte order mark, which hide text.
pub(crate) fn steers(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{061C}'
                | '\u{200E}'
                | '\u{200F}'
                | '\u{2028}'..='\u{202E}'
                | '\u{2066}'..='\u{206F}'
                | '\u{FEFF}'
                | '\u{FFF9}'..='\u{FFFB}'
                | '\u{E0000}'..='\u{E007F}'
        )
}
