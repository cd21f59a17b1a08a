//! The rules that a chain with its objects must satisfy to be brought up.
//!
//! Pure: it uses the chain and the objects, never a kernel. It reports all errors, each at the
//! node's line in the file.

mod built_in;
mod conflicts;
mod constants;
mod externs;
mod features;
mod flow;
mod globals;
mod helpers;
mod locks;
mod map_attributes;
mod maps;
mod programs;
mod prototypes;
mod requires;
mod sleepable;
mod stubs;
mod tails;
mod taken;
mod target_arguments;
mod targets;
mod versions;

use std::{collections::HashSet, path::Path};

use petgraph::graph::NodeIndex;

pub use requires::excluded;

use crate::{
    chain::{Chain, ChainInputs, Node, NodeKind, ProbePoint, title},
    diag::{Code, Diagnostic, Severity, Span, in_file_order},
    object::{Object, Program, ProgramKind},
    profile::{self, Profile},
    resolve::{NodeProgram, NotLooked, PartlyResolved, Resolved, RunningPrograms},
};

/// Which kernels a chain is judged for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernels {
    /// Their profiles.
    pub profiles: Vec<Profile>,
    /// Whether they were requested by name: then a rejection by one of them is an error. Otherwise
    /// only a rejection by all of them is an error, and one by some is a warning.
    pub asked: bool,
}

impl Default for Kernels {
    /// Every kernel there is a profile of.
    fn default() -> Self {
        Self { profiles: profile::shipped(), asked: false }
    }
}

/// The errors of a chain and its objects, for `kernels`: names that were not found, and violations
/// of rules; in file order.
#[must_use]
pub fn check(names: &PartlyResolved, kernels: &Kernels) -> Vec<Diagnostic> {
    check_hosts(names, kernels, HostUse::Attached)
}

/// What becomes of the hosts of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostUse {
    /// They are attached.
    Attached,
    /// They are only loaded: tests run them.
    Loaded,
}

/// [`check`] for a chain with this use of its hosts.
fn check_hosts(names: &PartlyResolved, kernels: &Kernels, hosts: HostUse) -> Vec<Diagnostic> {
    let (kernels, excluded) = requires::within(names.chain(), kernels);
    let found = names.wrong().iter().chain(names.warnings()).cloned().chain(excluded).collect();
    let mut context = Context {
        chain: names.chain(),
        names,
        kernels: &kernels,
        found,
        misfits: HashSet::new(),
        readings: flow::Readings::default(),
    };
    programs::check(&mut context);
    externs::check(&mut context);
    stubs::check(&mut context);
    taken::check(&mut context);
    sleepable::check(&mut context);
    prototypes::check(&mut context);
    built_in::check(&mut context);
    conflicts::check(&mut context, hosts);
    versions::check(&mut context);
    targets::check(&mut context);
    target_arguments::check(&mut context);
    flow::check(&mut context);
    maps::check(&mut context);
    map_attributes::check(&mut context);
    tails::check(&mut context);
    globals::check(&mut context);
    constants::check(&mut context);
    features::check(&mut context);
    helpers::check(&mut context);
    locks::check(&mut context);
    in_file_order(names.each_once(context.found))
}

/// A chain that the rules accept, with its warnings.
#[derive(Debug)]
pub struct Checked {
    /// The resolved chain.
    pub resolved: Resolved,
    /// Warnings, in file order.
    pub warnings: Vec<Diagnostic>,
}

/// Reads the objects of `chain` and checks it against them, for `kernels`.
///
/// # Errors
/// Every diagnostic, warnings included, of the objects and of the rules, in file order, when one
/// of them is an error.
pub fn open(chain: Chain, kernels: &Kernels) -> Result<Checked, Vec<Diagnostic>> {
    open_for(chain, kernels, HostUse::Attached)
}

/// [`open`] for a chain with this use of its hosts.
///
/// # Errors
/// Those of [`open`]; where the hosts are only loaded, two of them may have one place.
pub fn open_for(
    chain: Chain,
    kernels: &Kernels,
    hosts: HostUse,
) -> Result<Checked, Vec<Diagnostic>> {
    open_and((chain, Vec::new()), kernels, &NotLooked, hosts)
}

/// Reads the chain that `path` stands for, with `inputs`, and its objects, and checks it for `kernels`.
///
/// # Errors
/// Every diagnostic of the file and, where that is a chain but for its expressions, those of the
/// objects and of the rules; warnings included, in file order, when one is an error.
pub fn read(
    path: &Path,
    inputs: &ChainInputs,
    kernels: &Kernels,
    running: &dyn RunningPrograms,
) -> Result<Checked, Vec<Diagnostic>> {
    let (chain, slips) = Chain::read(path, inputs)?;
    open_and((chain, slips), kernels, running, HostUse::Attached)
}

