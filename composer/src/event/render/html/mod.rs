//! A session as one HTML page for people: the chain with counts, durations and results of each node, the
//! events over time, calls, and what was lost. It loads nothing and runs no script.
//!
//! The page is written at the end. What is kept until then is bounded: the first calls, and of all others
//! counts.

mod activity;
mod call;
mod measured;
mod page;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::{Render, Totals, tree::TreeStyle};
use crate::{
    chain::Chain,
    event::{
        Durations, Event, Paint, WallClock,
        calls::{Call, Calls},
        human,
    },
    plan::Plan,
};
use activity::Activity;

/// The most calls that are on the page, the most events that belong to none, and bytes of all.
const CALLS: u64 = 200;
const BYTES: usize = 4 << 20;
/// The most different results of a node that are counted by themselves.
const RESULTS: usize = 64;

/// Gathers what a page has of a session.
#[derive(Debug)]
pub struct Html {
    calls: Calls,
    style: TreeStyle,
    /// Hosts that do not number their calls.
    unnumbered: BTreeSet<usize>,
    gathered: Gathered,
}

/// What the page is written from.
#[derive(Debug)]
struct Gathered {
    chain: Chain,
    plan: Plan,
    clock: WallClock,
    nodes: Vec<NodeFigures>,
    activity: Activity,
    calls: Kept,
    /// Events that belong to no call.
    single: Kept,
    /// The kept ones as HTML.
    text: String,
}

/// How many there were, and how many of them are on the page.
#[derive(Debug, Clone, Copy, Default)]
struct Kept {
    seen: u64,
    kept: u64,
}

/// What is known of the events of a node.
#[derive(Debug, Clone, Default)]
struct NodeFigures {
    events: u64,
    durations: Durations,
    results: BTreeMap<String, u64>,
    /// Events with a result that is none of those.
    other_results: u64,
}

impl Html {
    /// A renderer for events of `chain` with its `plan`.
    #[must_use]
    pub fn new(chain: &Chain, plan: &Plan, clock: WallClock) -> Self {
        Self {
            calls: Calls::default(),
            style: TreeStyle::new(chain, plan, clock, Paint { colors: false }),
            unnumbered: BTreeSet::new(),
            gathered: Gathered {
                chain: chain.clone(),
                plan: plan.clone(),
                clock,
                nodes: vec![NodeFigures::default(); plan.nodes.len()],
                activity: Activity::new(plan.nodes.len()),
                calls: Kept::default(),
                single: Kept::default(),
                text: String::new(),
            },
        }
    }

    fn push(&mut self, event: &Event<'_>, text: Option<String>) {
        let Self { calls, style, unnumbered, gathered } = self;
        if event.header.call == 0 && event.payload.has_header() {
            unnumbered.extend(style.paths().within_call(event.index));
        }
        calls.push(event, text, &mut |call| gathered.call(&call, style));
    }
}

impl Render for Html {
    fn event(&mut self, event: &Event<'_>, _: &mut String) {
        self.gathered.event(event);
        let mut text = String::new();
        if self.gathered.has_room(event.header.call) {
            human::fields(event, Paint { colors: false }, &mut text);
        }
        self.push(event, Some(text));
    }

    /// As in the tree: what is not shown tells where a call ends and of which host it is.
    fn unshown(&mut self, event: &Event<'_>, _: &mut String) {
        self.push(event, None);
    }

    fn holds(&self) -> bool {
        true
    }

    fn pause(&mut self, _: &mut String) {
        let Self { calls, style, gathered, .. } = self;
        calls.pause(&mut |call| gathered.call(&call, style));
    }

    fn end(&mut self, totals: &Totals<'_>, out: &mut String) {
        let Self { calls, style, gathered, .. } = self;
        calls.end(&mut |call| gathered.call(&call, style));
        page::page(gathered, totals, out);
    }

    fn unnumbered(&self) -> Vec<&str> {
        let nodes = &self.gathered.plan.nodes;
        let nodes = self.unnumbered.iter().filter_map(|host| nodes.get(*host));
        nodes.map(|node| node.id.as_str()).collect()
    }
}

impl Gathered {
    fn event(&mut self, event: &Event<'_>) {
        // Lines and answers have no time of the kernel's.
        if event.header.time_ns > 0 {
            self.activity.add(event.index, event.header.time_ns);
        }
        let Some(node) = self.nodes.get_mut(event.index) else { return };
        node.events += 1;
        if let Some(took) = event.took() {
            node.durations.add(took);
        }
        if let Some(result) = event.result() {
            let is_known = node.results.contains_key(&result);
            match is_known || node.results.len() < RESULTS {
                true => *node.results.entry(result).or_default() += 1,
                false => node.other_results += 1,
            }
        }
    }

    /// Whether more of a call of this number is kept.
    fn has_room(&self, number: u64) -> bool {
        let of = if number == 0 { self.single } else { self.calls };
        of.kept < CALLS && self.text.len() < BYTES
    }

    fn call(&mut self, ended: &Call, style: &mut TreeStyle) {
        let has_room = self.has_room(ended.number);
        let of = if ended.number == 0 { &mut self.single } else { &mut self.calls };
        // The rest of a call was counted with its beginning.
        of.seen += u64::from(!ended.continued);
        if has_room {
            of.kept += u64::from(!ended.continued);
            self.text.push_str(&call::call(style, ended));
        }
    }
}
