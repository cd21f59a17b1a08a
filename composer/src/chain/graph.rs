//! The nodes and what each depends on.
//!
//! An edge goes from a node to one it needs: stub → host, replacement → stub, tracer → target.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    ops::Range,
    sync::Arc,
};

use petgraph::{
    Direction,
    graph::{DiGraph, NodeIndex},
    visit::EdgeRef as _,
};

use super::{Node, NodeKind, Role, Spanned};
use crate::diag::{Code, Diagnostic, Source, nearest};

/// Why a node needs another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dependency {
    /// A stub is a function of a host.
    StubOf,
    /// A replacement takes a stub's place.
    Replaces,
    /// A tracer watches its target.
    Traces,
}

/// The nodes in the order of the file, and their dependencies.
#[derive(Debug)]
pub struct Graph {
    inner: DiGraph<Node, (Dependency, Range<usize>)>,
}

/// A reference from one node to another, before it is resolved.
struct Reference {
    from: NodeIndex,
    to: Spanned<String>,
    kind: Dependency,
    /// What the other has to be; any when empty.
    wanted: &'static [Role],
}

impl Graph {
    pub(super) fn build(
        nodes: Vec<Node>,
        unread: &[String],
        source: &Arc<Source>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut inner: DiGraph<Node, (Dependency, Range<usize>)> = DiGraph::new();
        let mut by_id: HashMap<String, NodeIndex> = HashMap::new();
        for node in nodes {
            let id = node.id.value.clone();
            if let Some(first) = by_id.get(&id) {
                let first = &inner[*first];
                diagnostics.push(
                    Diagnostic::new(Code::DuplicateId, format!("two nodes are called `{id}`"))
                        .label(source, node.id.span.clone(), format!("a {} here", node.role()))
                        .label(source, first.id.span.clone(), format!("a {} here", first.role()))
                        .help("Ids are unique over all tables; rename one of them."),
                );
                continue;
            }
            let index = inner.add_node(node);
            by_id.insert(id, index);
        }
        let references: Vec<_> =
            inner.node_indices().flat_map(|index| references(index, &inner[index])).collect();
        for reference in references {
            if unread.contains(&reference.to.value) && !by_id.contains_key(&reference.to.value) {
                continue; // what is wrong is there, not here
            }
            match resolve(&reference, &inner, &by_id, unread, source) {
                Ok(to) => {
                    let edge = (reference.kind, reference.to.span);
                    inner.add_edge(reference.from, to, edge);
                }
                Err(found) => diagnostics.push(*found),
            }
        }
        let graph = Self { inner };
        for cycle in graph.cycles() {
            diagnostics.push(graph.explain_cycle(&cycle, source));
        }
        graph
    }

