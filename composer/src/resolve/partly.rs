//! The meaning of the names in a chain, as far as they could be found.

use std::{
    collections::{BTreeSet, HashSet},
    mem,
};

use petgraph::graph::NodeIndex;

use super::{
    NodeProgram, NotLooked, ObjectStore, Resolved, ResolvedKind, ResolvedNode, RunningPrograms,
    TargetFunction,
    attached_maps::SharedMaps,
    functions,
    maps::Changes,
    pattern,
    reach::{self, Dead, Walks},
    tables,
    traced::{self, PartlyTraced},
};
use crate::{
    chain::{Chain, Node, NodeKind, Role, Tracer, TracerProgram},
    diag::{Diagnostic, in_file_order},
    function::{AccessTarget, VisibleArguments},
    hook::HostKind,
    object::{Program, ProgramKind},
};

/// A chain with its objects, and the meaning of its names as far as they were found; used by the
/// rules.
#[derive(Debug)]
pub struct PartlyResolved {
    chain: Chain,
    objects: ObjectStore,
    /// By the index of the node.
    nodes: Vec<PartlyNode>,
    /// Errors about names that were not found.
    wrong: Vec<Diagnostic>,
    /// Errors for which the rules have better messages.
    untold: Vec<Diagnostic>,
    /// Functions that patterns leave out.
    warnings: Vec<Diagnostic>,
    /// Whether some nodes stand for one node of the file.
    is_expanded: bool,
}

/// What the names of one node stand for.
#[derive(Debug)]
struct PartlyNode {
    /// None for a stub, or where something of it is not there.
    program: Option<NodeProgram>,
    /// The functions of a replacement or tracer; `None` in the place of one that was not found.
    functions: Vec<Option<TargetFunction>>,
    /// The functions traced by a built-in tracer.
    traced: Vec<PartlyTraced>,
    /// Errors that prevent it.
    untraceable: Vec<Diagnostic>,
}

impl PartlyResolved {
    /// Reads the objects of `chain` and looks up its names, without a look at any kernel.
    #[must_use]
    pub fn open(chain: Chain) -> Self {
        Self::open_in(chain, &NotLooked)
    }

    /// Reads the objects of `chain`, finds its programs that are `running`, and looks up its names.
    #[must_use]
    pub fn open_in(chain: Chain, running: &dyn RunningPrograms) -> Self {
        let (objects, wrong) = ObjectStore::open(&chain, running);
        Self::find(chain, objects, wrong)
    }

    /// Looks up the names of `chain` in `objects`, without reading any.
    #[must_use]
    pub fn of(chain: Chain, objects: &ObjectStore) -> Self {
        let (objects, wrong) = objects.named_by(&chain);
        Self::find(chain, objects, wrong)
    }

    /// Looks up the names of `chain`, whose patterns stand for several nodes.
    fn find(chain: Chain, objects: ObjectStore, wrong: Vec<Diagnostic>) -> Self {
        let named = Self::find_named(chain, objects, wrong.clone());
        let Some(expansion) = pattern::expand(&named) else { return named };
        let Self { chain, objects, .. } = named;
        let chain = Chain { graph: expansion.graph, ..chain };
        let mut found = Self::find_named(chain, objects, wrong);
        found.is_expanded = true;
        found.wrong.extend(expansion.wrong);
        found.untold.extend(expansion.untold);
        found.warnings.extend(expansion.warnings);
        let wrong = mem::take(&mut found.wrong);
        found.wrong = found.each_once(wrong);
        found
    }

