//! Encodes a value of a chain file as the bytes of a global variable, by its type.

use std::{
    net::{IpAddr, Ipv4Addr},
    ops::{Range, RangeInclusive},
};

use super::{
    names,
    number::{NoNumber, number},
    part::{DEPTH, ValueError, VariablePart, member, no_field},
};
use crate::{
    chain::{Spanned, Value},
    diag::{Span, list, nearest},
    object::{
        btf::{Btf, Type, TypeId},
        prototype,
    },
    trace::is_network,
};

/// A part of a variable that was given a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedPart {
    /// As C calls it: `value.ports[1]`.
    pub name: String,
    /// Its type.
    pub of: TypeId,
    /// Its bits, from the start of the variable.
    pub bits: Range<u64>,
}

/// Writes values to places in the bytes of a variable.
pub(in crate::resolve) struct Encoder<'a> {
    btf: &'a Btf,
    bytes: &'a mut [u8],
    /// Bits that were set before.
    written: &'a mut Vec<Range<u64>>,
    /// What values were put to.
    leaves: Vec<EncodedPart>,
}

impl<'a> Encoder<'a> {
    /// Writes to `bytes`, a variable of which the bits in `written` were set before.
    pub(in crate::resolve) fn new(
        btf: &'a Btf,
        bytes: &'a mut [u8],
        written: &'a mut Vec<Range<u64>>,
    ) -> Self {
        Self { btf, bytes, written, leaves: Vec::new() }
    }

    /// Writes `value`, and returns the parts that it sets: of a struct, the given fields.
    pub(in crate::resolve) fn write_parts(
        mut self,
        name: &str,
        to: VariablePart,
        value: &Spanned<Value>,
    ) -> Result<Vec<EncodedPart>, Box<ValueError>> {
        self.write(name, to, value)?;
        Ok(self.leaves)
    }

    pub(in crate::resolve) fn write(
        &mut self,
        name: &str,
        to: VariablePart,
        value: &Spanned<Value>,
    ) -> Result<(), Box<ValueError>> {
        let bits = to.width.map(u64::from);
        let bits = bits.unwrap_or_else(|| u64::from(self.btf.size(to.of).unwrap_or(0)) * 8);
        let range = to.at..to.at.saturating_add(bits);
        let overlaps = |other: &Range<u64>| other.start < range.end && range.start < other.end;
        if self.written.iter().any(overlaps) {
            let what = format!("`{name}` is set twice");
            let help = "Remove one of the two entries. Another entry sets it or a part of it.";
            return Err(ValueError::value(&value.span, what, "set again here", help.to_owned()));
        }
        self.written.push(range);
        self.go(name, to, value, DEPTH)
    }

