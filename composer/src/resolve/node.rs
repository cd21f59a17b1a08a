//! A resolved node.

use petgraph::graph::NodeIndex;

use super::{NodeProgram, TracerTarget};
use crate::{
    chain::{ProbePoint, Spanned},
    diag::Span,
    hook::Attach,
};

/// A node with everything that its names refer to.
#[derive(Debug)]
pub struct ResolvedNode {
    pub(super) kind: ResolvedKind,
    pub(super) has_task: bool,
}

/// The kind of a node, with everything that its names refer to.
#[derive(Debug)]
pub enum ResolvedKind {
    /// A program at a kernel hook.
    Host {
        /// The program.
        program: NodeProgram,
        /// The hook; none for a program that only tail calls reach.
        attach: Option<Spanned<Attach>>,
    },
    /// A function of hosts.
    Stub,
    /// A program that replaces a stub.
    Replacement {
        /// The program.
        program: NodeProgram,
        /// The reference to the stub.
        stub: Span,
        /// The stub, in each of its hosts.
        functions: Vec<TargetFunction>,
    },
    /// A tracer with its own program.
    Tracer {
        /// The program.
        program: NodeProgram,
        /// When it runs.
        point: ProbePoint,
        /// The reference to its target.
        target: Span,
        /// The traced functions.
        functions: Vec<TargetFunction>,
    },
    /// The built-in tracer.
    BuiltIn {
        /// Its program for the moment that the node asks for.
        program: NodeProgram,
        /// The reference to its target.
        target: Span,
        /// The traced functions, and what is recorded of each call.
        functions: Vec<TracerTarget>,
    },
}

/// A function that is replaced or traced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetFunction {
    /// The node whose program contains it.
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

    /// The targets of a built-in tracer; empty for other nodes.
    #[must_use]
    pub fn traced(&self) -> &[TracerTarget] {
        match &self.kind {
            ResolvedKind::BuiltIn { functions, .. } => functions,
            _ => &[],
        }
    }
}
