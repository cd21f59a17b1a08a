//! The lines of `inspect`, wrapped at the width of the terminal.

use std::fmt::{Display, Write as _};

use super::super::{ink::Ink as _, wrap};

/// Text that grows by whole lines.
pub(super) struct WrappedLines {
    text: String,
    /// The width of the terminal; none where nothing is wrapped.
    columns: Option<usize>,
}

impl WrappedLines {
    pub(super) fn new(columns: Option<usize>) -> Self {
        Self { text: String::new(), columns }
    }

    /// Adds the title of what follows.
    pub(super) fn title(&mut self, title: &str) {
        // A String takes everything, here and below.
        let _ = writeln!(self.text, "{}", title.bold());
    }

    /// Adds `head`, which takes `width` columns without its colours, and `text` behind it; what does
    /// not fit continues below the beginning of `text`.
    pub(super) fn push(&mut self, head: impl Display, width: usize, text: &str) {
        let text = wrap::wrapped(text, width, &" ".repeat(width), self.columns);
        let line = format!("{head}{text}");
        let _ = writeln!(self.text, "{}", line.trim_end());
    }

    /// The same with `text` in the colour of what one does not look for, behind `width` blanks.
    pub(super) fn push_dimmed(&mut self, width: usize, text: &str) {
        let text = wrap::wrapped(text, width, &" ".repeat(width), self.columns);
        let _ = writeln!(self.text, "{:width$}{}", "", text.dimmed());
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::WrappedLines;

    #[test]
    fn text_that_does_not_fit_continues_below_its_beginning() {
        let mut lines = WrappedLines::new(Some(24));
        lines.push("  name  ", 8, "called by one, two, three");
        assert_eq!(lines.into_text(), "  name  called by one,\n        two, three\n");
    }
}
