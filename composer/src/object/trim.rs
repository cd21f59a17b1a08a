//! The BTF for the kernel: only the types that a program or a map needs.
//!
//! Types keep their ids, so references to them remain valid: an unused one becomes a pointer to
//! `void`. A kernel rejects a whole BTF section because of one invalid type, and object files
//! contain many of these: data sections with variables defined elsewhere, kernel functions, kinds
//! that are newer than the kernel.

use std::collections::{BTreeSet, HashMap};

use super::{
    Object,
    btf::{Btf, Linkage, Type, TypeId},
};

/// The BTF kinds that a kernel supports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BtfKinds {
    /// All kinds that this program supports.
    All,
    /// Those of Linux 5.15, which has no tags and no enums of 64 bits.
    Linux5_15,
}

/// The parts to keep.
#[derive(Debug, Clone, Default)]
pub struct NeededTypes {
    /// The types that are referred to by number.
    pub roots: BTreeSet<TypeId>,
    /// Functions, by the number of their `FUNC`: whether they are global to the verifier.
    pub functions: HashMap<TypeId, bool>,
    /// Sections of global variables, by the number of their `DATASEC`.
    pub sections: HashMap<TypeId, SectionVariables>,
}

/// The variables of a data section.
#[derive(Debug, Clone, Default)]
pub struct SectionVariables {
    /// The section's size in bytes.
    pub size: u32,
    /// The number of the `VAR` of each variable, its offset and its size, rising.
    pub variables: Vec<(TypeId, u32, u32)>,
}

/// Functions that a compiler calls by itself: they are global in objects of Rust, and the verifier
/// knows nothing of their arguments.
const OF_COMPILERS: [&str; 4] = ["memset", "memcpy", "memmove", "memcmp"];

/// `BTF_KIND_INT`, which stands in for an enum of 64 bits.
const INT: u32 = 1 << 24;
/// `BTF_KIND_PTR`.
const POINTER: u32 = 2 << 24;
/// `BTF_KIND_CONST`.
const CONST: u32 = 10 << 24;

impl Object {
    /// The BTF for `needed`, for a kernel that supports `kinds`.
    #[must_use]
    pub fn trimmed(&self, needed: &NeededTypes, kinds: BtfKinds) -> Vec<u8> {
        let kept = kept(&self.btf, needed, kinds);
        let mut types = Vec::new();
        for id in 1..=self.btf.len() {
            match self.btf.words(id) {
                Some(words) if kept.contains(&id) => {
                    types.extend(record(&self.btf, id, words, needed, kinds));
                }
                _ => types.extend([0, POINTER, 0]),
            }
        }
        section(&types, self.btf.strings())
    }

    /// All types as they are, in the plainest form of a section, and where in its strings the one
    /// that is `added` begins.
    #[must_use]
    pub fn plain_btf(&self, added: &str) -> (Vec<u8>, u32) {
        let types = (1..=self.btf.len()).flat_map(|id| {
            let known = self.btf.get(id).and_then(|_| self.btf.words(id));
            known.unwrap_or_else(|| vec![0, POINTER, 0])
        });
        let mut strings = self.btf.strings().to_vec();
        let at = u32::try_from(strings.len()).unwrap_or(u32::MAX);
        strings.extend(added.bytes());
        strings.push(0);
        (section(&types.collect::<Vec<_>>(), &strings), at)
    }
}

/// The types that are needed, with all that those are made of.
fn kept(btf: &Btf, needed: &NeededTypes, kinds: BtfKinds) -> BTreeSet<TypeId> {
    let mut kept = BTreeSet::from([0]);
    let mut open: Vec<TypeId> = needed.roots.iter().copied().collect();
    open.extend(needed.functions.keys());
    for (id, section) in &needed.sections {
        open.push(*id);
        open.extend(section.variables.iter().map(|(id, ..)| id));
    }
    follow(btf, &mut kept, open);
    if kinds == BtfKinds::All {
        // Tags are referred to by nobody; they go with what they are on.
        let tags: Vec<TypeId> =
            btf.tags().filter(|(_, on)| kept.contains(on)).map(|(id, _)| id).collect();
        kept.extend(tags);
    }
    kept
}

fn follow(btf: &Btf, kept: &mut BTreeSet<TypeId>, mut open: Vec<TypeId>) {
    while let Some(id) = open.pop() {
        if !kept.insert(id) {
            continue;
        }
        match btf.get(id) {
            Some(
                Type::Ptr(of)
                | Type::Typedef { of, .. }
                | Type::Modifier { of, .. }
                | Type::Variable { of, .. }
                | Type::Function { prototype: of, .. },
            ) => open.push(of),
            Some(Type::Array { element, .. }) => {
                open.push(element);
                // The type of the index stands behind that of the elements.
                open.extend(btf.words(id).and_then(|words| words.get(4).copied()));
            }
            Some(Type::Struct { members, .. }) => {
                open.extend(members.iter().map(|member| member.of));
            }
            Some(Type::Prototype { returns, parameters }) => {
                open.push(returns);
                open.extend(parameters.iter().map(|(_, of)| of));
            }
            // The variables of a section are given, as far as they are needed.
            _ => {}
        }
    }
}

/// The record of a type that is needed.
fn record(
    btf: &Btf,
    id: TypeId,
    mut words: Vec<u32>,
    needed: &NeededTypes,
    kinds: BtfKinds,
) -> Vec<u32> {
    match btf.get(id) {
        // Rust gives its pointers names, which no kernel takes.
        Some(Type::Ptr(_)) => words[0] = 0,
        Some(Type::Function { name, linkage, .. }) => {
            let global = needed.functions.get(&id).copied().unwrap_or(linkage == Linkage::Global);
            let global = global && !OF_COMPILERS.contains(&name);
            words[1] = words[1] & !0xffff | u32::from(global);
        }
        Some(Type::Section { .. }) => {
            let Some(SectionVariables { size, variables }) = needed.sections.get(&id) else {
                return vec![0, POINTER, 0];
            };
            let count = u32::try_from(variables.len()).unwrap_or(u32::MAX);
            words = vec![words[0], 15 << 24 | count, *size];
            words.extend(variables.iter().flat_map(|(id, offset, size)| [*id, *offset, *size]));
        }
        // A type tag is laid out as a const is.
        Some(Type::Modifier { word: "", of }) if kinds == BtfKinds::Linux5_15 => {
            words = vec![0, CONST, of];
        }
        Some(Type::Enum { size: size @ 8, .. }) if kinds == BtfKinds::Linux5_15 => {
            words = vec![words[0], INT, size, 64];
        }
        None => words = vec![0, POINTER, 0],
        Some(_) => {}
    }
    words
}

/// A `.BTF` section of these types and strings.
fn section(types: &[u32], strings: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(24 + types.len() * 4 + strings.len());
    out.extend(0xeb9f_u16.to_ne_bytes());
    out.extend([1, 0]); // version, flags
    let length = u32::try_from(types.len() * 4).unwrap_or(u32::MAX);
    let of_strings = u32::try_from(strings.len()).unwrap_or(u32::MAX);
    for word in [24, 0, length, length, of_strings] {
        out.extend(word.to_ne_bytes());
    }
    out.extend(types.iter().flat_map(|word| word.to_ne_bytes()));
    out.extend(strings);
    out
}
