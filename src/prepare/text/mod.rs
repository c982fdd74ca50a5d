//! Errors of which only the text came: chain, types and stack read back out of it.
//!
//! Pure, and bounded by the text: each reader goes through it once, keeps what it found up to
//! [`limits::CHAIN_LINKS`](crate::limits::CHAIN_LINKS) links and
//! [`limits::DEBUG_DEPTH`](crate::limits::DEBUG_DEPTH) levels, and none panics. A text that no reader knows is one error
//! that says just this. Nothing is guessed: a type or a cause that is not evident is not told, and what could not be
//! taken apart stays whole.

mod ansi;
mod derived;
mod joined;
mod known;
mod listed;
mod nested;
mod sections;
mod stack;
#[cfg(test)]
mod tests;
mod trees;

use std::borrow::Cow;

use crate::limits::{CHAIN_LINKS, ERROR_TEXT_BYTES};
use crate::model::{Cause, Frame};
use crate::trail::text::fitting;

use derived::{Shape, Tree};
use listed::Listed;
use nested::Link;

/// What a text says.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// The error and its causes, outermost first.
    pub(super) chain: Vec<Cause>,
    /// There was more.
    pub(super) cut: bool,
    /// The stack that the text brought along, innermost first; empty if it brought none.
    pub(super) stack: Vec<Frame>,
}

/// Reads a text: as the line wrote it, and by `{:#?}` where that differs. `joints` are the bytes of the latter, or of the
/// former where there is no other, at which `: ` was written as a piece of its own.
pub(super) fn read(plain: &str, alternate: Option<&str>, joints: &[usize]) -> Read {
    let is_long = |text: &str| text.len() > ERROR_TEXT_BYTES;
    let (stripped, other) = (bounded(plain), alternate.map(bounded));
    // Where colours were, the joints are elsewhere.
    let is_colourless = matches!(other.as_ref().unwrap_or(&stripped), Cow::Borrowed(_));
    let joints = if is_colourless { joints } else { &[] };
    let parts = sections::split(&stripped);
    let text = parts.text;
    let tree = other.as_deref().and_then(|other| Tree::parse(other, is_long(other))).filter(names_a_type);
    let (mut chain, mut cut) =
        match chain(text, parts.cut || is_long(plain), other.as_deref(), tree.as_ref(), joints) {
            Chain::Whole(links, cut) => (links, cut),
            Chain::Texts(texts) => {
                let mut chain: Vec<Cause> = texts.into_iter().map(|text| Cause::new(None, text)).collect();
                if let Some(tree) = &tree {
                    name(&mut chain, &nested::links(tree));
                }
                (chain, false)
            }
        };
    cut |= is_long(plain) || chain.len() > CHAIN_LINKS;
    chain.retain(|cause| !cause.value.starts_with("span backtrace:\n"));
    chain.truncate(CHAIN_LINKS);
    for cause in chain.iter_mut().filter(|cause| cause.type_name.is_none()) {
        if known::is_os_error(&cause.value) {
            cause.type_name = Some("io::Error".to_owned());
        }
    }
    let mut stack = parts.stack;
    if stack.is_empty() {
        stack = tree.as_ref().map(stack::of_tree).unwrap_or_default();
    }
    if stack.is_empty() {
        stack = Tree::parse(text, true).filter(names_a_type).as_ref().map(stack::of_tree).unwrap_or_default();
    }
    Read { chain, cut, stack }
}

/// As much of a text as is read, without colours.
fn bounded(text: &str) -> Cow<'_, str> {
    ansi::stripped(fitting(text, ERROR_TEXT_BYTES + '…'.len_utf8()))
}

/// A text without what reports append to it, and then without colours too; None where nothing is appended.
pub(super) fn without_sections(text: &str) -> Option<String> {
    let mut bare = cut_once(text)?;
    // What is left may by chance end as a report does.
    for _ in 0..CHAIN_LINKS {
        match cut_once(&bare).filter(|less| less.len() < bare.len()) {
            Some(less) => bare = less,
            None => break,
        }
    }
    Some(bare)
}

