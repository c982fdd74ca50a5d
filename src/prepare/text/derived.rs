//! A parser of what `#[derive(Debug)]` writes, on one line or spread over several.
//!
//! It reads structs, tuples, names and strings; lists, maps and whatever else a hand-written `Debug` puts in between are
//! taken as a whole. It goes forward only, keeps its own stack, and gives up where a text is not well-formed to its very
//! end: a sentence that merely begins like a type is none.

use std::iter;

use crate::limits::{DEBUG_DEPTH, DEBUG_NODES};

/// The values of a text, each before those inside of it; the first is the whole.
#[derive(Debug)]
pub(super) struct Tree<'t> {
    pub(super) text: &'t str,
    nodes: Vec<Node<'t>>,
}

/// One value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Node<'t> {
    pub(super) shape: Shape,
    /// The path of a struct, a tuple or a name; of a list, the word before it.
    pub(super) name: &'t str,
    /// The name of the field it stands in.
    pub(super) label: &'t str,
    pub(super) start: usize,
    pub(super) end: usize,
    /// The value it stands in, which is itself for the first.
    parent: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// `Name { field: value }`
    Struct,
    /// `Name(value)`
    Tuple,
    /// `Name`
    Unit,
    /// `"text"`
    Text,
    /// Anything else, as a whole.
    Other,
}

impl<'t> Tree<'t> {
    /// Reads the whole of a text; `cut` if it may lack its end.
    pub(super) fn parse(text: &'t str, cut: bool) -> Option<Self> {
        let mut parser = Parser::new(text, cut);
        parser.run()?;
        Some(Self { text, nodes: parser.nodes })
    }

    /// The bytes that the parser looks at, each as often as it does: proof of its bound.
    #[cfg(test)]
    pub(super) fn steps_of(text: &'t str, cut: bool) -> usize {
        let mut parser = Parser::new(text, cut);
        parser.run();
        parser.steps
    }

