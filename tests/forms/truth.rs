//! What is true of an error, asked of the error itself, and how what was told of it compares.

use std::error::Error;
use std::io;
use std::iter;

/// One link as it is.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) display: String,
    pub(crate) debug: String,
    /// How its type may be called: as its own `Debug` does, or of those that hide it, by its name.
    type_name: Option<String>,
}

/// A link as it was told: its type and its text.
pub(crate) type Told<'c> = (Option<&'c str>, &'c str);

/// The links of an error, outermost first.
#[derive(Debug, Clone)]
pub(crate) struct Truth(pub(crate) Vec<Link>);

impl Truth {
    pub(crate) fn of(error: &(dyn Error + 'static)) -> Self {
        let mut links = Vec::new();
        let mut next = Some(error);
        while let Some(error) = next {
            links.push(link(error));
            next = error.source();
        }
        Self(links)
    }

    /// With an error around it that passes itself off as the one inside.
    pub(crate) fn behind(self, outer: &(dyn Error + 'static)) -> Self {
        Self(iter::once(link(outer)).chain(self.0).collect())
    }

    pub(crate) fn displays(&self) -> Vec<&str> {
        self.0.iter().map(|link| link.display.as_str()).collect()
    }

    /// The links whose types a `Debug` names.
    pub(crate) fn types(&self) -> usize {
        self.0.iter().filter(|link| link.type_name.is_some()).count()
    }

    /// The first told link that is not true: its text or type is not that of a link at its place or further in.
    pub(crate) fn untrue<'c>(&self, told: &[Told<'c>]) -> Option<Told<'c>> {
        let mut from = 0;
        let untrue = told.iter().find(|told| {
            let found = (from..self.0.len()).find(|at| self.is_true(*at, told));
            from = found.map_or(from, |at| at + 1);
            found.is_none()
        });
        untrue.copied()
    }

    fn is_true(&self, at: usize, (name, value): &Told<'_>) -> bool {
        let link = &self.0[at];
        let joined = |links: usize| self.displays()[at..at + links].join(": ");
        let text = *value == link.display
            || abbreviates(value, &link.debug)
            || link.debug.contains(&format!("{value:?}"))
            || (2..=self.0.len() - at).any(|links| *value == joined(links));
        text && name.is_none_or(|name| link.type_name.as_deref().map(bare) == Some(bare(name)))
    }
}

fn link(error: &(dyn Error + 'static)) -> Link {
    let (display, debug) = (error.to_string(), format!("{error:?}"));
    let type_name = if error.is::<io::Error>() { Some("io::Error".to_owned()) } else { head(&debug) };
    Link { display, debug, type_name }
}

/// The path that a `Debug` begins with, unless it is that of a report's context.
fn head(debug: &str) -> Option<String> {
    let end = debug.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').unwrap_or(debug.len());
    let (name, rest) = debug.split_at(end);
    let is_type = name.starts_with(char::is_alphabetic) && (rest.is_empty() || rest.starts_with([' ', '(']));
    let is_context = ["Error { context:", "Error { msg:"].iter().any(|context| debug.starts_with(context));
    let is_sentence = rest.starts_with(' ') && !rest.starts_with(" {");
    (is_type && !is_context && !is_sentence && bare(name).starts_with(char::is_uppercase))
        .then(|| name.to_owned())
}

fn bare(name: &str) -> &str {
    name.rsplit("::").next().unwrap_or(name)
}

/// Whether a text is the other one, but for parts that were left out, which do not begin or end it.
fn abbreviates(short: &str, long: &str) -> bool {
    let Some((first, rest)) = short.split_once('…') else { return short == long };
    let Some(mut long) = long.strip_prefix(first).filter(|_| !first.is_empty()) else { return false };
    let mut parts = rest.split('…').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return !part.is_empty() && long.ends_with(part);
        }
        let Some(at) = long.find(part) else { return false };
        long = &long[at + part.len()..];
    }
    false
}

#[test]
fn what_is_not_true_is_found() {
    let error = io::Error::from_raw_os_error(2);
    let truth = Truth::of(&error);
    let text = error.to_string();
    assert_eq!(truth.untrue(&[(Some("io::Error"), &text)]), None);
    assert!(truth.untrue(&[(Some("Os"), &text)]).is_some(), "a wrong type");
    assert!(truth.untrue(&[(None, "No such thing")]).is_some(), "a wrong text");
    assert!(truth.untrue(&[(None, &text), (None, &text)]).is_some(), "one too many");
    assert!(truth.untrue(&[(None, "Os { code: 2, …")]).is_some(), "no abbreviation");
    assert_eq!(truth.untrue(&[(None, "Os { code: 2, … }")]), None);
}
