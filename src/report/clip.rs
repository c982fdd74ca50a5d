//! Words of others within a line of ours: a tag's value, a release, a title.

use crate::diag::escape_into;

/// A text with what could steer a terminal made visible, no longer than so many characters.
pub(super) fn clip(text: &str, most: usize) -> String {
    let mut escaped = String::new();
    // Whatever is cut anyway need not be escaped; it never becomes shorter by it.
    let end = text.char_indices().nth(most + 1).map_or(text.len(), |(end, _)| end);
    escape_into(text.get(..end).unwrap_or(text).trim(), &mut escaped);
    if escaped.chars().count() > most {
        let kept: String = escaped.chars().take(most.saturating_sub(1)).collect();
        escaped = kept + "…";
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_harmless_and_no_longer_than_it_may_be() {
        for (text, clipped) in [
            ("google", "google"),
            (" spring sale\n", "spring sale"),
            ("0123456789ab", "0123456789ab"),
            ("0123456789abc", "0123456789a…"),
            ("\u{1b}[31m", "\\u{1b}[31m"),
            ("a\u{202e}b\nc", "a\\u{202e}b\\…"),
        ] {
            assert_eq!(clip(text, 12), clipped, "{text:?}");
        }
        assert_eq!(clip(&"ä".repeat(1_000), 5), "ääää…");
    }
}
