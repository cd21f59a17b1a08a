//! The journal of a plan: what was started, done and undone, in this order.
//!
//! The current state follows from it, and so does what has to be undone. It is in memory; a chain
//! that outlives its process needs it in a file. Each entry is written before the action that it
//! announces.

use std::collections::HashSet;

use crate::{
    kernel::{LinkHandle, MapHandle, ProgramHandle, TraceHandle},
    plan::OperationId,
};

/// A result of an operation, with what is needed to undo it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Made {
    /// A place for lines of `bpf_printk`.
    Trace(TraceHandle),
    /// A map, or our hold of one that was pinned already.
    Map(MapHandle),
    /// The pin of a map.
    Pin {
        /// The map.
        map: MapHandle,
        /// Whether it is meant to stay.
        keep: bool,
    },
    /// An entry of a table for tail calls.
    Entry(MapHandle, u32),
    /// A program.
    Program(ProgramHandle),
    /// An attachment.
    Link(LinkHandle),
}

impl Made {
    /// Whether it is meant to stay when the chain goes down.
    pub(super) fn is_kept(&self) -> bool {
        matches!(self, Self::Pin { keep: true, .. })
    }
}

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// An operation begins.
    Started(OperationId),
    /// It is done, with these results, in this order.
    Done(OperationId, Vec<Made>),
    /// Undoing a result of an operation begins.
    UndoStarted(OperationId, Made),
    /// It is gone.
    Undone(OperationId, Made),
    /// It could not be undone.
    Left(OperationId, Made),
}

/// The operations that were started, done and undone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Journal {
    entries: Vec<Entry>,
}

impl Journal {
    /// The entries, the oldest first.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Results that were not undone, and for which undoing was not tried: each with its operation,
    /// in the order of creation.
    #[must_use]
    pub fn standing(&self) -> Vec<(OperationId, Made)> {
        let mut settled = HashSet::new();
        let mut standing = Vec::new();
        for entry in self.entries.iter().rev() {
            match entry {
                Entry::Undone(operation, made) | Entry::Left(operation, made) => {
                    settled.insert((*operation, *made));
                }
                Entry::Done(operation, made) => {
                    let made = made.iter().rev().map(|made| (*operation, *made));
                    standing.extend(made.filter(|one| !settled.contains(one)));
                }
                Entry::Started(_) | Entry::UndoStarted(..) => {}
            }
        }
        standing.reverse();
        standing
    }

    /// Adds a line.
    pub(super) fn write(&mut self, entry: Entry) {
        self.entries.push(entry);
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, Journal, Made};
    use crate::{
        kernel::{LinkHandle, MapHandle},
        plan::OperationId,
    };

    #[test]
    fn what_stands_is_what_was_made_and_not_undone() {
        let (first, second) = (OperationId(0), OperationId(1));
        let pin = Made::Pin { map: MapHandle(7), keep: false };
        let (map, link) = (Made::Map(MapHandle(7)), Made::Link(LinkHandle(8)));
        let mut journal = Journal::default();
        journal.write(Entry::Started(first));
        assert_eq!(journal.standing(), []);
        journal.write(Entry::Done(first, vec![map, pin]));
        journal.write(Entry::Started(second));
        journal.write(Entry::Done(second, vec![link]));
        assert_eq!(journal.standing(), [(first, map), (first, pin), (second, link)]);
        journal.write(Entry::UndoStarted(second, link));
        assert_eq!(journal.standing().len(), 3, "it may stand yet");
        journal.write(Entry::Undone(second, link));
        journal.write(Entry::Left(first, pin));
        assert_eq!(journal.standing(), [(first, map)]);
    }
}
