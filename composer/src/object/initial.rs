//! The initial value of a global variable, in the notation of chain files.

use super::btf::{Btf, Type, TypeId};

/// How deep types are followed.
const DEPTH: usize = 8;
/// How many items of an array, and fields of a struct, are written.
const ITEMS: usize = 8;

/// The value in `bytes`, of type `of`: `5`, `"abc"`, `[1, 2]`, `{ on = true }`.
#[must_use]
pub fn written(btf: &Btf, of: TypeId, bytes: &[u8]) -> String {
    go(btf, of, bytes, DEPTH).unwrap_or_else(|| "?".to_owned())
}

fn go(btf: &Btf, of: TypeId, bytes: &[u8], depth: usize) -> Option<String> {
    let (_, found) = btf.resolve(of).filter(|_| depth > 0)?;
    Some(match found {
        Type::Int { size, signed, boolean, .. } => {
            let value = integer(bytes.get(..size as usize)?, signed)?;
            if boolean && (0..=1).contains(&value) {
                (value == 1).to_string()
            } else {
                value.to_string()
            }
        }
        Type::Enum { size, signed, variants, .. } => {
            let value = integer(bytes.get(..size as usize)?, signed)?;
            let name = variants.iter().find(|(_, number)| i128::from(*number) == value);
            name.map_or_else(|| value.to_string(), |(name, _)| format!("\"{name}\""))
        }
        Type::Ptr(_) => format!("{:#x}", integer(bytes.get(..8)?, false)?),
        Type::Array { element, length } => {
            let size = btf.size(element)? as usize;
            let is_text = matches!(btf.resolve(element), Some((_, Type::Int { name, size: 1, .. })) if name == "char");
            let bytes = bytes.get(..size.checked_mul(length as usize)?)?;
            if is_text {
                let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
                let text = String::from_utf8_lossy(&bytes[..end]);
                return Some(format!("\"{}\"", text.escape_debug()));
            }
            if bytes.iter().all(|byte| *byte == 0) {
                return Some("[]".to_owned());
            }
            let items = bytes.chunks_exact(size.max(1)).take(ITEMS);
            let mut items: Vec<_> =
                items.map(|item| go(btf, element, item, depth - 1)).collect::<Option<_>>()?;
            if length as usize > ITEMS {
                items.push("...".to_owned());
            }
            format!("[{}]", items.join(", "))
        }
        Type::Struct { members, .. } => {
            if bytes.iter().all(|byte| *byte == 0) {
                return Some("{}".to_owned());
            }
            let more = members.len() > ITEMS;
            let field = |member: &super::btf::Member<'_>| {
                let start = member.bit_offset as usize / 8;
                let value = match member.bit_width {
                    0 => go(btf, member.of, bytes.get(start..)?, depth - 1)?,
                    width => bits(bytes, member.bit_offset, width)?.to_string(),
                };
                Some(match member.name {
                    "" => value,
                    name => format!("{name} = {value}"),
                })
            };
            let fields = members.iter().take(ITEMS).map(field);
            let mut fields: Vec<_> = fields.collect::<Option<_>>()?;
            if more {
                fields.push("...".to_owned());
            }
            format!("{{ {} }}", fields.join(", "))
        }
        _ => return None,
    })
}

fn integer(bytes: &[u8], signed: bool) -> Option<i128> {
    if bytes.is_empty() || bytes.len() > 8 {
        return None;
    }
    let fold = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
    let value = match cfg!(target_endian = "big") {
        true => bytes.iter().fold(0, fold),
        false => bytes.iter().rev().fold(0, fold),
    };
    let spare = 64 - 8 * bytes.len() as u32; // eight bytes at most
    Some(match signed {
        true => i128::from((value << spare).cast_signed() >> spare),
        false => i128::from(value),
    })
}

/// A bit field, as a machine that counts bytes from the lowest has it.
fn bits(bytes: &[u8], at: u32, width: u32) -> Option<u64> {
    (0..width.min(64)).try_fold(0, |value, bit| {
        let place = at.checked_add(bit)?;
        let byte = *bytes.get(place as usize / 8)?;
        Some(value | u64::from(byte >> (place % 8) & 1) << bit)
    })
}
