//! Events for people, one invocation of a host at a time, as a call tree.
//!
//! Indentation shows nesting, and a bracket connects the tracers of a function's entry with those of
//! its exit:
//!
//! ```text
//! 12:28:46.304759  connect         kprobe    [::1]:42862 → [::1]:43535  wget/146
//!                    handler       stub
//!        +19.2 µs    ╭ before      fentry    [::1]:42862 → [::1]:43535
//!        +24.4 µs    │ handler_v1  freplace  [::1]:42862 → [::1]:43535
//!        +51.0 µs    ╰ after       fexit     [::1]:42862 → [::1]:43535  = TCP_SEEN  took=27 µs
//! ```

use std::collections::BTreeSet;

use super::{Render, Totals};
use crate::{
    chain::{Chain, ProbePoint},
    event::{
        Event, Paint, WallClock,
        call_tree::{CallPart, CallPaths, PathFunction, Visit},
        calls::{Call, Calls},
        digits::decimal,
        human,
        paint::pad,
    },
    plan::{Plan, PlannedNode},
};

/// As wide as `12:28:46.304759`.
const TIME_WIDTH: usize = 15;

/// Groups events by their call and formats the groups.
#[derive(Debug)]
pub struct Tree {
    calls: Calls,
    page: TreeStyle,
    /// Hosts that do not number their calls, by their numbers.
    unnumbered: BTreeSet<usize>,
}

/// What a group is drawn with.
#[derive(Debug)]
pub(super) struct TreeStyle {
    nodes: Vec<PlannedNode>,
    map: CallPaths,
    clock: WallClock,
    paint: Paint,
    name_width: usize,
    label_width: usize,
    /// Whether there is a line above, and whether it belongs to a call.
    above: Option<bool>,
}

/// A line below the first one of a call.
struct TreeRow {
    /// Blanks and brackets in front of the name.
    indent: String,
    of: RowKind,
}

enum RowKind {
    /// An event, an index in the call.
    Event(usize),
    /// A function without events of its own.
    Place(usize),
}

impl Tree {
    /// A renderer for events of `chain` with its `plan`.
    #[must_use]
    pub fn new(chain: &Chain, plan: &Plan, clock: WallClock, paint: Paint) -> Self {
        let page = TreeStyle::new(chain, plan, clock, paint);
        Self { calls: Calls::default(), page, unnumbered: BTreeSet::new() }
    }

    /// Takes an event in, with its payload as `text` where it is asked for. Writes the calls that have
    /// ended by it.
    fn push(&mut self, event: &Event<'_>, text: Option<String>, out: &mut String) {
        let Self { calls, page, unnumbered } = self;
        if event.header.call == 0 && event.payload.has_header() {
            unnumbered.extend(page.map.within_call(event.index));
        }
        calls.push(event, text, &mut |call| page.call(&call, out));
    }
}

impl Render for Tree {
    fn event(&mut self, event: &Event<'_>, out: &mut String) {
        let mut text = String::new();
        human::fields(event, self.page.paint, &mut text);
        self.push(event, Some(text), out);
    }

    /// A tree learns from what is not shown where a call ends and of which host it is.
    fn unshown(&mut self, event: &Event<'_>, out: &mut String) {
        self.push(event, None, out);
    }

    fn holds(&self) -> bool {
        true
    }

    /// Writes the calls that no event came of since the last pause: a host cannot wait, so they
    /// have ended.
    fn pause(&mut self, out: &mut String) {
        let Self { calls, page, .. } = self;
        calls.pause(&mut |call| page.call(&call, out));
    }

    fn end(&mut self, _: &Totals<'_>, out: &mut String) {
        let Self { calls, page, .. } = self;
        calls.end(&mut |call| page.call(&call, out));
    }

    fn unnumbered(&self) -> Vec<&str> {
        let nodes = self.unnumbered.iter().filter_map(|host| self.page.nodes.get(*host));
        nodes.map(|node| node.id.as_str()).collect()
    }
}

impl TreeStyle {
    pub(super) fn new(chain: &Chain, plan: &Plan, clock: WallClock, paint: Paint) -> Self {
        let (nodes, map) = (plan.nodes.clone(), CallPaths::of(chain));
        let width = |text: &str| text.chars().count();
        let deep = map.nodes.iter().zip(&nodes).map(|(stand, node)| {
            let inner = stand.path.last().and_then(|place| map.places.get(*place));
            let name = inner.map_or(0, |place| width(&place.name)).max(width(&node.id));
            name + 2 * stand.path.len()
        });
        let name_width = deep.max().unwrap_or(0);
        let labels = nodes.iter().map(|node| node.label);
        let labels = labels.chain(map.places.iter().map(|place| place.label)).map(width);
        let label_width = labels.max().unwrap_or(0);
        Self { nodes, map, clock, paint, name_width, label_width, above: None }
    }

    /// The way of calls through the chain.
    pub(super) fn paths(&self) -> &CallPaths {
        &self.map
    }

    /// `connect or accept`
    pub(super) fn names(&self, hosts: &[usize]) -> String {
        let nodes = hosts.iter().filter_map(|host| self.nodes.get(*host));
        nodes.map(|node| node.id.as_str()).collect::<Vec<_>>().join(" or ")
    }

