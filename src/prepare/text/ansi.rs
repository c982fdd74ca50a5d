//! Colours out: a terminal's escape sequences say nothing about an error.

use std::borrow::Cow;

/// The text without escape sequences; borrowed where there are none.
pub(super) fn stripped(text: &str) -> Cow<'_, str> {
    if !text.contains(ESCAPE) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character == ESCAPE {
            skip(&mut characters);
        } else {
            plain.push(character);
        }
    }
    Cow::Owned(plain)
}

/// Skips what follows an escape: a control sequence up to its final byte, a title or link up to its terminator, or one
/// character.
fn skip(characters: &mut std::str::Chars<'_>) {
    match characters.next() {
        Some('[') => {
            for character in characters.by_ref() {
                // Anything beyond ASCII is no part of a sequence: what is broken ends there.
                if !(' '..='?').contains(&character) {
                    break;
                }
            }
        }
        Some(']') => {
            while let Some(character) = characters.next() {
                if character == '\u{7}' {
                    break;
                }
                if character == ESCAPE {
                    characters.next();
                    break;
                }
            }
        }
        _ => {}
    }
}

const ESCAPE: char = '\u{1b}';

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_go_and_text_stays() {
        assert!(matches!(stripped("a\nb"), Cow::Borrowed("a\nb")));
        assert_eq!(stripped("\u{1b}[91mouter\u{1b}[0m: \u{1b}[38;5;1minner"), "outer: inner");
        assert_eq!(stripped("\u{1b}]8;;https://a\u{1b}\\link\u{1b}]8;;\u{7}!"), "link!");
        assert_eq!(stripped("cut \u{1b}["), "cut ");
        assert_eq!(stripped("cut \u{1b}"), "cut ");
    }
}
