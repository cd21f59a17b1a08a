//! The path of a call through the chain: the function of each event, and the nesting of functions.

use petgraph::graph::NodeIndex;

use super::calls::{BufferedEvent, Call};
use crate::{
    chain::{Chain, NodeKind, ProbePoint, Role},
    inert,
};

/// A function that calls pass: that of a node, or another one of its program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PathFunction {
    /// The node's id, or the function's name.
    pub(super) name: String,
    /// The node's kind, or `function`.
    pub(super) label: &'static str,
    /// The node, where it is one.
    pub(super) node: Option<usize>,
}

/// Where the events of each node stand.
#[derive(Debug)]
pub(super) struct CallPaths {
    /// Every function there is.
    pub(super) places: Vec<PathFunction>,
    /// For each node.
    pub(super) nodes: Vec<NodePath>,
}

/// Where the events of a node stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NodePath {
    /// The functions within the host's own, from the outermost to the one that the event is of.
    pub(super) path: Vec<usize>,
    /// When its tracer runs; none for an event that the function itself emits.
    pub(super) point: Option<ProbePoint>,
    /// The hosts that it may be called from.
    pub(super) hosts: Vec<usize>,
}

/// A part of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CallPart {
    /// An event, an index in the call.
    Event(usize),
    /// The events in a function.
    Span(Visit),
}

/// One pass through a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Visit {
    /// The function, an index in [`CallPaths::places`].
    pub(super) place: usize,
    /// In order.
    pub(super) parts: Vec<CallPart>,
}

impl CallPaths {
    pub(super) fn of(chain: &Chain) -> Self {
        let mut map = Self { places: Vec::new(), nodes: Vec::new() };
        for (index, node) in chain.graph.nodes() {
            let point = match &node.kind {
                NodeKind::Tracer(tracer) => Some(tracer.point),
                _ => None,
            };
            let path = match point {
                Some(_) => map.traced_by(chain, index),
                None => map.within(chain, index),
            };
            let hosts = chain.graph.hosts_below(index).into_iter().map(NodeIndex::index).collect();
            map.nodes.push(NodePath { path, point, hosts });
        }
        map
    }

    /// The way to the code of node `index`.
    fn within(&mut self, chain: &Chain, index: NodeIndex) -> Vec<usize> {
        let node = chain.graph.node(index);
        // What a stub is in may be several hosts, which all stand for the same: the outermost.
        let mut path = match (node.role(), chain.graph.needs(index).first()) {
            (Role::Host, _) | (_, None) => return Vec::new(),
            (Role::Tracer, _) => self.traced_by(chain, index),
            (_, Some(outer)) => self.within(chain, *outer),
        };
        path.push(self.place(PathFunction {
            name: node.id.value.clone(),
            label: node.label(),
            node: Some(index.index()),
        }));
        path
    }

    /// The way to the function that tracer `index` is on.
    fn traced_by(&mut self, chain: &Chain, index: NodeIndex) -> Vec<usize> {
        let Some(target) = chain.graph.needs(index).first().copied() else { return Vec::new() };
        let mut path = self.within(chain, target);
        if let NodeKind::Tracer(tracer) = &chain.graph.node(index).kind
            && let Some(function) = &tracer.function
        {
            let name = inert::line(&function.value).into_owned();
            path.push(self.place(PathFunction { name, label: "function", node: None }));
        }
        path
    }

    fn place(&mut self, place: PathFunction) -> usize {
        let found = self.places.iter().position(|other| *other == place);
        found.unwrap_or_else(|| {
            self.places.push(place);
            self.places.len() - 1
        })
    }

    /// Where `event` stands.
    pub(super) fn stand(&self, event: &BufferedEvent) -> Option<&NodePath> {
        self.nodes.get(event.node)
    }

    /// The function that `event` is of; none for a host's own.
    pub(super) fn function(&self, event: &BufferedEvent) -> Option<usize> {
        self.stand(event)?.path.last().copied()
    }

