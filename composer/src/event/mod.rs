//! Records of the ring buffer → events with their node and typed fields → text, in a format of
//! `render`.
//!
//! The payload's struct is found in the BTF of the node's object, so showing a user's event does
//! not require any Rust. Independent of the kernel: bytes in, text out.

mod accounting;
mod call_tree;
mod calls;
mod change;
mod digits;
mod durations;
mod format;
mod human;
mod json;
mod layout;
mod outcome;
mod paint;
mod printk;
mod render;
mod schema;
#[cfg(test)]
pub(crate) mod tests;
mod traced;
mod user_map;
mod value;

use freplace_compose_common::Header;

pub use accounting::{EventAccounting, EventCounts, Loss, Skips};
pub use change::ProgramChange;
pub use durations::Durations;
pub use human::WallClock;
pub use layout::{Field, Layout, Shape};
pub use paint::Paint;
pub use printk::{Printk, PrintkLine, TraceLine};
pub use render::{ChromeTrace, Count, Html, Json, Log, Render, Stats, Totals, Tree};
pub use schema::schema;
pub use traced::Traced;
pub use user_map::UserEventMap;

use crate::{
    chain::Node,
    hook::ProgramOutput,
    object::{Object, btf::TypeId},
    plan::PlannedNode,
    resolve::{NodeProgram, Resolved, ResolvedNode},
};

/// Decodes the events of a chain.
pub struct Decoder {
    nodes: Vec<EventNode>,
}

/// A node and the structs of its events.
struct EventNode {
    node: PlannedNode,
    /// The first keys of its events as JSON.
    json: String,
    /// By type id. There are only a few, so a linear search is faster than hashing.
    layouts: Vec<(TypeId, Layout)>,
    /// The events of a built-in tracer, by number, starting with 1.
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
    /// Its decoded payload.
    pub payload: Payload<'a>,
    /// The bytes after the header; the text of a line.
    pub bytes: &'a [u8],
}

/// The decoded payload of an event. A map is the node's own map that it was read from; without one
/// it was read from `fc_events`.
#[derive(Debug, Clone, Copy)]
pub enum Payload<'a> {
    /// A struct.
    Struct(&'a Layout, Option<&'a UserEventMap>),
    /// Fewer bytes than the struct has.
    Truncated(&'a Layout, Option<&'a UserEventMap>),
    /// Of no known type: the chain names none for the map, or the object has none of the number in
    /// the header.
    Unknown(Option<&'a UserEventMap>),
    /// A call that a built-in tracer saw begin or end.
    Call(&'a Traced),
    /// A line of `bpf_printk`.
    Line(&'a PrintkLine),
    /// A line that a program wrote that ran once.
    Written(&'a str),
    /// What such a program returned.
    Returned(i32),
}

/// In the place of a CPU that is not known.
const NO_CPU: u32 = u32::MAX;

impl<'a> Payload<'a> {
    /// Bytes that ought to be a struct of `layout`, where a type is known.
    fn of(layout: Option<&'a Layout>, bytes: &[u8], map: Option<&'a UserEventMap>) -> Self {
        match layout {
            Some(layout) if layout.size as usize <= bytes.len() => Self::Struct(layout, map),
            Some(layout) => Self::Truncated(layout, map),
            None => Self::Unknown(map),
        }
    }

    /// Whether it was read from `fc_events`, with the composer's header, which contains the call.
    #[must_use]
    pub fn has_header(&self) -> bool {
        match self {
            Self::Struct(_, map) | Self::Truncated(_, map) | Self::Unknown(map) => map.is_none(),
            Self::Call(_) => true,
            Self::Line(_) | Self::Written(_) | Self::Returned(_) => false,
        }
    }

    /// The call, when it is one.
    fn call(&self) -> Option<&'a Traced> {
        match self {
            Self::Call(traced) => Some(traced),
            _ => None,
        }
    }
}

impl Event<'_> {
    /// Whether its bytes are shorter than its type, or the number of its type is that of none.
    #[inline]
    #[must_use]
    pub fn is_undecoded(&self) -> bool {
        matches!(self.payload, Payload::Truncated(..) | Payload::Unknown(None))
    }

    /// The kernel's name for the kind of program that emitted it; for a tracer of entry and exit,
    /// the one that applies.
    #[must_use]
    pub fn label(&self) -> &'static str {
        self.payload.call().map_or(self.node.label, |call| call.point().name())
    }
}

