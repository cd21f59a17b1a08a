//! Chain → plan.

use std::{collections::HashMap, rc::Rc};

use petgraph::graph::NodeIndex;

use super::{
    Action, AttachPoint, Cause, Filling, Operation, OperationId, Plan, PlannedNode, Reason, Target,
    loads::Slots, order,
};
use crate::{
    chain::{Chain, Node, NodeKind, ObjectRef, Role, SpannedRef},
    diag::Span,
    hook::HostKind,
    object::{MapDef, Object, Program, Uses},
    resolve::{ObjectStore, is_shared, uses},
};

/// Plans a chain that was checked against `library`.
///
/// Nodes whose object or program is missing, which the check has reported, are left out.
#[must_use]
pub fn build(chain: &Chain, library: &ObjectStore) -> Plan {
    let nodes = chain.graph.nodes().map(|(_, node)| planned(node)).collect();
    let mut builder = Builder::new(chain, library);
    builder.listen();
    builder.create_maps();
    builder.load();
    builder.fill_tables();
    builder.attach();
    Plan { chain: chain.name.clone(), nodes, operations: order::ordered(builder.operations) }
}

fn planned(node: &Node) -> PlannedNode {
    let (at, function) = match &node.kind {
        NodeKind::Host(host) => {
            (host.attach.as_ref().map_or(String::new(), |attach| attach.value.to_string()), None)
        }
        NodeKind::Stub(stub) => (stub.function.value.clone(), None),
        NodeKind::Replacement(replacement) => (replacement.stub.value.clone(), None),
        NodeKind::Tracer(tracer) => {
            let function = tracer.function.as_ref().map(|function| function.value.clone());
            (tracer.target.value.clone(), function)
        }
    };
    PlannedNode {
        id: node.id.value.clone(),
        role: node.role(),
        label: node.label(),
        moments: node.moments(),
        place: AttachPoint { at, function },
    }
}

/// A node with a program, and what that takes along.
pub(super) struct NodeProgram<'a> {
    pub(super) node: &'a Node,
    pub(super) reference: SpannedRef<'a, ObjectRef>,
    pub(super) name: SpannedRef<'a, str>,
    pub(super) object: &'a Object,
    pub(super) program: &'a Program,
    pub(super) uses: Uses<'a>,
}

