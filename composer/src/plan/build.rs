//! Chain → plan.

use std::collections::{HashMap, HashSet};

use petgraph::graph::NodeIndex;

use super::{
    Action, AttachPoint, LoadAs, Operation, Plan, PlannedNode, Target, built_in,
    maps::{self, Leaves},
};
use crate::{
    chain::{Chain, Node, NodeKind, Role, TracerProgram},
    check::{Library, globals},
    diag::Span,
    hook::HostKind,
    object::{Object, Program, ProgramKind},
};

/// Plans a chain that was checked against `library`.
///
/// Nodes whose object or program is missing, which the check has reported, are left out.
#[must_use]
pub fn build(chain: &Chain, library: &Library) -> Plan {
    let nodes = chain.graph.nodes().map(|(_, node)| planned(node)).collect();
    let mut operations: Vec<_> = listen(chain, library).into_iter().collect();
    operations.extend(maps::operations(chain, library));
    let (loads, slots) = loads(chain, library);
    let order: Vec<NodeIndex> = loads.iter().map(|load| load.0).collect();
    operations.extend(loads.into_iter().map(|(_, operation)| operation));
    let first = |index| slots.of(index).first().copied();
    operations.extend(maps::fill_tables(chain, library, &slots.leaves, first));
    // Each node once, in reverse: a tracer of a stub in two hosts was loaded twice. And hosts last
    // of all, wherever the file put them.
    let mut seen = HashSet::new();
    let mut order: Vec<_> = order.into_iter().rev().filter(|index| seen.insert(*index)).collect();
    order.sort_by_key(|index| match chain.graph.node(*index).kind {
        NodeKind::Tracer(_) => 0,
        NodeKind::Replacement(_) | NodeKind::Stub(_) => 1,
        NodeKind::Host(_) => 2,
    });
    for index in order {
        attach(chain, library, index, &slots, &mut operations);
    }
    Plan { chain: chain.name.clone(), nodes, operations }
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

/// A place for lines of `bpf_printk`, when the chain asks for those of a program that writes some.
fn listen(chain: &Chain, library: &Library) -> Option<Operation> {
    let mut nodes = chain.graph.nodes().map(|(_, node)| node);
    let node = nodes.find(|node| {
        let prints = |(object, program): (&Object, &Program)| {
            let leaves = maps::uses(node, object, program).leaves.into_iter();
            let mut programs = leaves.chain([program]);
            let says =
                |program| object.functions_of(program).any(|function| !function.formats.is_empty());
            programs.any(says)
        };
        node.output.printk == Some(true) && library.program(node).is_some_and(prints)
    })?;
    Some(Operation { node: None, action: Action::Listen, span: node.id.span.clone() })
}

/// What is loaded.
#[derive(Default)]
pub(super) struct Slots {
    /// The loaded programs of each node.
    of: HashMap<NodeIndex, Vec<usize>>,
    /// The program type of each loaded program or, for one that extends or traces, of what it is
    /// on.
    types: Vec<ProgramKind>,
    /// The node of each loaded program.
    nodes: Vec<NodeIndex>,
    /// Programs that are loaded for a table of their node's.
    leaves: Leaves,
}

impl Slots {
    fn of(&self, index: NodeIndex) -> &[usize] {
        self.of.get(&index).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn program_type(&self, slot: usize) -> Option<ProgramKind> {
        self.types.get(slot).copied()
    }

    /// The node that a loaded program is of.
    pub(super) fn holder(&self, slot: usize) -> Option<NodeIndex> {
        self.nodes.get(slot).copied()
    }

    pub(super) fn push(&mut self, index: NodeIndex, program_type: ProgramKind) -> usize {
        let slot = self.number(index, program_type);
        self.of.entry(index).or_default().push(slot);
        slot
    }

    fn number(&mut self, index: NodeIndex, program_type: ProgramKind) -> usize {
        self.types.push(program_type);
        self.nodes.push(index);
        self.types.len() - 1
    }

    /// The loaded programs of `index` that hold `function`.
    fn holding(
        &self,
        chain: &Chain,
        library: &Library,
        index: NodeIndex,
        function: &str,
    ) -> Vec<usize> {
        if self.leaves.is_empty() {
            return self.of(index).to_vec();
        }
        let holds = |object: &Object, program: &Program| {
            object.functions_of(program).any(|one| one.name == function)
        };
        let Some((object, program)) = library.program(chain.graph.node(index)) else {
            return self.of(index).to_vec();
        };
        let leaves = self.leaves.iter().filter(|((node, leaf), _)| {
            *node == index && object.program(leaf).is_some_and(|leaf| holds(object, leaf))
        });
        let mut found: Vec<usize> = leaves.map(|(_, slot)| *slot).collect();
        if holds(object, program) || found.is_empty() {
            found.extend(self.of(index));
        }
        found.sort_unstable();
        found
    }
}

fn loads(chain: &Chain, library: &Library) -> (Vec<(NodeIndex, Operation)>, Slots) {
    let mut operations = Vec::new();
    let mut slots = Slots::default();
    let has_task = has_task(chain, library);
    // A table is one for the whole chain, so what it holds is loaded once.
    let mut loaded_leaves = HashSet::new();
    for index in chain.graph.order() {
        let node = chain.graph.node(index);
        let Some((reference, name)) = node.program() else { continue };
        let Some((object, program)) = library.program(node) else { continue };
        let own = program;
        let globals = globals::settings(node, object);
        let (load_as, targets) = match &node.kind {
            NodeKind::Host(_) => (LoadAs::Hook(program.kind), vec![None]),
            NodeKind::Stub(_) => continue,
            NodeKind::Replacement(_) => {
                // Loaded once for each program type among its hosts, against the first stub of
                // that: a loaded replacement is for programs of one type, and the kernel refuses
                // others at attach with a bare EINVAL (bpf_check_attach_target in
                // https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/verifier.c).
                let mut seen = HashSet::new();
                let mut targets = targets(chain, library, index, &slots);
                targets.retain(|target| seen.insert(slots.program_type(target.slot)));
                (LoadAs::Replacement, targets.into_iter().map(Some).collect())
            }
            NodeKind::Tracer(tracer) => (
                LoadAs::Tracer(tracer.moment),
                targets(chain, library, index, &slots).into_iter().map(Some).collect(),
            ),
        };
        let has_task = has_task[index.index()];
        if let NodeKind::Tracer(tracer) = &node.kind
            && let TracerProgram::BuiltIn(request) = &tracer.program
        {
            let targets = targets.into_iter().flatten().collect();
            let moment = tracer.moment;
            let tracer = built_in::Tracer { index, request, moment, targets, has_task };
            for action in built_in::loads(chain, library, tracer, &mut slots) {
                let span = name.span.clone();
                operations.push((index, Operation { node: Some(index.index()), action, span }));
            }
            continue;
        }
        for target in targets {
            let on = target.as_ref().and_then(|target: &Target| slots.program_type(target.slot));
            let slot = slots.push(index, on.unwrap_or_else(|| program.kind.base()));
            let action = Action::Load {
                slot,
                object: reference.value.clone(),
                program: name.value.to_owned(),
                load_as,
                traits: program.traits,
                target,
                has_task,
                globals: globals.clone(),
                trace: None,
            };
            let operation =
                Operation { node: Some(index.index()), action, span: name.span.clone() };
            operations.push((index, operation));
        }
        for leaf in maps::uses(node, object, own).leaves {
            if !loaded_leaves.insert((reference.value, leaf.name.as_str())) {
                continue;
            }
            let slot = slots.number(index, leaf.kind.base());
            slots.leaves.insert((index, leaf.name.clone()), slot);
            let action = Action::Load {
                slot,
                object: reference.value.clone(),
                program: leaf.name.clone(),
                load_as: LoadAs::Hook(leaf.kind),
                traits: leaf.traits,
                target: None,
                has_task,
                globals: globals.clone(),
                trace: None,
            };
            let operation =
                Operation { node: Some(index.index()), action, span: name.span.clone() };
            operations.push((index, operation));
        }
    }
    (operations, slots)
}

/// For each node, whether all hosts at the bottom of what it depends on have a current task.
fn has_task(chain: &Chain, library: &Library) -> Vec<bool> {
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

/// The functions that a replacement or tracer is for, in the programs as they are loaded.
fn targets(chain: &Chain, library: &Library, index: NodeIndex, slots: &Slots) -> Vec<Target> {
    let functions = chain.graph.functions_of(index).into_iter();
    let loaded = functions.flat_map(|(holder, function)| {
        let slots = slots.holding(chain, library, holder, function).into_iter();
        slots.map(move |slot| Target { slot, function: function.to_owned() })
    });
    loaded.collect()
}

fn attach(
    chain: &Chain,
    library: &Library,
    index: NodeIndex,
    slots: &Slots,
    operations: &mut Vec<Operation>,
) {
    let node = chain.graph.node(index);
    let own = slots.of(index);
    let mut push = |action, span: &Span| {
        operations.push(Operation { node: Some(index.index()), action, span: span.clone() });
    };
    match &node.kind {
        NodeKind::Host(host) => {
            for (slot, to) in own.iter().flat_map(|slot| Some((slot, host.attach.as_ref()?))) {
                let attach = to.value.clone();
                push(Action::AttachHook { slot: *slot, attach }, &to.span);
            }
        }
        NodeKind::Replacement(replacement) => {
            for target in targets(chain, library, index, slots) {
                let program_type = slots.program_type(target.slot);
                let fits = |slot: &&usize| slots.program_type(**slot) == program_type;
                if let Some(slot) = own.iter().find(fits) {
                    let action = Action::AttachReplacement { slot: *slot, target };
                    push(action, &replacement.stub.span);
                }
            }
        }
        NodeKind::Tracer(tracer) => {
            for slot in own {
                push(Action::AttachTracer { slot: *slot }, &tracer.target.span);
            }
        }
        NodeKind::Stub(_) => {}
    }
}