    fn find_named(chain: Chain, objects: ObjectStore, mut wrong: Vec<Diagnostic>) -> Self {
        let mut changes = Changes::of(&chain);
        let program = |(_, node)| {
            let program = NodeProgram::find(node, &objects, &mut changes, &mut wrong);
            PartlyNode {
                program,
                functions: Vec::new(),
                traced: Vec::new(),
                untraceable: Vec::new(),
            }
        };
        let nodes = chain.graph.nodes().map(program).collect();
        let mut found = Self {
            chain,
            objects,
            nodes,
            wrong,
            untold: Vec::new(),
            warnings: Vec::new(),
            is_expanded: false,
        };
        found.seek_functions();
        found.seek_tables();
        found.seek_attached_maps();
        for index in found.chain.graph.node_indices() {
            found.nodes[index.index()].functions = found.targets(index);
            let (traced, untraceable) = found.trace(index);
            let node = &mut found.nodes[index.index()];
            (node.traced, node.untraceable) = (traced, untraceable);
        }
        found
    }

    /// Looks for the functions that stubs and tracers name.
    fn seek_functions(&mut self) {
        let nodes = self.chain.graph.nodes();
        let unknown = nodes.flat_map(|(index, node)| {
            functions::unknown(&self.chain, index, node, |of| self.program(of))
        });
        let (untold, told): (Vec<_>, Vec<_>) = unknown.partition(|one| one.is_misplaced);
        self.untold.extend(untold.into_iter().map(|one| one.found));
        self.wrong.extend(told.into_iter().map(|one| one.found));
    }

    /// Looks for the tables that the chain puts programs into.
    fn seek_tables(&mut self) {
        let graph = &self.chain.graph;
        let unknown = graph.jumps().iter().filter_map(|jump| {
            tables::unknown(jump, graph.node(jump.from), self.program(jump.from)?)
        });
        let unknown: Vec<_> = unknown.collect();
        self.wrong.extend(unknown);
    }

    /// Looks for the maps that hosts are attached to.
    fn seek_attached_maps(&mut self) {
        let shared = SharedMaps::of(self.programs().map(|(.., program)| program));
        let hosts = self.programs().filter_map(|(_, node, of)| shared.unknown(node, of));
        let unknown: Vec<_> = hosts.collect();
        self.wrong.extend(unknown);
    }

    /// The chain.
    #[must_use]
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Its objects, those that could be read.
    #[must_use]
    pub fn objects(&self) -> &ObjectStore {
        &self.objects
    }

    /// The program of the node at `index`; none for a stub, or where something of it is not there.
    pub(crate) fn program(&self, index: NodeIndex) -> Option<&NodeProgram> {
        self.nodes[index.index()].program.as_ref()
    }

    /// The nodes whose program is there, in the order of the file.
    pub(crate) fn programs(&self) -> impl Iterator<Item = (NodeIndex, &Node, &NodeProgram)> {
        let nodes = self.chain.graph.nodes().zip(&self.nodes);
        nodes.filter_map(|((index, node), found)| Some((index, node, found.program.as_ref()?)))
    }

    /// The functions that the replacement or tracer at `index` is for, those that are there.
    pub(crate) fn functions(&self, index: NodeIndex) -> impl Iterator<Item = &TargetFunction> {
        self.nodes[index.index()].functions.iter().flatten()
    }

    /// What the built-in tracer at `index` traces.
    pub(crate) fn traced(&self, index: NodeIndex) -> &[PartlyTraced] {
        &self.nodes[index.index()].traced
    }

    /// What keeps the built-in tracer at `index` from what it traces.
    pub(crate) fn untraceable(&self, index: NodeIndex) -> &[Diagnostic] {
        &self.nodes[index.index()].untraceable
    }

    /// What stands for nothing, but for what is untraceable.
    pub(crate) fn wrong(&self) -> &[Diagnostic] {
        &self.wrong
    }

    /// What is worth knowing of names that were found.
    pub(crate) fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// `found`, where what is wrong with nodes that stand for one of the file is told once.
    pub(crate) fn each_once(&self, mut found: Vec<Diagnostic>) -> Vec<Diagnostic> {
        if self.is_expanded {
            let mut told = BTreeSet::new();
            found.retain(|one| {
                let spans: Vec<_> = one.labels.iter().map(|label| label.span.clone()).collect();
                spans.is_empty() || told.insert((one.code as u16, spans))
            });
        }
        found
    }