/// A plan that is being made.
pub(super) struct Builder<'a> {
    pub(super) chain: &'a Chain,
    pub(super) library: &'a ObjectStore,
    /// The programs of nodes, by their node.
    pub(super) programs: HashMap<NodeIndex, Rc<NodeProgram<'a>>>,
    /// The maps that are made: of the node that has one for itself or of all, and its name.
    maps: HashMap<(Option<usize>, &'a str), OperationId>,
    /// What is put into maps of the whole chain.
    fills: HashMap<&'a str, Vec<OperationId>>,
    listens: Option<OperationId>,
    pub(super) slots: Slots,
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
    fn new(chain: &'a Chain, library: &'a ObjectStore) -> Self {
        let program = |(index, node): (NodeIndex, &'a Node)| {
            let (reference, name) = node.program()?;
            let (object, program) = library.program(node)?;
            let uses = uses(node, object, program);
            Some((index, Rc::new(NodeProgram { node, reference, name, object, program, uses })))
        };
        Self {
            chain,
            library,
            programs: chain.graph.nodes().filter_map(program).collect(),
            maps: HashMap::new(),
            fills: HashMap::new(),
            listens: None,
            slots: Slots::default(),
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

    /// The programs of nodes in the order of the file.
    pub(super) fn in_file_order(&self) -> Vec<(NodeIndex, Rc<NodeProgram<'a>>)> {
        let nodes = self.chain.graph.nodes().map(|(index, _)| index);
        let program = |index| Some((index, Rc::clone(self.programs.get(&index)?)));
        nodes.filter_map(program).collect()
    }

    /// A place for lines of `bpf_printk`, when the chain asks for those of a program that writes some.
    fn listen(&mut self) {
        let prints = |of: &NodeProgram<'_>| {
            let programs = of.uses.leaves.iter().copied().chain([of.program]);
            let mut functions = programs.flat_map(|program| of.object.functions_of(program));
            asks_for_lines(of.node) && functions.any(|function| !function.formats.is_empty())
        };
        let first = self.in_file_order().into_iter().find(|(_, of)| prints(of));
        if let Some((index, of)) = first {
            let span = &of.node.id.span;
            let asked = Purpose::for_all(index, Reason::Printk, span);
            self.listens = Some(self.push(asked, Action::Listen, Vec::new()));
        }
    }

    /// Makes `map`, which the program of node `index` has for itself or is the first to use of all.
    pub(super) fn create_map(
        &mut self,
        index: NodeIndex,
        map: &'a MapDef,
        span: &'a Span,
        make: Action,
    ) {
        let node = owner(index, map);
        let asked = Purpose { node, ..Purpose::by(index, Reason::UsesMap, span) };
        let id = self.push(asked, make, Vec::new());
        self.maps.insert((node, map.name.as_str()), id);
    }

    /// Puts something into an entry of `table`, a map of the whole chain's.
    pub(super) fn fill(
        &mut self,
        asked: Purpose<'_>,
        table: &'a str,
        action: Action,
        with: Option<OperationId>,
    ) {
        let needs = self.shared_map(table).into_iter().chain(with).collect();
        let id = self.push(asked, action, needs);
        self.fills.entry(table).or_default().push(id);
    }

    /// Puts a loaded program into an entry of `table`.
    pub(super) fn put_program(
        &mut self,
        asked: Purpose<'_>,
        table: &'a str,
        entry: u32,
        slot: usize,
    ) {
        let with = Filling::Program { slot };
        let action = Action::Fill { table: table.to_owned(), entry, with };
        self.fill(asked, table, action, self.slots.loaded_by(slot));
    }

    /// The operation that makes the map of this name for the whole chain.
    pub(super) fn shared_map(&self, name: &str) -> Option<OperationId> {
        self.maps.get(&(None, name)).copied()
    }

    /// The operations that make the maps of a node's program.
    pub(super) fn maps_of(&self, index: NodeIndex) -> Vec<OperationId> {
        let Some(of) = self.programs.get(&index) else { return Vec::new() };
        let id = |map: &&MapDef| self.maps.get(&(owner(index, map), map.name.as_str())).copied();
        of.uses.maps.iter().filter_map(id).collect()
    }

    /// Attaches, against the dependencies: what is on a node before the node, so that no event passes a
    /// half-built chain. Hosts last of all, wherever the file put them.
    fn attach(&mut self) {
        let mut order = self.chain.graph.order();
        order.reverse();
        order.retain(|index| !self.slots.of(*index).is_empty());
        order.sort_by_key(|index| match self.chain.graph.node(*index).kind {
            NodeKind::Tracer(_) => 0,
            NodeKind::Replacement(_) | NodeKind::Stub(_) => 1,
            NodeKind::Host(_) => 2,
        });
        let above = above(self.chain);
        let mut attached: HashMap<NodeIndex, Vec<OperationId>> = HashMap::new();
        for index in order {
            let mut after: Vec<OperationId> = Vec::new();
            if asks_for_lines(self.chain.graph.node(index)) {
                after.extend(self.listens);
            }
            let maps = self.programs.get(&index).map(|of| of.uses.maps.as_slice());
            let fills = maps
                .unwrap_or_default()
                .iter()
                .filter_map(|map| is_shared(map).then(|| self.fills.get(map.name.as_str()))?);
            after.extend(fills.flatten());
            let on_it = above.get(&index).map(Vec::as_slice).unwrap_or_default();
            after.extend(on_it.iter().filter_map(|on_it| attached.get(on_it)).flatten());
            let first = self.operations.len();
            self.attach_node(index);
            let is_pair = self.chain.graph.node(index).built_in().is_some();
            let mut before: Option<OperationId> = None;
            for operation in &mut self.operations[first..] {
                operation.after.clone_from(&after);
                // What takes the time of the begin is there before what asks for it.
                operation.after.extend(before.replace(operation.id).filter(|_| is_pair));
                attached.entry(index).or_default().push(operation.id);
            }
        }
    }

    fn attach_node(&mut self, index: NodeIndex) {
        let node = self.chain.graph.node(index);
        let own = self.slots.of(index).to_vec();
        let asked = |span| Purpose::by(index, Reason::Attachment, span);
        match &node.kind {
            NodeKind::Host(host) => {
                let Some(to) = &host.attach else { return };
                for slot in own {
                    let action = Action::AttachHook { slot, attach: to.value.clone() };
                    self.push(asked(&to.span), action, self.loads_of(&[slot]));
                }
            }
            NodeKind::Replacement(replacement) => {
                for target in self.targets(index) {
                    let program_type = self.slots.program_type(target.slot);
                    let fits = |slot: &usize| self.slots.program_type(*slot) == program_type;
                    let Some(slot) = own.iter().copied().find(fits) else { continue };
                    let needs = self.loads_of(&[slot, target.slot]);
                    let action = Action::AttachReplacement { slot, target };
                    self.push(asked(&replacement.stub.span), action, needs);
                }
            }
            NodeKind::Tracer(tracer) => {
                for slot in own {
                    let action = Action::AttachTracer { slot };
                    self.push(asked(&tracer.target.span), action, self.loads_of(&[slot]));
                }
            }
            NodeKind::Stub(_) => {}
        }
    }

    /// The operations that load these programs.
    pub(super) fn loads_of(&self, slots: &[usize]) -> Vec<OperationId> {
        slots.iter().filter_map(|slot| self.slots.loaded_by(*slot)).collect()
    }

    /// The functions that a replacement or tracer is for, in the programs as they are loaded.
    pub(super) fn targets(&self, index: NodeIndex) -> Vec<Target> {
        let functions = self.chain.graph.functions_of(index).into_iter();
        let loaded = functions.flat_map(|(holder, function)| {
            let of = self.programs.get(&holder).map(|of| (of.object, of.program));
            let slots = self.slots.holding(holder, of, function).into_iter();
            slots.map(move |slot| Target { slot, function: function.to_owned() })
        });
        loaded.collect()
    }
}

/// The node that has `map`, which that of `index` uses, for itself; none when it is the chain's.
fn owner(index: NodeIndex, map: &MapDef) -> Option<usize> {
    (!is_shared(map)).then_some(index.index())
}

fn asks_for_lines(node: &Node) -> bool {
    node.output.printk == Some(true)
}

/// What is on each node: tracers of it, and what is in the place or on its stubs.
fn above(chain: &Chain) -> HashMap<NodeIndex, Vec<NodeIndex>> {
    let graph = &chain.graph;
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

/// For each node, whether all hosts at the bottom of what it depends on have a current task.
pub(super) fn has_task(chain: &Chain, library: &ObjectStore) -> Vec<bool> {
    let mut all = vec![true; chain.graph.len()];
    for index in chain.graph.order() {
        let node = chain.graph.node(index);
        all[index.index()] = match node.role() {
            Role::Host => library.program(node).is_some_and(|(_, program)| {
                HostKind::of_program(program.kind).is_some_and(|kind| kind.has_task)
            }),
            _ => chain.graph.needs(index).iter().all(|need| all[need.index()]),
        };
    }
    all
}