    fn go(
        &mut self,
        name: &str,
        to: VariablePart,
        value: &Spanned<Value>,
        depth: usize,
    ) -> Result<(), Box<ValueError>> {
        let span = &value.span;
        let found = self.btf.resolve(to.of).filter(|_| depth > 0);
        if let Some(address) = self.address(to, value) {
            self.leaf(name, to, 8 * address.len() as u64);
            return self.copy(to.at, &address, span);
        }
        let refuse = |wanted: String, help: String| {
            Err(ValueError::value(span, format!("`{name}` {wanted}"), kind(&value.value), help))
        };
        match found.map(|(_, found)| found) {
            Some(Type::Int { size, signed, boolean, .. }) => {
                let bits = to.width.unwrap_or(size.min(8) * 8);
                let bits = if boolean && to.width.is_none() { 8 } else { bits };
                let range = if boolean { 0..=1 } else { range(bits, signed) };
                let number = self.number(name, to.of, value, bits, None)?;
                if !range.contains(&number) {
                    let declared = prototype::declare(self.btf, to.of, "");
                    let declared = match to.width {
                        Some(width) => format!("{} of {width} bits", declared.trim()),
                        None => declared.trim().to_owned(),
                    };
                    let what = format!("`{name}` cannot be {number}: it is a {declared}");
                    let help = format!("Write a value from {} to {}.", range.start(), range.end());
                    return Err(ValueError::value(span, what, "out of range", help));
                }
                self.leaf(name, to, bits.into());
                let swaps = to.width.is_none() && is_network(self.btf, to.of);
                let number = if swaps { swapped(number, bits) } else { number };
                self.put(to.at, bits, number, span)
            }
            Some(Type::Enum { size, signed, variants, .. }) => {
                let bits = to.width.unwrap_or(size.min(8) * 8);
                let number = self.number(name, to.of, value, bits, Some(&variants))?;
                let range = range(bits, signed);
                if !range.contains(&number) {
                    let what =
                        format!("`{name}` cannot be {number}: it is a bit field of {bits} bits");
                    let help = format!("Write a value from {} to {}.", range.start(), range.end());
                    return Err(ValueError::value(span, what, "out of range", help));
                }
                self.leaf(name, to, bits.into());
                self.put(to.at, bits, number, span)
            }
            Some(Type::Array { element, length }) => match &value.value {
                Value::List(items) => self.list(name, to.at, (element, length), items, span, depth),
                Value::Text(text) if self.is_character(element) => {
                    self.leaf(name, to, 8 * u64::from(length));
                    self.text(name, to.at, length, text, span)
                }
                _ if self.is_character(element) => refuse(
                    "is an array of characters".to_owned(),
                    "Write a string, or a list of numbers.".to_owned(),
                ),
                _ => refuse(
                    format!("is an array of {length}"),
                    "Write a list, or set one item: \"NAME[0]\".".to_owned(),
                ),
            },
            Some(Type::Struct { union, members, .. }) => match &value.value {
                Value::Table(fields) => {
                    for (field, value) in fields {
                        let inner = format!("{name}.{}", field.value);
                        let Some(place) = member(self.btf, to, &field.value) else {
                            return Err(no_field(self.btf, name, to.of, field));
                        };
                        self.go(&inner, place, value, depth - 1)?;
                    }
                    Ok(())
                }
                _ => {
                    let names: Vec<_> = members.iter().map(|one| one.name).collect();
                    refuse(
                        format!("is a {}", if union { "union" } else { "struct" }),
                        format!("Write a table of fields, which are: {}.", list(&names)),
                    )
                }
            },
            Some(Type::Ptr(_)) => refuse(
                "is a pointer".to_owned(),
                "Remove it. Pointers cannot be set before the program is loaded.".to_owned(),
            ),
            _ => refuse(
                "has a type that cannot be set".to_owned(),
                "Set only numbers, enums, characters, and arrays and structs of these.".to_owned(),
            ),
        }
    }

    /// The number that `value` says, for a number of `bits` bits or an enum with these `variants`.
    fn number(
        &self,
        name: &str,
        of: TypeId,
        value: &Spanned<Value>,
        bits: u32,
        variants: Option<&[(&str, i64)]>,
    ) -> Result<i128, Box<ValueError>> {
        let declared = prototype::declare(self.btf, of, "");
        let declared = declared.trim();
        let text = match &value.value {
            Value::Number(number) => return Ok(i128::from(*number)),
            Value::Boolean(boolean) => return Ok(i128::from(*boolean)),
            Value::Text(text) => text,
            Value::List(_) | Value::Table(_) => {
                let what = format!("`{name}` is a {declared}");
                let help = "Write a single value.".to_owned();
                return Err(ValueError::value(&value.span, what, kind(&value.value), help));
            }
        };
        let own = |name: &str| {
            let found = variants.and_then(|all| all.iter().find(|(variant, _)| *variant == name));
            found.map(|(_, value)| i128::from(*value))
        };
        let named = |name: &str| own(name).or_else(|| constant(self.btf, name));
        number(text, bits, &named).map_err(|error| match error {
            NoNumber::Other(why, _) => ValueError::value(
                &value.span,
                format!("`{name}` cannot be set to \"{}\"", text.escape_debug()),
                &why,
                format!(
                    "Write a number, or an expression of numbers and names: \"1 << XDP_PASS\". \
                     `{name}` is a {declared}."
                ),
            ),
            NoNumber::Name(missing, _) => {
                let mut candidates: Vec<&str> = Vec::new();
                candidates.extend(variants.into_iter().flatten().map(|(name, _)| *name));
                candidates.extend(enumerators(self.btf).map(|(name, _)| name));
                for known in names::all() {
                    candidates.push(known);
                }
                let help = match (nearest(&missing, candidates.iter().copied()), variants) {
                    (Some(near), _) => format!("Did you mean `{near}`?"),
                    (None, Some(variants)) => {
                        let names: Vec<_> = variants.iter().map(|(name, _)| *name).collect();
                        format!("Valid values are: {}.", list(&names))
                    }
                    (None, None) => format!(
                        "Write a number. `{name}` is a {declared}; known names are the enums in \
                         the object's BTF and common constants of the kernel's headers."
                    ),
                };
                let what = format!("`{name}` cannot be set to \"{}\"", text.escape_debug());
                ValueError::value(&value.span, what, &format!("unknown name `{missing}`"), help)
            }
        })
    }