fn cut_once(text: &str) -> Option<String> {
    if !sections::may_have(text) {
        return None;
    }
    let stripped = ansi::stripped(text);
    let parts = sections::split(&stripped);
    sections::without_lists(parts.text).or_else(|| parts.cut.then(|| parts.text.to_owned()))
}

/// The text of an error as a message may show it.
pub(super) fn bare(text: &str) -> Cow<'_, str> {
    without_sections(text).map_or_else(|| ansi::stripped(text), Cow::Owned)
}

/// The frames of a stack that came as a text.
pub(super) fn stack(text: &str) -> Vec<Frame> {
    let text = ansi::stripped(text);
    let parts = sections::split(&text);
    if parts.stack.is_empty() { stack::frames(&text) } else { parts.stack }
}

/// The type that an error's `Debug` names, of which only the head may be there.
pub(super) fn type_name(debug: &str) -> Option<String> {
    if ["Error { context: ", "Error { msg: "].iter().any(|wrapper| debug.starts_with(wrapper)) {
        return None;
    }
    let known = Tree::parse(debug, debug.ends_with('…')).and_then(|tree| known::known(&tree, 0));
    if let Some(known) = known.filter(|known| known.type_name.is_some()) {
        return known.type_name.map(str::to_owned);
    }
    let end = debug.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').unwrap_or(debug.len());
    let (name, rest) = debug.split_at(end);
    let is_whole = rest.is_empty() || [" {", "(", "\n"].iter().any(|begin| rest.starts_with(begin));
    nested::type_of(name).filter(|_| is_whole && !name.ends_with(':'))
}

/// Whether a text could be the name of a type that somebody wrote into a field.
pub(super) fn is_type(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_:<>".contains(&byte))
        && nested::type_of(text.split('<').next().unwrap_or(text)).is_some()
        && text.bytes().any(|byte| byte.is_ascii_lowercase())
}

/// What a reader made of a text.
enum Chain {
    /// The links.
    Whole(Vec<Cause>, bool),
    /// Their texts; their types may be known from elsewhere.
    Texts(Vec<String>),
}

fn chain(text: &str, cut: bool, other: Option<&str>, tree: Option<&Tree<'_>>, joints: &[usize]) -> Chain {
    let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect::<Vec<String>>();
    if let Some(causes) = trees::drawn(text) {
        return Chain::Whole(causes, false);
    }
    if let Some(texts) = listed::numbered(text).or_else(|| listed::placed(text)) {
        return Chain::Texts(texts);
    }
    if let Some(Listed { texts, around }) = listed::listed(text) {
        return match tree {
            // The `Debug` of an enum around an anyhow error, which shows itself in full by the other form.
            Some(tree) if !around.is_empty() => Chain::Whole(causes(nested::links(tree)), false),
            _ if !around.is_empty() => Chain::Whole(wrapped(&around, texts), false),
            _ => Chain::Texts(texts),
        };
    }
    if let Some(texts) = listed::inline(text) {
        return Chain::Texts(texts);
    }
    if let Some(other) = other {
        // `%` of a report that goes over several lines by the alternate form.
        if let Some(Listed { texts, around }) = listed::listed(sections::split(other).text) {
            let goes_on = texts.first().is_some_and(|top| text.starts_with(top.as_str()));
            if goes_on && around.is_empty() {
                return Chain::Texts(texts);
            }
        }
        if let Some(causes) = joined::behind(text, other) {
            let begin = other.len() - causes.len();
            let joints = joints.iter().filter_map(|at| at.checked_sub(begin));
            let (causes, cut) = joined::causes(causes, joints);
            let texts = std::iter::once(text).chain(causes);
            return Chain::Whole(texts.map(|text| Cause::new(None, text)).collect(), cut);
        }
    }
    if let Some(links) = debug(text, cut, other, tree) {
        return Chain::Whole(causes(links), false);
    }
    if other.is_none() {
        let (texts, cut) = joined::causes(text, joints.iter().copied());
        // One joint may be that of an error which writes its kind and its detail; two are a chain.
        if texts.len() > 2 {
            return Chain::Whole(texts.into_iter().map(|text| Cause::new(None, text)).collect(), cut);
        }
    }
    Chain::Texts(owned(vec![text]))
}

