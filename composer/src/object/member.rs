//! Fields of structs by their names.

use super::btf::{Btf, Member, Type, TypeId};

/// How deep structs without a name lie in one another.
const DEPTH: usize = 8;

/// Where a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Bytes from the start of the struct.
    pub offset: u32,
    /// Its type.
    pub of: TypeId,
    /// Whether it is a bit field, which has no bytes of its own.
    pub is_bits: bool,
}

impl Btf {
    /// The field called `name` of the struct or union `id`; those of a struct without a name are
    /// the fields of the one around it, as in C.
    #[must_use]
    pub fn member(&self, id: TypeId, name: &str) -> Option<Place> {
        let Type::Struct { members, .. } = self.resolve(id)?.1 else { return None };
        self.find(&members, name, DEPTH)
    }

    /// The names of the fields of the struct or union `id`.
    #[must_use]
    pub fn member_names(&self, id: TypeId) -> Vec<String> {
        let mut names = Vec::new();
        if let Some((_, Type::Struct { members, .. })) = self.resolve(id) {
            self.names(&members, DEPTH, &mut names);
        }
        names
    }

    fn find(&self, members: &[Member<'_>], name: &str, depth: usize) -> Option<Place> {
        members.iter().find_map(|member| {
            let offset = member.bit_offset / 8;
            if !member.name.is_empty() {
                let place = Place { offset, of: member.of, is_bits: member.bit_width != 0 };
                return (member.name == name).then_some(place);
            }
            let inner = self.unnamed(member, depth)?;
            let place = self.find(&inner, name, depth - 1)?;
            Some(Place { offset: place.offset.checked_add(offset)?, ..place })
        })
    }

    fn names(&self, members: &[Member<'_>], depth: usize, names: &mut Vec<String>) {
        for member in members {
            match self.unnamed(member, depth) {
                Some(inner) => self.names(&inner, depth - 1, names),
                None if member.name.is_empty() => {}
                None => names.push(member.name.to_owned()),
            }
        }
    }

    /// The members of a struct or union without a name.
    fn unnamed(&self, member: &Member<'_>, depth: usize) -> Option<Vec<Member<'_>>> {
        match self.resolve(member.of)? {
            (_, Type::Struct { members, .. }) if member.name.is_empty() && depth > 0 => {
                Some(members)
            }
            _ => None,
        }
    }
}
