//! A location in a text. It refers to its text, so diagnostics of several files need no map between
//! the two, and a location cannot be drawn into a different text.

use std::{cmp::Ordering, fmt, ops::Range, sync::Arc};

/// A text that diagnostics point into.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// The file's name as the user wrote it.
    pub name: String,
    /// Its whole text.
    pub text: String,
    /// Its place among the texts that were read, from 0: the order in which diagnostics come.
    pub number: usize,
}

impl Source {
    /// The first text that is read.
    #[must_use]
    pub fn first(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into(), number: 0 })
    }
}

/// Bytes of a text.
#[derive(Clone)]
pub struct Span {
    source: Arc<Source>,
    start: usize,
    end: usize,
}

impl Span {
    /// The bytes `range` of `source`.
    #[must_use]
    pub fn new(source: &Arc<Source>, range: Range<usize>) -> Self {
        Self { source: Arc::clone(source), start: range.start, end: range.end }
    }

    /// The text it is in.
    #[must_use]
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// Its first byte.
    #[must_use]
    pub fn start(&self) -> usize {
        self.start
    }

    /// The byte after its last one.
    #[must_use]
    pub fn end(&self) -> usize {
        self.end
    }

    /// Its bytes.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// The text at this location; empty if it is outside of the source.
    #[must_use]
    pub fn text(&self) -> &str {
        self.source.text.get(self.range()).unwrap_or_default()
    }

    /// Other bytes of the same text.
    #[must_use]
    pub fn at(&self, range: Range<usize>) -> Self {
        Self::new(&self.source, range)
    }

    fn key(&self) -> (usize, usize, usize) {
        (self.source.number, self.start, self.end)
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}..{}", self.source.name, self.start, self.end)
    }
}

/// Places of one text are alike when their bytes are; those of two texts never are.
impl PartialEq for Span {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.source, &other.source) && self.range() == other.range()
    }
}

impl Eq for Span {}

/// In the order of the texts, then of the bytes.
impl Ord for Span {
    fn cmp(&self, other: &Self) -> Ordering {
        let texts = || Arc::as_ptr(&self.source).cmp(&Arc::as_ptr(&other.source));
        self.key().cmp(&other.key()).then_with(texts)
    }
}

impl PartialOrd for Span {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Source, Span};

    #[test]
    fn places_come_in_the_order_of_their_files() {
        let first = Source::first("b.toml", "one two");
        let second = Arc::new(Source { name: "a.toml".into(), text: "three".into(), number: 1 });
        let (one, two) = (Span::new(&first, 0..3), Span::new(&first, 4..7));
        let three = Span::new(&second, 0..3);
        let mut places = [three.clone(), two.clone(), one.clone()];
        places.sort();
        assert_eq!(places, [one.clone(), two.clone(), three.clone()]);
        assert_ne!(one, three);
        assert_eq!(one, one.at(0..3));
        assert_eq!([one.text(), two.text(), three.text()], ["one", "two", "thr"]);
        assert_eq!(two.at(5..90).text(), "");
        assert_eq!(format!("{two:?}"), "b.toml:4..7");
    }
}
