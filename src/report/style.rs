//! How a report looks: its colours and its width.

use crate::limits::REPORT_COLUMNS;

/// What a report is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) style: Style,
    columns: usize,
}

/// With or without colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Coloured,
}

impl Look {
    /// Without colours, as wide as a report is where nobody says otherwise.
    pub(crate) fn plain() -> Self {
        Self { style: Style::Plain, columns: REPORT_COLUMNS }
    }

    /// What suits a place that is a terminal, or is not, under the environment variables that `variable` reads.
    pub(crate) fn of(is_terminal: bool, variable: impl Fn(&str) -> Option<String>) -> Self {
        let columns = variable("COLUMNS").and_then(|columns| columns.trim().parse::<usize>().ok());
        let columns = columns.filter(|columns| *columns > 0).unwrap_or(REPORT_COLUMNS);
        // no-color.org: set, and not empty.
        let refused = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = variable("TERM").is_some_and(|term| term == "dumb");
        let style = if is_terminal && !refused && !dumb { Style::Coloured } else { Style::Plain };
        Self { style, columns: columns.clamp(LEAST_COLUMNS, MOST_COLUMNS) }
    }

    pub(super) fn columns(self) -> usize {
        self.columns
    }
}

/// What a piece of text is, by which it is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    Plain,
    /// What the eye is to find.
    Strong,
    /// What is there for completeness.
    Dim,
    Error,
    Warn,
}

impl Ink {
    /// The parameters of its escape sequence; None where it needs none.
    pub(super) fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Strong => Some("1"),
            Self::Dim => Some("2"),
            Self::Error => Some("1;31"),
            Self::Warn => Some("33"),
        }
    }
}

/// Narrower, a report would be all indentation.
const LEAST_COLUMNS: usize = 40;
/// Wider, the eye does not find the next line.
const MOST_COLUMNS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn look(is_terminal: bool, variables: &[(&str, &str)]) -> Look {
        Look::of(is_terminal, |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn colours_are_for_terminals_that_want_them() {
        for (is_terminal, variables, style) in [
            (true, &[][..], Style::Coloured),
            (true, &[("NO_COLOR", "")], Style::Coloured),
            (true, &[("TERM", "xterm-256color")], Style::Coloured),
            (true, &[("NO_COLOR", "1")], Style::Plain),
            (true, &[("NO_COLOR", "0")], Style::Plain),
            (true, &[("TERM", "dumb")], Style::Plain),
            (false, &[], Style::Plain),
            (false, &[("TERM", "xterm")], Style::Plain),
        ] {
            assert_eq!(look(is_terminal, variables).style, style, "{is_terminal} {variables:?}");
        }
    }

    #[test]
    fn the_width_is_what_columns_says_if_it_makes_sense() {
        for (columns, width) in
            [("80", 80), (" 132 ", 132), ("1", 40), ("100000", 200), ("0", 100), ("wide", 100), ("-3", 100)]
        {
            assert_eq!(look(true, &[("COLUMNS", columns)]).columns(), width, "{columns}");
        }
        assert_eq!(look(false, &[]), Look::plain());
    }
}
