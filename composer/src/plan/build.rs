//! Chain → plan.

use std::collections::{HashMap, HashSet};

use freplace_compose_common::{COUNTS_MAP, EVENTS_MAP, trace::TIMES_MAP};
use petgraph::graph::NodeIndex;

use super::{Action, LoadAs, Operation, Plan, PlannedNode, Target, built_in, is_shared};
use crate::{
    chain::{Chain, Node, NodeKind, Role, Tracer},
    check::Library,
    object::{MapDef, Object, PERF_EVENT_ARRAY, Program, ProgramKind, RINGBUF, Referent},
};

/// The size of a ring buffer whose author left it open.
const RING_BYTES: u32 = 256 * 1024;

/// Plans a chain that was checked against `library`.
///
/// Nodes whose object or program is missing, which the check has reported, are left out.
#[must_use]
pub fn build(chain: &Chain, library: &Library) -> Plan {
    let nodes = chain.graph.nodes().map(|(_, node)| planned(node)).collect();
    let mut operations: Vec<_> = listen(chain, library).into_iter().collect();
    operations.extend(maps(chain, library));
    let (loads, slots) = loads(chain, library);
    let order: Vec<NodeIndex> = loads.iter().map(|load| load.0).collect();
    operations.extend(loads.into_iter().map(|(_, operation)| operation));
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
        attach(chain, index, &slots, &mut operations);
    }
    Plan { chain: chain.name.clone(), nodes, operations }
}

fn planned(node: &Node) -> PlannedNode {
    PlannedNode {
        id: node.id.value.clone(),
        role: node.role(),
        label: node.label(),
        place: match &node.kind {
            NodeKind::Host(host) => host.attach.value.to_string(),
            NodeKind::Stub(stub) => stub.function.value.clone(),
            NodeKind::Replacement(replacement) => replacement.stub.value.clone(),
            NodeKind::Tracer(tracer) => match &tracer.function {
                Some(function) => format!("{}:{}", tracer.target.value, function.value),
                None => tracer.target.value.clone(),
            },
        },
    }
}

/// A place for lines of `bpf_printk`, when the chain asks for those of a program that writes some.
fn listen(chain: &Chain, library: &Library) -> Option<Operation> {
    let mut nodes = chain.graph.nodes().map(|(_, node)| node);
    let node = nodes.find(|node| {
        let prints = |(object, program): (&Object, &Program)| {
            object.functions_of(program).any(|function| !function.formats.is_empty())
        };
        node.output.printk == Some(true) && library.program(node).is_some_and(prints)
    })?;
    Some(Operation { node: None, action: Action::Listen, span: node.id.span.clone() })
}

fn maps(chain: &Chain, library: &Library) -> Vec<Operation> {
    let mut seen = HashSet::new();
    let mut operations = Vec::new();
    let count = u32::try_from(chain.graph.len()).unwrap_or(u32::MAX);
    for (index, node) in chain.graph.nodes() {
        let Some((reference, _)) = node.program() else { continue };
        let Some(object) = library.get(&reference.value) else { continue };
        for map in &object.maps {
            let is_shared = is_shared(map);
            if !writes_to(node, object, map) || is_shared && !seen.insert(map.name.clone()) {
                continue;
            }
            let mut map = map.clone();
            if [COUNTS_MAP, TIMES_MAP].contains(&map.name.as_str()) {
                map.max_entries = count;
            }
            if let Some(buffer) = chain.buffer.filter(|_| map.name == EVENTS_MAP) {
                map.max_entries = buffer;
            }
            match map.map_type {
                // One for each CPU, whatever it says: where there is none, events are lost.
                PERF_EVENT_ARRAY => map.max_entries = 0,
                // Left open by authors whose own loader sets it.
                RINGBUF if map.max_entries == 0 => map.max_entries = RING_BYTES,
                _ => {}
            }
            operations.push(Operation {
                node: (!is_shared).then_some(index.index()),
                action: Action::CreateMap { object: reference.value.clone(), map },
                span: reference.span.clone(),
            });
        }
    }
    operations
}

