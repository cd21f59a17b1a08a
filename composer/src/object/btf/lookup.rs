//! Searches types by name and by kind, and resolves typedefs.

use std::collections::HashMap;

use super::{Btf, Linkage, PlacedVariable, Type, TypeId, kind};

impl Btf {
    /// The type without typedefs and modifiers, with its id.
    #[must_use]
    pub fn resolve(&self, mut id: TypeId) -> Option<(TypeId, Type<'_>)> {
        // A chain longer than the table is a loop.
        for _ in 0..=self.offsets.len() {
            match self.get(id)? {
                Type::Typedef { of, .. } | Type::Modifier { of, .. } => id = of,
                other => return Some((id, other)),
            }
        }
        None
    }

    /// Every type with its id, in order; those that cannot be decoded are passed over.
    pub fn iter(&self) -> impl Iterator<Item = (TypeId, Type<'_>)> {
        (1..=self.len()).filter_map(|id| Some((id, self.get(id)?)))
    }

    /// The function called `name`: its id, its prototype's id and its linkage.
    #[must_use]
    pub fn function(&self, name: &str) -> Option<(TypeId, TypeId, Linkage)> {
        self.of_kind(12).find_map(|id| match self.get(id)? {
            Type::Function { name: found, prototype, linkage } if found == name => {
                Some((id, prototype, linkage))
            }
            _ => None,
        })
    }

    /// All functions by name, each as [`Btf::function`] finds it.
    #[must_use]
    pub fn functions(&self) -> HashMap<&str, (TypeId, TypeId, Linkage)> {
        let mut found = HashMap::new();
        for id in self.of_kind(12) {
            if let Some(Type::Function { name, prototype, linkage }) = self.get(id) {
                found.entry(name).or_insert((id, prototype, linkage));
            }
        }
        found
    }

    /// The names of its functions, in order.
    pub fn function_names(&self) -> impl Iterator<Item = &str> {
        self.of_kind(12).filter_map(|id| self.name(id))
    }

    /// Its typedefs with their names, in order.
    pub fn typedefs(&self) -> impl Iterator<Item = (TypeId, &str)> {
        self.of_kind(8).filter_map(|id| Some((id, self.name(id)?)))
    }

    /// The variables, each with its name.
    pub fn variables(&self) -> impl Iterator<Item = (TypeId, &str)> {
        self.of_kind(14).filter_map(|id| Some((id, self.name(id)?)))
    }

    /// The struct called `name`, with its id.
    #[must_use]
    pub fn structure(&self, name: &str) -> Option<(TypeId, Type<'_>)> {
        self.of_kind(4).find_map(|id| match self.get(id)? {
            found @ Type::Struct { name: tag, .. } if tag == name => Some((id, found)),
            _ => None,
        })
    }

    /// The section called `name`: the ids of its variables.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<Vec<TypeId>> {
        self.of_kind(15).find_map(|id| match self.get(id)? {
            Type::Section { name: found, variables } if found == name => Some(variables),
            _ => None,
        })
    }

    /// Every variable that a data section lists, in order.
    #[must_use]
    pub fn placed_variables(&self) -> Vec<PlacedVariable<'_>> {
        let mut found = Vec::new();
        for id in self.of_kind(15) {
            let at = self.offsets[id as usize - 1]; // ids of this range are indices
            let (Some(Type::Section { name, variables }), Some(words)) =
                (self.get(id), self.words(id))
            else {
                continue;
            };
            for (index, (id, entry)) in
                variables.into_iter().zip(words[3..].chunks_exact(3)).enumerate()
            {
                let Some(Type::Variable { name: variable, of }) = self.get(id) else {
                    continue;
                };
                let place = at + 12 + 12 * index + 4;
                let (offset, size) = (entry[1], entry[2]);
                found.push(PlacedVariable {
                    section: name,
                    name: variable,
                    id,
                    of,
                    offset,
                    size,
                    place,
                });
            }
        }
        found
    }

    /// Size in bytes of a value of type `id`.
    #[must_use]
    pub fn size(&self, id: TypeId) -> Option<u32> {
        let mut count: u32 = 1;
        let mut id = id;
        // An array of itself would never end.
        for _ in 0..=self.offsets.len() {
            let own = match self.resolve(id)?.1 {
                Type::Array { element, length } => {
                    count = count.checked_mul(length)?;
                    id = element;
                    continue;
                }
                Type::Int { size, .. }
                | Type::Struct { size, .. }
                | Type::Enum { size, .. }
                | Type::Float { size, .. } => size,
                Type::Ptr(_) => 8,
                _ => return None,
            };
            return count.checked_mul(own);
        }
        None
    }

    /// Whether a declaration tag is on the type `id`, or on a part of it.
    #[must_use]
    pub fn is_tagged(&self, id: TypeId) -> bool {
        self.tags().any(|(_, on)| on == id)
    }

    /// The declaration tags, each with the type that it is on.
    pub(in crate::object) fn tags(&self) -> impl Iterator<Item = (TypeId, TypeId)> {
        let on = |tag: TypeId| self.word(self.offsets[tag as usize - 1] + 8);
        self.of_kind(17).filter_map(move |tag| Some((tag, on(tag)?)))
    }

    /// The types called one of `names`, or one of them with a `___flavor` behind it.
    pub(in crate::object) fn called(&self, names: &[&str]) -> impl Iterator<Item = TypeId> {
        (1..=self.len()).filter(move |id| {
            let at = self.offsets[*id as usize - 1]; // ids of this range are indices
            // Structs, unions, enums: half of a kernel's types have no name, or none that counts.
            let is_named =
                self.word(at + 4).is_some_and(|info| matches!(kind(info), 4..=6 | 8 | 19));
            let offset = if is_named { self.word(at) } else { None };
            let start = offset.and_then(|offset| self.strings.start.checked_add(offset as usize));
            let text = start.and_then(|start| self.data.get(start..self.strings.end));
            text.is_some_and(|text| {
                names.iter().any(|name| {
                    let rest = text.strip_prefix(name.as_bytes());
                    rest.is_some_and(|rest| rest.starts_with(b"\0") || rest.starts_with(b"___"))
                })
            })
        })
    }
}
