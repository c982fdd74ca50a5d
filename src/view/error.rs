//! Why a question has no answer.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;

use crate::diag::escape_into;
use crate::issues::Fault;

/// Why a [`View`](super::View) has no answer, in words for the person who asked.
///
/// ```
/// let error = crumbtrail::view::View::open("/nowhere/shop.db").unwrap_err();
/// assert!(error.is_store() && error.to_string().contains("/nowhere/shop.db"));
/// ```
pub struct ViewError {
    kind: Kind,
    words: String,
    /// What may have been meant, each for a line of its own.
    candidates: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Name,
    Unknown,
    Store,
    Pipe,
    Output,
}

impl ViewError {
    /// What was asked for cannot be meant: no name of an issue, or the beginning of several.
    pub fn is_name(&self) -> bool {
        self.kind == Kind::Name
    }

    /// There is no such issue or event.
    pub fn is_unknown(&self) -> bool {
        self.kind == Kind::Unknown
    }

    /// The store cannot be read or written: it is not there, damaged, somebody else's, of a later version, or busy.
    pub fn is_store(&self) -> bool {
        self.kind == Kind::Store
    }

    /// Nobody reads the answer any more.
    pub fn is_broken_pipe(&self) -> bool {
        self.kind == Kind::Pipe
    }

    pub(super) fn name(words: impl Into<String>) -> Self {
        Self::new(Kind::Name, words)
    }

    pub(super) fn unknown(words: impl Into<String>) -> Self {
        Self::new(Kind::Unknown, words)
    }

    pub(super) fn store(words: impl Into<String>) -> Self {
        Self::new(Kind::Store, words)
    }

    pub(super) fn output(error: &io::Error) -> Self {
        let kind = if error.kind() == io::ErrorKind::BrokenPipe { Kind::Pipe } else { Kind::Output };
        Self::new(kind, format!("the answer cannot be written: {error}"))
    }

    /// With what may have been meant.
    pub(super) fn candidates(self, candidates: Vec<String>) -> Self {
        Self { candidates, ..self }
    }

    fn new(kind: Kind, words: impl Into<String>) -> Self {
        Self { kind, words: words.into(), candidates: Vec::new() }
    }

    pub(super) fn of_store(path: &Path, fault: &Fault) -> Self {
        Self::store(format!("the store {} cannot be used: {fault}", path.display()))
    }
}

/// One line, and one more for each that may have been meant, whatever the names in them.
impl fmt::Display for ViewError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(self.words.len());
        escape_into(&self.words, &mut text);
        for candidate in &self.candidates {
            text.push_str("\n  ");
            escape_into(candidate, &mut text);
        }
        f.write_str(&text)
    }
}

impl fmt::Debug for ViewError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ViewError({:?}: {self})", self.kind)
    }
}

impl Error for ViewError {}
