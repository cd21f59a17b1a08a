//! The nodes and their dependencies.
//!
//! An edge goes from a node to a node that it depends on: stub → host, replacement → stub, tracer →
//! target.

mod cycles;
mod resolve;

use std::collections::{HashMap, HashSet};

use petgraph::{
    graph::{DiGraph, NodeIndex},
    visit::EdgeRef as _,
};

use super::{Host, Node, NodeKind, Role, Spanned};
use crate::{
    diag::{Code, Diagnostic, Span},
    order::topological,
};
use resolve::{NodeReference, Resolver, references};

/// Why a node needs another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dependency {
    /// A stub is a function of a host.
    StubOf,
    /// A replacement replaces a stub.
    Replaces,
    /// A tracer watches its target.
    Traces,
    /// A program may tail-call another through a program array. This is not an edge of the graph:
    /// neither has to be loaded first, and programs may tail-call each other in a cycle.
    JumpsTo {
        /// The table.
        map: Spanned<String>,
        /// The number of the entry in it.
        entry: Spanned<u32>,
    },
}

/// A program of a chain in a table for tail calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jump {
    /// The node that defines it.
    pub from: NodeIndex,
    /// The table, of `from`'s object.
    pub map: Spanned<String>,
    /// The number of the entry.
    pub entry: Spanned<u32>,
    /// The node whose program is put there.
    pub to: NodeIndex,
    /// Where that is named.
    pub span: Span,
}

/// The nodes in the order of the file, and their dependencies.
#[derive(Debug, Clone)]
pub struct Graph {
    inner: DiGraph<Node, (Dependency, Span)>,
    jumps: Vec<Jump>,
}

impl Graph {
    pub(super) fn build(
        nodes: Vec<Node>,
        unread: &[String],
        unread_files: &[String],
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut inner: DiGraph<Node, (Dependency, Span)> = DiGraph::new();
        let mut by_id: HashMap<String, NodeIndex> = HashMap::new();
        for node in nodes {
            let id = node.id.value.clone();
            if let Some(first) = by_id.get(&id) {
                let first = &inner[*first];
                diagnostics.push(
                    Diagnostic::new(Code::DuplicateId, format!("duplicate node id `{id}`"))
                        .label(&node.id.span, format!("{} with this id", node.role()))
                        .label(&first.id.span, format!("{} with this id", first.role()))
                        .help("Ids are unique across all kinds of node. Rename one of the nodes."),
                );
                continue;
            }
            let index = inner.add_node(node);
            by_id.insert(id, index);
        }
        let references: Vec<_> =
            inner.node_indices().flat_map(|index| references(index, &inner[index])).collect();
        let mut edges = Vec::with_capacity(references.len());
        let mut resolver = Resolver::new(&inner, &by_id, unread, unread_files);
        for reference in references {
            match resolver.resolve(&reference) {
                Ok(to) => edges.extend(to.map(|to| (to, reference))),
                Err(found) => diagnostics.push(*found),
            }
        }
        let mut jumps = Vec::new();
        for (to, NodeReference { from, kind, to: Spanned { span, .. }, .. }) in edges {
            match kind {
                Dependency::JumpsTo { map, entry } => {
                    jumps.push(Jump { from, map, entry, to, span });
                }
                kind => {
                    inner.add_edge(from, to, (kind, span));
                }
            }
        }
        let graph = Self { inner, jumps };
        unattached(&graph, diagnostics);
        diagnostics.extend(cycles::find(&graph));
        graph
    }

    /// A graph of `nodes`, whose references were looked up before.
    pub(crate) fn with(nodes: Vec<Node>) -> Self {
        // What is wrong with references was told.
        Self::build(nodes, &[], &[], &mut Vec::new())
    }

