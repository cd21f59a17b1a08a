//! A text that diagnostics refer to, prepared once for all of them: with its line starts, and
//! without control characters that a terminal would execute.

use std::{ops::Range, sync::Arc};

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use crate::{diag::Source, inert};

/// Bytes of the longest line that is drawn. Nobody reads a longer one, and miette cannot draw one
/// of 65536 columns.
const LONGEST: usize = 1000;
/// Lines between two labels that are drawn so that both stand in one piece.
const BRIDGED: usize = 20;

/// A text and where its lines begin.
#[derive(Debug)]
pub(super) struct SourceView {
    pub(super) source: Arc<Source>,
    /// The text as drawn, with escapes instead of control characters.
    text: String,
    /// Where the lines of that begin.
    starts: Vec<usize>,
    /// Where each escape ends, in the source's text and in that.
    escapes: Vec<(usize, usize)>,
    /// Whether every line is short enough to be drawn.
    pub(super) is_drawable: bool,
}

impl SourceView {
    pub(super) fn new(source: &Arc<Source>) -> Self {
        let (text, escapes) = escaped(&source.text);
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        let is_drawable = text.lines().all(|line| line.len() <= LONGEST);
        Self { source: Arc::clone(source), text, starts, escapes, is_drawable }
    }

    /// Line and column of the byte `at` of the source, counted from 1, the column in characters.
    pub(super) fn position(&self, at: usize) -> (usize, usize) {
        let text = &self.source.text;
        let before = text.get(..text.floor_char_boundary(at)).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        (self.line(self.drawn(at.min(text.len()))) + 1, line.chars().count() + 1)
    }

    /// Where the byte `at` of the source is drawn.
    pub(super) fn drawn(&self, at: usize) -> usize {
        let before = self.escapes.partition_point(|(source, _)| *source <= at);
        let (source, drawn) = before.checked_sub(1).map_or((0, 0), |last| self.escapes[last]);
        drawn + (at - source)
    }

    /// The line of the byte `at` as drawn, counted from 0.
    fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at).saturating_sub(1)
    }

    /// Where `line` begins; the end of the text when there is no such line.
    fn start(&self, line: usize) -> usize {
        self.starts.get(line).copied().unwrap_or(self.text.len())
    }

    /// The lines around `span`, with more of them than miette will ask for.
    fn around(&self, span: &Range<usize>, before: usize, after: usize) -> (usize, &str) {
        let first = self.line(span.start).saturating_sub(before + 1);
        let end = self.start(self.line(span.end).saturating_add(after + 2));
        (first, self.text.get(self.start(first)..end).unwrap_or_default())
    }
}

/// `text` as it is drawn, and where each escape ends in both. Its lines end in `\n` or `\r\n`.
fn escaped(text: &str) -> (String, Vec<(usize, usize)>) {
    let (mut out, mut escapes) = (String::with_capacity(text.len()), Vec::new());
    for (at, letter) in text.char_indices() {
        let stays =
            matches!(letter, '\n' | '\t') || (letter == '\r' && text[at + 1..].starts_with('\n'));
        if stays || inert::is_visible(letter) {
            out.push(letter);
        } else {
            out.extend(letter.escape_default());
            escapes.push((at + letter.len_utf8(), out.len()));
        }
    }
    (out, escapes)
}

/// miette reads a text from its start for each label; here it sees the lines around it alone.
impl SourceCode for SourceView {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let whole = span.offset()..span.offset().saturating_add(span.len());
        let (first, window) = self.around(&whole, before, after);
        let start = self.start(first);
        let inner = (span.offset().saturating_sub(start), span.len()).into();
        let found = window.read_span(&inner, before, after)?;
        let place = (found.span().offset() + start, found.span().len()).into();
        // What miette joins labels by: they are drawn in one piece when the next begins before this
        // number of lines further down. It would be all lines from the start of the text, so that
        // thousands of lines were drawn between two labels far down.
        let own = found.data().iter().filter(|byte| **byte == b'\n').count();
        let lines = (first + found.line_count()).min(own + BRIDGED);
        Ok(Box::new(MietteSpanContents::new_named(
            inert::line(&self.source.name).into_owned(),
            found.data(),
            place,
            first + found.line(),
            found.column(),
            lines,
        )))
    }
}

#[cfg(test)]
mod tests {
    use miette::SourceCode as _;

    use super::{Source, SourceView};

    fn page(text: &str) -> SourceView {
        SourceView::new(&Source::first("x.toml", text))
    }

    #[test]
    fn columns_count_characters() {
        let two = page("a\nüb");
        assert_eq!(two.position(4), (2, 2));
        // Within the ü; behind the end.
        assert_eq!((two.position(3), two.position(99)), ((2, 1), (2, 3)));
        assert_eq!(page("").position(7), (1, 1));
    }

    #[test]
    fn the_lines_around_a_place_are_those_of_the_whole_text() {
        let text = "one\ntwo\r\nthree\n\nfive ü\nsix\nseven\r\n";
        let page = page(text);
        for start in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
            for length in [0, 1, 3, 9, 20] {
                for context in [0, 1, 2] {
                    let span = (start, length).into();
                    let found = page.read_span(&span, context, context);
                    let expected = text.read_span(&span, context, context);
                    let (Ok(found), Ok(expected)) = (&found, &expected) else {
                        assert_eq!(found.is_err(), expected.is_err(), "{start} {length}");
                        continue;
                    };
                    assert_eq!(found.data(), expected.data(), "{start} {length} {context}");
                    assert_eq!(found.span(), expected.span());
                    assert_eq!(found.line(), expected.line());
                    assert_eq!(found.column(), expected.column());
                    assert_eq!(found.line_count(), expected.line_count());
                }
            }
        }
    }
}
