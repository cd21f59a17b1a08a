//! Paths into a struct: from a type, by field names and item numbers, to bytes.

use super::btf::{Btf, Member, Type, TypeId};

/// How deep structs without a name are looked into.
const DEPTH: usize = 8;

/// Why a field or item was not found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldError {
    /// The struct has no such field; these it has.
    NoField(Vec<String>),
    /// The field is some bits of a byte.
    BitField,
    /// The type with the field is not a struct.
    NotAStruct,
    /// The type with the item is not an array.
    NotAnArray,
    /// The array has only this number of items.
    TooFar(u32),
}

/// The offset of a part of a value in bytes, and its type.
pub type TypedOffset = (u32, TypeId);

/// The struct or union called `name`, which may be a typedef for one; `struct` and `union` may be
/// written before it.
#[must_use]
pub fn structure(btf: &Btf, name: &str) -> Option<TypeId> {
    let (union, name) = match name.split_once(char::is_whitespace) {
        Some(("struct", name)) => (Some(false), name.trim()),
        Some(("union", name)) => (Some(true), name.trim()),
        _ => (None, name),
    };
    let is_it = |found: &Type<'_>| match found {
        Type::Struct { name: tag, union: found, .. } => {
            *tag == name && union.is_none_or(|union| union == *found)
        }
        _ => false,
    };
    let tagged = btf.iter().find(|(_, found)| is_it(found)).map(|(id, _)| id);
    tagged.or_else(|| {
        let typedef = btf.iter().find(|(_, found)| {
            union.is_none() && matches!(found, Type::Typedef { name: found, .. } if *found == name)
        });
        let (id, found) = btf.resolve(typedef?.0)?;
        matches!(found, Type::Struct { .. }).then_some(id)
    })
}

/// The names of all structs and unions, as C writes them.
#[must_use]
pub fn structures(btf: &Btf) -> Vec<String> {
    let name = |(_, found)| match found {
        Type::Struct { name, union, .. } if !name.is_empty() => {
            Some(format!("{} {name}", if union { "union" } else { "struct" }))
        }
        Type::Typedef { name, of } => {
            let (_, of) = btf.resolve(of)?;
            matches!(of, Type::Struct { name: "", .. }).then(|| name.to_owned())
        }
        _ => None,
    };
    btf.iter().filter_map(name).collect()
}

/// The enum called `name`.
#[must_use]
pub fn enumeration<'a>(btf: &'a Btf, name: &str) -> Option<Type<'a>> {
    let named = |(_, found): &(TypeId, Type<'_>)| match found {
        Type::Enum { name: tag, .. } => *tag == name,
        _ => false,
    };
    btf.iter().find(named).map(|(_, found)| found)
}

/// The names of all enums.
#[must_use]
pub fn enumerations(btf: &Btf) -> Vec<String> {
    let name = |(_, found)| match found {
        Type::Enum { name, .. } if !name.is_empty() => Some(name.to_owned()),
        _ => None,
    };
    btf.iter().filter_map(name).collect()
}

/// The field `name` of a struct of type `of`.
///
/// # Errors
/// [`FieldError`], when it has none.
pub fn field(btf: &Btf, of: TypeId, name: &str) -> Result<TypedOffset, FieldError> {
    let Some((_, Type::Struct { members, .. })) = btf.resolve(of) else {
        return Err(FieldError::NotAStruct);
    };
    let mut names = Vec::new();
    find(btf, &members, name, DEPTH, &mut names).unwrap_or(Err(FieldError::NoField(names)))
}

/// Looks for `name` in `members` and those of structs without a name; collects the names it saw.
fn find(
    btf: &Btf,
    members: &[Member<'_>],
    name: &str,
    depth: usize,
    names: &mut Vec<String>,
) -> Option<Result<TypedOffset, FieldError>> {
    for member in members {
        let offset = member.bit_offset / 8;
        if member.name == name {
            let whole = member.bit_width == 0 && member.bit_offset % 8 == 0;
            return Some(if whole { Ok((offset, member.of)) } else { Err(FieldError::BitField) });
        }
        if !member.name.is_empty() {
            names.push(member.name.to_owned());
        } else if depth > 0
            && let Some((_, Type::Struct { members, .. })) = btf.resolve(member.of)
            && let Some(found) = find(btf, &members, name, depth - 1, names)
        {
            return Some(found.map(|(inner, of)| (offset.saturating_add(inner), of)));
        }
    }
    None
}

/// Item `number` of an array of type `of`.
///
/// # Errors
/// [`FieldError`], when it has none.
pub fn item(btf: &Btf, of: TypeId, number: u32) -> Result<TypedOffset, FieldError> {
    let Some((_, Type::Array { element, length })) = btf.resolve(of) else {
        return Err(FieldError::NotAnArray);
    };
    let offset = btf.size(element).and_then(|size| size.checked_mul(number));
    match offset.filter(|_| number < length) {
        Some(offset) => Ok((offset, element)),
        None => Err(FieldError::TooFar(length)),
    }
}