    /// The hosts that `event` may have come from.
    pub(super) fn hosts_of(&self, event: &BufferedEvent) -> &[usize] {
        self.stand(event).map(|stand| stand.hosts.as_slice()).unwrap_or_default()
    }

    /// The hosts in whose calls events of `node` are; none for a tracer of a host's own function,
    /// which runs before a call gets its number and after it has given it back.
    pub(super) fn within_call(&self, node: usize) -> impl Iterator<Item = usize> {
        let stand = self.nodes.get(node).filter(|it| it.point.is_none() || !it.path.is_empty());
        stand.into_iter().flat_map(|stand| stand.hosts.iter().copied())
    }

    /// When the tracer that emitted `event` runs.
    pub(super) fn point(&self, event: &BufferedEvent) -> Option<ProbePoint> {
        event.point.or(self.stand(event)?.point)
    }

    /// The hosts that `call` may be of: one, when its own event tells or there is but one.
    pub(super) fn hosts(&self, call: &Call) -> Vec<usize> {
        let nodes = || call.events.iter().map(|event| event.node).chain(call.unshown.clone());
        let stands = || nodes().filter_map(|node| Some((node, self.nodes.get(node)?)));
        match stands().find(|(_, stand)| stand.path.is_empty() && stand.point.is_none()) {
            Some((host, _)) => vec![host],
            None => {
                let fewest = stands().min_by_key(|(_, stand)| stand.hosts.len());
                fewest.map(|(_, stand)| stand.hosts.clone()).unwrap_or_default()
            }
        }
    }

    /// The events of one call, put within the functions that they are of.
    pub(super) fn parts(&self, events: &[BufferedEvent]) -> Vec<CallPart> {
        let mut parts = Vec::new();
        let mut open: Vec<Visit> = Vec::new();
        for (number, event) in events.iter().enumerate() {
            let path = self.stand(event).map(|stand| stand.path.as_slice()).unwrap_or_default();
            let same = open.iter().zip(path).take_while(|(span, place)| span.place == **place);
            let mut same = same.count();
            close(&mut open, same, &mut parts);
            if same == path.len()
                && let Some(span) = open.last()
                && self.begins_anew(span, events, event)
            {
                same -= 1;
                close(&mut open, same, &mut parts);
            }
            let missing = path.iter().skip(same);
            open.extend(missing.map(|place| Visit { place: *place, parts: Vec::new() }));
            match open.last_mut() {
                Some(span) => span.parts.push(CallPart::Event(number)),
                None => parts.push(CallPart::Event(number)),
            }
        }
        close(&mut open, 0, &mut parts);
        parts
    }

    /// Whether `event`, which is of the same function as `span`, is of another pass through it.
    fn begins_anew(&self, span: &Visit, events: &[BufferedEvent], event: &BufferedEvent) -> bool {
        let mut before = span.parts.iter().filter_map(|part| match part {
            CallPart::Event(number) => events.get(*number),
            CallPart::Span(_) => None,
        });
        let exit = Some(ProbePoint::Fexit);
        match self.point(event) {
            // Entered once more, and what left it last may have been lost.
            Some(ProbePoint::Fentry) => before.any(|earlier| {
                self.point(earlier) != Some(ProbePoint::Fentry) || earlier.node == event.node
            }),
            Some(ProbePoint::Fexit) => {
                before.any(|earlier| earlier.node == event.node && self.point(earlier) == exit)
            }
            None => before.any(|earlier| self.point(earlier) == exit),
        }
    }
}

/// Closes the spans after the first `keep`.
fn close(open: &mut Vec<Visit>, keep: usize, parts: &mut Vec<CallPart>) {
    while open.len() > keep {
        let Some(span) = open.pop() else { return };
        match open.last_mut() {
            Some(outer) => outer.parts.push(CallPart::Span(span)),
            None => parts.push(CallPart::Span(span)),
        }
    }
}
