//! The books of an `up`: of every node, produced = delivered + lost.

use super::skips::Skips;
use freplace_compose::event::{Event, NodeBooks};

/// What became of the events of each node.
pub(super) struct Books {
    /// Of events in the composer's form, which programs count themselves.
    counted: Vec<NodeBooks>,
    /// Of what programs write in forms of their own: what was read and, where the kernel counts it,
    /// what was lost.
    own: Vec<NodeBooks>,
    /// Nodes and their maps, of which nobody knows what was lost.
    unknown: Vec<(usize, String)>,
    /// How often programs were not run.
    pub(super) skips: Skips,
    /// Lines of `bpf_printk` that were lost, of whichever program.
    lines_lost: u64,
    /// Records that were no events of this chain, so of no node that could be told.
    pub(super) malformed: u64,
    /// Events that were shorter than their type, or of a type that is not known.
    pub(super) undecoded: u64,
}

/// Events that found no room.
#[derive(Debug, Clone, Copy)]
pub(super) struct Loss<'a> {
    /// The node, where it is known.
    pub(super) node: Option<usize>,
    /// The map that was full.
    pub(super) map: &'a str,
    /// How many.
    pub(super) count: u64,
}

impl Books {
    /// For so many nodes.
    pub(super) fn new(nodes: usize) -> Self {
        Self {
            counted: vec![NodeBooks::default(); nodes],
            own: vec![NodeBooks::default(); nodes],
            unknown: Vec::new(),
            skips: Skips::new(nodes),
            lines_lost: 0,
            malformed: 0,
            undecoded: 0,
        }
    }

    /// The books of one node.
    pub(super) fn of(&self, node: usize) -> NodeBooks {
        sum([&self.counted, &self.own].into_iter().filter_map(|books| books.get(node)))
    }

    /// The maps of `node` of which nobody knows what was lost.
    pub(super) fn unknown_of(&self, node: usize) -> Vec<&str> {
        let own = self.unknown.iter().filter(|(of, _)| *of == node);
        own.map(|(_, map)| map.as_str()).collect()
    }

    /// An event in the composer's form was read.
    pub(super) fn delivered(&mut self, event: &Event<'_>) {
        self.undecoded += u64::from(event.is_undecoded());
        if let Some(books) = self.counted.get_mut(event.index) {
            books.delivered += 1;
        }
    }

    /// An event in a form of the node's own was read.
    pub(super) fn delivered_by_itself(&mut self, event: &Event<'_>) {
        self.undecoded += u64::from(event.is_undecoded());
        if let Some(books) = self.own.get_mut(event.index) {
            books.produced += 1;
            books.delivered += 1;
        }
    }

    /// Takes over what the kernel counted of `node`; returns how many were lost since last time.
    pub(super) fn counted(&mut self, node: usize, produced: u64, lost: u64) -> u64 {
        let Some(books) = self.counted.get_mut(node) else { return 0 };
        books.produced = produced;
        let new = lost.saturating_sub(books.lost);
        books.lost += new;
        new
    }

    /// Events in forms of their own found no room.
    pub(super) fn lost_by_itself(&mut self, loss: &Loss<'_>) {
        match loss.node.and_then(|node| self.own.get_mut(node)) {
            Some(books) => {
                books.produced += loss.count;
                books.lost += loss.count;
            }
            None => self.lines_lost += loss.count,
        }
    }

    /// Nobody knows what found no room in `map` of `node`.
    pub(super) fn unknown(&mut self, node: usize, map: &str) {
        self.unknown.push((node, map.to_owned()));
    }

    /// All nodes together.
    pub(super) fn total(&self) -> NodeBooks {
        let nodes = sum(self.counted.iter().chain(&self.own));
        let (produced, lost) = (nodes.produced + self.lines_lost, nodes.lost + self.lines_lost);
        NodeBooks { produced, lost, ..nodes }
    }

    /// How many events in the composer's form found no room.
    pub(super) fn lost_in_common(&self) -> u64 {
        sum(&self.counted).lost
    }

    /// Whether every event that programs counted was read or lost.
    pub(super) fn balance(&self) -> bool {
        let NodeBooks { produced, delivered, lost } = sum(&self.counted);
        produced == delivered + self.malformed + lost
    }
}

fn sum<'a>(books: impl IntoIterator<Item = &'a NodeBooks>) -> NodeBooks {
    books.into_iter().fold(NodeBooks::default(), |sum, node| NodeBooks {
        produced: sum.produced + node.produced,
        delivered: sum.delivered + node.delivered,
        lost: sum.lost + node.lost,
    })
}
