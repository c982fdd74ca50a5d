//! The chain of causes in a derived `Debug`: `Database(Io(Os { code: 2, … }))`, from the outside in.
//!
//! Not every value inside of an error is its cause: `NotFound(UserId(7))` has none. A value counts as a cause where it
//! stands in a field called `source`, or is evidently an error itself: of a known shape, called one, or with a cause of
//! its own. What is not evident stays part of the text.

use super::derived::{Shape, Tree};
use super::known::{known, some};
use crate::model::Cause;

/// One link, and how sure its text is.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) cause: Cause,
    /// The value is the error's own `Display`, not what its `Debug` wrote.
    pub(super) is_display: bool,
    /// It is the cause of the one before for sure, not just evidently an error inside of it, which that one may pass on
    /// as its own.
    pub(super) is_sure: bool,
}

impl Link {
    /// One of which only the text is known.
    pub(super) fn of_text(text: String) -> Self {
        Self { cause: Cause::new(None, text), is_display: true, is_sure: true }
    }

    /// Whether that is its own `Display`.
    pub(super) fn says(&self, text: &str) -> bool {
        self.is_display && self.cause.value == text
    }
}

/// The chain, outermost first.
pub(super) fn links(tree: &Tree<'_>) -> Vec<Link> {
    let mut links = Vec::new();
    let mut next_one = Some((error_in(tree), true));
    while let Some((at, is_sure)) = next_one {
        let Some(node) = tree.node(at) else { break };
        let known = known(tree, at).unwrap_or_default();
        let behind = known.passes_on.unwrap_or(at);
        next_one = match known.cause {
            Some(cause) => Some((cause, true)),
            None if known.text.is_some() && behind == at => None,
            None => cause(tree, behind),
        };
        let next = next_one.map(|(next, _)| next);
        let text = match (known.text, known.passes_on) {
            (Some(text), _) => Some((text, true)),
            (None, Some(inner)) => own_text(tree, inner),
            (None, None) => own_text(tree, at),
        };
        let (value, is_display) = text.unwrap_or_else(|| (tree.shown(at, next), false));
        let known_type = known.type_name.map(str::to_owned);
        let is_wrapper = known.cause.is_some() && known_type.is_none();
        let type_name = known_type.or_else(|| if is_wrapper { None } else { type_of(node.name) });
        links.push(Link { cause: Cause::new(type_name, value), is_display, is_sure });
    }
    links
}

/// The type that a `Debug` with that path names: it begins with a capital.
pub(super) fn type_of(path: &str) -> Option<String> {
    let last = path.rsplit("::").next().unwrap_or(path);
    last.starts_with(char::is_uppercase).then(|| path.to_owned())
}

/// Past `Err(…)` and `Some(…)`, of which a line may show the whole.
fn error_in(tree: &Tree<'_>) -> usize {
    let mut at = 0;
    while let Some(node) = tree.node(at).filter(|node| matches!(node.name, "Err" | "Some")) {
        match tree.element(at, 0) {
            Some((inner, _)) if node.shape == Shape::Tuple => at = inner,
            _ => break,
        }
    }
    at
}

/// The text that a value has of its own, and whether it is its `Display`: the string it is, its `message`, or what is
/// known of it.
fn own_text(tree: &Tree<'_>, at: usize) -> Option<(String, bool)> {
    let node = tree.node(at)?;
    if let Some(text) = tree.string(node).or_else(|| known(tree, at)?.text) {
        return Some((text, true));
    }
    let message = tree.field(at, "message").or_else(|| tree.field(at, "msg"));
    let message = message.filter(|_| node.shape == Shape::Struct);
    let text = message.and_then(|(_, node)| tree.string(node)).filter(|text| !text.trim().is_empty());
    text.map(|text| (text, false))
}

/// The cause of an error that nothing is known of, and whether that is sure.
fn cause(tree: &Tree<'_>, of: usize) -> Option<(usize, bool)> {
    let node = tree.node(of)?;
    match node.shape {
        Shape::Struct => {
            let named = ["source", "cause"].iter().find_map(|label| tree.field(of, label));
            let named = named.and_then(|(at, _)| some(tree, at)).filter(|at| may_be_cause(tree, *at));
            let named = named.map(|at| (at, true));
            named.or_else(|| {
                Some((only(tree, of, |label| matches!(label, "error" | "err" | "inner"))?, false))
            })
        }
        Shape::Tuple => Some((only(tree, of, str::is_empty)?, false)),
        Shape::Unit | Shape::Text | Shape::Other => None,
    }
}

/// The one value directly in it that is evidently an error; several would be no chain.
fn only(tree: &Tree<'_>, of: usize, labelled: impl Fn(&str) -> bool) -> Option<usize> {
    let inside = tree.children(of).filter(|(_, node)| labelled(node.label));
    let mut errors = inside.filter_map(|(at, _)| some(tree, at)).filter(|at| is_error(tree, *at));
    let first = errors.next()?;
    errors.next().is_none().then_some(first)
}

/// Whether a value in a field called `source` can be an error: not a number, not a list.
fn may_be_cause(tree: &Tree<'_>, at: usize) -> bool {
    let Some(node) = tree.node(at) else { return false };
    match node.shape {
        Shape::Struct | Shape::Tuple | Shape::Text => true,
        Shape::Unit => type_of(node.name).is_some(),
        Shape::Other => node.name.is_empty() && tree.written(node).contains(char::is_whitespace),
    }
}

/// Whether a value is evidently an error. It looks no deeper than the parser went.
fn is_error(tree: &Tree<'_>, at: usize) -> bool {
    let Some(node) = tree.node(at) else { return false };
    let has_values = matches!(node.shape, Shape::Struct | Shape::Tuple);
    known(tree, at).is_some() || has_values && (node.name.ends_with("Error") || cause(tree, at).is_some())
}
