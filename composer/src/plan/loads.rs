//! The programs to load, with their types and targets.

use std::collections::HashMap;

use petgraph::graph::NodeIndex;

use super::{
    Action, LoadAs, OperationId, Reason, Target,
    build::{Builder, Purpose},
};
use crate::{
    chain::{Builtin, ObjectRef},
    hook::Attach,
    object::{AttachType, Program, ProgramKind, Traits},
    resolve::{NodeProgram, ResolvedKind, SetGlobal, TargetFunction, TracerTarget},
};

/// What is loaded.
#[derive(Default)]
pub(super) struct Slots<'a> {
    loaded: Vec<LoadedProgram>,
    /// The loaded programs of each node with a program.
    of: HashMap<NodeIndex, (&'a NodeProgram, Vec<usize>)>,
    /// The targets of each replacement, with the replacing program.
    replaced: HashMap<NodeIndex, Vec<(usize, Target)>>,
    /// Programs that are loaded for tables, by their object and name.
    leaves: HashMap<(&'a ObjectRef, &'a str), Leaf<'a>>,
}

/// A loaded program; its number is its place in the list.
struct LoadedProgram {
    /// Its type or, if it extends or traces another program, the type of that.
    program_type: ProgramKind,
    /// Its `expected_attach_type`, if it has one.
    attach_type: Option<AttachType>,
    /// Whether somebody else loaded it.
    adopted: bool,
    by: OperationId,
}

/// A program that is loaded for a table.
struct Leaf<'a> {
    /// The node it is loaded for: the first that has the table.
    node: NodeIndex,
    program: &'a Program,
    slot: usize,
}

impl<'a> Slots<'a> {
    /// The loaded programs of a node.
    pub(super) fn of(&self, index: NodeIndex) -> &[usize] {
        self.of.get(&index).map_or(&[], |(_, slots)| slots)
    }

    /// What the replacement at `index` takes the place of, with the program that does.
    pub(super) fn replaced_by(&self, index: NodeIndex) -> &[(usize, Target)] {
        self.replaced.get(&index).map_or(&[], Vec::as_slice)
    }

    /// The program of an object that is loaded for the tables that have it.
    pub(super) fn leaf(&self, object: &ObjectRef, name: &str) -> usize {
        self.leaves[&(object, name)].slot
    }

    /// The operation that loads a program.
    pub(super) fn loaded_by(&self, slot: usize) -> OperationId {
        self.loaded[slot].by
    }

    fn program_type(&self, slot: usize) -> ProgramKind {
        self.loaded[slot].program_type
    }

    /// The number that the next program has.
    fn next(&self) -> usize {
        self.loaded.len()
    }

    /// The loaded programs of node `index` that hold the function with this number.
    fn holding(&self, index: NodeIndex, function: usize) -> Vec<usize> {
        let Some((of, own)) = self.of.get(&index) else { return Vec::new() };
        if self.leaves.is_empty() {
            return own.clone();
        }
        let holds = |program: &Program| of.object().reachable(program).contains(&function);
        let leaves = self.leaves.values().filter(|leaf| leaf.node == index && holds(leaf.program));
        let mut found: Vec<usize> = leaves.map(|leaf| leaf.slot).collect();
        if found.is_empty() || holds(of.program()) {
            found.extend(own);
        }
        found.sort_unstable();
        found
    }
}

impl<'a> Builder<'a> {
    pub(super) fn load(&mut self) {
        let resolved = self.resolved;
        for index in resolved.chain().graph.order() {
            let Some(of) = resolved[index].program() else { continue }; // a stub
            self.load_own(index, of);
            // A table is one for the whole chain, so what it holds is loaded once.
            for leaf in of.leaves() {
                self.load_leaf(index, of, leaf);
            }
        }
    }