    fn list(
        &mut self,
        name: &str,
        at: u64,
        (element, length): (TypeId, u32),
        items: &[Spanned<Value>],
        span: &Span,
        depth: usize,
    ) -> Result<(), Box<ValueError>> {
        if items.len() > length as usize {
            let what = format!("`{name}` has {length} items, but the list has {}", items.len());
            let help = format!("Write at most {length} items. Omitted ones are unchanged.");
            return Err(ValueError::value(span, what, "too long", help));
        }
        let bits = u64::from(self.btf.size(element).unwrap_or(0)) * 8;
        for (index, item) in (0_u64..).zip(items) {
            let place =
                VariablePart { of: element, at: at.saturating_add(index * bits), width: None };
            self.go(&format!("{name}[{index}]"), place, item, depth - 1)?;
        }
        Ok(())
    }

    /// The text, and NULs behind it to the end of the array.
    fn text(
        &mut self,
        name: &str,
        at: u64,
        length: u32,
        text: &str,
        span: &Span,
    ) -> Result<(), Box<ValueError>> {
        if text.len() >= length as usize {
            let what = format!("`{name}` has room for {} bytes", length.saturating_sub(1));
            let help = format!(
                "Shorten the string, or write a list of numbers. It has {}, and needs a \
                 terminating NUL.",
                text.len()
            );
            return Err(ValueError::value(span, what, "too long", help));
        }
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize(length as usize, 0);
        self.copy(at, &bytes, span)
    }

    fn leaf(&mut self, name: &str, to: VariablePart, bits: u64) {
        let bits = to.at..to.at.saturating_add(bits);
        self.leaves.push(EncodedPart { name: name.to_owned(), of: to.of, bits });
    }

    /// The bytes of the address that `value` is as text, where there is room for just that: of IPv4 in an
    /// integer, of IPv6 or a device in an array of bytes, both in structs too.
    fn address(&self, to: VariablePart, value: &Spanned<Value>) -> Option<Vec<u8>> {
        let Value::Text(text) = &value.value else { return None };
        if to.width.is_some() {
            return None;
        }
        match (self.btf.resolve(to.of)?.1, self.btf.size(to.of)?) {
            (Type::Int { .. } | Type::Struct { .. }, 4) => {
                text.parse::<Ipv4Addr>().ok().map(|address| address.octets().to_vec())
            }
            (Type::Array { element, .. }, size) if self.is_character(element) => match size {
                4 => text.parse::<Ipv4Addr>().ok().map(|address| address.octets().to_vec()),
                6 => device_address(text),
                // What is a `char` may be a text that looks like one.
                16 if self.is_byte(element) => long_address(text),
                _ => None,
            },
            (Type::Array { .. } | Type::Struct { .. }, 16) => long_address(text),
            _ => None,
        }
    }

