//! Records of other programs, as the chain describes them: their struct, the location of its
//! fields, and how these are shown.

mod mistakes;

use std::sync::Arc;

use crate::{
    chain::{Declared, EventMap, FieldRef, FieldStep, Hint, Node, Spanned, TextPiece},
    diag::Diagnostic,
    object::{
        Object,
        btf::{Btf, Type, TypeId},
        place::{self, FieldError, TypedOffset},
    },
};
use mistakes::{Mistakes, StructName};

/// How the records of one of a node's event maps are decoded.
#[derive(Debug)]
pub(super) struct EventRecords {
    /// The map, as an index in those of the object.
    pub(super) map: usize,
    /// The struct that they are; none for bytes.
    pub(super) record: Option<RecordStruct>,
}

/// The struct that records of an event map are.
#[derive(Debug)]
pub struct RecordStruct {
    types: DeclaredIn,
    of: TypeId,
    name: String,
    text: Vec<RecordPiece>,
    time: Option<usize>,
}

/// Where a struct is declared.
#[derive(Debug)]
enum DeclaredIn {
    /// In an object.
    Object(Arc<Object>),
    /// In the chain.
    Declared(Btf),
}

/// A piece of a record's text.
#[derive(Debug)]
pub enum RecordPiece {
    /// Literal text.
    Literal(String),
    /// A field of the record.
    Field(RecordField),
}

/// A field of a record.
#[derive(Debug)]
pub struct RecordField {
    /// The way to it.
    pub path: Vec<FieldStep>,
    /// Bytes from the start of the record.
    pub offset: usize,
    /// Its type.
    pub of: TypeId,
    /// How it is shown, when not by its type.
    pub format: Option<FieldFormat>,
}

/// How a field is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldFormat {
    /// An address of IPv4.
    Ipv4,
    /// An address of IPv6.
    Ipv6,
    /// An integer of this number of bytes in network order.
    BigEndian(usize),
    /// An address of Ethernet.
    Mac,
    /// A duration.
    Nanoseconds,
    /// Text of this number of bytes, up to the first NUL.
    Text(usize),
    /// An error number of this number of bytes.
    Errno(usize),
    /// An integer of this number of bytes, in hexadecimal.
    Hex(usize),
    /// This number of bytes.
    Bytes(usize),
    /// The names of an enum of this number of bytes.
    Enum {
        /// 1, 2, 4 or 8.
        size: usize,
        /// Whether values have a sign.
        signed: bool,
        /// Names and values.
        variants: Vec<(String, i64)>,
    },
}

impl RecordStruct {
    /// The types that it is one of.
    #[must_use]
    pub fn types(&self) -> &Btf {
        match &self.types {
            DeclaredIn::Object(object) => &object.btf,
            DeclaredIn::Declared(own) => own,
        }
    }

    /// Its number among them.
    #[must_use]
    pub fn of(&self) -> TypeId {
        self.of
    }

    /// Its name: that of the struct, or the one in the chain.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text of a record, when the chain has one.
    #[must_use]
    pub fn text(&self) -> &[RecordPiece] {
        &self.text
    }

    /// Where the time is in it, in bytes, when the chain names a field for that.
    #[must_use]
    pub fn time(&self) -> Option<usize> {
        self.time
    }
}

/// What `node` says of the records of its program, whose object is `object`; what is wrong with that
/// goes to `wrong`.
pub(super) fn find(
    node: &Node,
    object: &Arc<Object>,
    wrong: &mut Vec<Diagnostic>,
) -> Vec<EventRecords> {
    let mistakes = Mistakes { node, object };
    let mut found = Vec::new();
    for events in &node.output.events {
        let map = mistakes.map(&events.map);
        let record = record(events, object, &mistakes, wrong);
        match map {
            Ok(map) => found.push(EventRecords { map, record }),
            Err(mistake) => wrong.push(*mistake),
        }
    }
    found
}

/// The struct that `events` names.
fn record(
    events: &EventMap,
    object: &Arc<Object>,
    mistakes: &Mistakes<'_>,
    wrong: &mut Vec<Diagnostic>,
) -> Option<RecordStruct> {
    let (types, of, name, said) = match (&events.layout, &events.record) {
        (Some(own), _) => match Btf::parse(own.section()) {
            Ok(btf) => {
                let said = StructName::Layout;
                (DeclaredIn::Declared(btf), Declared::STRUCT, events.map.value.clone(), said)
            }
            Err(error) => {
                wrong.push(mistakes.layout(&events.map, &error));
                return None;
            }
        },
        (None, Some(record)) => match place::structure(&object.btf, &record.value) {
            Some(of) => {
                let said = StructName::Type(&record.value);
                (DeclaredIn::Object(Arc::clone(object)), of, record.value.clone(), said)
            }
            None => {
                wrong.push(mistakes.unknown_type(record));
                return None;
            }
        },
        (None, None) => return None,
    };
    let mut record = RecordStruct { types, of, name, text: Vec::new(), time: None };
    let mut text = Vec::new();
    for piece in events.text.iter().flatten() {
        match piece {
            TextPiece::Literal(literal) => text.push(RecordPiece::Literal(literal.clone())),
            TextPiece::Field(named) => match field(&record, named, object, mistakes, said) {
                Ok(field) => text.push(RecordPiece::Field(field)),
                Err(mistake) => wrong.push(*mistake),
            },
        }
    }
    record.text = text;
    if let Some(path) = &events.time {
        match time(&record, path, mistakes, said) {
            Ok(offset) => record.time = Some(offset),
            Err(mistake) => wrong.push(*mistake),
        }
    }
    Some(record)
}

