//! The accounting of a session's events: of every node, produced = delivered + lost.

use super::Event;
use crate::running::Runs;

/// The event counts of a node: `produced` is `delivered` plus `lost`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EventCounts {
    /// Events emitted by the node.
    pub produced: u64,
    /// They were read from the kernel, shown or not.
    pub delivered: u64,
    /// They found no room.
    pub lost: u64,
}

/// The event counts of each node.
#[derive(Debug)]
pub struct EventAccounting {
    /// Of events in the composer's form, which programs count themselves.
    counted: Vec<EventCounts>,
    /// Counts of records in the nodes' own maps: those read and, if the kernel counts them, those
    /// lost.
    own: Vec<EventCounts>,
    /// Nodes and their maps whose losses cannot be counted.
    uncounted: Vec<(usize, String)>,
    /// How often programs were not run, by node.
    pub skips: Skips,
    /// How long programs ran, by node.
    runs: Vec<Runs>,
    /// Lines of `bpf_printk` that were lost, of whichever program.
    lines_lost: u64,
    /// Records that are not events of this chain and belong to no known node.
    pub malformed: u64,
    /// Events that were shorter than their type, or of a type that is not known.
    pub undecoded: u64,
}

/// Events that found no room.
#[derive(Debug, Clone, Copy)]
pub struct Loss<'a> {
    /// The node, where it is known.
    pub node: Option<usize>,
    /// The map that was full.
    pub map: &'a str,
    /// How many.
    pub count: u64,
}

impl EventAccounting {
    /// Creates the accounting of this number of nodes.
    #[must_use]
    pub fn new(nodes: usize) -> Self {
        Self {
            counted: vec![EventCounts::default(); nodes],
            own: vec![EventCounts::default(); nodes],
            uncounted: Vec::new(),
            skips: Skips::new(nodes),
            runs: vec![Runs::default(); nodes],
            lines_lost: 0,
            malformed: 0,
            undecoded: 0,
        }
    }

    /// The counts of one node.
    #[must_use]
    pub fn of(&self, node: usize) -> EventCounts {
        sum([&self.counted, &self.own].into_iter().filter_map(|counts| counts.get(node)))
    }

    /// How long the programs of `node` ran.
    #[must_use]
    pub fn runs_of(&self, node: usize) -> Runs {
        self.runs.get(node).copied().unwrap_or_default()
    }

    /// A program of `node` ran so often, for so long.
    pub fn ran(&mut self, node: usize, runs: Runs) {
        if let Some(sum) = self.runs.get_mut(node) {
            *sum += runs;
        }
    }

    /// The maps of `node` whose losses cannot be counted.
    #[must_use]
    pub fn uncounted_of(&self, node: usize) -> Vec<&str> {
        let own = self.uncounted.iter().filter(|(of, _)| *of == node);
        own.map(|(_, map)| map.as_str()).collect()
    }

    /// An event in the composer's form was read.
    pub fn delivered(&mut self, event: &Event<'_>) {
        self.undecoded += u64::from(event.is_undecoded());
        if let Some(counts) = self.counted.get_mut(event.index) {
            counts.delivered += 1;
        }
    }

    /// An event in a form of the node's own was read.
    pub fn delivered_by_itself(&mut self, event: &Event<'_>) {
        self.undecoded += u64::from(event.is_undecoded());
        if let Some(counts) = self.own.get_mut(event.index) {
            counts.produced += 1;
            counts.delivered += 1;
        }
    }

    /// Sets the kernel's counts for `node`; returns the number of events lost since the last call.
    pub fn counted(&mut self, node: usize, produced: u64, lost: u64) -> u64 {
        let Some(counts) = self.counted.get_mut(node) else { return 0 };
        counts.produced = produced;
        let new = lost.saturating_sub(counts.lost);
        counts.lost += new;
        new
    }

    /// Events in forms of their own found no room.
    pub fn lost_by_itself(&mut self, loss: &Loss<'_>) {
        match loss.node.and_then(|node| self.own.get_mut(node)) {
            Some(counts) => {
                counts.produced += loss.count;
                counts.lost += loss.count;
            }
            None => self.lines_lost += loss.count,
        }
    }

    /// Marks the losses in `map` of `node` as uncounted.
    pub fn uncounted(&mut self, node: usize, map: &str) {
        self.uncounted.push((node, map.to_owned()));
    }

    /// All nodes together.
    #[must_use]
    pub fn total(&self) -> EventCounts {
        let nodes = sum(self.counted.iter().chain(&self.own));
        let (produced, lost) = (nodes.produced + self.lines_lost, nodes.lost + self.lines_lost);
        EventCounts { produced, lost, ..nodes }
    }

    /// How many events in the composer's form found no room.
    #[must_use]
    pub fn lost_in_common(&self) -> u64 {
        sum(&self.counted).lost
    }

    /// Whether every event that programs counted was read or lost.
    #[must_use]
    pub fn balance(&self) -> bool {
        let EventCounts { produced, delivered, lost } = sum(&self.counted);
        produced == delivered + self.malformed + lost
    }
}

fn sum<'a>(counts: impl IntoIterator<Item = &'a EventCounts>) -> EventCounts {
    counts.into_iter().fold(EventCounts::default(), |sum, node| EventCounts {
        produced: sum.produced + node.produced,
        delivered: sum.delivered + node.delivered,
        lost: sum.lost + node.lost,
    })
}

/// How often the kernel skipped the program of each node; `None` if the kernel does not count it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skips(Vec<Option<u64>>);

impl Skips {
    /// For so many nodes.
    #[must_use]
    pub fn new(nodes: usize) -> Self {
        Self(vec![Some(0); nodes])
    }

    /// How often `node` was skipped, where that is known.
    #[must_use]
    pub fn of(&self, node: usize) -> Option<u64> {
        self.0.get(node).copied().flatten()
    }

    /// Of all nodes, as far as it is known.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().flatten().sum()
    }

    /// Adds the counts of programs that are gone.
    pub fn add_all(&mut self, gone: &Self) {
        for (node, count) in gone.0.iter().enumerate() {
            self.add(node, *count);
        }
    }

    /// Adds the kernel's count for one of the node's programs or attachments.
    pub fn add(&mut self, node: usize, count: Option<u64>) {
        if let Some(sum) = self.0.get_mut(node) {
            *sum = sum.zip(count).map(|(sum, count)| sum + count);
        }
    }
}
