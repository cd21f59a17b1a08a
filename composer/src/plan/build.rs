//! Builds the plan of a chain.

use std::collections::HashMap;

use petgraph::graph::NodeIndex;

use super::{
    Action, Cause, Filling, Offers, Operation, OperationId, Plan, PlannedNode, Reason,
    fsessions::Fsessions, loads::Slots, order,
};
use crate::{
    chain::{Graph, Node, Role, map_name},
    diag::Span,
    object::MapDef,
    resolve::{NodeProgram, Resolved, ResolvedKind, is_shared},
};

/// Plans a chain for a kernel with what it `offers`.
#[must_use]
pub fn build(resolved: &Resolved, offers: Offers) -> Plan {
    let chain = resolved.chain();
    let nodes = chain.graph.nodes().map(|(_, node)| PlannedNode::of(node)).collect();
    let mut builder = Builder::new(resolved, offers);
    builder.listen();
    builder.create_maps();
    builder.load();
    builder.fill_tables();
    builder.attach();
    Plan { chain: chain.name.clone(), nodes, operations: order::ordered(builder.operations) }
}

/// A plan that is being made.
pub(super) struct Builder<'a> {
    pub(super) resolved: &'a Resolved,
    /// The created maps, by node, or `None` for shared ones, and name.
    maps: HashMap<(Option<usize>, String), OperationId>,
    /// Operations that fill shared maps.
    fills: HashMap<String, Vec<OperationId>>,
    listens: Option<OperationId>,
    pub(super) slots: Slots<'a>,
    /// The built-in tracers that are one program.
    pub(super) fsessions: Fsessions,
    operations: Vec<Operation>,
}

/// What an operation is done for, and where the chain file asks for it.
#[derive(Clone, Copy)]
pub(super) struct Purpose<'a> {
    /// The node it is done for; none for what the whole chain shares.
    pub(super) node: Option<usize>,
    pub(super) cause: Cause,
    pub(super) span: &'a Span,
}

impl<'a> Purpose<'a> {
    /// By a node, for itself.
    pub(super) fn by(index: NodeIndex, reason: Reason, span: &'a Span) -> Self {
        let of = index.index();
        Self { node: Some(of), cause: Cause { of, reason }, span }
    }

    /// By a node, for the whole chain.
    pub(super) fn for_all(index: NodeIndex, reason: Reason, span: &'a Span) -> Self {
        Self { node: None, ..Self::by(index, reason, span) }
    }
}

impl<'a> Builder<'a> {
    fn new(resolved: &'a Resolved, offers: Offers) -> Self {
        Self {
            resolved,
            maps: HashMap::new(),
            fills: HashMap::new(),
            listens: None,
            slots: Slots::default(),
            fsessions: Fsessions::of(resolved, offers),
            operations: Vec::new(),
        }
    }

    /// Adds an operation that takes the results of those in `needs`.
    pub(super) fn push(
        &mut self,
        asked: Purpose<'_>,
        action: Action,
        needs: Vec<OperationId>,
    ) -> OperationId {
        let id = OperationId(u32::try_from(self.operations.len()).unwrap_or(u32::MAX));
        let Purpose { node, cause, span } = asked;
        let (span, after) = (Some(span.clone()), Vec::new());
        self.operations.push(Operation { id, node, action, needs, after, cause, span });
        id
    }

    /// A place for lines of `bpf_printk`, when the chain asks for those of a program that writes some.
    fn listen(&mut self) {
        let prints = |of: &NodeProgram| {
            let programs = of.leaves().chain([of.program()]);
            let mut functions = programs.flat_map(|program| of.object().functions_of(program));
            functions.any(|function| !function.formats.is_empty())
        };
        let first =
            self.resolved.programs().find(|(_, node, of)| asks_for_lines(node) && prints(of));
        if let Some((index, node, _)) = first {
            let asked = Purpose::for_all(index, Reason::Printk, &node.id.span);
            self.listens = Some(self.push(asked, Action::Listen, Vec::new()));
        }
    }

    /// Makes `map`, which the program of node `index` has for itself or is the first to use of all.
    pub(super) fn create_map(&mut self, index: NodeIndex, map: &MapDef, span: &Span, make: Action) {
        let node = owner(index, map);
        let asked = Purpose { node, ..Purpose::by(index, Reason::UsesMap, span) };
        let id = self.push(asked, make, Vec::new());
        self.maps.insert((node, map.name.clone()), id);
    }

    /// Puts something into an entry of `table`, a map of the whole chain's.
    pub(super) fn fill(
        &mut self,
        asked: Purpose<'_>,
        table: &str,
        action: Action,
        with: Option<OperationId>,
    ) {
        let needs = self.shared_map(table).into_iter().chain(with).collect();
        let id = self.push(asked, action, needs);
        self.fills.entry(table.to_owned()).or_default().push(id);
    }

    /// Puts a loaded program into an entry of `table`.
    pub(super) fn put_program(&mut self, asked: Purpose<'_>, table: &str, entry: u32, slot: usize) {
        let with = Filling::Program { slot };
        let action = Action::Fill { table: table.to_owned(), entry, with };
        self.fill(asked, table, action, Some(self.slots.loaded_by(slot)));
    }

    /// The operation that makes the map of this name for the whole chain, where it is one for that.
    pub(super) fn shared_map(&self, name: &str) -> Option<OperationId> {
        self.maps.get(&(None, name.to_owned())).copied()
    }

    /// The operations that make the maps of a node's program.
    pub(super) fn maps_of(&self, index: NodeIndex, of: &NodeProgram) -> Vec<OperationId> {
        let maps = of.chain_maps().filter(|(map, _)| !self.fsessions.spare(index, map));
        maps.map(|(_, made)| self.maps[&(owner(index, &made.map), made.map.name.clone())]).collect()
    }