    /// The nodes, in the order of the file.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeIndex, &Node)> {
        self.inner.node_indices().map(|index| (index, &self.inner[index]))
    }

    /// The indices of the nodes, in file order.
    pub fn node_indices(&self) -> impl Iterator<Item = NodeIndex> + use<> {
        self.inner.node_indices()
    }

    /// The number of nodes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.node_count()
    }

    /// Whether it has no nodes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner.node_count() == 0
    }

    /// The node at `index`, which must be from this graph.
    #[must_use]
    pub fn node(&self, index: NodeIndex) -> &Node {
        &self.inner[index]
    }

    /// The dependencies of `index`, in the order in which the file names them.
    #[must_use]
    pub fn needs(&self, index: NodeIndex) -> Vec<NodeIndex> {
        let mut edges: Vec<_> = self.inner.edges(index).collect();
        edges.sort_by_key(|edge| edge.weight().1.clone());
        edges.into_iter().map(|edge| edge.target()).collect()
    }

    /// The dependents of `index`, in file order.
    #[must_use]
    pub fn needed_by(&self, index: NodeIndex) -> Vec<NodeIndex> {
        let mut nodes: Vec<_> =
            self.inner.neighbors_directed(index, petgraph::Direction::Incoming).collect();
        nodes.sort();
        nodes.dedup();
        nodes
    }

    /// Every dependency: who, why, whom; and who goes on in whom.
    pub fn edges(&self) -> impl Iterator<Item = (NodeIndex, Dependency, NodeIndex)> {
        let edges = self.inner.edge_references();
        let edges = edges.map(|edge| (edge.source(), edge.weight().0.clone(), edge.target()));
        edges.chain(self.jumps.iter().map(|jump| {
            let (map, entry) = (jump.map.clone(), jump.entry.clone());
            (jump.from, Dependency::JumpsTo { map, entry }, jump.to)
        }))
    }

    /// The programs in tables for tail calls, in the order of the file.
    #[must_use]
    pub fn jumps(&self) -> &[Jump] {
        &self.jumps
    }

    /// The functions that a replacement or tracer is for, as they are named: each with the node whose
    /// program holds it.
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
                    let entry = || target.program().map(|(_, program)| program.value);
                    let function = tracer.function.as_ref().map(|name| name.value.as_str());
                    found.extend(function.or_else(entry).map(|function| (need, function)));
                }
                _ => {}
            }
        }
        found
    }

    /// The hosts that `index` depends on, directly or indirectly, in file order.
    #[must_use]
    pub fn hosts_below(&self, index: NodeIndex) -> Vec<NodeIndex> {
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        let mut open = vec![index];
        while let Some(next) = open.pop() {
            if !seen.insert(next) {
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

    /// The nodes in dependency order, and otherwise in file order. Nodes of a cycle are omitted.
    #[must_use]
    pub fn order(&self) -> Vec<NodeIndex> {
        topological(&self.inner)
    }
}

/// A host that is attached nowhere, and that no table for tail calls leads to.
fn unattached(graph: &Graph, diagnostics: &mut Vec<Diagnostic>) {
    // By name: what names one may be wrong in another way, which was told.
    let named: HashSet<&str> = graph
        .inner
        .node_weights()
        .flat_map(|node| &node.data.tail)
        .map(|entry| entry.node.value.as_str())
        .collect();
    for (_, node) in graph.nodes() {
        if !matches!(&node.kind, NodeKind::Host(Host { attach: None, .. }))
            || named.contains(node.id.value.as_str())
            || node.running().is_some()
        {
            continue;
        }
        let id = &node.id.value;
        let found = Diagnostic::new(
            Code::MissingKey,
            format!("missing key `attach` in host `{id}`"),
        )
        .label(&node.id.span, "`attach` missing")
        .help(format!(
            "Write, for example, attach = {{ kprobe = \"tcp_connect\" }}. Only a host that is \
                 the target of another node's tail call has no `attach`: tail = {{ TABLE = {{ 0 = \
                 \"{id}\" }} }}."
        ));
        diagnostics.push(found);
    }
}