/// [`open`] for a chain with programs that are `running`.
///
/// # Errors
/// Those of [`open`], and what is wrong with the names of those programs.
pub fn open_in(
    chain: Chain,
    kernels: &Kernels,
    running: &dyn RunningPrograms,
) -> Result<Checked, Vec<Diagnostic>> {
    open_and((chain, Vec::new()), kernels, running, HostUse::Attached)
}

/// [`open`] with what is `found` already.
fn open_and(
    (chain, mut found): (Chain, Vec<Diagnostic>),
    kernels: &Kernels,
    running: &dyn RunningPrograms,
    hosts: HostUse,
) -> Result<Checked, Vec<Diagnostic>> {
    let names = PartlyResolved::open_in(chain, running);
    found.extend(check_hosts(&names, kernels, hosts));
    let warnings = in_file_order(found);
    if warnings.iter().any(|found| found.severity == Severity::Error) {
        return Err(warnings);
    }
    Ok(Checked { resolved: names.whole()?, warnings })
}

/// What a rule looks at, and where its findings go.
struct Context<'a> {
    chain: &'a Chain,
    names: &'a PartlyResolved,
    kernels: &'a Kernels,
    found: Vec<Diagnostic>,
    /// Nodes with a program of the wrong type or prototype, or a function that cannot be a stub:
    /// further errors of these nodes are meaningless.
    misfits: HashSet<NodeIndex>,
    /// Facts that the verifier is certain to find in the programs.
    readings: flow::Readings<'a>,
}

impl<'a> Context<'a> {
    fn report(
        &mut self,
        code: Code,
        message: String,
        span: &Span,
        label: impl Into<String>,
        help: String,
    ) {
        let found = Diagnostic::new(code, message).label(span, label).help(help);
        self.found.push(found);
    }

    /// Adds `found`, which holds on the kernels that `refuses` picks.
    fn push_where(&mut self, found: Diagnostic, refuses: impl Fn(&Profile) -> bool) {
        let names = |refused: bool| {
            let some = self.kernels.profiles.iter().filter(|profile| refuses(profile) == refused);
            some.map(|profile| profile.kernel.to_string()).collect::<Vec<_>>()
        };
        let (refusing, taking) = (names(true), names(false));
        if refusing.is_empty() {
            return;
        }
        let mut note = format!("rejected by Linux {}", refusing.join(", "));
        if !taking.is_empty() {
            note += &format!(", accepted by {}", taking.join(", "));
        }
        let mut found = found.note(note);
        if !self.kernels.asked && !taking.is_empty() {
            found.severity = Severity::Warning;
        }
        self.found.push(found);
    }

    /// What the kernel is handed for the node at `index`: its program first, then those that its
    /// tables for tail calls hold from the start.
    fn loads(&self, index: NodeIndex) -> Vec<Load<'a>> {
        let Some(own) = self.own(index) else { return Vec::new() };
        let leaves = own.of.leaves().filter(|leaf| leaf.name != own.program.name);
        let of_tables = leaves.map(|program| Load { program, is_own: false, ..own });
        std::iter::once(own).chain(of_tables).collect()
    }

    /// The program of the node at `index` itself; none for one that runs already.
    fn own(&self, index: NodeIndex) -> Option<Load<'a>> {
        let (node, of) = (self.chain.graph.node(index), self.names.program(index)?);
        if of.object().loaded.is_some() {
            return None;
        }
        Some(Load { node, of, object: of.object(), program: of.program(), is_own: true })
    }

    /// The object of the node at `index` and its program, when both are there.
    fn program(&self, index: NodeIndex) -> Option<(&'a Object, &'a Program)> {
        let of = self.names.program(index)?;
        Some((of.object(), of.program()))
    }
}

/// A program that the kernel is handed for a node.
#[derive(Debug, Clone, Copy)]
struct Load<'a> {
    node: &'a Node,
    /// The node's own program.
    of: &'a NodeProgram,
    object: &'a Object,
    program: &'a Program,
    /// Whether it is the node's own; a table holds the others.
    is_own: bool,
}

impl Load<'_> {
    /// What it is, for messages.
    fn title(&self) -> String {
        let node = title(self.node);
        if self.is_own {
            return node;
        }
        format!("`{}`, in a program array of {node},", self.program.name)
    }
}

/// What a tracer's program has to be.
fn tracing_kind(point: ProbePoint) -> ProgramKind {
    match point {
        ProbePoint::Fentry => ProgramKind::Fentry,
        ProbePoint::Fexit => ProgramKind::Fexit,
    }
}

/// Whether the node is a replacement.
fn is_replacement(node: &Node) -> bool {
    matches!(node.kind, NodeKind::Replacement(_))
}
