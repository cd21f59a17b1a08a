//! Records of programs that know nothing of the composer: by a type that the chain names, or as
//! bytes.

use freplace_compose_common::Header;
use petgraph::graph::NodeIndex;

use super::{Event, Layout, NO_CPU, Payload, Shape, json, layout::shown, value};
use crate::{
    chain::{Declared, EventMap, FieldRef, FieldStep, Hint, Node, Spanned, TextPiece},
    object::{
        MapDef,
        btf::{Btf, Type, TypeId},
        place,
    },
    plan::PlannedNode,
    resolve::{self, NodeProgram, Resolved},
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
    /// A value, so many bytes from the start.
    Value(usize, Shape),
}

impl UserEventMap {
    /// Every event map that a node has for itself.
    #[must_use]
    pub fn all(resolved: &Resolved) -> Vec<Self> {
        let own = |map: &&MapDef| !resolve::is_shared(map);
        let maps = resolved.programs().flat_map(|(index, node, of)| {
            of.maps().filter(own).map(move |map| (index, node, of, map))
        });
        maps.map(|(index, node, of, map)| Self::new(index, node, of, map)).collect()
    }

    /// The event map `map` of the program of a node.
    fn new(index: NodeIndex, node: &Node, of: &NodeProgram, map: &MapDef) -> Self {
        let planned = PlannedNode::of(node);
        let mut events = Self {
            node: index.index(),
            map: map.name.clone(),
            json: json::keys_of(&planned),
            planned,
            layout: None,
            text: Vec::new(),
            time: None,
        };
        let named = node.output.events.iter().find(|events| events.map.value == map.name);
        if let Some(named) = named {
            events.decode_by(named, &of.object().btf);
        }
        events
    }

    /// Takes over what the chain says of the map. What is wrong with that was reported.
    fn decode_by(&mut self, named: &EventMap, btf: &Btf) -> Option<()> {
        let object = btf;
        let declared = named.layout.as_ref().and_then(|own| Btf::parse(own.section()).ok());
        let (btf, of, name) = match &declared {
            Some(own) => (own, Declared::STRUCT, &named.map.value),
            None => {
                let record = &named.record.as_ref()?.value;
                (object, place::structure(object, record)?, record)
            }
        };
        let mut layout = Layout::of(btf, of)?;
        if layout.name.is_empty() {
            layout.name = shown(name);
        }
        for piece in named.text.iter().flatten() {
            self.text.extend(match piece {
                TextPiece::Literal(text) => Some(TextPart::Literal(text.clone())),
                TextPiece::Field(field) => value(btf, of, field, object, &mut layout),
            });
        }
        let time = named.time.as_ref().and_then(|path| resolve::walk(btf, of, path).ok());
        self.time = time.map(|(offset, _)| offset as usize);
        self.layout = Some(layout);
        Some(())
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

/// A field's place and shape; what the text says of its shape holds for `layout`, too. Enums are
/// those of `object`.
fn value(
    btf: &Btf,
    of: TypeId,
    field: &FieldRef,
    object: &Btf,
    layout: &mut Layout,
) -> Option<TextPart> {
    let (offset, at) = resolve::walk(btf, of, &field.path).ok()?;
    let offset = offset as usize;
    let hint = field.hint.as_ref().map(|hint| &hint.value);
    let hint = hint.filter(|hint| resolve::fits(hint, btf, at).is_ok());
    let Some(shape) = hint.and_then(|hint| shape(hint, btf, at, object)) else {
        return Some(TextPart::Value(offset, Shape::of(btf, at)));
    };
    set(&mut layout.fields, &field.path, &shape);
    Some(TextPart::Value(offset, shape))
}

fn shape(hint: &Hint, btf: &Btf, of: TypeId, object: &Btf) -> Option<Shape> {
    let size = btf.size(of)? as usize;
    Some(match hint {
        Hint::Ipv4 => Shape::Ipv4,
        Hint::Ipv6 => Shape::Ipv6,
        Hint::Be16 | Hint::Be32 | Hint::Be64 => Shape::BigEndian(size),
        Hint::Mac => Shape::Mac,
        Hint::Ns => Shape::Nanoseconds,
        Hint::Str => Shape::Text(size),
        Hint::Errno => Shape::Errno(size),
        Hint::Hex => match btf.resolve(of)?.1 {
            Type::Int { size: 1 | 2 | 4 | 8, .. } | Type::Enum { size: 1 | 2 | 4 | 8, .. } => {
                Shape::Hex(size)
            }
            _ => Shape::Bytes(size),
        },
        Hint::Enum(name) => {
            let Type::Enum { signed, variants, .. } = place::enumeration(object, name)? else {
                return None;
            };
            let variants = variants.into_iter().map(|(name, value)| (shown(name), value));
            Shape::Enum { size, signed, variants: variants.collect() }
        }
    })
}

/// Gives the field at the end of `path` the shape `shape`; not an item of an array.
fn set(fields: &mut [super::Field], path: &[Spanned<FieldStep>], shape: &Shape) {
    let Some((Spanned { value: FieldStep::Field(name), .. }, rest)) = path.split_first() else {
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