    fn load_own(&mut self, index: NodeIndex, of: &'a NodeProgram) {
        match self.resolved[index].kind() {
            ResolvedKind::Stub => {}
            ResolvedKind::Host { .. } if of.object().loaded.is_some() => self.adopt(index, of),
            ResolvedKind::Host { .. } => {
                self.load_one(index, of, LoadAs::Hook(of.program().kind), None);
            }
            ResolvedKind::Replacement { functions, .. } => {
                self.load_replacement(index, of, functions);
            }
            ResolvedKind::Tracer { functions, point, .. } => {
                for target in self.targets(functions) {
                    self.load_one(index, of, LoadAs::Tracer(*point), Some(target));
                }
            }
            ResolvedKind::BuiltIn { functions, .. } => {
                for (number, function) in functions.iter().enumerate() {
                    self.load_built_in(index, of, (number, function));
                }
            }
        }
    }

    /// A replacement is loaded once for each program type and expected attach type among its hosts,
    /// against the first stub of that: a loaded replacement is for programs of one type, of one
    /// direction if they are `cgroup_skb`, and the kernel refuses others at attach with a bare EINVAL
    /// (`bpf_check_attach_target` in
    /// <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/verifier.c>).
    fn load_replacement(
        &mut self,
        index: NodeIndex,
        of: &'a NodeProgram,
        functions: &[TargetFunction],
    ) {
        let mut loaded: HashMap<(ProgramKind, Option<AttachType>, Option<usize>), usize> =
            HashMap::new();
        for target in self.targets(functions) {
            let host = &self.slots.loaded[target.slot];
            // What the attach type of a program is that somebody else loaded, the kernel does not tell.
            let alone = host.adopted.then_some(target.slot);
            let types = (host.program_type, host.attach_type, alone);
            let slot = match loaded.get(&types) {
                Some(slot) => *slot,
                None => self.load_one(index, of, LoadAs::Replacement, Some(target.clone())),
            };
            loaded.insert(types, slot);
            self.slots.replaced.entry(index).or_default().push((slot, target));
        }
    }

    /// Takes a program that runs already instead of loading one.
    fn adopt(&mut self, index: NodeIndex, of: &'a NodeProgram) {
        let Some(loaded) = &of.object().loaded else { return };
        let action = Action::Adopt {
            slot: self.slots.next(),
            id: loaded.id,
            tag: loaded.tag.clone(),
            program: of.program().name.clone(),
        };
        let kind = of.program().kind.base();
        let slot = self.load_action(index, of, Reason::Program, kind, action);
        self.slots.of.entry(index).or_insert((of, Vec::new())).1.push(slot);
    }

    /// A program of a built-in tracer for each probe point that it needs, or one for both.
    fn load_built_in(
        &mut self,
        index: NodeIndex,
        of: &'a NodeProgram,
        (number, function): (usize, &TracerTarget),
    ) {
        let loads = match function.tracings() {
            [(_, entry), (_, exit)] if self.fsessions.has(index, number) => {
                vec![(Builtin::fsession(), LoadAs::Fsession, exit, Some(entry))]
            }
            apart => {
                let one = apart.iter().map(|(point, tracing)| {
                    (Builtin::program(*point), LoadAs::Tracer(*point), tracing, None)
                });
                one.collect()
            }
        };
        let mut targets = self.targets([&function.function]);
        targets.retain(|target| self.slots.program_type(target.slot) == function.kind);
        for target in targets {
            for (program, load_as, tracing, entry) in &loads {
                let reason = if tracing.tells() { Reason::Program } else { Reason::CallBegin };
                let action = Action::Load {
                    slot: self.slots.next(),
                    object: Builtin::object().clone(),
                    program: (*program).to_owned(),
                    load_as: *load_as,
                    expected_attach_type: None,
                    attach_btf: None,
                    traits: Traits::default(),
                    target: Some(target.clone()),
                    has_task: self.resolved[index].has_task(),
                    globals: Vec::new(),
                    trace: Some(Box::new((*tracing).clone())),
                    trace_entry: entry.map(|entry| Box::new(entry.clone())),
                };
                let slot = self.load_action(index, of, reason, function.kind, action);
                self.slots.of.entry(index).or_insert((of, Vec::new())).1.push(slot);
            }
        }
    }

    /// The program of a node, against `target` where it extends or traces one; gives its number.
    fn load_one(
        &mut self,
        index: NodeIndex,
        of: &'a NodeProgram,
        load_as: LoadAs,
        target: Option<Target>,
    ) -> usize {
        let on = target.as_ref().map(|target| self.slots.program_type(target.slot));
        let program_type = on.unwrap_or_else(|| of.program().kind.base());
        let action = self.action(index, of, of.program(), load_as, target);
        let slot = self.load_action(index, of, Reason::Program, program_type, action);
        self.slots.of.entry(index).or_insert((of, Vec::new())).1.push(slot);
        slot
    }

