//! The text of a line without its values, where the event's fingerprint has it. Pure.
//!
//! A fingerprint of ours holds it as one of its parts, but which one differs, and what a program says of its issues may
//! look like one. So a part is believed where it fits the text: all that stands around its placeholders stands in the
//! text, in the same order.

/// What the line says every time it logs, such as `order <*> of <email>`.
pub(super) fn of<'a>(fingerprint: &'a [String], text: &str) -> Option<&'a str> {
    let parts = fingerprint.get(1..).filter(|_| is_made(fingerprint))?;
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    parts.iter().map(String::as_str).find(|part| fits(part, &text))
}

/// Whether it was made of the event, and not said of it: then it begins with how, `v1`.
pub(super) fn is_made(fingerprint: &[String]) -> bool {
    fingerprint.first().and_then(|scheme| scheme.strip_prefix('v')).is_some_and(|number| {
        (1..=3).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn fits(part: &str, text: &str) -> bool {
    let mut literals = literals(part.trim_end_matches('…')).filter(|literal| !literal.is_empty());
    let Some(mut rest) = literals.next().and_then(|first| Some(text.split_once(first)?.1)) else {
        return false;
    };
    literals.all(|literal| match rest.split_once(literal) {
        Some((_, behind)) => {
            rest = behind;
            true
        }
        None => false,
    })
}

/// What stands around the placeholders `<…>`.
fn literals(part: &str) -> impl Iterator<Item = &str> {
    part.split('<').enumerate().map(|(index, piece)| match piece.split_once('>') {
        Some((_, behind)) if index > 0 => behind.trim(),
        _ => piece.trim(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn finds(parts: &[&str], text: &str, template: Option<&str>) {
        let parts: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
        assert_eq!(of(&parts, text), template, "{parts:?} {text:?}");
    }

    #[test]
    fn the_part_that_fits_the_text_is_its_template() {
        let order = Some("order <*> of <email>");
        finds(&["v1", "shop::pay", "order <*> of <email>", "Declined"], "order 17 of ada@example.org", order);
        finds(&["v1", "order <*> of <email>"], "order 17\n  of ada@example.org: declined", order);
        finds(&["v1", "shop", "sign_up", "ParseIntError"], "sign_up", Some("sign_up"));
        let long = "the order <*> could not be…";
        finds(&["v1", "shop", long], "the order 17 could not be paid in time", Some(long));
    }

    #[test]
    fn what_a_program_says_of_its_issue_is_no_template() {
        finds(&["order <*> of <email>"], "order 17 of ada@example.org", None);
        finds(&["card declined", "card"], "card declined", None);
        finds(&["v1", "shop::pay", "io::Error"], "no such file", None);
        finds(&["v1", "shop::pay", "<*>"], "17", None);
        finds(&["version", "failed"], "failed", None);
        finds(&[], "failed", None);
    }
}