    /// The nodes, in the order of the file.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeIndex, &Node)> {
        self.inner.node_indices().map(|index| (index, &self.inner[index]))
    }

    /// How many nodes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.node_count()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner.node_count() == 0
    }

    /// The node at `index`, which came from this graph.
    #[must_use]
    pub fn node(&self, index: NodeIndex) -> &Node {
        &self.inner[index]
    }

    /// The node called `id`.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<NodeIndex> {
        self.inner.node_indices().find(|index| self.inner[*index].id.value == id)
    }

    /// What `index` needs, in the order the file names it.
    #[must_use]
    pub fn needs(&self, index: NodeIndex) -> Vec<NodeIndex> {
        let mut edges: Vec<_> = self.inner.edges(index).collect();
        edges.sort_by_key(|edge| edge.weight().1.start);
        edges.into_iter().map(|edge| edge.target()).collect()
    }

    /// What needs `index`, in the order of the file.
    #[must_use]
    pub fn needed_by(&self, index: NodeIndex) -> Vec<NodeIndex> {
        let mut nodes: Vec<_> = self.inner.neighbors_directed(index, Direction::Incoming).collect();
        nodes.sort();
        nodes.dedup();
        nodes
    }

    /// Every dependency: who, why, whom.
    pub fn edges(&self) -> impl Iterator<Item = (NodeIndex, Dependency, NodeIndex)> {
        self.inner.edge_references().map(|edge| (edge.source(), edge.weight().0, edge.target()))
    }

    /// The functions that a replacement or tracer is for: each with the node whose program holds it.
    #[must_use]
    pub fn functions_of(&self, index: NodeIndex) -> Vec<(NodeIndex, &str)> {
        let mut found = Vec::new();
        for need in self.needs(index) {
            let target = &self.inner[need];
            match (&target.kind, &self.inner[index].kind) {
                (NodeKind::Stub(stub), _) => {
                    let function = stub.function.value.as_str();
                    found.extend(self.needs(need).into_iter().map(|host| (host, function)));
                }
                (_, NodeKind::Tracer(tracer)) => {
                    let entry = target.program().map(|(_, program)| program);
                    let function = tracer.function.as_ref().or(entry);
                    found.extend(function.map(|function| (need, function.value.as_str())));
                }
                _ => {}
            }
        }
        found
    }

    /// The hosts at the bottom of what `index` depends on, in the order of the file.
    #[must_use]
    pub fn hosts_below(&self, index: NodeIndex) -> Vec<NodeIndex> {
        let mut found = Vec::new();
        let mut seen = vec![false; self.inner.node_count()];
        let mut open = vec![index];
        while let Some(next) = open.pop() {
            if std::mem::replace(&mut seen[next.index()], true) {
                continue;
            }
            if self.inner[next].role() == Role::Host {
                found.push(next);
            }
            open.extend(self.inner.neighbors(next));
        }
        found.sort();
        found
    }

    /// The nodes so that each comes after all it needs; the order of the file where it is free.
    /// Nodes of a cycle are left out.
    #[must_use]
    pub fn order(&self) -> Vec<NodeIndex> {
        let mut open: Vec<usize> =
            self.inner.node_indices().map(|index| self.inner.edges(index).count()).collect();
        let mut ready: BinaryHeap<Reverse<NodeIndex>> = self
            .inner
            .node_indices()
            .filter(|index| open[index.index()] == 0)
            .map(Reverse)
            .collect();
        let mut order = Vec::with_capacity(self.inner.node_count());
        while let Some(Reverse(index)) = ready.pop() {
            order.push(index);
            for next in self.inner.neighbors_directed(index, Direction::Incoming) {
                open[next.index()] -= 1;
                if open[next.index()] == 0 {
                    ready.push(Reverse(next));
                }
            }
        }
        order
    }

    /// A cycle of each knot of nodes that need each other: its nodes, in order.
    fn cycles(&self) -> Vec<Vec<NodeIndex>> {
        let knots = petgraph::algo::tarjan_scc(&self.inner).into_iter();
        knots.filter_map(|knot| self.cycle(&knot)).collect()
    }

    /// A cycle within `knot`, from which no way leads out and back.
    fn cycle(&self, knot: &[NodeIndex]) -> Option<Vec<NodeIndex>> {
        // Every node of a knot needs another of it, so walking on must come round; a knot of one
        // node does only when that needs itself.
        let mut path = vec![*knot.iter().min()?];
        loop {
            let last = *path.last()?;
            let next = self.inner.neighbors(last).find(|next| knot.contains(next))?;
            if let Some(start) = path.iter().position(|index| *index == next) {
                return Some(path.split_off(start));
            }
            path.push(next);
        }
    }

    fn explain_cycle(&self, cycle: &[NodeIndex], source: &Arc<Source>) -> Diagnostic {
        let id = |index: NodeIndex| self.inner[index].id.value.as_str();
        let round: Vec<_> =
            cycle.iter().chain(cycle.first()).map(|index| format!("`{}`", id(*index))).collect();
        let mut found = Diagnostic::new(
            Code::Cycle,
            format!("these nodes need each other in a circle: {}", round.join(" → ")),
        )
        .help(
            "A chain starts at hosts that need nothing; break the circle at one of these places.",
        );
        for (from, to) in cycle.iter().zip(cycle.iter().cycle().skip(1)) {
            let edge = self.inner.find_edge(*from, *to).map(|edge| &self.inner[edge]);
            if let Some((_, span)) = edge {
                let text = format!("`{}` needs `{}`", id(*from), id(*to));
                found = found.label(source, span.clone(), text);
            }
        }
        found
    }
}

