//! A node of a plan, with what is needed to show progress.

use std::fmt;

use serde::Serialize;

use crate::chain::{Node, NodeKind, ProbePoint, Role};

/// A node, with what is needed to show events and progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedNode {
    /// Its id in the file.
    pub id: String,
    /// The include that it is from.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// Its kind.
    pub role: Role,
    /// The kernel's name for its program's kind: `kprobe`, `freplace`.
    pub label: &'static str,
    /// When a tracer sees its target; never, for a node that is none.
    #[serde(skip)]
    pub moments: &'static [ProbePoint],
    /// Where it sits: the hook's place, the stub, the traced node.
    pub place: AttachPoint,
}

impl PlannedNode {
    /// What is to be known of `node`.
    pub(crate) fn of(node: &Node) -> Self {
        let (at, function) = match &node.kind {
            NodeKind::Host(host) => (host.place(), None),
            NodeKind::Stub(stub) => (stub.function.value.clone(), None),
            NodeKind::Replacement(replacement) => (replacement.stub.value.clone(), None),
            NodeKind::Tracer(tracer) => {
                let function = tracer.function.as_ref().map(|function| function.value.clone());
                (tracer.target.value.clone(), function)
            }
        };
        Self {
            id: node.id.value.clone(),
            scope: node.scope.clone(),
            role: node.role(),
            label: node.label(),
            moments: node.moments(),
            place: AttachPoint { at, function },
        }
    }

    /// The labels that its events have: of a tracer of both moments the one that an event is of.
    pub fn event_labels(&self) -> impl Iterator<Item = &'static str> {
        let one = (self.moments.len() < 2).then_some(self.label);
        one.into_iter().chain(self.moments.iter().map(|point| point.name()))
    }
}

/// Where a node sits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachPoint {
    /// The hook's place, the stub or the traced node.
    pub at: String,
    /// The function that is traced, where it is not the entry of the traced node.
    pub function: Option<String>,
}

impl AttachPoint {
    /// The name of the traced function; the node's id if it is the entry function of a node.
    #[must_use]
    pub fn function(&self) -> &str {
        self.function.as_deref().unwrap_or(&self.at)
    }
}

impl fmt::Display for AttachPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.function {
            Some(function) => write!(f, "{}:{function}", self.at),
            None => f.write_str(&self.at),
        }
    }
}

impl Serialize for AttachPoint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
