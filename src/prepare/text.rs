//! Errors of which only the text came: causes and types read back out of it.

use crate::limits::CHAIN_LINKS;
use crate::model::Cause;

/// The chain that a text shows, outermost first, and whether it was longer.
///
/// `plain` is what the line wrote, `alternate` the same value by `{:#?}` where that differs.
pub(super) fn chain(plain: &str, alternate: Option<&str>) -> (Vec<Cause>, bool) {
    if let Some(causes) = alternate.and_then(|alternate| joined(plain, alternate)) {
        return bounded(causes);
    }
    let plain = without_sections(plain);
    if let Some(causes) = listed(plain) {
        return bounded(causes);
    }
    // A value whose alternate form is spread over lines was written by `{:?}`, and a derived one begins with its type.
    let derived = alternate.is_some_and(|alternate| alternate.contains("\n    "));
    let type_name = if derived { type_name(plain) } else { None };
    (vec![Cause::new(type_name, plain)], false)
}

/// `top: cause: root`, the alternate `Display` of anyhow, eyre and their kin. Other types do other things with the
/// alternate flag, so it counts only where it goes on from the plain text.
fn joined(plain: &str, alternate: &str) -> Option<Vec<Cause>> {
    let causes = alternate.strip_prefix(plain)?.strip_prefix(": ")?;
    let texts = std::iter::once(plain).chain(causes.split(": "));
    Some(texts.map(|text| Cause::new(None, text)).collect())
}

/// `top`, a blank line, `Caused by:` and the causes, numbered if there are several: the `Debug` of anyhow and eyre.
fn listed(plain: &str) -> Option<Vec<Cause>> {
    let (top, list) = plain.split_once("\n\nCaused by:\n")?;
    let mut causes = vec![Cause::new(None, top)];
    for line in list.lines() {
        let text = line.trim_start();
        let numbered = text.split_once(": ").filter(|(number, _)| {
            line.starts_with("  ") && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        });
        match (numbered, causes.len(), causes.last_mut()) {
            (Some((_, cause)), _, _) => causes.push(Cause::new(None, cause)),
            (None, 1, _) => causes.push(Cause::new(None, text)),
            // A cause of several lines: the others are indented as far as its text.
            (None, _, Some(cause)) => {
                cause.value.push('\n');
                cause.value.push_str(text);
            }
            (None, _, None) => {}
        }
    }
    Some(causes)
}

/// Without what the `Debug` of anyhow and eyre appends to the texts.
fn without_sections(plain: &str) -> &str {
    ["\n\nStack backtrace:", "\n\nBacktrace:", "\n\nLocation:"]
        .iter()
        .fold(plain, |text, section| text.split_once(section).map_or(text, |(before, _)| before))
}

fn bounded(mut causes: Vec<Cause>) -> (Vec<Cause>, bool) {
    let cut = causes.len() > CHAIN_LINKS;
    causes.truncate(CHAIN_LINKS);
    (causes, cut)
}

/// The type that a derived `Debug` begins with: `ConnectionRefused`, `Os { …`, `Db(Timeout)`, `reqwest::Error { …`.
pub(super) fn type_name(debug: &str) -> Option<String> {
    let end = debug.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').unwrap_or(debug.len());
    let (name, rest) = debug.split_at(end);
    let last = name.rsplit("::").next().unwrap_or(name);
    let is_type = last.starts_with(char::is_uppercase) && !name.ends_with(':');
    let is_whole =
        rest.is_empty() || rest.starts_with(" {") || rest.starts_with('(') || rest.starts_with('\n');
    (is_type && is_whole).then(|| name.to_owned())
}
