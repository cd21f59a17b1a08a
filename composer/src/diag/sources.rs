//! Several texts with one range of positions, so that a tree of values can be put together from files and
//! each of its values still be found in its own.

use std::{ops::Range, sync::Arc};

use super::{Source, Span};

/// Texts in a row: positions in the first are as they are, those in each other one begin at its base.
#[derive(Debug, Clone)]
pub struct Sources {
    first: Arc<Source>,
    /// Base and text, in the order of the bases.
    more: Arc<[(usize, Arc<Source>)]>,
}

impl Sources {
    /// A single text.
    #[must_use]
    pub fn one(source: &Arc<Source>) -> Self {
        Self { first: Arc::clone(source), more: Arc::default() }
    }

    /// `first`, and those `more` with their bases, each behind the end of the one before.
    #[must_use]
    pub fn row(first: &Arc<Source>, more: &[(usize, Arc<Source>)]) -> Self {
        Self { first: Arc::clone(first), more: more.into() }
    }

    /// The first text.
    #[must_use]
    pub fn first(&self) -> &Arc<Source> {
        &self.first
    }

    /// Where `range` of the positions is.
    #[must_use]
    pub fn span(&self, range: Range<usize>) -> Span {
        let behind = self.more.partition_point(|(base, _)| *base <= range.start);
        match behind.checked_sub(1).and_then(|place| self.more.get(place)) {
            Some((base, source)) => {
                Span::new(source, range.start - base..range.end.saturating_sub(*base))
            }
            None => Span::new(&self.first, range),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Sources;
    use crate::diag::Source;

    #[test]
    fn each_position_is_found_in_its_text() {
        let first = Source::first("a.toml", "one two");
        let second = Arc::new(Source { name: "b.toml".into(), text: "three".into(), number: 2 });
        let third = Arc::new(Source { name: "c.toml".into(), text: "four".into(), number: 3 });
        let row = Sources::row(&first, &[(8, second), (14, third)]);
        let found = |range| row.span(range).text().to_owned();
        assert_eq!(found(4..7), "two");
        assert_eq!(found(7..7), "", "the end of a text is in it");
        assert_eq!(found(8..13), "three");
        assert_eq!(found(14..18), "four");
        assert_eq!(row.span(14..15).source().name, "c.toml");
        assert_eq!(Sources::one(&first).span(0..3).text(), "one");
    }
}