    pub(super) fn node(&self, at: usize) -> Option<&Node<'t>> {
        self.nodes.get(at)
    }

    /// The values directly in that one.
    pub(super) fn children(&self, of: usize) -> impl Iterator<Item = (usize, &Node<'t>)> {
        let end = self.nodes.get(of).map_or(0, |node| node.end);
        let inside = self.nodes.iter().enumerate().skip(of + 1).take_while(move |(_, node)| node.start < end);
        inside.filter(move |(_, node)| node.parent == of)
    }

    pub(super) fn field(&self, of: usize, label: &str) -> Option<(usize, &Node<'t>)> {
        self.children(of).find(|(_, node)| node.label == label)
    }

    /// The value of a tuple at that place.
    pub(super) fn element(&self, of: usize, place: usize) -> Option<(usize, &Node<'t>)> {
        self.children(of).nth(place)
    }

    /// The names of a struct's fields.
    pub(super) fn has_fields(&self, of: usize, labels: &[&str]) -> bool {
        self.children(of).map(|(_, node)| node.label).eq(labels.iter().copied())
    }

    /// The text that a value was written in.
    pub(super) fn written(&self, node: &Node<'t>) -> &'t str {
        self.text.get(node.start..node.end).unwrap_or_default()
    }

    /// The text of a string.
    pub(super) fn string(&self, node: &Node<'t>) -> Option<String> {
        let quoted = (node.shape == Shape::Text).then(|| self.written(node))?;
        let inner = quoted.strip_prefix('"')?;
        Some(unescaped(inner.strip_suffix('"').unwrap_or(inner)))
    }

    /// What a value was written in, on one line, without the values of `cause` and of backtraces.
    pub(super) fn shown(&self, of: usize, cause: Option<usize>) -> String {
        let Some(node) = self.nodes.get(of) else { return String::new() };
        let mut shown = String::new();
        let mut from = node.start;
        let inside =
            self.nodes.iter().enumerate().skip(of + 1).take_while(|(_, inner)| inner.start < node.end);
        for (at, inner) in inside {
            let elided = Some(at) == cause || inner.name == "Backtrace";
            if elided && inner.start >= from {
                one_line(self.text.get(from..inner.start).unwrap_or_default(), &mut shown);
                shown.push('…');
                from = inner.end;
            }
        }
        one_line(self.text.get(from..node.end).unwrap_or_default(), &mut shown);
        shown
    }

    /// The texts of all lists behind that word.
    pub(super) fn lists(&self, name: &str) -> impl DoubleEndedIterator<Item = &'t str> {
        let lists = self.nodes.iter().filter(move |node| node.shape == Shape::Other && node.name == name);
        lists.map(|node| self.written(node))
    }

    /// Whether some value shows what only a `Debug` writes: a named field, a quoted string.
    pub(super) fn is_telling(&self) -> bool {
        self.nodes.iter().any(|node| !node.label.is_empty() || node.shape == Shape::Text)
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    cut: bool,
    nodes: Vec<Node<'t>>,
    /// The values that are not over yet, outermost first.
    open: Vec<usize>,
    /// The value that was over last.
    done: usize,
    /// Bytes looked at so far.
    steps: usize,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str, cut: bool) -> Self {
        Self { text, at: 0, cut, nodes: Vec::new(), open: Vec::new(), done: 0, steps: 0 }
    }

    fn run(&mut self) -> Option<()> {
        self.value("")?;
        while let Some(top) = self.open.last().copied() {
            self.space();
            match self.peek() {
                None if self.cut => {
                    self.close();
                    continue;
                }
                None => return None,
                Some(b')' | b'}') => {
                    self.end_of(top)?;
                    self.close();
                }
                Some(_) => self.entry(top)?,
            }
            // Between two values of the same one.
            self.space();
            if self.peek() == Some(b',') {
                self.step(1);
            } else if !self.open.is_empty() && !matches!(self.peek(), None | Some(b')' | b'}')) {
                // Only what was opened a moment ago has no comma behind it.
                let begun = self.nodes.last().is_some_and(|node| node.end == OPEN);
                if !begun {
                    self.goes_on()?;
                }
            }
        }
        self.space();
        (self.at == self.text.len() || self.cut && self.rest() == "…").then_some(())
    }

    /// The bracket that closes a value, which must be its own.
    fn end_of(&mut self, top: usize) -> Option<()> {
        let node = self.nodes.get(top)?;
        let own = if node.shape == Shape::Struct { b'}' } else { b')' };
        (self.peek() == Some(own)).then(|| self.step(1))
    }

    fn close(&mut self) {
        let Some(top) = self.open.pop() else { return };
        if let Some(node) = self.nodes.get_mut(top) {
            node.end = self.at;
        }
        self.done = top;
    }

    /// The last value was only the beginning of a sentence: `Refused(badly) because`. It is one as a whole.
    fn goes_on(&mut self) -> Option<()> {
        self.whole()?;
        let end = self.text.get(..self.at)?.trim_end().len();
        self.nodes.truncate(self.done + 1);
        let node = self.nodes.get_mut(self.done)?;
        (node.shape, node.name, node.end) = (Shape::Other, "", end);
        if self.peek() == Some(b',') {
            self.step(1);
        }
        Some(())
    }

    /// A value inside of another, with the name of its field if it has one.
    fn entry(&mut self, top: usize) -> Option<()> {
        let named = self.nodes.get(top)?.shape == Shape::Struct;
        if named && self.rest().starts_with("..") {
            self.step(2);
            return Some(());
        }
        let word = self.word();
        let label = match self.rest().get(word..) {
            Some(behind) if word > 0 && behind.starts_with(": ") => self.rest().get(..word)?,
            // A tuple may have such a field too; a struct must. One that was cut may end in the midst of a name.
            _ if !named => "",
            _ if self.cut && self.at + word == self.text.trim_end_matches(['…', ':', ' ']).len() => {
                self.step(self.rest().len());
                return Some(());
            }
            _ => return None,
        };
        if !label.is_empty() {
            self.step(word + 2);
        }
        self.space();
        self.value(label)
    }

    fn value(&mut self, label: &'t str) -> Option<()> {
        if self.nodes.len() >= DEBUG_NODES {
            return None;
        }
        let start = self.at;
        let parent = self.open.last().copied().unwrap_or(self.nodes.len());
        let mut node = Node { shape: Shape::Other, name: "", label, start, end: OPEN, parent };
        if self.peek() == Some(b'"') {
            self.string()?;
            node.shape = Shape::Text;
        } else {
            let path = self.path();
            node.name = self.rest().get(..path)?;
            let behind = self.rest().get(path..)?;
            let deep = self.open.len() >= DEBUG_DEPTH;
            let opens = if behind.starts_with('(') {
                Some((Shape::Tuple, path + 1))
            } else if behind.starts_with(" {") {
                Some((Shape::Struct, path + 2))
            } else {
                None
            };
            match opens.filter(|_| path > 0 && !deep) {
                Some((shape, length)) => {
                    self.step(length);
                    node.shape = shape;
                    self.open.push(self.nodes.len());
                    self.nodes.push(node);
                    return Some(());
                }
                None if path > 0 && self.is_end(behind) => {
                    self.step(path);
                    node.shape = Shape::Unit;
                }
                None => {
                    self.whole()?;
                    if !behind.starts_with(" [") {
                        node.name = "";
                    }
                }
            }
        }
        node.end = start + self.text.get(start..self.at)?.trim_end().len();
        self.done = self.nodes.len();
        self.nodes.push(node);
        Some(())
    }

    /// Over a string, its quotes included.
    fn string(&mut self) -> Option<()> {
        self.step(1);
        while let Some(byte) = self.peek() {
            self.step(1);
            match byte {
                b'"' => return Some(()),
                b'\\' => self.step(1),
                _ => {}
            }
        }
        // Whatever was opened before can have no end either.
        self.cut.then_some(())
    }

    /// Over anything up to the comma or bracket that ends it.
    fn whole(&mut self) -> Option<()> {
        let from = self.at;
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' if depth == 0 => break,
                b')' | b']' | b'}' => depth -= 1,
                b',' if depth == 0 => break,
                // A character, which may be a quote or a bracket.
                b'\'' => {
                    let quoted = character(self.rest());
                    if quoted > 0 {
                        self.step(quoted);
                        continue;
                    }
                }
                _ => {}
            }
            self.step(1);
        }
        let is_closed = depth == 0 || self.cut && self.peek().is_none();
        (is_closed && self.at > from).then_some(())
    }

    /// The length of a path of identifiers, `a::b::C`.
    fn path(&mut self) -> usize {
        let mut length = 0;
        loop {
            let word = word_of(self.rest().get(length..).unwrap_or_default());
            if word == 0 {
                break;
            }
            length += word;
            if !self.rest().get(length..).is_some_and(|rest| rest.starts_with("::")) {
                break;
            }
            length += 2;
        }
        self.steps += length;
        length
    }

    fn word(&mut self) -> usize {
        let length = word_of(self.rest());
        self.steps += length;
        length
    }

    /// Whether a value is over before `behind`.
    fn is_end(&mut self, behind: &str) -> bool {
        let next = behind.trim_start_matches(['\n', ' ']);
        self.steps += behind.len() - next.len();
        next.is_empty() || next.starts_with([',', ')', '}', ']', '…'])
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.step(1);
        }
    }

    fn step(&mut self, bytes: usize) {
        self.steps += bytes;
        self.at = (self.at + bytes).min(self.text.len());
        // An escape may stand before a character of several bytes.
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }
}

