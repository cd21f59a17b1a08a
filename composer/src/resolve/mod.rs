//! The meaning of the names in a chain: objects, programs, maps, variables, fields.
//!
//! Each name is looked up here, once. [`PartlyResolved`] is what was found for a chain that may
//! contain errors; the rules use it. [`Resolved`] is a chain in which every name was found:
//! everything after the rules uses it, and does not look anything up that could be missing.

mod answer;
mod attached_maps;
pub(crate) mod functions;
pub(crate) mod globals;
mod maps;
mod node;
mod partly;
mod pattern;
mod program;
pub(crate) mod reach;
mod records;
mod running;
mod store;
pub(crate) mod tables;
mod traced;
mod values;

use std::ops::Index;

use petgraph::graph::NodeIndex;

pub use globals::{EncodedPart, SetGlobal, SetGlobalParts, constant};
pub(crate) use maps::is_only_jumped_to;
pub use maps::{ChainMap, PinnedAt, is_shared};
pub use node::{ResolvedKind, ResolvedNode, TargetFunction};
pub use partly::PartlyResolved;
pub use program::NodeProgram;
pub use records::{FieldFormat, RecordField, RecordPiece, RecordStruct};
pub use running::{NotLooked, RunningPrograms};
pub use store::{ObjectStore, installation, open_object, parse_object};
pub use traced::TracerTarget;
pub use values::{EncodedValue, encode, global_values};

use crate::{
    chain::{Chain, Node},
    diag::Diagnostic,
};

/// A chain with its objects, in which every name was found.
///
/// It may still violate rules: see [`check`](crate::check).
#[derive(Debug)]
pub struct Resolved {
    chain: Chain,
    objects: ObjectStore,
    /// By the index of the node.
    nodes: Vec<ResolvedNode>,
}

impl Resolved {
    /// Reads the objects of `chain` and resolves its names without checking the rules, for callers
    /// that leave the verdict to a kernel.
    ///
    /// # Errors
    /// Every name that was not found, in file order.
    pub fn open(chain: Chain) -> Result<Self, Vec<Diagnostic>> {
        PartlyResolved::open(chain).whole()
    }

    /// The chain.
    #[must_use]
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Its objects.
    #[must_use]
    pub fn objects(&self) -> &ObjectStore {
        &self.objects
    }

    /// The resolved nodes in file order.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeIndex, &Node, &ResolvedNode)> {
        let nodes = self.chain.graph.nodes().zip(&self.nodes);
        nodes.map(|((index, node), resolved)| (index, node, resolved))
    }

    /// The nodes with a program, in the order of the file.
    pub fn programs(&self) -> impl Iterator<Item = (NodeIndex, &Node, &NodeProgram)> {
        self.nodes().filter_map(|(index, node, resolved)| Some((index, node, resolved.program()?)))
    }
}

/// What the node at `index`, which came from the chain's graph, stands for.
impl Index<NodeIndex> for Resolved {
    type Output = ResolvedNode;

    fn index(&self, index: NodeIndex) -> &ResolvedNode {
        &self.nodes[index.index()]
    }
}
