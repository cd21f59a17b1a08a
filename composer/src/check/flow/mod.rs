//! What the verifier is bound to find in the instructions of the chain's programs.
//!
//! [`object::flow`](crate::object::flow) tells what is certain. That is an error here. What depends
//! on a constant that the verifier sees and this program does not is a warning; whatever is less
//! known than that is left to the verifier without a word.

mod arguments;
mod functions;
mod pointers;
mod results;
mod stack;
mod tail_calls;
mod tracers;
mod unchecked;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use petgraph::graph::NodeIndex;

use super::{Context, Profile, tracing_kind};
use crate::{
    chain::{Node, NodeKind, ObjectRef},
    diag::{Code, Diagnostic, Severity},
    object::{
        Object, Program, ProgramKind,
        flow::{Fact, Findings, read},
    },
};

/// What the facts mean for a program, if they are a mistake.
type Rule = fn(&Context<'_>, &Subject<'_>, &[Fact]) -> Option<Mistake>;

/// A mistake in a program.
struct Mistake {
    found: Diagnostic,
    /// Which kernels refuse it, when not all do.
    refused_by: Option<fn(&Profile) -> bool>,
}

impl Mistake {
    fn everywhere(found: Diagnostic) -> Self {
        Self { found, refused_by: None }
    }
}

/// What a node's program is to the verifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Loaded {
    pub(super) kind: ProgramKind,
    /// Whether its entry is a function with a prototype, as a replacement's is.
    by_prototype: bool,
}

/// What has been read of the instructions of programs, of each once.
#[derive(Default)]
pub(super) struct Readings<'a>(HashMap<(&'a ObjectRef, &'a str, Loaded), Arc<Findings>>);

impl<'a> Readings<'a> {
    /// What is found in the program of a node, which is in `object`, as it is `loaded`.
    pub(super) fn of(
        &mut self,
        node: &'a Node,
        (object, program): (&Object, &Program),
        loaded: Loaded,
    ) -> Arc<Findings> {
        let found = || Arc::new(read(object, program, loaded.kind, loaded.by_prototype));
        let Some((reference, name)) = node.program() else { return found() };
        let known = self.0.entry((&reference.value, name.value.as_str(), loaded));
        Arc::clone(known.or_insert_with(found))
    }
}

/// A node's program, as it is loaded.
struct Subject<'a> {
    index: NodeIndex,
    node: &'a Node,
    object: &'a Object,
    program: &'a Program,
    loaded: Loaded,
}

/// What has been told of programs.
#[derive(Default)]
struct Books<'a> {
    told: HashSet<(&'a ObjectRef, &'a str, Code)>,
    /// Functions, by their index, whose prototype was looked at, as called by one that is loaded.
    functions: HashSet<(&'a ObjectRef, usize)>,
}

pub(super) fn check(context: &mut Context<'_>) {
    let mut books = Books::default();
    for (index, node) in context.chain.graph.nodes() {
        let Some((reference, name)) = node.program() else { continue };
        // Which way the built-in tracer goes hangs on a table that it is given.
        let is_built_in = matches!(&node.kind, NodeKind::Tracer(it) if it.builtin.is_some());
        if is_built_in || context.misfits.contains(&index) {
            continue;
        }
        let Some((object, program)) = context.program(node) else { continue };
        for loaded in loaded(context, index, node, program) {
            let subject = Subject { index, node, object, program, loaded };
            let findings = context.readings.of(node, (object, program), loaded);
            functions::check(context, &mut books, &subject, &findings);
            if books.told.insert((&reference.value, name.value.as_str(), Code::StackLimit)) {
                stack::check(context, &subject, &findings);
            }
            let found = look(context, &subject, &findings);
            // Two nodes with one program are one mistake; what is wrong with a tracer is so for
            // its target.
            let is_tracer = matches!(node.kind, NodeKind::Tracer(_));
            for Mistake { found, refused_by } in found {
                let told = (&reference.value, name.value.as_str(), found.code);
                if !is_tracer && !books.told.insert(told) {
                    continue;
                }
                match refused_by {
                    Some(refuses) => context.push_where(found, refuses),
                    None => context.found.push(found),
                }
            }
        }
    }
    tail_calls::check(context);
}

/// As what the program of a node is loaded: a replacement once for each type of its hosts.
pub(super) fn loaded(
    context: &Context<'_>,
    index: NodeIndex,
    node: &Node,
    program: &Program,
) -> Vec<Loaded> {
    match &node.kind {
        NodeKind::Host(_) => vec![Loaded { kind: program.kind, by_prototype: false }],
        NodeKind::Replacement(_) => {
            let mut found: Vec<Loaded> = Vec::new();
            for kind in host_kinds(context, index) {
                let loaded = Loaded { kind: kind.program_type(), by_prototype: true };
                if !found.contains(&loaded) {
                    found.push(loaded);
                }
            }
            found
        }
        NodeKind::Tracer(tracer) => {
            vec![Loaded { kind: tracing_kind(tracer.moment), by_prototype: false }]
        }
        NodeKind::Stub(_) => Vec::new(),
    }
}

/// Of which kinds the hosts of a replacement are.
fn host_kinds(context: &Context<'_>, replacement: NodeIndex) -> Vec<ProgramKind> {
    let graph = &context.chain.graph;
    let hosts = graph.hosts_below(replacement).into_iter();
    hosts.filter_map(|host| Some(context.program(graph.node(host))?.1.kind)).collect()
}

/// What the rules find in a program: what is certain or, if nothing is, what is possible.
fn look(context: &Context<'_>, subject: &Subject<'_>, findings: &Findings) -> Vec<Mistake> {
    let rules: [Rule; 5] =
        [arguments::find, pointers::find, results::find, tracers::find, unchecked::find];
    let find = |facts: &[Fact]| {
        rules.iter().filter_map(|rule| rule(context, subject, facts)).collect::<Vec<_>>()
    };
    let certain = find(&findings.certain.iter().copied().collect::<Vec<_>>());
    if !certain.is_empty() {
        return certain;
    }
    let uncalled = find(&findings.uncalled.iter().copied().collect::<Vec<_>>());
    let eager: fn(&Profile) -> bool = |profile| !profile.features.lazy_functions;
    let uncalled = uncalled.into_iter().filter(|mistake| mistake.refused_by.is_none());
    let uncalled = uncalled.map(|mistake| Mistake { refused_by: Some(eager), ..mistake });
    let possible = find(&findings.possible.iter().copied().collect::<Vec<_>>());
    let doubts = possible.into_iter().map(|mistake| doubt(mistake.found));
    doubts.map(Mistake::everywhere).chain(uncalled).collect()
}

/// What is said of a mistake that may be none.
fn doubt(mut found: Diagnostic) -> Diagnostic {
    let severity = Severity::Warning;
    found.message = format!("{}, if the verifier comes there", found.message);
    found.help = Some(
        "It goes by a constant that is set when the program is loaded, in read-only data or by \
         CO-RE: `freplace-compose validate --vm` asks the verifier. Or write it so that it is right \
         either way."
            .to_owned(),
    );
    Diagnostic { code: Code::UnknownUntilLoad, severity, ..found }
}
