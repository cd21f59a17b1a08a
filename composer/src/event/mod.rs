//! Records of the ring buffer → events with their node and typed fields → lines of text.
//!
//! The payload's struct is found in the BTF of the node's object, so an author's event is shown
//! without a line of Rust. Knows no kernel: bytes in, text out.

mod human;
mod json;
mod layout;
#[cfg(test)]
mod tests;
mod traced;
mod value;

use std::collections::HashMap;

use freplace_compose_common::Header;

pub use human::{Clock, Human};
pub use json::Json;
pub use layout::{Field, Layout, Shape};
pub use traced::Traced;

use crate::{
    chain::Chain,
    check::Library,
    object::{Object, btf::TypeId},
    plan::{Plan, PlannedNode},
};

/// What an event is decoded by.
pub struct Decoder {
    nodes: Vec<Source>,
}

/// A node and the structs of its events.
struct Source {
    node: PlannedNode,
    layouts: HashMap<TypeId, Layout>,
    /// What a built-in tracer tells, by its number.
    traced: HashMap<u32, Traced>,
}

/// One event of one node.
pub struct Event<'a> {
    /// The node that emitted it, as an index in the plan.
    pub index: usize,
    /// The node.
    pub node: &'a PlannedNode,
    /// When, where and in which process.
    pub header: Header,
    /// The payload's struct; none when the node's object has no struct of the number given.
    pub layout: Option<&'a Layout>,
    /// What a built-in tracer tells, when it is one of its events.
    pub traced: Option<&'a Traced>,
    /// The payload.
    pub payload: &'a [u8],
}

impl Event<'_> {
    /// The kernel's word for what emitted it; of a tracer of both moments, the one it is of.
    #[must_use]
    pub fn label(&self) -> &'static str {
        self.traced.map_or(self.node.label, Traced::label)
    }
}

/// Why a record is no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Shorter than its header, or than the header says.
    #[error("a record of {0} bytes is shorter than it says")]
    Short(usize),
    /// From a node that the chain does not have.
    #[error("a record of node number {0}, which the chain does not have")]
    Node(u32),
}

impl Decoder {
    /// Finds every struct of the objects of `chain`.
    #[must_use]
    pub fn new(chain: &Chain, library: &Library, plan: &Plan) -> Self {
        let source = |(node, planned): (&crate::chain::Node, &PlannedNode)| {
            let object = node.program().and_then(|(object, _)| library.get(&object.value));
            let layouts = object.map(layouts).unwrap_or_default();
            Source { node: planned.clone(), layouts, traced: HashMap::new() }
        };
        let nodes = chain.graph.nodes().map(|(_, node)| node);
        let mut nodes: Vec<_> = nodes.zip(&plan.nodes).map(source).collect();
        let holders: Vec<_> = chain.graph.nodes().map(|(_, node)| node).collect();
        for (node, tracing) in plan.tracings() {
            let holder = holders.get(tracing.holder).and_then(|node| library.program(node));
            if let (Some(source), Some((object, _))) = (nodes.get_mut(node), holder) {
                let name = source.node.place.rsplit(':').next().unwrap_or_default();
                let traced = Traced::new(tracing, &object.btf, name);
                source.traced.insert(tracing.table.r#type, traced);
            }
        }
        Self { nodes }
    }

    /// Decodes one record.
    ///
    /// # Errors
    /// [`Malformed`], when it is no event of this chain.
    pub fn decode<'a>(&'a self, record: &'a [u8]) -> Result<Event<'a>, Malformed> {
        let (header, payload) = Header::split(record).ok_or(Malformed::Short(record.len()))?;
        let index = header.node as usize;
        let source = self.nodes.get(index).ok_or(Malformed::Node(header.node))?;
        let layout = source.layouts.get(&header.r#type);
        let layout = layout.filter(|layout| layout.size as usize <= payload.len());
        let traced = source.traced.get(&header.r#type).filter(|traced| traced.fits(payload));
        Ok(Event { index, node: &source.node, header, layout, traced, payload })
    }
}

fn layouts(object: &Object) -> HashMap<TypeId, Layout> {
    let layout = |id: &TypeId| Some((*id, Layout::of(&object.btf, *id)?));
    object.core_types.events.iter().filter_map(layout).collect()
}
