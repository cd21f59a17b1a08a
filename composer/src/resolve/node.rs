//! A resolved node.

use petgraph::graph::NodeIndex;

use super::{NodeProgram, TracerTarget};
use crate::{
    chain::{ProbePoint, Spanned},
    diag::Span,
    hook::Attach,
};

/// A resolved node.
#[derive(Debug)]
pub struct ResolvedNode {
    pub(super) kind: ResolvedKind,
    pub(super) has_task: bool,
}

/// The kind of a node, with the resolved names.
#[derive(Debug)]
pub enum ResolvedKind {
    /// A program at a hook.
    Host {
        /// The program.
        program: NodeProgram,
        /// The hook; `None` if it is only reached by tail calls.
        attach: Option<Spanned<Attach>>,
    },
    /// A function of hosts.
    Stub,
    /// A program in the place of a stub.
    Replacement {
        /// The program.
        program: NodeProgram,
        /// The location that names the stub.
        stub: Span,
        /// The stub, in each of its hosts.
        functions: Vec<TargetFunction>,
    },
    /// A tracer with a program of the author's.
    Tracer {
        /// The program.
        program: NodeProgram,
        /// When it runs.
        point: ProbePoint,
        /// The location that names its target.
        target: Span,
        /// The traced functions.
        functions: Vec<TargetFunction>,
    },
    /// The built-in tracer.
    BuiltIn {
        /// Its program for the requested probe point.
        program: NodeProgram,
        /// What asks for its target.
        target: Span,
        /// The traced functions, and what is recorded of each call.
        functions: Vec<TracerTarget>,
    },
}

/// A function that a replacement or tracer is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetFunction {
    /// The node whose program holds it.
    pub holder: NodeIndex,
    /// Its name.
    pub name: String,
    /// Its index in the functions of that program's object.
    pub index: usize,
}

impl ResolvedNode {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> &ResolvedKind {
        &self.kind
    }

    /// Whether all hosts that it depends on have a current task.
    #[must_use]
    pub fn has_task(&self) -> bool {
        self.has_task
    }

    /// Its program; none for a stub.
    #[must_use]
    pub fn program(&self) -> Option<&NodeProgram> {
        match &self.kind {
            ResolvedKind::Stub => None,
            ResolvedKind::Host { program, .. }
            | ResolvedKind::Replacement { program, .. }
            | ResolvedKind::Tracer { program, .. }
            | ResolvedKind::BuiltIn { program, .. } => Some(program),
        }
    }

    /// The functions that a built-in tracer traces; empty for other nodes.
    #[must_use]
    pub fn traced(&self) -> &[TracerTarget] {
        match &self.kind {
            ResolvedKind::BuiltIn { functions, .. } => functions,
            _ => &[],
        }
    }
}
