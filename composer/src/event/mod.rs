//! Records of the ring buffer → events with their node and typed fields → lines of text.
//!
//! The payload's struct is found in the BTF of the node's object, so an author's event is shown
//! without a line of Rust. Knows no kernel: bytes in, text out.

mod calls;
mod digits;
mod foreign;
mod format;
mod human;
mod json;
mod layout;
mod paint;
mod printk;
mod schema;
mod story;
mod tally;
#[cfg(test)]
pub(crate) mod tests;
mod trace_event;
mod traced;
mod tree;
mod value;

use freplace_compose_common::Header;

pub use foreign::Foreign;
pub use human::{Clock, Human};
pub use json::{Json, NodeBooks};
pub use layout::{Field, Layout, Shape};
pub use paint::Paint;
pub use printk::{Printk, Said, TraceLine};
pub use schema::schema;
pub use tally::Tally;
pub use trace_event::TraceEvent;
pub use traced::Traced;
pub use tree::Tree;

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
    /// The first keys of its events as JSON.
    json: String,
    /// By their number. There are a few, so looking through them is quicker than hashing.
    layouts: Vec<(TypeId, Layout)>,
    /// What a built-in tracer tells, by its number, the first of which is 1.
    traced: Vec<Traced>,
}

/// One event of one node.
pub struct Event<'a> {
    /// The node that emitted it, as an index in the plan.
    pub index: usize,
    /// The node.
    pub node: &'a PlannedNode,
    /// The first keys of its events as JSON.
    json: &'a str,
    /// When, where and in which process.
    pub header: Header,
    /// The payload's struct; none when the node's object has no struct of the number given.
    pub layout: Option<&'a Layout>,
    /// What a built-in tracer tells, when it is one of its events.
    pub traced: Option<&'a Traced>,
    /// The payload's struct, when the payload is shorter than that.
    pub short: Option<&'a Layout>,
    /// The payload.
    pub payload: &'a [u8],
    /// How it came here.
    pub origin: Origin<'a>,
}

/// In the place of a CPU that is not known.
const NO_CPU: u32 = u32::MAX;

/// How an event came to the composer.
#[derive(Debug, Clone, Copy)]
pub enum Origin<'a> {
    /// Through `fc_events`.
    Composer,
    /// Through a map of the node's own.
    Map {
        /// The map.
        map: &'a Foreign,
        /// The CPU that wrote it, where the map tells.
        cpu: Option<u32>,
    },
    /// As a line of `bpf_printk`, which is the payload.
    Printk(&'a Said),
}

impl Event<'_> {
    /// Whether its bytes are shorter than its type, or the number of its type is that of none.
    #[inline]
    #[must_use]
    pub fn is_undecoded(&self) -> bool {
        let untyped = matches!(self.origin, Origin::Composer)
            && self.layout.is_none()
            && self.traced.is_none();
        self.short.is_some() || untyped
    }

    /// The kernel's word for what emitted it; of a tracer of both moments, the one it is of.
    #[must_use]
    pub fn label(&self) -> &'static str {
        self.traced.map_or(self.node.label, |traced| traced.moment().name())
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

impl Source {
    fn new(node: PlannedNode, mut layouts: Vec<(TypeId, Layout)>) -> Self {
        layouts.sort_by_key(|(id, _)| *id);
        let json = Json::keys_of(&node);
        Self { json, node, layouts, traced: Vec::new() }
    }

    fn layout(&self, id: TypeId) -> Option<&Layout> {
        let found = self.layouts.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.layouts.get(found).map(|(_, layout)| layout)
    }

    fn traced(&self, number: u32) -> Option<&Traced> {
        self.traced.get((number as usize).checked_sub(1)?)
    }
}

impl Decoder {
    /// Finds every struct of the objects of `chain`.
    #[must_use]
    pub fn new(chain: &Chain, library: &Library, plan: &Plan) -> Self {
        let source = |(node, planned): (&crate::chain::Node, &PlannedNode)| {
            let object = node.program().and_then(|(object, _)| library.get(&object.value));
            let layouts = object.map(layouts).unwrap_or_default();
            Source::new(planned.clone(), layouts)
        };
        let nodes = chain.graph.nodes().map(|(_, node)| node);
        let mut nodes: Vec<_> = nodes.zip(&plan.nodes).map(source).collect();
        let holders: Vec<_> = chain.graph.nodes().map(|(_, node)| node).collect();
        for (node, tracing) in plan.tracings() {
            let holder = holders.get(tracing.holder).and_then(|node| library.program(node));
            if let (Some(source), Some((object, _))) = (nodes.get_mut(node), holder) {
                source.traced.push(Traced::new(tracing, &object.btf, &source.node));
            }
        }
        Self { nodes }
    }

    /// Decodes one record.
    ///
    /// # Errors
    /// [`Malformed`], when it is no event of this chain.
    #[inline] // so that an event which is only counted is not put together
    pub fn decode<'a>(&'a self, record: &'a [u8]) -> Result<Event<'a>, Malformed> {
        let (header, payload) = Header::split(record).ok_or(Malformed::Short(record.len()))?;
        let index = header.node as usize;
        let source = self.nodes.get(index).ok_or(Malformed::Node(header.node))?;
        let layout = source.layout(header.r#type);
        let fits = |layout: &&Layout| layout.size as usize <= payload.len();
        let traced = source.traced(header.r#type).filter(|traced| traced.fits(payload));
        Ok(Event {
            index,
            node: &source.node,
            json: traced.map_or(source.json.as_str(), Traced::keys),
            header,
            layout: layout.filter(fits),
            traced,
            short: layout.filter(|layout| !fits(layout)),
            payload,
            origin: Origin::Composer,
        })
    }
}

fn layouts(object: &Object) -> Vec<(TypeId, Layout)> {
    let layout = |id: &TypeId| Some((*id, Layout::of(&object.btf, *id)?));
    object.events.iter().filter_map(layout).collect()
}