/// Why a record is no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Shorter than a header, or than the length in its header.
    #[error("a record of {0} bytes is shorter than its header states")]
    Short(usize),
    /// From a node that the chain does not have.
    #[error("a record of unknown node number {0}")]
    Node(u32),
}

impl EventNode {
    fn new(node: PlannedNode, mut layouts: Vec<(TypeId, Layout)>) -> Self {
        layouts.sort_by_key(|(id, _)| *id);
        let json = json::keys_of(&node);
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
    /// Creates the decoder from the structs in a chain's objects and from its built-in tracers.
    #[must_use]
    pub fn new(resolved: &Resolved) -> Self {
        let source = |(_, node, resolved): (_, &Node, &ResolvedNode)| {
            let objects = resolved.program().map(NodeProgram::object).into_iter();
            let mut source =
                EventNode::new(PlannedNode::of(node), objects.flat_map(layouts).collect());
            for function in resolved.traced() {
                let tell = function.tracings().iter().filter(|(_, tracing)| tracing.tells());
                let traced =
                    tell.map(|(_, it)| Traced::new(it, &function.object().btf, &source.node));
                source.traced.extend(traced);
            }
            source
        };
        Self { nodes: resolved.nodes().map(source).collect() }
    }

    /// An event of each kind that node `index` may write to `fc_events`, all of whose values are zero; of no known
    /// type where none is known.
    pub fn samples(&self, index: usize, each: &mut dyn FnMut(&Event<'_>)) {
        let Some(source) = self.nodes.get(index) else { return };
        // Of a process, so that it has all keys that an event may have.
        let header = Header { pid: 1, ..Header::default() };
        let mut event = |json, payload, bytes: &[u8]| {
            each(&Event { index, node: &source.node, json, header, payload, bytes });
        };
        for (_, layout) in &source.layouts {
            event(&source.json, Payload::Struct(layout, None), &vec![0; layout.size as usize]);
        }
        for traced in &source.traced {
            event(traced.keys(), Payload::Call(traced), &vec![0; traced.size()]);
        }
        if source.layouts.is_empty() && source.traced.is_empty() {
            event(&source.json, Payload::Unknown(None), &[]);
        }
    }

    /// The events of a program of node `index` that ran once and had ended at `time_ns`.
    pub fn output(
        &self,
        index: usize,
        output: &ProgramOutput,
        time_ns: u64,
        each: &mut dyn FnMut(&Event<'_>),
    ) {
        let Some(source) = self.nodes.get(index) else { return };
        let header = Header { time_ns, cpu: NO_CPU, ..Header::default() };
        let (node, json) = (&source.node, source.json.as_str());
        let mut event = |payload, bytes| {
            each(&Event { index, node, json, header, payload, bytes });
        };
        match output {
            ProgramOutput::Text(text) => {
                text.lines().for_each(|line| event(Payload::Written(line), line.as_bytes()));
            }
            ProgramOutput::Answer(answer) => event(Payload::Returned(*answer), &[]),
        }
    }

    /// Decodes one record.
    ///
    /// # Errors
    /// [`Malformed`], when it is no event of this chain.
    #[inline] // so that an event which is only counted is not put together
    pub fn decode<'a>(&'a self, record: &'a [u8]) -> Result<Event<'a>, Malformed> {
        let (header, bytes) = Header::split(record).ok_or(Malformed::Short(record.len()))?;
        let index = header.node as usize;
        let source = self.nodes.get(index).ok_or(Malformed::Node(header.node))?;
        let (json, payload) = match source.traced(header.r#type) {
            Some(traced) if traced.fits(bytes) => (traced.keys(), Payload::Call(traced)),
            _ => (source.json.as_str(), Payload::of(source.layout(header.r#type), bytes, None)),
        };
        Ok(Event { index, node: &source.node, json, header, payload, bytes })
    }
}

/// The structs that `object` writes as events, by their number.
fn layouts(object: &Object) -> impl Iterator<Item = (TypeId, Layout)> {
    let layout = |id: &TypeId| Some((*id, Layout::of(&object.btf, *id)?));
    object.events.iter().filter_map(layout)
}
