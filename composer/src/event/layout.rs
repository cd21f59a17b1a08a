//! The layout of a BTF struct: offsets of fields, and how their values are shown.
//!
//! Names are escaped here once instead of for each event, because an object's BTF may contain any
//! characters.

use crate::{
    inert,
    object::btf::{Btf, Member, Type, TypeId},
};

/// How deep structs and arrays are followed.
const DEPTH: usize = 8;
/// How many fields are followed in all: in damaged BTF a struct may be made of itself.
const FIELDS: usize = 1024;

/// A struct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Its tag.
    pub name: String,
    /// Bytes.
    pub size: u32,
    /// In order.
    pub fields: Vec<Field>,
}

/// A field of a struct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Bytes from the start of the struct.
    pub offset: usize,
    /// How its value is shown.
    pub shape: Shape,
}

/// The kind of a value, which determines how it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// An integer of this number of bytes.
    Integer {
        /// 1, 2, 4 or 8.
        size: usize,
        /// Whether it has a sign.
        signed: bool,
    },
    /// An integer of 2, 4 or 8 bytes in network order.
    BigEndian(usize),
    /// An integer of this number of bytes, in hexadecimal.
    Hex(usize),
    /// `bool`.
    Boolean,
    /// Text, up to the first NUL.
    Text(usize),
    /// An enum of this number of bytes: names and values.
    Enum {
        /// 1, 2, 4 or 8.
        size: usize,
        /// Whether values have a sign.
        signed: bool,
        /// Names and values.
        variants: Vec<(String, i64)>,
    },
    /// `fc_ipv4_t`.
    Ipv4,
    /// `fc_ipv6_t`.
    Ipv6,
    /// `fc_ip_t`: IPv6, or IPv4 mapped into it.
    Ip,
    /// `fc_port_t`.
    Port,
    /// `fc_mac_t`.
    Mac,
    /// `fc_ns_t`.
    Nanoseconds,
    /// `fc_errno_t`, or an error number of 8 bytes.
    Errno(usize),
    /// `fc_endpoint_t`.
    Endpoint,
    /// `fc_flow_t`.
    Flow,
    /// An address.
    Pointer,
    /// A struct or union.
    Struct(Vec<Field>),
    /// A sequence of values of equal size.
    Array {
        /// One of them.
        element: Box<Shape>,
        /// Bytes of one.
        size: usize,
        /// How many.
        length: usize,
    },
    /// Bytes that nothing more is known of.
    Bytes(usize),
}

impl Shape {
    /// The shape of a value of type `id`.
    #[must_use]
    pub fn of(btf: &Btf, id: TypeId) -> Self {
        shape(btf, id, DEPTH, &mut { FIELDS })
    }
}

impl Layout {
    /// The layout of type `id`, when it is a struct.
    #[must_use]
    pub fn of(btf: &Btf, id: TypeId) -> Option<Self> {
        match btf.resolve(id)?.1 {
            Type::Struct { name, size, members, .. } => {
                let fields = fields(btf, &members, size, DEPTH, &mut { FIELDS });
                Some(Self { name: shown(name), size, fields })
            }
            _ => None,
        }
    }
}

/// `name` as it is shown.
pub(super) fn shown(name: &str) -> String {
    inert::line(name).into_owned()
}

/// How a value of type `id` is shown.
pub(super) fn value(btf: &Btf, id: TypeId) -> Shape {
    shape(btf, id, DEPTH, &mut { FIELDS })
}

/// How the first `size` bytes of a value of type `id` are shown: of a struct, the fields that are
/// within them.
pub(super) fn within(btf: &Btf, id: TypeId, size: usize) -> Option<Shape> {
    let own = btf.size(id)? as usize;
    match btf.resolve(id)?.1 {
        Type::Struct { members, .. } if own > size => {
            let most = u32::try_from(size).ok()?;
            Some(Shape::Struct(fields(btf, &members, most, DEPTH, &mut { FIELDS })))
        }
        _ if own > size => Some(Shape::Bytes(size)),
        _ => Some(value(btf, id)),
    }
}