/// The links of a derived `Debug`, if the text is one for sure: it is spread over lines by the other form, is of a known
/// shape, or has what nobody writes into a sentence.
fn debug(text: &str, cut: bool, other: Option<&str>, tree: Option<&Tree<'_>>) -> Option<Vec<Link>> {
    let own = Tree::parse(text, cut).filter(names_a_type);
    if let Some(own) = &own {
        let name = own.node(0).map_or("", |node| node.name);
        if let Some(message) = diagnostic(own).filter(|_| cut) {
            let whole =
                tree.map(nested::links).filter(|links| links.first().is_some_and(|top| top.says(&message)));
            return Some(whole.unwrap_or_else(|| vec![Link::of_text(message)]));
        }
        let spread = other.and_then(|other| other.strip_prefix(name));
        let is_spread = spread.is_some_and(|rest| rest.starts_with("(\n") || rest.starts_with(" {\n"));
        if is_spread || other.is_none() && own.is_telling() || known::known(own, 0).is_some() {
            return Some(nested::links(own));
        }
        return None;
    }
    // What a hand-written `Debug` inside of it writes may be no `Debug` at all, but for the other form.
    let tree = tree?;
    let name = tree.node(0).map(|node| node.name)?;
    let begins = text.strip_prefix(name).is_some_and(|rest| rest.starts_with(['(', ' ']));
    begins.then(|| nested::links(tree))
}

/// What miette shows of an error where it has no reports: its message, in a struct that does not exist.
fn diagnostic(tree: &Tree<'_>) -> Option<String> {
    let (at, message) = tree.element(0, 0).filter(|(_, first)| first.label == "message")?;
    (at == 1 && tree.node(0)?.name == "Diagnostic").then(|| tree.string(message))?
}

/// Whether it is the `Debug` of something with a type: not a string, a list or a number.
fn names_a_type(tree: &Tree<'_>) -> bool {
    let first = tree.node(0);
    first.is_some_and(|node| match node.shape {
        Shape::Struct | Shape::Tuple => nested::type_of(node.name).is_some() && node.name != "Ok",
        Shape::Unit => nested::type_of(node.name).is_some() && node.name.contains(char::is_lowercase),
        Shape::Text | Shape::Other => false,
    })
}

/// Gives the links of a chain of which the texts are known the types that the `Debug` of the same error shows. They must
/// agree: as many, and the same texts wherever the latter has them.
fn name(chain: &mut [Cause], links: &[Link]) {
    let agree = |(cause, link): (&Cause, &Link)| !link.is_display || cause.value == link.cause.value;
    let is_whole = chain.len() == links.len()
        && chain.iter().zip(links).all(agree)
        && (links.last().is_some_and(|link| link.is_display) || links.iter().all(|link| link.is_sure));
    for (at, cause) in chain.iter_mut().enumerate() {
        let link = if is_whole {
            links.get(at)
        } else {
            // By its text alone.
            links.iter().find(|link| link.is_display && link.cause.value == cause.value)
        };
        cause.type_name = link.and_then(|link| link.cause.type_name.clone());
    }
}

/// Types around a list, and its texts.
fn wrapped(around: &[String], texts: Vec<String>) -> Vec<Cause> {
    let around = around.iter().map(|name| Cause::new(Some(name.clone()), format!("{name}(…)")));
    around.chain(texts.into_iter().map(|text| Cause::new(None, text))).collect()
}

fn causes(links: Vec<Link>) -> Vec<Cause> {
    links.into_iter().map(|link| link.cause).collect()
}