    /// Puts `bytes` at bit `at`, which is the first of a byte.
    fn copy(&mut self, at: u64, bytes: &[u8], span: &Span) -> Result<(), Box<ValueError>> {
        let start = usize::try_from(at / 8).unwrap_or(usize::MAX);
        let end = start.saturating_add(bytes.len());
        let Some(room) = self.bytes.get_mut(start..end) else {
            return Err(ValueError::outside(span));
        };
        room.copy_from_slice(bytes);
        Ok(())
    }

    /// Whether it is a number of a byte, and not a `char`.
    fn is_byte(&self, of: TypeId) -> bool {
        matches!(self.btf.resolve(of), Some((_, Type::Int { name: "unsigned char", .. })))
    }

    fn is_character(&self, of: TypeId) -> bool {
        matches!(self.btf.resolve(of), Some((_, Type::Int { size: 1, boolean: false, .. })))
    }

    /// Puts the lowest `bits` of `number` at bit `at`.
    fn put(
        &mut self,
        at: u64,
        bits: u32,
        number: i128,
        span: &Span,
    ) -> Result<(), Box<ValueError>> {
        for bit in 0..u64::from(bits) {
            // Within a byte bits are counted from the other end where bytes are.
            let place = at
                + if cfg!(target_endian = "big") && bits.is_multiple_of(8) && at.is_multiple_of(8) {
                    u64::from(bits) - 8 - bit / 8 * 8 + bit % 8
                } else {
                    bit
                };
            let (byte, shift) = (usize::try_from(place / 8).unwrap_or(usize::MAX), place % 8);
            let Some(byte) = self.bytes.get_mut(byte) else {
                return Err(ValueError::outside(span));
            };
            let value = u8::from(number >> bit & 1 == 1);
            *byte = *byte & !(1 << shift) | value << shift;
        }
        Ok(())
    }
}

/// `number`, of so many bits, in network order.
fn swapped(number: i128, bits: u32) -> i128 {
    let bytes = number.to_be_bytes();
    let own = bytes.len() - (bits / 8) as usize;
    let mut turned = [0; 16];
    turned[..bytes.len() - own].copy_from_slice(&bytes[own..]);
    if cfg!(target_endian = "big") { number } else { i128::from_le_bytes(turned) }
}

/// An address as 16 bytes: one of IPv4 as IPv6 has it, `::ffff:192.0.2.7`.
fn long_address(text: &str) -> Option<Vec<u8>> {
    let address = match text.parse::<IpAddr>().ok()? {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    };
    Some(address.octets().to_vec())
}

/// `02:00:00:00:00:01` as bytes.
fn device_address(text: &str) -> Option<Vec<u8>> {
    let parts = text.split([':', '-']).map(|part| match part.len() {
        1 | 2 => u8::from_str_radix(part, 16).ok(),
        _ => None,
    });
    let bytes: Vec<u8> = parts.collect::<Option<_>>()?;
    (bytes.len() == 6).then_some(bytes)
}

/// The numbers of `bits` bits.
fn range(bits: u32, signed: bool) -> RangeInclusive<i128> {
    match signed {
        true => -(1 << (bits.max(1) - 1))..=(1 << (bits.max(1) - 1)) - 1,
        false => 0..=(1 << bits) - 1,
    }
}

/// What a value of a chain file is, for labels.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Number(_) => "an integer",
        Value::Boolean(_) => "a boolean",
        Value::Text(_) => "a string",
        Value::List(_) => "a list",
        Value::Table(_) => "a table",
    }
}

fn enumerators(btf: &Btf) -> impl Iterator<Item = (&str, i64)> {
    btf.iter().flat_map(|(_, found)| match found {
        Type::Enum { variants, .. } => variants,
        _ => Vec::new(),
    })
}

/// The number of a name: of the enums of an object, or as the kernel's headers have it.
pub fn constant(btf: &Btf, name: &str) -> Option<i128> {
    enumerator(btf, name).or_else(|| names::known(name))
}

fn enumerator(btf: &Btf, name: &str) -> Option<i128> {
    enumerators(btf).find(|(one, _)| *one == name).map(|(_, value)| i128::from(value))
}