fn references(from: NodeIndex, node: &Node) -> Vec<Reference> {
    let one = |to: &Spanned<String>, kind, wanted| Reference { from, to: to.clone(), kind, wanted };
    match &node.kind {
        NodeKind::Host(_) => Vec::new(),
        // A stub inside a replacement is a reference the graph understands and a rule refuses.
        NodeKind::Stub(stub) => stub
            .hosts
            .iter()
            .map(|host| one(host, Dependency::StubOf, &[Role::Host, Role::Replacement] as &[_]))
            .collect(),
        NodeKind::Replacement(replacement) => {
            vec![one(&replacement.stub, Dependency::Replaces, &[Role::Stub])]
        }
        NodeKind::Tracer(tracer) => vec![one(&tracer.target, Dependency::Traces, &[])],
    }
}

fn resolve(
    reference: &Reference,
    inner: &DiGraph<Node, (Dependency, Range<usize>)>,
    by_id: &HashMap<String, NodeIndex>,
    unread: &[String],
    source: &Arc<Source>,
) -> Result<NodeIndex, Box<Diagnostic>> {
    let Reference { from, to, wanted, .. } = reference;
    let fits = |role: Role| wanted.is_empty() || wanted.contains(&role);
    let what = if wanted.is_empty() { "node" } else { wanted_name(wanted) };
    let from = &inner[*from];
    let candidates = || {
        // What is understood only to be refused by name, a stub of a replacement, is no advice.
        let meant = |role: Role| wanted.first().is_none_or(|wanted| *wanted == role);
        let nodes = inner.node_weights().filter(move |node| meant(node.role()));
        let ids = nodes.map(|node| node.id.value.as_str()).filter(|id| *id != from.id.value);
        // What could not be read for another mistake may be what is meant.
        ids.chain(unread.iter().map(String::as_str))
    };
    let suggest = || match nearest(&to.value, candidates()) {
        Some(near) => format!("Did you mean `{near}`?"),
        None => match candidates().collect::<Vec<_>>().as_slice() {
            [] if wanted.is_empty() => "The chain has no other node.".to_owned(),
            [] => format!("The chain has no {what}; add a [{what}.NAME] table."),
            [id] => format!("The chain's only {what} is `{id}`."),
            ids => format!("The chain's {what}s are: {}.", ids.join(", ")),
        },
    };
    let Some(found) = by_id.get(&to.value) else {
        let message = format!("`{}` refers to `{}`, which is not there", from.id.value, to.value);
        return Err(Box::new(
            Diagnostic::new(Code::UnknownNode, message)
                .label(source, to.span.clone(), format!("no {what} of this name"))
                .help(suggest()),
        ));
    };
    let node = &inner[*found];
    if !fits(node.role()) {
        let message =
            format!("`{}` needs a {what}, and `{}` is a {}", from.id.value, to.value, node.role());
        return Err(Box::new(
            Diagnostic::new(Code::WrongNodeKind, message)
                .label(source, to.span.clone(), format!("a {}", node.role()))
                .label(source, node.id.span.clone(), format!("the {} is here", node.role()))
                .help(suggest()),
        ));
    }
    Ok(*found)
}

fn wanted_name(wanted: &[Role]) -> &'static str {
    match wanted.first() {
        Some(Role::Host) => "host",
        Some(Role::Stub) => "stub",
        Some(Role::Replacement) => "replacement",
        Some(Role::Tracer) => "tracer",
        None => "node",
    }
}