fn fields(
    btf: &Btf,
    members: &[Member<'_>],
    size: u32,
    depth: usize,
    left: &mut usize,
) -> Vec<Field> {
    let mut found = Vec::new();
    for member in members {
        let offset = member.bit_offset / 8;
        // Bit fields have no bytes of their own; what reaches out of its struct has none at all.
        let fits = btf.size(member.of).and_then(|own| own.checked_add(offset));
        if member.bit_width != 0
            || member.bit_offset % 8 != 0
            || fits.is_none_or(|end| end > size)
            || *left == 0
        {
            continue;
        }
        // The fields of a struct or union without a name are those of the one around it, as in C.
        if member.name.is_empty()
            && depth > 0
            && let Some((_, Type::Struct { members, size, .. })) = btf.resolve(member.of)
        {
            let inner = fields(btf, &members, size, depth - 1, left);
            found.extend(inner.into_iter().map(|mut field| {
                field.offset += offset as usize;
                field
            }));
            continue;
        }
        *left -= 1;
        found.push(Field {
            name: shown(member.name),
            offset: offset as usize,
            shape: shape(btf, member.of, depth, left),
        });
    }
    found
}

fn shape(btf: &Btf, id: TypeId, depth: usize, left: &mut usize) -> Shape {
    let bytes = || Shape::Bytes(btf.size(id).unwrap_or(0) as usize);
    if depth == 0 {
        return bytes();
    }
    match btf.get(id) {
        Some(Type::Typedef { name, of }) => {
            named(name).unwrap_or_else(|| shape(btf, of, depth - 1, left))
        }
        Some(Type::Modifier { of, .. }) => shape(btf, of, depth - 1, left),
        Some(Type::Int { boolean: true, size: 1, .. }) => Shape::Boolean,
        Some(Type::Int { size: size @ (1 | 2 | 4 | 8), signed, .. }) => {
            Shape::Integer { size: size as usize, signed }
        }
        Some(Type::Enum { size: size @ (1 | 2 | 4 | 8), signed, variants, .. }) => Shape::Enum {
            size: size as usize,
            signed,
            variants: variants.iter().map(|(name, value)| (shown(name), *value)).collect(),
        },
        Some(Type::Ptr(_)) => Shape::Pointer,
        Some(Type::Struct { members, size, .. }) => {
            Shape::Struct(fields(btf, &members, size, depth - 1, left))
        }
        Some(Type::Array { element, length }) => {
            let length = length as usize;
            if matches!(btf.resolve(element), Some((_, Type::Int { name: "char", .. }))) {
                return Shape::Text(length);
            }
            let size = btf.size(element).unwrap_or(0) as usize;
            if size == 0 {
                return bytes(); // else a thousand million of them would fit
            }
            Shape::Array { element: Box::new(shape(btf, element, depth - 1, left)), size, length }
        }
        _ => bytes(),
    }
}

/// The typedefs of freplace_compose.h and of the kernel's own headers that say how to show a value.
fn named(typedef: &str) -> Option<Shape> {
    Some(match typedef {
        "fc_ipv4_t" => Shape::Ipv4,
        "fc_ipv6_t" => Shape::Ipv6,
        "fc_ip_t" => Shape::Ip,
        "fc_port_t" => Shape::Port,
        "fc_mac_t" => Shape::Mac,
        "fc_ns_t" => Shape::Nanoseconds,
        "fc_errno_t" => Shape::Errno(4),
        "fc_endpoint_t" => Shape::Endpoint,
        "fc_flow_t" => Shape::Flow,
        "__be16" => Shape::BigEndian(2),
        "__be32" => Shape::BigEndian(4),
        "__be64" => Shape::BigEndian(8),
        _ => return None,
    })
}