/// Whether the program of `node` refers to `map`, or the chain says that it does.
fn writes_to(node: &Node, object: &Object, map: &MapDef) -> bool {
    let program = node.program().and_then(|(_, program)| object.program(&program.value));
    let is_it = |referent: &Referent| matches!(referent, Referent::Map(name) if *name == map.name);
    let refers =
        |program| object.functions_of(program).any(|one| one.code.references.values().any(is_it));
    program.is_some_and(refers) || node.output.events.iter().any(|one| one.map.value == map.name)
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
        let slot = self.types.len();
        self.types.push(program_type);
        self.nodes.push(index);
        self.of.entry(index).or_default().push(slot);
        slot
    }
}

fn loads(chain: &Chain, library: &Library) -> (Vec<(NodeIndex, Operation)>, Slots) {
    let mut operations = Vec::new();
    let mut slots = Slots::default();
    let has_task = has_task(chain, library);
    for index in chain.graph.order() {
        let node = chain.graph.node(index);
        let Some((reference, name)) = node.program() else { continue };
        let Some((_, program)) = library.program(node) else { continue };
        let (load_as, targets) = match &node.kind {
            NodeKind::Host(_) => (LoadAs::Hook(program.kind), vec![None]),
            NodeKind::Stub(_) => continue,
            NodeKind::Replacement(_) => {
                // Loaded once for each program type among its hosts, against the first stub of
                // that: a loaded replacement is for programs of one type, and the kernel refuses
                // others at attach with a bare EINVAL (bpf_check_attach_target in
                // https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/verifier.c).
                let mut seen = HashSet::new();
                let mut targets = targets(chain, index, &slots);
                targets.retain(|target| seen.insert(slots.program_type(target.slot)));
                (LoadAs::Replacement, targets.into_iter().map(Some).collect())
            }
            NodeKind::Tracer(tracer) => (
                LoadAs::Tracer(tracer.moment),
                targets(chain, index, &slots).into_iter().map(Some).collect(),
            ),
        };
        let has_task = has_task[index.index()];
        if let NodeKind::Tracer(tracer @ Tracer { builtin: Some(request), .. }) = &node.kind {
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
            let slot = slots.push(index, on.unwrap_or_else(|| program.kind.program_type()));
            let action = Action::Load {
                slot,
                object: reference.value.clone(),
                program: name.value.clone(),
                load_as,
                traits: program.traits,
                target,
                has_task,
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
            Role::Host => library.program(node).is_some_and(|(_, program)| program.kind.has_task()),
            _ => chain.graph.needs(index).iter().all(|need| all[need.index()]),
        };
    }
    all
}

/// The functions that a replacement or tracer is for, in the programs as they are loaded.
fn targets(chain: &Chain, index: NodeIndex, slots: &Slots) -> Vec<Target> {
    let functions = chain.graph.functions_of(index).into_iter();
    let loaded = functions.flat_map(|(holder, function)| {
        let slots = slots.of(holder).iter();
        slots.map(move |slot| Target { slot: *slot, function: function.to_owned() })
    });
    loaded.collect()
}

fn attach(chain: &Chain, index: NodeIndex, slots: &Slots, operations: &mut Vec<Operation>) {
    let node = chain.graph.node(index);
    let own = slots.of(index);
    let mut push = |action, span: &std::ops::Range<usize>| {
        operations.push(Operation { node: Some(index.index()), action, span: span.clone() });
    };
    match &node.kind {
        NodeKind::Host(host) => {
            for slot in own {
                let attach = host.attach.value.clone();
                push(Action::AttachHook { slot: *slot, attach }, &host.attach.span);
            }
        }
        NodeKind::Replacement(replacement) => {
            for target in targets(chain, index, slots) {
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
