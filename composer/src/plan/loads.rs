//! Which programs are loaded, as what and against what.

use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
};

use petgraph::graph::NodeIndex;

use super::{
    Action, LoadAs, OperationId, Reason, Target,
    build::{Builder, NodeProgram, Purpose, has_task},
    built_in,
    maps::Leaves,
};
use crate::{
    chain::{Node, NodeKind, TracerProgram},
    hook::{Attach, AttachBtf},
    object::{AttachType, Object, Program, ProgramKind},
    resolve::{SetGlobal, globals},
};

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
    /// The operation that loads each.
    loads: Vec<OperationId>,
    /// Programs that are loaded for a table of their node's.
    pub(super) leaves: Leaves,
}

impl Slots {
    pub(super) fn of(&self, index: NodeIndex) -> &[usize] {
        self.of.get(&index).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn program_type(&self, slot: usize) -> Option<ProgramKind> {
        self.types.get(slot).copied()
    }

    /// The operation that loads a program.
    pub(super) fn loaded_by(&self, slot: usize) -> Option<OperationId> {
        self.loads.get(slot).copied()
    }

    /// The number that the next program has.
    pub(super) fn next(&self) -> usize {
        self.types.len()
    }

    /// The loaded programs of node `index` that hold `function`; the node's own is `program`.
    pub(super) fn holding(
        &self,
        index: NodeIndex,
        program: Option<(&Object, &Program)>,
        function: &str,
    ) -> Vec<usize> {
        let Some((object, program)) = program.filter(|_| !self.leaves.is_empty()) else {
            return self.of(index).to_vec();
        };
        let holds =
            |program: &Program| object.functions_of(program).any(|one| one.name == function);
        let leaves = self
            .leaves
            .iter()
            .filter(|((node, leaf), _)| *node == index && object.program(leaf).is_some_and(holds));
        let mut found: Vec<usize> = leaves.map(|(_, slot)| *slot).collect();
        if holds(program) || found.is_empty() {
            found.extend(self.of(index));
        }
        found.sort_unstable();
        found
    }
}

impl<'a> Builder<'a> {
    pub(super) fn load(&mut self) {
        let has_task = has_task(self.chain, self.library);
        // A table is one for the whole chain, so what it holds is loaded once.
        let mut leaves = HashSet::new();
        for index in self.chain.graph.order() {
            let Some(of) = self.programs.get(&index).map(Rc::clone) else { continue };
            let has_task = has_task[index.index()];
            let globals = settings(&of);
            self.load_own(index, &of, has_task, &globals);
            for leaf in &of.uses.leaves {
                if leaves.insert((of.reference.value, leaf.name.as_str())) {
                    self.load_leaf(index, &of, leaf, has_task, &globals);
                }
            }
        }
    }

    fn load_own(
        &mut self,
        index: NodeIndex,
        of: &NodeProgram<'a>,
        has_task: bool,
        globals: &[SetGlobal],
    ) {
        let (load_as, targets) = match &of.node.kind {
            NodeKind::Host(_) => (LoadAs::Hook(of.program.kind), vec![None]),
            NodeKind::Stub(_) => return,
            NodeKind::Replacement(_) => {
                // Loaded once for each program type among its hosts, against the first stub of
                // that: a loaded replacement is for programs of one type, and the kernel refuses
                // others at attach with a bare EINVAL (bpf_check_attach_target in
                // https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/verifier.c).
                let mut seen = HashSet::new();
                let mut targets = self.targets(index);
                targets.retain(|target| seen.insert(self.slots.program_type(target.slot)));
                (LoadAs::Replacement, targets.into_iter().map(Some).collect())
            }
            NodeKind::Tracer(tracer) => {
                let targets = self.targets(index);
                if let TracerProgram::BuiltIn(request) = &tracer.program {
                    let tracer =
                        built_in::BuiltinTracer { request, moment: tracer.moment, has_task };
                    return self.load_built_in(index, of, &tracer, targets);
                }
                (LoadAs::Tracer(tracer.moment), targets.into_iter().map(Some).collect())
            }
        };
        for target in targets {
            let target: Option<Target> = target;
            let on = target.as_ref().and_then(|target| self.slots.program_type(target.slot));
            let program_type = on.unwrap_or_else(|| of.program.kind.base());
            let action = Action::Load {
                slot: self.slots.next(),
                object: of.reference.value.clone(),
                program: of.name.value.to_owned(),
                load_as,
                expected_attach_type: expected_attach_type(of.node, of.program.kind),
                attach_btf: attach_btf(of.node, of.program.kind),
                traits: of.program.traits,
                target,
                has_task,
                globals: globals.to_vec(),
                trace: None,
            };
            let asked = Purpose::by(index, Reason::Program, of.name.span);
            let slot = self.load_one(index, asked, program_type, action);
            self.slots.of.entry(index).or_default().push(slot);
        }
    }

