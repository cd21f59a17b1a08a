//! The books of an `up`: of every node, produced = delivered + lost.

use freplace_compose::event::NodeBooks;

/// What became of the events of each node.
pub(super) struct Books {
    nodes: Vec<NodeBooks>,
    /// Records that were no events of this chain, so of no node that could be told.
    pub(super) malformed: u64,
}

impl Books {
    /// For so many nodes.
    pub(super) fn new(nodes: usize) -> Self {
        Self { nodes: vec![NodeBooks::default(); nodes], malformed: 0 }
    }

    /// The books of one node.
    pub(super) fn of(&self, node: usize) -> NodeBooks {
        self.nodes.get(node).copied().unwrap_or_default()
    }

    /// An event of `node` was read.
    pub(super) fn delivered(&mut self, node: usize) {
        if let Some(books) = self.nodes.get_mut(node) {
            books.delivered += 1;
        }
    }

    /// Takes over what the kernel counted of `node`; returns how many were lost since last time.
    pub(super) fn counted(&mut self, node: usize, produced: u64, lost: u64) -> u64 {
        let Some(books) = self.nodes.get_mut(node) else { return 0 };
        books.produced = produced;
        let new = lost.saturating_sub(books.lost);
        books.lost += new;
        new
    }

    /// All nodes together.
    pub(super) fn total(&self) -> NodeBooks {
        self.nodes.iter().fold(NodeBooks::default(), |sum, node| NodeBooks {
            produced: sum.produced + node.produced,
            delivered: sum.delivered + node.delivered,
            lost: sum.lost + node.lost,
        })
    }

    /// Whether every event that was produced was read or lost.
    pub(super) fn balance(&self) -> bool {
        let NodeBooks { produced, delivered, lost } = self.total();
        produced == delivered + self.malformed + lost
    }
}
