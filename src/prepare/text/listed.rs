//! Chains that a report lists line by line: anyhow, eyre, color-eyre, snafu, thiserror-ext, and those written after them.

use super::stack::is_place;
use crate::limits::CHAIN_LINKS;

/// The texts of a chain, outermost first, and the types that stood around its list in a derived `Debug`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) texts: Vec<String>,
    /// `Any` of `Any(top …`, outermost first.
    pub(super) around: Vec<String>,
}

/// `top`, a blank line, a header, and the causes, numbered if there are several.
pub(super) fn listed(text: &str) -> Option<Listed> {
    let (at, header) = HEADERS.iter().filter_map(|header| Some((text.find(header)?, header))).min()?;
    let (top, list) = (text.get(..at)?, text.get(at + header.len()..)?.trim_end());
    let (around, top) = wrappers(top);
    let list = if around.is_empty() { list } else { without_closing(list, around.len()) };
    let mut list = List::new(list)?;
    let mut texts = vec![top.to_owned()];
    list.take(&mut texts);
    Some(Listed { texts, around })
}

/// `   0: top` and the causes below, as color-eyre writes them.
pub(super) fn numbered(text: &str) -> Option<Vec<String>> {
    let list = text.trim_start_matches('\n');
    if !list.starts_with("   0: ") {
        return None;
    }
    let list = list.get(..end_of_numbered(list)).unwrap_or_default();
    let mut texts = Vec::new();
    List::new(list)?.take(&mut texts);
    Some(texts)
}

/// Where a list with numbers ends: sections of the program's own may follow, which are not indented as a text of several
/// paragraphs is.
fn end_of_numbered(list: &str) -> usize {
    let mut blank = None;
    let mut offset = 0;
    for line in list.split_inclusive('\n') {
        let begin = offset;
        offset += line.len();
        if line.trim().is_empty() {
            blank = blank.or(Some(begin));
            continue;
        }
        let goes_on = line.starts_with("      ") || List::new(line).is_some_and(|list| list.is_of_width(4));
        match blank {
            Some(end) if !goes_on => return end,
            _ => blank = None,
        }
    }
    blank.unwrap_or(list.len())
}

/// `0: top, at src/x.rs:12:34` and so on: a place for each link.
pub(super) fn placed(text: &str) -> Option<Vec<String>> {
    let mut texts: Vec<String> = Vec::new();
    for line in text.trim().lines() {
        let number = texts.len();
        match (line.strip_prefix(&format!("{number}: ")), texts.last_mut()) {
            (Some(own), _) if number <= CHAIN_LINKS => texts.push(own.to_owned()),
            (Some(_), _) => break,
            (None, Some(text)) => {
                text.push('\n');
                text.push_str(line);
            }
            (None, None) => return None,
        }
    }
    let mut any = false;
    for text in &mut texts {
        if let Some(bare) = without_place(text) {
            any = true;
            *text = bare.to_owned();
        }
    }
    any.then_some(texts)
}

/// `top; caused by: root`.
pub(super) fn inline(text: &str) -> Option<Vec<String>> {
    let texts = text.split("; caused by: ").take(CHAIN_LINKS + 1);
    Some(texts.map(str::to_owned).collect()).filter(|texts: &Vec<String>| texts.len() > 1)
}

/// The text before `, at src/x.rs:12:34`.
pub(super) fn without_place(text: &str) -> Option<&str> {
    text.rsplit_once(", at ").filter(|(_, place)| is_place(place)).map(|(text, _)| text)
}

/// A list of causes below its header.
struct List<'t> {
    text: &'t str,
    /// What a list with numbers has before each of them: the width that the number is aligned to, and the first one.
    numbers: Option<(usize, usize)>,
    /// What stands before the only cause of a list without numbers.
    indent: usize,
}

impl<'t> List<'t> {
    fn new(text: &'t str) -> Option<Self> {
        let first = text.lines().next()?;
        let indent = first.len() - first.trim_start().len();
        let number = first.trim_start().split_once(": ").map_or("", |(number, _)| number);
        let width = indent + number.len();
        // `{:>5}: ` of anyhow, `{:>4}: ` of eyre, `{:>3}: ` of snafu.
        let numbers = match (number, width) {
            ("0", 4 | 5) => Some((width, 0)),
            ("1", 3) => Some((width, 1)),
            _ => None,
        };
        (indent > 0 || numbers.is_some()).then_some(Self { text, numbers, indent })
    }

    /// Whether the line has a number, whichever, that is aligned to this width.
    fn is_of_width(&self, width: usize) -> bool {
        let number = self.text.trim_start().split_once(": ").map_or("", |(number, _)| number);
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        is_number && self.indent + number.len() == width
    }

    fn take(&mut self, texts: &mut Vec<String>) {
        let listed_before = texts.len();
        for line in self.text.lines() {
            let number = texts.len() - listed_before;
            if number > CHAIN_LINKS {
                break;
            }
            match self.begun(line, number) {
                Some(text) => texts.push(text.to_owned()),
                // A hand-written chain has a header for each of its causes.
                None if self.numbers.is_none() && line == "Caused by:" => self.indent = 0,
                None => {
                    let text = self.continued(line);
                    match texts.last_mut().filter(|_| number > 0) {
                        Some(cause) => {
                            cause.push('\n');
                            cause.push_str(text);
                        }
                        None => texts.push(text.to_owned()),
                    }
                }
            }
            if self.indent == 0 && line != "Caused by:" {
                self.indent = line.len() - line.trim_start().len();
            }
        }
    }

    /// The text behind the next number, or the first line of a cause that has none.
    fn begun<'l>(&self, line: &'l str, number: usize) -> Option<&'l str> {
        match self.numbers {
            Some((width, first)) => {
                let number = number + first;
                line.strip_prefix(format!("{number:>width$}: ").as_str())
            }
            None if (number == 0 || self.indent == 0) && line != "Caused by:" => Some(line.trim_start()),
            None => None,
        }
    }

    /// A further line of a cause, without what it was indented by.
    fn continued<'l>(&self, line: &'l str) -> &'l str {
        let indent = match self.numbers {
            // snafu does not indent.
            Some((_, 1)) => 0,
            Some((width, _)) => width + 2,
            None => self.indent,
        };
        let spaces = line.bytes().take(indent).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        line.get(spaces..).unwrap_or(line)
    }
}

/// The names of tuples that were opened before the top and not closed in it.
fn wrappers(mut top: &str) -> (Vec<String>, &str) {
    let mut around = Vec::new();
    let opened = top.matches('(').count();
    let closed = top.matches(')').count();
    for _ in 0..opened.saturating_sub(closed) {
        let Some((name, rest)) = top.split_once('(') else { break };
        let is_name = name.starts_with(|first: char| first.is_ascii_uppercase())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':');
        if !is_name {
            break;
        }
        around.push(name.to_owned());
        top = rest;
    }
    (around, top)
}

/// Without the brackets that close so many tuples.
fn without_closing(list: &str, tuples: usize) -> &str {
    let surplus = list.matches(')').count().saturating_sub(list.matches('(').count());
    (0..surplus.min(tuples)).fold(list, |list, _| list.strip_suffix(')').unwrap_or(list))
}

const HEADERS: [&str; 3] = [
    "\n\nCaused by:\n",
    "\n\nCaused by this error:\n",
    "\n\nCaused by these errors (recent errors listed first):\n",
];