    /// The programs of a built-in tracer.
    fn load_built_in(
        &mut self,
        index: NodeIndex,
        of: &NodeProgram<'a>,
        tracer: &built_in::BuiltinTracer<'_>,
        targets: Vec<Target>,
    ) {
        let mut layouts = 0;
        for target in targets {
            let kind = self.slots.program_type(target.slot).unwrap_or(ProgramKind::Other);
            let Some(holder) = self.slots.nodes.get(target.slot).copied() else { continue };
            let programs = built_in::programs(self, tracer, holder, &target, kind, &mut layouts);
            for (reason, action) in programs {
                let asked = Purpose::by(index, reason, of.name.span);
                let slot = self.load_one(index, asked, kind, action);
                self.slots.of.entry(index).or_default().push(slot);
            }
        }
    }

    /// A program that the node's tables hold from the start.
    fn load_leaf(
        &mut self,
        index: NodeIndex,
        of: &NodeProgram<'a>,
        leaf: &Program,
        has_task: bool,
        globals: &[SetGlobal],
    ) {
        let action = Action::Load {
            slot: self.slots.next(),
            object: of.reference.value.clone(),
            program: leaf.name.clone(),
            load_as: LoadAs::Hook(leaf.kind),
            expected_attach_type: expected_attach_type(of.node, leaf.kind),
            attach_btf: attach_btf(of.node, leaf.kind),
            traits: leaf.traits,
            target: None,
            has_task,
            globals: globals.to_vec(),
            trace: None,
        };
        let asked = Purpose::by(index, Reason::TableProgram, of.name.span);
        let slot = self.load_one(index, asked, leaf.kind.base(), action);
        self.slots.leaves.insert((index, leaf.name.clone()), slot);
    }

    /// Loads a program for node `index`, and gives its number.
    fn load_one(
        &mut self,
        index: NodeIndex,
        asked: Purpose<'_>,
        program_type: ProgramKind,
        action: Action,
    ) -> usize {
        let slot = self.slots.next();
        let mut needs = match &action {
            Action::Load { target: Some(target), .. } => self.loads_of(&[target.slot]),
            _ => Vec::new(),
        };
        needs.extend(self.maps_of(index));
        let id = self.push(asked, action, needs);
        self.slots.types.push(program_type);
        self.slots.nodes.push(index);
        self.slots.loads.push(id);
        slot
    }
}

/// What the node sets the globals of its program to.
fn settings(of: &NodeProgram<'_>) -> Vec<SetGlobal> {
    let set = globals::settings(of.node, of.object, &mut Vec::new());
    set.into_iter().map(|(one, _)| one).collect()
}

/// The `expected_attach_type` of a program that a host is loaded with, where the attachment of the host
/// decides it: the programs that it calls are loaded for the same.
fn expected_attach_type(node: &Node, program: ProgramKind) -> Option<AttachType> {
    let attach = attachment(node, program)?;
    let decided = (attach.kind.expected_attach_type)(Some(attach));
    decided.filter(|_| decided != LoadAs::Hook(program).attach_type())
}

/// The type of the kernel that a program is for, which a host is loaded with.
fn attach_btf(node: &Node, program: ProgramKind) -> Option<AttachBtf> {
    attachment(node, program)?.attach_btf()
}

/// The attachment of a host, which a program that is loaded with it is loaded for too.
fn attachment(node: &Node, program: ProgramKind) -> Option<&Attach> {
    let NodeKind::Host(host) = &node.kind else { return None };
    let attach = &host.attach.as_ref()?.value;
    (program.program_type() == Some(attach.kind.program_type)).then_some(attach)
}