    /// Attaches, against the dependencies: what is on a node before the node, so that no event passes a
    /// half-built chain. Hosts last of all, wherever the file put them: first those at maps, since others
    /// fill these maps or redirect to them, and last the ones that run once.
    fn attach(&mut self) {
        let graph = &self.resolved.chain().graph;
        let mut order = graph.order();
        order.reverse();
        order.retain(|index| !self.slots.of(*index).is_empty());
        order.sort_by_key(|index| match graph.node(*index).role() {
            Role::Tracer => 0,
            Role::Replacement | Role::Stub => 1,
            Role::Host if is_on_demand(graph.node(*index)) => 4,
            Role::Host if map_of(graph.node(*index)).is_some() => 2,
            Role::Host => 3,
        });
        let above = above(graph);
        let mut attached: HashMap<NodeIndex, Vec<OperationId>> = HashMap::new();
        let mut at_maps: HashMap<String, Vec<OperationId>> = HashMap::new();
        for index in order {
            let mut after: Vec<OperationId> = Vec::new();
            if asks_for_lines(graph.node(index)) {
                after.extend(self.listens);
            }
            let maps = self.resolved[index].program().into_iter();
            let maps = maps.flat_map(NodeProgram::chain_maps).map(|(_, made)| &made.map);
            for map in maps.filter(|map| is_shared(map)) {
                let name = map.name.as_str();
                let before = [self.fills.get(name), at_maps.get(name)];
                after.extend(before.into_iter().flatten().flatten());
            }
            let on_it = above.get(&index).into_iter().flatten();
            after.extend(on_it.filter_map(|on_it| attached.get(on_it)).flatten());
            if is_on_demand(graph.node(index)) {
                // What it does may be seen by any of the others.
                let hosts = attached.iter().filter(|(other, _)| {
                    graph.node(**other).role() == Role::Host && !is_on_demand(graph.node(**other))
                });
                after.extend(hosts.flat_map(|(_, operations)| operations));
                after.sort_unstable();
                after.dedup();
            }
            let first = self.operations.len();
            self.attach_node(index);
            let is_pair = matches!(self.resolved[index].kind(), ResolvedKind::BuiltIn { .. });
            let mut before: Option<OperationId> = None;
            for operation in &mut self.operations[first..] {
                operation.after.clone_from(&after);
                // What takes the time of the begin is there before what asks for it.
                operation.after.extend(before.replace(operation.id).filter(|_| is_pair));
                attached.entry(index).or_default().push(operation.id);
            }
            if let Some(map) = map_of(graph.node(index)) {
                let attached = self.operations[first..].iter().map(|operation| operation.id);
                let map = map_name(&graph.node(index).scope, map);
                at_maps.entry(map).or_default().extend(attached);
            }
        }
    }

    fn attach_node(&mut self, index: NodeIndex) {
        let asked = |span| Purpose::by(index, Reason::Attachment, span);
        match self.resolved[index].kind() {
            ResolvedKind::Host { attach: Some(to), .. } => {
                let scope = &self.resolved.chain().graph.node(index).scope;
                let map = to.value.map().and_then(|name| self.shared_map(&map_name(scope, name)));
                for slot in self.slots.of(index).to_vec() {
                    let attach = to.value.clone();
                    let action = match attach.on_demand() {
                        Some(_) => Action::Run { slot, attach },
                        None => Action::AttachHook { slot, attach },
                    };
                    let needs = map.into_iter().chain([self.slots.loaded_by(slot)]).collect();
                    self.push(asked(&to.span), action, needs);
                }
            }
            ResolvedKind::Replacement { stub, .. } => {
                for (slot, target) in self.slots.replaced_by(index).to_vec() {
                    let needs = [slot, target.slot].map(|slot| self.slots.loaded_by(slot));
                    let action = Action::AttachReplacement { slot, target };
                    self.push(asked(stub), action, needs.into());
                }
            }
            ResolvedKind::Tracer { target, .. } | ResolvedKind::BuiltIn { target, .. } => {
                for slot in self.slots.of(index).to_vec() {
                    let action = Action::AttachTracer { slot };
                    self.push(asked(target), action, vec![self.slots.loaded_by(slot)]);
                }
            }
            ResolvedKind::Host { attach: None, .. } | ResolvedKind::Stub => {}
        }
    }
}

/// The node that has `map`, which that of `index` uses, for itself; none when it is the chain's.
fn owner(index: NodeIndex, map: &MapDef) -> Option<usize> {
    (!is_shared(map)).then_some(index.index())
}

/// The map that a host is attached to.
fn map_of(node: &Node) -> Option<&str> {
    node.attach().and_then(|attach| attach.value.map())
}

/// Whether a node is a host that runs once.
fn is_on_demand(node: &Node) -> bool {
    node.attach().is_some_and(|attach| attach.value.on_demand().is_some())
}

fn asks_for_lines(node: &Node) -> bool {
    node.output.printk == Some(true)
}

/// What is on each node: tracers of it, and what is in the place or on its stubs.
fn above(graph: &Graph) -> HashMap<NodeIndex, Vec<NodeIndex>> {
    let mut above: HashMap<NodeIndex, Vec<NodeIndex>> = HashMap::new();
    for (index, _) in graph.nodes().filter(|(_, node)| node.role() != Role::Stub) {
        for need in graph.needs(index) {
            match graph.node(need).role() {
                Role::Stub => {
                    for host in graph.needs(need) {
                        above.entry(host).or_default().push(index);
                    }
                }
                _ => above.entry(need).or_default().push(index),
            }
        }
    }
    above
}