    /// What keeps `function` from being called, where that is a constant.
    pub(crate) fn dead<'a>(
        &'a self,
        function: &TargetFunction,
        walks: &mut Walks<'a>,
    ) -> Option<Dead> {
        let holder = self.chain.graph.node(function.holder);
        if holder.built_in().is_some() {
            return None;
        }
        let setter = (!holder.data.globals.is_empty()).then_some(function.holder);
        reach::dead(self.program(function.holder)?, setter, function.index, walks)
    }

    /// `function` as a tracer's own program finds it. None for one of another tracer: of that the rule
    /// on nested tracers tells enough.
    pub(crate) fn access_target(&self, function: &TargetFunction) -> Option<AccessTarget<'_>> {
        let graph = &self.chain.graph;
        let of = self.program(function.holder)?;
        let is_replacement = match graph.node(function.holder).role() {
            Role::Host => false,
            Role::Replacement => true,
            Role::Stub | Role::Tracer => return None,
        };
        let kinds = match is_replacement {
            false => vec![of.program().kind],
            true => {
                let hosts = graph.hosts_below(function.holder).into_iter();
                hosts.filter_map(|host| Some(self.program(host)?.program().kind)).collect()
            }
        };
        let (object, index) = (of.object(), function.index);
        let seen = VisibleArguments::of(object, of.program(), index, is_replacement)?;
        Some(AccessTarget { object, function: index, seen, kinds })
    }

    /// The chain, if all names were found.
    ///
    /// # Errors
    /// The names that were not found, in file order.
    pub fn whole(self) -> Result<Resolved, Vec<Diagnostic>> {
        let has_task = self.has_task();
        let Self { chain, objects, nodes, mut wrong, untold, .. } = self;
        wrong.extend(untold);
        let mut resolved = Vec::with_capacity(nodes.len());
        for (((_, node), found), has_task) in chain.graph.nodes().zip(nodes).zip(has_task) {
            wrong.extend_from_slice(&found.untraceable);
            let kind = kind(node, found);
            resolved.extend(kind.map(|kind| ResolvedNode { kind, has_task }));
        }
        match wrong.is_empty() && resolved.len() == chain.graph.len() {
            true => Ok(Resolved { chain, objects, nodes: resolved }),
            false => Err(in_file_order(wrong)),
        }
    }

    /// The functions that the replacement or tracer at `index` is for; none in the place of one that
    /// is not there.
    fn targets(&self, index: NodeIndex) -> Vec<Option<TargetFunction>> {
        let named = self.chain.graph.functions_of(index).into_iter();
        let found = named.map(|(holder, name)| {
            let of = self.program(holder)?;
            // The file does not name the entry of what runs already, or is made.
            let name = if name.is_empty() { of.program().name.as_str() } else { name };
            let (index, _) = of.object().function(name)?;
            Some(TargetFunction { holder, name: name.to_owned(), index })
        });
        found.collect()
    }

    /// What the built-in tracer at `index` traces, and what keeps it from that. What is wrong in two
    /// hosts, or at both moments, is one mistake.
    fn trace(&self, index: NodeIndex) -> (Vec<PartlyTraced>, Vec<Diagnostic>) {
        let (mut traced, mut wrong) = (Vec::new(), Vec::new());
        let NodeKind::Tracer(tracer) = &self.chain.graph.node(index).kind else {
            return (traced, wrong);
        };
        let place =
            |found: &Diagnostic| (found.labels.first().map(|label| label.span.clone()), found.code);
        for function in self.functions(index) {
            let (these, found) = self.traced_as(tracer, function);
            traced.extend(these);
            for found in found {
                if !wrong.iter().any(|other| place(other) == place(&found)) {
                    wrong.push(found);
                }
            }
        }
        let placed = |found: Diagnostic| found.or_label(&tracer.target.span, "traced here");
        (traced, wrong.into_iter().map(placed).collect())
    }

    /// What `tracer`, a built-in one, traces of `function`, in each type of program that holds it; and
    /// what keeps it from that.
    pub(super) fn traced_as(
        &self,
        tracer: &Tracer,
        function: &TargetFunction,
    ) -> (Vec<PartlyTraced>, Vec<Diagnostic>) {
        let (mut traced, mut wrong) = (Vec::new(), Vec::new());
        let Some(request) = tracer.built_in() else { return (traced, wrong) };
        let Some(of) = self.program(function.holder) else { return (traced, wrong) };
        let holder = self.chain.graph.node(function.holder);
        let is_entry = function.index == of.program().function && holder.role() == Role::Host;
        for kind in self.kinds(of, function) {
            let asked = (tracer, request);
            let (one, found) = PartlyTraced::find(asked, function.clone(), of, kind, is_entry);
            traced.push(one);
            wrong.extend(found);
        }
        (traced, wrong)
    }

    /// What the programs are loaded as, or stand in for, that hold `function`: the node's own, `of`, and
    /// those of its tables.
    fn kinds(&self, of: &NodeProgram, function: &TargetFunction) -> Vec<ProgramKind> {
        let graph = &self.chain.graph;
        let holds = |program: &Program| of.object().reachable(program).contains(&function.index);
        let leaves = of.leaves().filter(|leaf| holds(leaf)).map(|leaf| leaf.kind.base());
        let leaves: Vec<_> = leaves.collect();
        let mut kinds: Vec<ProgramKind> = Vec::new();
        if leaves.is_empty() || holds(of.program()) {
            let hosts = graph.hosts_below(function.holder).into_iter();
            let programs = hosts.filter_map(|host| self.program(host));
            kinds.extend(programs.map(|of| of.program().kind.base()));
        }
        kinds.extend(leaves);
        let mut seen = HashSet::new();
        kinds.retain(|kind| seen.insert(*kind));
        kinds
    }

    /// For each node, whether all hosts at the bottom of what it depends on have a current task.
    fn has_task(&self) -> Vec<bool> {
        let graph = &self.chain.graph;
        let mut all = vec![true; graph.len()];
        for index in graph.order() {
            all[index.index()] = match graph.node(index).role() {
                Role::Host => self.program(index).is_some_and(|of| {
                    HostKind::of_program(of.program().kind).is_some_and(|kind| kind.has_task)
                }),
                _ => graph.needs(index).iter().all(|need| all[need.index()]),
            };
        }
        all
    }
}

/// What a node is in its chain, when all that it names is there.
fn kind(node: &Node, found: PartlyNode) -> Option<ResolvedKind> {
    let PartlyNode { program, functions, traced, .. } = found;
    let functions: Option<Vec<TargetFunction>> = functions.into_iter().collect();
    Some(match &node.kind {
        NodeKind::Stub(_) => ResolvedKind::Stub,
        NodeKind::Host(host) => {
            ResolvedKind::Host { program: program?, attach: host.attach.clone() }
        }
        NodeKind::Replacement(replacement) => ResolvedKind::Replacement {
            program: program?,
            stub: replacement.stub.span.clone(),
            functions: functions?,
        },
        NodeKind::Tracer(Tracer { program: TracerProgram::Own { .. }, point, target, .. }) => {
            ResolvedKind::Tracer {
                program: program?,
                point: *point,
                target: target.span.clone(),
                functions: functions?,
            }
        }
        NodeKind::Tracer(Tracer { program: TracerProgram::BuiltIn(_), target, .. }) => {
            functions?;
            ResolvedKind::BuiltIn {
                program: program?,
                target: target.span.clone(),
                functions: traced::whole(traced)?,
            }
        }
    })
}