/// The end of a value that has none yet.
const OPEN: usize = usize::MAX;

/// The length of the identifier that a text begins with.
fn word_of(text: &str) -> usize {
    if !text.starts_with(|first: char| first.is_alphabetic() || first == '_') {
        return 0;
    }
    text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len())
}

/// The length of the character literal that a text begins with, or 0.
fn character(text: &str) -> usize {
    let mut characters = text.char_indices().skip(1);
    match characters.next() {
        Some((_, '\\')) => {
            // `'\''`, `'\u{1b}'`
            let close = characters.skip(1).take(10).find(|(_, character)| *character == '\'');
            close.map_or(0, |(at, _)| at + 1)
        }
        Some(_) => match characters.next() {
            Some((at, '\'')) => at + 1,
            _ => 0,
        },
        None => 0,
    }
}

/// A string's text, its escapes read.
pub(super) fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            plain.push(character);
            continue;
        }
        match characters.next() {
            Some('n') => plain.push('\n'),
            Some('r') => plain.push('\r'),
            Some('t') => plain.push('\t'),
            Some('0') => plain.push('\0'),
            Some('u') => {
                let digits: String =
                    characters.by_ref().take(9).take_while(|c| *c != '}').filter(|c| *c != '{').collect();
                plain.extend(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32));
            }
            Some(escaped) => plain.push(escaped),
            None => {}
        }
    }
    plain
}

/// Writes a text as `{:?}` does what `{:#?}` spreads over lines.
fn one_line(text: &str, out: &mut String) {
    let mut lines = text.split('\n');
    out.push_str(lines.next().unwrap_or_default());
    for line in lines.map(str::trim_start) {
        let closes = line.starts_with([')', ']', '}']);
        if closes {
            out.truncate(out.strip_suffix(',').map_or(out.len(), str::len));
        }
        let braces = out.ends_with('{') || line.starts_with('}');
        let tight = out.ends_with(['(', '[']) || closes && !braces;
        out.extend(iter::once(' ').filter(|_| !tight && !line.is_empty()));
        out.push_str(line);
    }
}
