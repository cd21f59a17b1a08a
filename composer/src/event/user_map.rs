//! Records of programs that do not use the composer's header: decoded by a type that the chain
//! names, or shown as bytes.

use std::iter::repeat;

use freplace_compose_common::Header;
use petgraph::graph::NodeIndex;

use super::{Event, Layout, NO_CPU, Payload, Shape, json, layout::shown, value};
use crate::{
    chain::{FieldStep, Node},
    plan::PlannedNode,
    resolve::{FieldFormat, RecordPiece, RecordStruct, Resolved},
};

/// The most bytes of a record of unknown type that are written for people.
const DUMP: usize = 256;

/// A map of events of one node, and how its records are decoded.
#[derive(Debug, Clone)]
pub struct UserEventMap {
    /// The node, as an index in the plan.
    pub node: usize,
    /// The map's name.
    pub map: String,
    planned: PlannedNode,
    /// The first keys of its events as JSON.
    json: String,
    layout: Option<Layout>,
    text: Vec<TextPart>,
    /// Where the time is, in bytes.
    time: Option<usize>,
}

/// A piece of a record's text.
#[derive(Debug, Clone)]
enum TextPart {
    Literal(String),
    /// A value, with its offset in bytes.
    Value(usize, Shape),
}

impl UserEventMap {
    /// Every event map that a node has for itself.
    #[must_use]
    pub fn all(resolved: &Resolved) -> Vec<Self> {
        let maps = resolved.programs().flat_map(|(index, node, of)| {
            of.event_maps().map(move |(map, record)| Self::new(index, node, &map.name, record))
        });
        maps.collect()
    }

    /// The map `map` of a node, whose records are `record`, or bytes.
    fn new(index: NodeIndex, node: &Node, map: &str, record: Option<&RecordStruct>) -> Self {
        let planned = PlannedNode::of(node);
        let mut layout = record.and_then(layout);
        let pieces = record.into_iter().flat_map(|record| record.text().iter().zip(repeat(record)));
        let text = pieces.map(|(piece, record)| part(piece, record, layout.as_mut())).collect();
        Self {
            node: index.index(),
            map: map.to_owned(),
            json: json::keys_of(&planned),
            planned,
            layout,
            text,
            time: record.and_then(RecordStruct::time),
        }
    }

    /// Whether its events have a time of their own.
    #[must_use]
    pub fn has_time(&self) -> bool {
        self.time.is_some()
    }

    /// The event that `record` is, which was read at `now` and written on `cpu`, where that is
    /// known.
    #[must_use]
    pub fn event<'a>(&'a self, record: &'a [u8], cpu: Option<u32>, now: u64) -> Event<'a> {
        let time = self.time.and_then(|at| record.get(at..at.checked_add(8)?)?.try_into().ok());
        let header = Header {
            time_ns: time.map_or(now, u64::from_ne_bytes),
            size: u32::try_from(record.len()).unwrap_or(u32::MAX),
            cpu: cpu.unwrap_or(NO_CPU),
            ..Header::default()
        };
        Event {
            index: self.node,
            node: &self.planned,
            json: &self.json,
            header,
            payload: Payload::of(self.layout.as_ref(), record, Some(self)),
            bytes: record,
        }
    }

    /// Whether the chain has a text for its records.
    pub(super) fn has_text(&self) -> bool {
        !self.text.is_empty()
    }

    /// The record's text.
    pub(super) fn text(&self, payload: &[u8], out: &mut String) {
        for part in &self.text {
            match part {
                TextPart::Literal(text) => super::human::escaped(text, out),
                TextPart::Value(at, shape) => {
                    shape.human(payload.get(*at..).unwrap_or_default(), out);
                }
            }
        }
    }
}

/// A record of a type that is not known, for people: its length and the bytes.
pub(super) fn dump(payload: &[u8], out: &mut String) {
    let (shown, rest) = payload.split_at(payload.len().min(DUMP));
    for (number, word) in shown.chunks(4).enumerate() {
        if number > 0 {
            out.push(' ');
        }
        value::hex(word, out);
    }
    if !rest.is_empty() {
        out.push_str(&format!(" … and {} more", rest.len()));
    }
}

/// The layout of a record, by the chain's name where its struct has none.
fn layout(record: &RecordStruct) -> Option<Layout> {
    let mut layout = Layout::of(record.types(), record.of())?;
    if layout.name.is_empty() {
        layout.name = shown(record.name());
    }
    Some(layout)
}

/// A piece of the text of `record`; what it says of a field's shape holds for `layout`, too.
fn part(piece: &RecordPiece, record: &RecordStruct, layout: Option<&mut Layout>) -> TextPart {
    let field = match piece {
        RecordPiece::Literal(text) => return TextPart::Literal(text.clone()),
        RecordPiece::Field(field) => field,
    };
    let Some(format) = &field.format else {
        return TextPart::Value(field.offset, Shape::of(record.types(), field.of));
    };
    let shape = Shape::from(format);
    if let Some(layout) = layout {
        set(&mut layout.fields, &field.path, &shape);
    }
    TextPart::Value(field.offset, shape)
}

impl From<&FieldFormat> for Shape {
    fn from(format: &FieldFormat) -> Self {
        match format {
            FieldFormat::Ipv4 => Self::Ipv4,
            FieldFormat::Ipv6 => Self::Ipv6,
            FieldFormat::BigEndian(size) => Self::BigEndian(*size),
            FieldFormat::Mac => Self::Mac,
            FieldFormat::Nanoseconds => Self::Nanoseconds,
            FieldFormat::Text(size) => Self::Text(*size),
            FieldFormat::Errno(size) => Self::Errno(*size),
            FieldFormat::Hex(size) => Self::Hex(*size),
            FieldFormat::Bytes(size) => Self::Bytes(*size),
            FieldFormat::Enum { size, signed, variants } => {
                let variants = variants.iter().map(|(name, value)| (shown(name), *value));
                Self::Enum { size: *size, signed: *signed, variants: variants.collect() }
            }
        }
    }
}

/// Gives the field at the end of `path` the shape `shape`; not an item of an array.
fn set(fields: &mut [super::Field], path: &[FieldStep], shape: &Shape) {
    let Some((FieldStep::Field(name), rest)) = path.split_first() else {
        return;
    };
    let Some(field) = fields.iter_mut().find(|field| field.name == *name) else { return };
    match (&mut field.shape, rest) {
        (own, []) => *own = shape.clone(),
        (Shape::Struct(fields), rest) => set(fields, rest, shape),
        _ => {}
    }
}

#[cfg(test)]
#[path = "user_map_tests.rs"]
mod tests;