fn field(
    record: &RecordStruct,
    named: &FieldRef,
    object: &Object,
    mistakes: &Mistakes<'_>,
    said: StructName<'_>,
) -> Result<RecordField, Box<Diagnostic>> {
    let btf = record.types();
    let (offset, of) = walk(btf, record.of, &named.path)
        .map_err(|(step, error)| mistakes.step(said, &named.path[step], &error))?;
    let format = match &named.hint {
        Some(hint) => Some(format(hint, btf, of, object, mistakes)?),
        None => None,
    };
    let path = named.path.iter().map(|step| step.value.clone()).collect();
    Ok(RecordField { path, offset: offset as usize, of, format })
}

/// Where the time is.
fn time(
    record: &RecordStruct,
    path: &[Spanned<FieldStep>],
    mistakes: &Mistakes<'_>,
    said: StructName<'_>,
) -> Result<usize, Box<Diagnostic>> {
    let btf = record.types();
    let (offset, of) = walk(btf, record.of, path)
        .map_err(|(step, error)| mistakes.step(said, &path[step], &error))?;
    match path.last().filter(|_| btf.size(of) != Some(8)) {
        Some(last) => Err(mistakes.no_time(last)),
        None => Ok(offset as usize),
    }
}

/// The place that `path` leads to from a struct of type `of`; or the step that leads nowhere, and why.
fn walk(
    btf: &Btf,
    of: TypeId,
    path: &[Spanned<FieldStep>],
) -> Result<TypedOffset, (usize, FieldError)> {
    let mut at: TypedOffset = (0, of);
    for (number, step) in path.iter().enumerate() {
        let next = match &step.value {
            FieldStep::Field(name) => place::field(btf, at.1, name),
            FieldStep::Item(item) => place::item(btf, at.1, *item),
        };
        let (offset, of) = next.map_err(|error| (number, error))?;
        at = (at.0.saturating_add(offset), of);
    }
    Ok(at)
}

/// How a value of type `of` is shown as `hint` asks; enums are those of `object`.
fn format(
    hint: &Spanned<Hint>,
    btf: &Btf,
    of: TypeId,
    object: &Object,
    mistakes: &Mistakes<'_>,
) -> Result<FieldFormat, Box<Diagnostic>> {
    let bytes = btf.size(of).unwrap_or(0);
    let size = bytes as usize;
    let sized = |sizes: &[u32], format| match sizes.contains(&bytes) {
        true => Ok(format),
        false => {
            let sizes: Vec<_> = sizes.iter().map(ToString::to_string).collect();
            Err(mistakes.format(hint, &format!("{} bytes", sizes.join(" or ")), bytes))
        }
    };
    match &hint.value {
        Hint::Ipv4 => sized(&[4], FieldFormat::Ipv4),
        Hint::Ipv6 => sized(&[16], FieldFormat::Ipv6),
        Hint::Be16 => sized(&[2], FieldFormat::BigEndian(size)),
        Hint::Be32 => sized(&[4], FieldFormat::BigEndian(size)),
        Hint::Be64 => sized(&[8], FieldFormat::BigEndian(size)),
        Hint::Mac => sized(&[6], FieldFormat::Mac),
        Hint::Ns => sized(&[8], FieldFormat::Nanoseconds),
        Hint::Errno => sized(&[4, 8], FieldFormat::Errno(size)),
        Hint::Hex => Ok(match btf.resolve(of) {
            Some((_, Type::Int { size: 1 | 2 | 4 | 8, .. })) => FieldFormat::Hex(size),
            Some((_, Type::Enum { size: 1 | 2 | 4 | 8, .. })) => FieldFormat::Hex(size),
            _ => FieldFormat::Bytes(size),
        }),
        Hint::Str => match btf.resolve(of) {
            Some((_, Type::Array { element, .. })) if btf.size(element) == Some(1) => {
                Ok(FieldFormat::Text(size))
            }
            _ => Err(mistakes.format(hint, "an array of bytes", bytes)),
        },
        Hint::Enum(name) => match place::enumeration(&object.btf, name) {
            Some(Type::Enum { signed, variants, .. }) => {
                let variants = variants.into_iter().map(|(name, value)| (name.to_owned(), value));
                let variants = variants.collect();
                sized(&[1, 2, 4, 8], FieldFormat::Enum { size, signed, variants })
            }
            _ => Err(mistakes.unknown_enum(name, hint)),
        },
    }
}