    /// Writes one call.
    pub(super) fn call(&mut self, call: &Call, out: &mut String) {
        let Some(first) = call.events.first() else { return };
        let alone = call.number == 0;
        // A line of its own needs no room, but for that around a call.
        if self.above.is_some_and(|call_above| call_above || !alone) {
            out.push('\n');
        }
        self.above = Some(!alone);

        let hosts = if alone { vec![first.node] } else { self.map.hosts(call) };
        let is_host = hosts.as_slice() == [first.node];
        let mut time = String::new();
        self.clock.time_of_day(first.time_ns, &mut time);
        self.paint.dimmed(&time, out);
        out.push_str("  ");
        let mut text = if is_host { first.text.clone() } else { String::new() };
        if !call.task.is_empty() {
            text.push_str("  ");
            self.paint.dimmed(&call.task, &mut text);
        }
        let label = first.point.filter(|_| alone).map(ProbePoint::name);
        self.head(&hosts, label, call.continued, &text, out);
        if alone {
            // What it is within is not known, so there is nothing to draw around it.
            return;
        }
        for row in self.rows(&self.map.parts(&call.events), call) {
            match row.of {
                RowKind::Event(0) if is_host => {}
                RowKind::Event(number) => {
                    let Some(event) = call.events.get(number) else { continue };
                    let Some(node) = self.nodes.get(event.node) else { continue };
                    let label = event.point.map_or(node.label, ProbePoint::name);
                    let place =
                        PathFunction { name: node.id.clone(), label, node: Some(event.node) };
                    let ns = event.time_ns.saturating_sub(first.time_ns);
                    time.clear();
                    time.push('+');
                    decimal(ns / 1000, &mut time);
                    time.push('.');
                    decimal(ns % 1000 / 100, &mut time);
                    // One letter fewer than bytes.
                    pad(time.len() + " µs".len() - 1, TIME_WIDTH, out);
                    time.push_str(" µs");
                    self.paint.dimmed(&time, out);
                    out.push_str("  ");
                    self.name(&row.indent, &place, &event.text, out);
                }
                RowKind::Place(place) => {
                    let Some(place) = self.map.places.get(place) else { continue };
                    pad(0, TIME_WIDTH + 2, out);
                    self.name(&row.indent, place, "", out);
                }
            }
        }
    }

    /// The name of the host on the first line, and the rest of that.
    fn head(
        &self,
        hosts: &[usize],
        label: Option<&str>,
        continued: bool,
        text: &str,
        out: &mut String,
    ) {
        let nodes = || hosts.iter().filter_map(|host| Some((*host, self.nodes.get(*host)?)));
        let mut width = 0;
        for (number, (host, node)) in nodes().enumerate() {
            if number > 0 {
                out.push_str(" or ");
                width += 4;
            }
            self.paint.node(host, &node.id, out);
            width += node.id.chars().count();
        }
        if continued {
            out.push_str(" …");
            width += 2;
        }
        let label = label.unwrap_or_else(|| match hosts {
            [host] => self.nodes.get(*host).map_or("", |node| node.label),
            _ => "",
        });
        self.rest(width, label, text, out);
    }

    /// A name below the first line, and the rest of its line.
    fn name(&self, indent: &str, place: &PathFunction, text: &str, out: &mut String) {
        let width = indent.chars().count() + place.name.chars().count();
        self.paint.dimmed(indent, out);
        match place.node {
            Some(node) => self.paint.node(node, &place.name, out),
            None => out.push_str(&place.name),
        }
        self.rest(width, place.label, text, out);
    }

    /// What stands behind a name of so many letters, to the end of the line.
    fn rest(&self, width: usize, label: &str, text: &str, out: &mut String) {
        let room = self.name_width.saturating_sub(width) + 2;
        let label_width = if text.is_empty() { 0 } else { self.label_width };
        pad(0, room, out);
        self.paint.dimmed(label, out);
        pad(label.len(), label_width, out);
        out.push_str(text);
        out.push('\n');
    }

    fn rows(&self, parts: &[CallPart], call: &Call) -> Vec<TreeRow> {
        let mut rows = Vec::new();
        for part in parts {
            match part {
                CallPart::Event(number) => {
                    rows.push(TreeRow { indent: String::new(), of: RowKind::Event(*number) });
                }
                CallPart::Span(span) => rows.extend(self.span(span, call)),
            }
        }
        rows
    }

    fn span(&self, span: &Visit, call: &Call) -> Vec<TreeRow> {
        // None for what is no event of the function itself or of a tracer on it.
        let point = |part: &CallPart| match part {
            CallPart::Event(number) => Some(self.map.point(call.events.get(*number)?)),
            CallPart::Span(_) => None,
        };
        let tells = span.parts.iter().any(|part| point(part) == Some(None));
        let traced = span.parts.iter().any(|part| point(part).flatten().is_some());
        let mut rows = self.rows(&span.parts, call);
        if !tells {
            // Where its own event would be: after the tracers of its entry.
            let entered = |part: &&CallPart| point(part) == Some(Some(ProbePoint::Fentry));
            let at = span.parts.iter().take_while(entered).count();
            rows.insert(at, TreeRow { indent: String::new(), of: RowKind::Place(span.place) });
        }
        let last = rows.len() - 1;
        for (number, row) in rows.iter_mut().enumerate() {
            let bracket = match number {
                _ if !traced => "  ",
                0 => "╭ ",
                _ if number == last => "╰ ",
                _ => "│ ",
            };
            row.indent.insert_str(0, bracket);
        }
        rows
    }
}

#[cfg(test)]
#[path = "tree_tests.rs"]
pub(super) mod tests;
