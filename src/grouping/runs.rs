//! Runs of characters that are one value whatever is in them: what is quoted, paths, addresses with brackets. Each
//! answer is the length of the run that a text begins with; each looks as far as it takes, and no further than it must
//! to say no.

use std::net::Ipv6Addr;

/// `"…"`, or up to the end where it was cut: by a bound, or where only the first lines are read.
pub(super) fn double_quoted(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('"').filter(|inside| !inside.trim().is_empty())?;
    let mut escaped = false;
    let end = inside.find(|c| {
        let closes = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        closes
    });
    Some(end.map_or(text.len(), |end| end + 2))
}

/// `` `…` ``
pub(super) fn back_quoted(text: &str) -> Option<usize> {
    text.strip_prefix('`')?.find('`').map(|end| end + 2)
}

/// Whether what stands in back quotes is code that the standard library speaks of, and no value.
pub(super) fn is_code(quoted: &str) -> bool {
    let path = quoted.contains("::")
        && quoted.chars().all(|c| c.is_ascii_alphabetic() || matches!(c, '_' | ':' | '(' | ')'));
    path || matches!(quoted, "None" | "Some" | "Err" | "Ok" | "left == right" | "left != right")
}

/// `[::1]`, `[::1]:8080`
pub(super) fn bracketed_address(text: &str) -> Option<usize> {
    let (inside, behind) = text.strip_prefix('[')?.split_once(']')?;
    let address = inside.split('%').next().unwrap_or(inside);
    address.parse::<Ipv6Addr>().ok()?;
    let port = behind.strip_prefix(':').map_or(0, |port| port.bytes().take_while(u8::is_ascii_digit).count());
    Some(inside.len() + 2 + if port > 0 { port + 1 } else { 0 })
}

/// The length of the path that a text begins with: `/var/lib`, `./a`, `~/a`, `C:\a`.
pub(super) fn path(text: &str) -> Option<usize> {
    let windows = matches!(text.as_bytes(), [b'A'..=b'Z', b':', b'\\', ..]);
    let rest = if windows {
        text.get(2..)?
    } else {
        let rest = text.strip_prefix("..").or_else(|| text.strip_prefix(['.', '~'])).unwrap_or(text);
        let inside = rest.strip_prefix('/')?;
        let begins =
            |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '/' | '{' | ':' | '*' | '@' | '%');
        inside.starts_with(begins).then_some(rest)?
    };
    let length = run(rest, |c| matches!(c, '"' | '`' | '<' | '>' | '|' | ',' | ';' | ':' | '\''));
    (length > 0).then_some(text.len() - rest.len() + length)
}

/// The length of a run up to white space, to one of `ends`, or to a bracket that was opened before it; without the
/// marks at its end, which are the sentence's.
pub(super) fn run(text: &str, ends: impl Fn(char) -> bool) -> usize {
    let mut depth = 0_usize;
    let end = text.find(|c: char| {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth == 0 => return true,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        c.is_whitespace() || ends(c)
    });
    let run = end.and_then(|end| text.get(..end)).unwrap_or(text);
    run.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '…', '(', '[', '{']).len()
}

/// Where the scheme begins that a text ends with.
pub(super) fn scheme(text: &str) -> Option<usize> {
    let is_inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '-');
    let begin = text.trim_end_matches(is_inside).len();
    let letter = text.get(begin..)?.find(|c: char| c.is_ascii_alphabetic())?;
    Some(begin + letter)
}