    /// A program that the node's tables hold from the start, unless it is there.
    fn load_leaf(&mut self, index: NodeIndex, of: &'a NodeProgram, leaf: &'a Program) {
        let key = (&of.reference().value, leaf.name.as_str());
        if self.slots.leaves.contains_key(&key) {
            return;
        }
        // A table of a tracer goes on in programs on the same function.
        let (load_as, target) = match self.resolved[index].kind() {
            ResolvedKind::Tracer { functions, point, .. } => {
                (LoadAs::Tracer(*point), self.targets(functions).into_iter().next())
            }
            _ => (LoadAs::Hook(leaf.kind), None),
        };
        let action = self.action(index, of, leaf, load_as, target);
        let slot = self.load_action(index, of, Reason::TableProgram, leaf.kind.base(), action);
        self.slots.leaves.insert(key, Leaf { node: index, program: leaf, slot });
    }

    fn action(
        &self,
        index: NodeIndex,
        of: &NodeProgram,
        program: &Program,
        load_as: LoadAs,
        target: Option<Target>,
    ) -> Action {
        let globals: Vec<SetGlobal> = of.globals().cloned().collect();
        Action::Load {
            slot: self.slots.next(),
            object: of.reference().value.clone(),
            program: program.name.clone(),
            load_as,
            expected_attach_type: self.expected_attach_type(index, program.kind),
            attach_btf: self.attachment(index, program.kind).and_then(Attach::attach_btf),
            traits: program.traits,
            target,
            has_task: self.resolved[index].has_task(),
            globals,
            trace: None,
            trace_entry: None,
        }
    }

    /// The `expected_attach_type` of a program that a host is loaded with, where the attachment of the
    /// host decides it: the programs that it calls are loaded for the same.
    fn expected_attach_type(&self, index: NodeIndex, program: ProgramKind) -> Option<AttachType> {
        let attach = self.attachment(index, program)?;
        let decided = (attach.kind.expected_attach_type)(Some(attach));
        decided.filter(|_| decided != LoadAs::Hook(program).attach_type())
    }

    /// The attachment of a host, for which a program that is loaded with it is loaded as well.
    fn attachment(&self, index: NodeIndex, program: ProgramKind) -> Option<&Attach> {
        let ResolvedKind::Host { attach: Some(attach), .. } = self.resolved[index].kind() else {
            return None;
        };
        let is_alike = program.program_type() == Some(attach.value.kind.program_type);
        is_alike.then_some(&attach.value)
    }

    /// Loads a program for node `index`, whose own is `of`, and gives its number.
    fn load_action(
        &mut self,
        index: NodeIndex,
        of: &'a NodeProgram,
        reason: Reason,
        program_type: ProgramKind,
        action: Action,
    ) -> usize {
        let slot = self.slots.next();
        let mut needs = match &action {
            Action::Load { target: Some(target), .. } => vec![self.slots.loaded_by(target.slot)],
            _ => Vec::new(),
        };
        needs.extend(self.maps_of(index, of));
        let attach_type = match &action {
            Action::Load { expected_attach_type, load_as, .. } => {
                expected_attach_type.or_else(|| load_as.attach_type())
            }
            _ => None,
        };
        let adopted = matches!(action, Action::Adopt { .. });
        let by = self.push(Purpose::by(index, reason, of.asked()), action, needs);
        self.slots.loaded.push(LoadedProgram { program_type, attach_type, adopted, by });
        slot
    }

    /// Functions of nodes' programs, in the programs as they are loaded.
    fn targets<'t>(&self, functions: impl IntoIterator<Item = &'t TargetFunction>) -> Vec<Target> {
        let targets = functions.into_iter().flat_map(|function| {
            let slots = self.slots.holding(function.holder, function.index).into_iter();
            slots.map(|slot| Target { slot, function: function.name.clone() })
        });
        targets.collect()
    }
}
