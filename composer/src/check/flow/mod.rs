//! Errors that the verifier is certain to find in the instructions of the chain's programs.
//!
//! [`object::flow`](crate::object::flow) determines the facts. A certain one is an error. One that
//! depends on a constant that only the verifier knows is a warning; others are not reported.

mod arguments;
mod functions;
mod pointers;
mod relocations;
mod results;
mod stack;
mod tail_calls;
mod tracers;
mod unchecked;

use std::{
    collections::{HashMap, HashSet},
    ops::Deref,
    sync::Arc,
};

use petgraph::graph::NodeIndex;

use super::{Context, Load, Profile, tracing_kind};
use crate::{
    chain::{NodeKind, ObjectRef},
    diag::{Code, Diagnostic, Severity},
    object::{
        ProgramKind,
        flow::{Fact, Findings, read},
    },
};

/// What the facts mean for a program, if they are a mistake.
type FlowRule = fn(&Context<'_>, &CheckedProgram<'_>, &[Fact]) -> Option<Rejection>;

/// A mistake in a program.
struct Rejection {
    found: Diagnostic,
    /// Which kernels refuse it, when not all do.
    refused_by: Option<fn(&Profile) -> bool>,
}

impl Rejection {
    fn everywhere(found: Diagnostic) -> Self {
        Self { found, refused_by: None }
    }
}

/// What a node's program is to the verifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct LoadedAs {
    pub(super) kind: ProgramKind,
    /// Whether its entry is a function with a prototype, as a replacement's is.
    by_prototype: bool,
}

/// What has been read of the instructions of programs, of each once.
#[derive(Default)]
pub(super) struct Readings<'a>(HashMap<(&'a ObjectRef, &'a str, LoadedAs), Arc<Findings>>);

impl<'a> Readings<'a> {
    /// What is found in the program of `load`, as it is `loaded`.
    pub(super) fn of(&mut self, load: &Load<'a>, loaded: LoadedAs) -> Arc<Findings> {
        let Load { of, object, program, .. } = *load;
        let found = || Arc::new(read(object, program, loaded.kind, loaded.by_prototype));
        let known = self.0.entry((&of.reference().value, program.name.as_str(), loaded));
        Arc::clone(known.or_insert_with(found))
    }
}

/// A node's program, or one of its tables, as it is loaded.
struct CheckedProgram<'a> {
    index: NodeIndex,
    load: Load<'a>,
    loaded: LoadedAs,
}

impl<'a> Deref for CheckedProgram<'a> {
    type Target = Load<'a>;

    fn deref(&self) -> &Load<'a> {
        &self.load
    }
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
        // Which way the built-in tracer goes hangs on a table that it is given.
        if node.built_in().is_some() || context.misfits.contains(&index) {
            continue;
        }
        for load in context.loads(index) {
            for loaded in loaded(context, index, &load) {
                judge(context, &mut books, &CheckedProgram { index, load, loaded });
            }
        }
    }
    tail_calls::check(context);
}

fn judge<'a>(context: &mut Context<'a>, books: &mut Books<'a>, subject: &CheckedProgram<'a>) {
    let (reference, name) = (&subject.of.reference().value, subject.program.name.as_str());
    let findings = context.readings.of(&subject.load, subject.loaded);
    functions::check(context, books, subject, &findings);
    if books.told.insert((reference, name, Code::KernelLacksName)) {
        relocations::check(context, subject, &findings);
    }
    if books.told.insert((reference, name, Code::StackLimit)) {
        stack::check(context, subject, &findings);
    }
    // Two nodes with one program are one mistake; what is wrong with a tracer is so for its target.
    let is_tracer = subject.is_own && matches!(subject.node.kind, NodeKind::Tracer(_));
    for Rejection { found, refused_by } in look(context, subject, &findings) {
        if !is_tracer && !books.told.insert((reference, name, found.code)) {
            continue;
        }
        match refused_by {
            Some(refuses) => context.push_where(found, refuses),
            None => context.found.push(found),
        }
    }
}

/// As what the program of a node, or of its tables, is loaded: a replacement once for each type of
/// its hosts.
pub(super) fn loaded(context: &Context<'_>, index: NodeIndex, load: &Load<'_>) -> Vec<LoadedAs> {
    let as_it_is = || vec![LoadedAs { kind: load.program.kind, by_prototype: false }];
    match &load.node.kind {
        // Whoever's table it is in, it is loaded as what it is.
        _ if !load.is_own => as_it_is(),
        NodeKind::Host(_) => as_it_is(),
        NodeKind::Replacement(_) => {
            let mut found: Vec<LoadedAs> = Vec::new();
            for kind in host_kinds(context, index) {
                let loaded = LoadedAs { kind: kind.base(), by_prototype: true };
                if !found.contains(&loaded) {
                    found.push(loaded);
                }
            }
            found
        }
        NodeKind::Tracer(tracer) => {
            vec![LoadedAs { kind: tracing_kind(tracer.point), by_prototype: false }]
        }
        NodeKind::Stub(_) => Vec::new(),
    }
}

/// Of which kinds the hosts of a replacement are.
fn host_kinds(context: &Context<'_>, replacement: NodeIndex) -> Vec<ProgramKind> {
    let graph = &context.chain.graph;
    let hosts = graph.hosts_below(replacement).into_iter();
    hosts.filter_map(|host| Some(context.program(host)?.1.kind)).collect()
}

/// What the rules find in a program: what is certain or, if nothing is, what is possible.
fn look(
    context: &Context<'_>,
    subject: &CheckedProgram<'_>,
    findings: &Findings,
) -> Vec<Rejection> {
    let rules: [FlowRule; 5] =
        [arguments::find, pointers::find, unchecked::find, results::find, tracers::find];
    // The last two go by what the node is, which is nothing to a program of its tables.
    let rules = if subject.is_own { &rules[..] } else { &rules[..3] };
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
    let uncalled = uncalled.map(|mistake| Rejection { refused_by: Some(eager), ..mistake });
    let possible = find(&findings.possible.iter().copied().collect::<Vec<_>>());
    let doubts = possible.into_iter().map(|mistake| doubt(mistake.found));
    doubts.map(Rejection::everywhere).chain(uncalled).collect()
}

/// What is said of a mistake that may be none.
fn doubt(mut found: Diagnostic) -> Diagnostic {
    let severity = Severity::Warning;
    found.message = format!("{}, if the verifier reaches it", found.message);
    found.help = Some(
        "Run `freplace-compose validate --vm` to check it with the verifier, or write the code so \
         that both branches are valid. It depends on a constant that is set at load, in read-only \
         data or by CO-RE."
            .to_owned(),
    );
    Diagnostic { code: Code::UnknownUntilLoad, severity, ..found }
}
