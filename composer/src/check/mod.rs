//! The rules: is this chain, with these objects, one that can be brought up?
//!
//! Pure: it sees the chain and the objects, never a kernel. It reports all it finds, each with the
//! node's line in the file.

mod conflicts;
mod library;
mod maps;
mod programs;
mod prototypes;
mod stubs;

use std::{collections::HashSet, ops::Range, sync::Arc};

use petgraph::graph::NodeIndex;

pub use library::{Library, open_object};

use crate::{
    chain::{Chain, Moment, Node, NodeKind},
    diag::{Code, Diagnostic, Source},
    object::{Object, Program, ProgramKind},
};

/// Checks `chain` against its objects.
///
/// The diagnostics are in file order; none means that the chain can be planned.
#[must_use]
pub fn check(chain: &Chain, library: &Library) -> Vec<Diagnostic> {
    let mut context = Context { chain, library, found: Vec::new(), misfits: HashSet::new() };
    programs::check(&mut context);
    stubs::check(&mut context);
    prototypes::check(&mut context);
    conflicts::check(&mut context);
    maps::check(&mut context);
    let mut found = context.found;
    found.sort_by_key(|found| found.labels.first().map_or(0, |label| label.span.start));
    found
}

/// Reads the objects of `chain` and checks it against them.
///
/// # Errors
/// Every diagnostic, of the objects and of the rules, in file order.
pub fn open(chain: &Chain) -> Result<Library, Vec<Diagnostic>> {
    let (library, mut found) = Library::open(chain);
    found.extend(check(chain, &library));
    found.sort_by_key(|found| found.labels.first().map_or(0, |label| label.span.start));
    if found.is_empty() { Ok(library) } else { Err(found) }
}

/// What a rule looks at, and where its findings go.
struct Context<'a> {
    chain: &'a Chain,
    library: &'a Library,
    found: Vec<Diagnostic>,
    /// Nodes whose program is of the wrong type: what else is wrong with it says nothing.
    misfits: HashSet<NodeIndex>,
}

impl<'a> Context<'a> {
    fn source(&self) -> &'a Arc<Source> {
        &self.chain.source
    }

    fn report(
        &mut self,
        code: Code,
        message: String,
        span: Range<usize>,
        label: impl Into<String>,
        help: String,
    ) {
        let found = Diagnostic::new(code, message).label(self.source(), span, label).help(help);
        self.found.push(found);
    }

    /// The object of `node` and its program, when both are there.
    fn program(&self, node: &Node) -> Option<(&'a Object, &'a Program)> {
        let (object, program) = node.program()?;
        let object = self.library.get(&object.value)?;
        Some((object, object.program(&program.value)?))
    }
}

/// What a tracer's program has to be.
fn tracing_kind(moment: Moment) -> ProgramKind {
    match moment {
        Moment::Fentry => ProgramKind::Fentry,
        Moment::Fexit => ProgramKind::Fexit,
    }
}

/// What the node is, for messages: `` replacement `handler_v1` ``.
fn title(node: &Node) -> String {
    format!("{} `{}`", node.role(), node.id.value)
}

/// Whether the node is a replacement.
fn is_replacement(node: &Node) -> bool {
    matches!(node.kind, NodeKind::Replacement(_))
}
