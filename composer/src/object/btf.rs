//! A reader for BTF, the type format of eBPF objects and of the kernel.
//!
//! Format: <https://docs.kernel.org/bpf/btf.html>. Types are found once and decoded when asked
//! for, so a kernel's BTF of several megabytes costs one pass. No input makes it panic: what does
//! not fit is [`BtfError`], and ids and names that lead nowhere are `None`.

use std::{collections::HashMap, ops::Range};

use thiserror::Error;

/// Why a `.BTF` section cannot be read.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum BtfError {
    /// It does not begin with the magic number 0xeB9F in this machine's byte order.
    #[error("no BTF magic number in this machine's byte order")]
    Magic,
    /// The header or a section it names reaches past the end.
    #[error("truncated at byte {0}")]
    Truncated(usize),
    /// A kind of type that neither this reader nor the section's own table of kinds knows, so the
    /// next type cannot be found.
    #[error("type {id} has unknown kind {kind}")]
    Kind {
        /// The type's id.
        id: u32,
        /// The kind's number.
        kind: u32,
    },
}

/// The number of a type; 0 is `void`.
pub type TypeId = u32;

/// How far a function or variable is visible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linkage {
    /// Within its file only.
    Static,
    /// To everybody.
    Global,
    /// Defined elsewhere.
    Extern,
}

/// One type, as far as the composer looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type<'a> {
    /// `void`.
    Void,
    /// An integer of `size` bytes.
    Int {
        /// Its name in C.
        name: &'a str,
        /// Bytes.
        size: u32,
        /// Whether it has a sign.
        signed: bool,
        /// Whether it is `bool`.
        boolean: bool,
    },
    /// A pointer.
    Ptr(TypeId),
    /// An array.
    Array {
        /// Type of the elements.
        element: TypeId,
        /// How many.
        length: u32,
    },
    /// A struct or union.
    Struct {
        /// Its tag; empty when anonymous.
        name: &'a str,
        /// Whether it is a union.
        union: bool,
        /// Bytes.
        size: u32,
        /// In order.
        members: Vec<Member<'a>>,
    },
    /// An enum, of 4 or 8 bytes as a rule.
    Enum {
        /// Its tag; empty when anonymous.
        name: &'a str,
        /// Bytes.
        size: u32,
        /// Whether values have a sign.
        signed: bool,
        /// Names and values, in order.
        variants: Vec<(&'a str, i64)>,
    },
    /// A struct or union that is declared only.
    Forward {
        /// Its tag.
        name: &'a str,
        /// Whether it is a union.
        union: bool,
    },
    /// A typedef.
    Typedef {
        /// Its name.
        name: &'a str,
        /// What it stands for.
        of: TypeId,
    },
    /// `const`, `volatile`, `restrict` or a type tag.
    Modifier {
        /// The word in C; empty for a type tag.
        word: &'static str,
        /// What it modifies.
        of: TypeId,
    },
    /// A function.
    Function {
        /// Its name.
        name: &'a str,
        /// Its prototype's id.
        prototype: TypeId,
        /// Whether it is global.
        linkage: Linkage,
    },
    /// A prototype.
    Prototype {
        /// What it returns.
        returns: TypeId,
        /// Its parameters' names (possibly empty) and types; a last one of ("", 0) is `...`.
        parameters: Vec<(&'a str, TypeId)>,
    },
    /// A global variable.
    Variable {
        /// Its name.
        name: &'a str,
        /// Its type.
        of: TypeId,
    },
    /// The variables of a data section.
    Section {
        /// `.rodata`, `.maps`, ...
        name: &'a str,
        /// Ids of its variables.
        variables: Vec<TypeId>,
    },
    /// A floating point number of so many bytes.
    Float {
        /// Its name in C.
        name: &'a str,
        /// Bytes.
        size: u32,
    },
    /// A tag on a declaration; not followed.
    DeclarationTag,
}

/// A field of a struct or union.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member<'a> {
    /// Its name; empty for an anonymous struct or union.
    pub name: &'a str,
    /// Its type.
    pub of: TypeId,
    /// Offset from the start of the struct, in bits.
    pub bit_offset: u32,
    /// Width in bits when it is a bit field, else 0.
    pub bit_width: u32,
}

/// A variable as the list of its data section has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlacedVariable<'a> {
    /// The section.
    pub section: &'a str,
    /// The variable's name.
    pub name: &'a str,
    /// Its own number.
    pub id: TypeId,
    /// Its type.
    pub of: TypeId,
    /// Bytes from the start of the section; before linking, 0 or what a relocation adds to.
    pub offset: u32,
    /// Bytes; before linking it may be 0.
    pub size: u32,
    /// Where in the `.BTF` section the offset stands, which is what a relocation names.
    pub place: usize,
}

/// A parsed `.BTF` section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Btf {
    data: Vec<u8>,
    /// Where each type begins; index 0 is type 1.
    offsets: Vec<usize>,
    strings: Range<usize>,
}

const HEADER: usize = 24;
/// The header of Linux 7.2 and later, which says where the table of kinds is.
const HEADER_WITH_LAYOUT: usize = 32;

impl Btf {
    /// Reads the header and finds every type.
    ///
    /// # Errors
    /// [`BtfError`] when the bytes are not BTF of this machine's byte order.
    pub fn parse(data: impl Into<Vec<u8>>) -> Result<Self, BtfError> {
        let data = data.into();
        let word = |at: usize| read_u32(&data, at).ok_or(BtfError::Truncated(data.len()));
        if data.len() < HEADER {
            return Err(BtfError::Truncated(data.len()));
        }
        if u16::from_ne_bytes([data[0], data[1]]) != 0xeb9f {
            return Err(BtfError::Magic);
        }
        // Newer writers use a longer header, so the sections are found by the length it gives.
        let length = word(4)? as usize;
        let types = section(&data, length, word(8)?, word(12)?)?;
        let strings = section(&data, length, word(16)?, word(20)?)?;
        let layout = match length {
            ..HEADER_WITH_LAYOUT => 0..0,
            _ => section(&data, length, word(24)?, word(28)?)?,
        };

        let mut offsets = Vec::new();
        let mut at = types.start;
        while at < types.end {
            let id = u32::try_from(offsets.len() + 1).unwrap_or(u32::MAX);
            let info = word(at + 4)?;
            let extra = extra_length(info).or_else(|| told_length(&data[layout.clone()], info));
            let extra = extra.ok_or(BtfError::Kind { id, kind: kind(info) })?;
            offsets.push(at);
            at += 12 + extra;
        }
        if at > types.end {
            return Err(BtfError::Truncated(types.end));
        }
        Ok(Self { data, offsets, strings })
    }

    /// How many types there are, `void` not counted. Ids run from 1 to this number.
    #[must_use]
    pub fn len(&self) -> u32 {
        u32::try_from(self.offsets.len()).unwrap_or(u32::MAX)
    }

    /// Whether there is no type at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    /// The type with number `id`; none as well when its kind is not known here.
    #[must_use]
    pub fn get(&self, id: TypeId) -> Option<Type<'_>> {
        if id == 0 {
            return Some(Type::Void);
        }
        let at = *self.offsets.get(id as usize - 1)?;
        let name = self.string(self.word(at)?)?;
        let info = self.word(at + 4)?;
        let of = self.word(at + 8)?; // a size or a type, as the kind wants it
        let flag = info >> 31 == 1;
        let extra = |index: usize| self.word(at + 12 + 4 * index);
        let items = 0..count(info);
        Some(match kind(info) {
            1 => {
                let encoding = extra(0)? >> 24;
                Type::Int { name, size: of, signed: encoding & 1 != 0, boolean: encoding & 4 != 0 }
            }
            2 => Type::Ptr(of),
            3 => Type::Array { element: extra(0)?, length: extra(2)? },
            number @ (4 | 5) => {
                let member = |index: usize| {
                    let offset = extra(3 * index + 2)?;
                    Some(Member {
                        name: self.string(extra(3 * index)?)?,
                        of: extra(3 * index + 1)?,
                        bit_offset: if flag { offset & 0x00ff_ffff } else { offset },
                        bit_width: if flag { offset >> 24 } else { 0 },
                    })
                };
                let members = items.map(member).collect::<Option<_>>()?;
                Type::Struct { name, union: number == 5, size: of, members }
            }
            6 => {
                let variant = |index: usize| {
                    let value = extra(2 * index + 1)?;
                    let value =
                        if flag { i64::from(value.cast_signed()) } else { i64::from(value) };
                    Some((self.string(extra(2 * index)?)?, value))
                };
                let variants = items.map(variant).collect::<Option<_>>()?;
                Type::Enum { name, size: of, signed: flag, variants }
            }
            7 => Type::Forward { name, union: flag },
            8 => Type::Typedef { name, of },
            9 => Type::Modifier { word: "volatile", of },
            10 => Type::Modifier { word: "const", of },
            11 => Type::Modifier { word: "restrict", of },
            12 => {
                let linkage = match count(info) {
                    0 => Linkage::Static,
                    1 => Linkage::Global,
                    _ => Linkage::Extern,
                };
                Type::Function { name, prototype: of, linkage }
            }
            13 => {
                let parameter =
                    |index: usize| Some((self.string(extra(2 * index)?)?, extra(2 * index + 1)?));
                let parameters = items.map(parameter).collect::<Option<_>>()?;
                Type::Prototype { returns: of, parameters }
            }
            14 => Type::Variable { name, of },
            15 => {
                let variables = items.map(|index| extra(3 * index)).collect::<Option<_>>()?;
                Type::Section { name, variables }
            }
            16 => Type::Float { name, size: of },
            17 => Type::DeclarationTag,
            18 => Type::Modifier { word: "", of },
            19 => {
                let variant = |index: usize| {
                    let low = u64::from(extra(3 * index + 1)?);
                    let high = u64::from(extra(3 * index + 2)?);
                    Some((self.string(extra(3 * index)?)?, (high << 32 | low).cast_signed()))
                };
                let variants = items.map(variant).collect::<Option<_>>()?;
                Type::Enum { name, size: of, signed: flag, variants }
            }
            _ => return None,
        })
    }

    /// The type behind typedefs and modifiers, with its id.
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

    /// Whether a declaration tag is on the type `id`, or on a part of it.
    #[must_use]
    pub fn is_tagged(&self, id: TypeId) -> bool {
        self.tags().any(|(_, on)| on == id)
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

    /// The section called `name`: the ids of its variables.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<Vec<TypeId>> {
        self.of_kind(15).find_map(|id| match self.get(id)? {
            Type::Section { name: found, variables } if found == name => Some(variables),
            _ => None,
        })
    }

    /// The struct called `name`, with its id.
    #[must_use]
    pub fn structure(&self, name: &str) -> Option<(TypeId, Type<'_>)> {
        self.of_kind(4).find_map(|id| match self.get(id)? {
            found @ Type::Struct { name: tag, .. } if tag == name => Some((id, found)),
            _ => None,
        })
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

    /// The types called one of `names`, or one of them with a `___flavor` behind it.
    pub(super) fn called(&self, names: &[&str]) -> impl Iterator<Item = TypeId> {
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

    /// The record of type `id` as it stands in the section.
    pub(super) fn words(&self, id: TypeId) -> Option<Vec<u32>> {
        let at = *self.offsets.get((id as usize).checked_sub(1)?)?;
        let length = 3 + extra_length(self.word(at + 4)?)? / 4;
        (0..length).map(|index| self.word(at + 4 * index)).collect()
    }

    /// The declaration tags, each with the type that it is on.
    pub(super) fn tags(&self) -> impl Iterator<Item = (TypeId, TypeId)> {
        let on = |tag: TypeId| self.word(self.offsets[tag as usize - 1] + 8);
        self.of_kind(17).filter_map(move |tag| Some((tag, on(tag)?)))
    }

    /// The variables, each with its name.
    pub fn variables(&self) -> impl Iterator<Item = (TypeId, &str)> {
        self.of_kind(14).filter_map(|id| Some((id, self.name(id)?)))
    }

    /// All strings, as they stand in the section.
    pub(super) fn strings(&self) -> &[u8] {
        self.data.get(self.strings.clone()).unwrap_or_default()
    }

    fn of_kind(&self, wanted: u32) -> impl Iterator<Item = TypeId> + '_ {
        (1..=self.len()).filter(move |id| {
            let at = self.offsets[*id as usize - 1]; // ids of this range are indices
            self.word(at + 4).is_some_and(|info| kind(info) == wanted)
        })
    }

    fn name(&self, id: TypeId) -> Option<&str> {
        let at = *self.offsets.get((id as usize).checked_sub(1)?)?;
        self.string(self.word(at)?)
    }

    fn word(&self, at: usize) -> Option<u32> {
        read_u32(&self.data, at)
    }

    pub(super) fn string(&self, offset: u32) -> Option<&str> {
        // Names are printed; the kernel, too, takes nothing but identifiers for most of them.
        self.raw(offset).filter(|name| !name.chars().any(char::is_control))
    }

    /// The text at `offset` that is no name: a file's, or a line of source without its indentation.
    #[must_use]
    pub fn text(&self, offset: u32) -> Option<&str> {
        self.raw(offset).map(str::trim)
    }

    fn raw(&self, offset: u32) -> Option<&str> {
        let start = self.strings.start.checked_add(offset as usize)?;
        let bytes = self.data.get(start..self.strings.end)?;
        let end = bytes.iter().position(|byte| *byte == 0)?;
        std::str::from_utf8(&bytes[..end]).ok()
    }
}

fn read_u32(data: &[u8], at: usize) -> Option<u32> {
    data.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_ne_bytes)
}

/// Seven bits; the upper two were unused, and zero, before Linux 7.2.
fn kind(info: u32) -> u32 {
    info >> 24 & 0x7f
}

/// How many members, values or parameters; 24 bits, of which the upper eight were unused, and zero,
/// before Linux 7.2.
fn count(info: u32) -> usize {
    (info & 0x00ff_ffff) as usize
}

/// Bytes that follow the twelve of every type, as the table of kinds tells them: for each kind the
/// bytes once and the bytes an item, each in a byte, then two bytes of flags (`struct btf_layout`
/// of include/uapi/linux/btf.h).
fn told_length(layout: &[u8], info: u32) -> Option<usize> {
    let of_kind = layout.get(4 * kind(info) as usize..)?.get(..4)?;
    Some(usize::from(of_kind[0]) + usize::from(of_kind[1]) * count(info))
}

/// Bytes that follow the twelve of every type, of the kinds that are known here.
fn extra_length(info: u32) -> Option<usize> {
    let items = count(info);
    Some(match kind(info) {
        1 | 14 | 17 => 4,
        3 => 12,
        4 | 5 | 15 | 19 => 12 * items,
        6 | 13 => 8 * items,
        2 | 7..=12 | 16 | 18 => 0,
        _ => return None,
    })
}

fn section(data: &[u8], header: usize, offset: u32, length: u32) -> Result<Range<usize>, BtfError> {
    let start = header.saturating_add(offset as usize);
    let end = start.saturating_add(length as usize);
    if end > data.len() {
        return Err(BtfError::Truncated(data.len()));
    }
    Ok(start..end)
}

#[cfg(test)]
mod tests {
    use super::{Btf, BtfError, Type};

    /// A section as Linux 7.2 writes it, with a table of kinds behind the strings.
    fn with_layout(types: &[u32], strings: &[u8], layout: &[[u8; 4]]) -> Vec<u8> {
        let mut out = section(32, types, strings);
        let offset = u32::try_from(out.len() - 32).expect("a few bytes");
        let length = u32::try_from(layout.len() * 4).expect("a few kinds");
        out[24..28].copy_from_slice(&offset.to_ne_bytes());
        out[28..32].copy_from_slice(&length.to_ne_bytes());
        out.extend(layout.concat());
        out
    }

    /// A section with the given types and strings, with a header of `header` bytes.
    fn section(header: u32, types: &[u32], strings: &[u8]) -> Vec<u8> {
        let mut out = vec![0x9f, 0xeb, 1, 0];
        let length = u32::try_from(types.len() * 4).expect("a few words");
        let strings_length = u32::try_from(strings.len()).expect("a few bytes");
        for word in [header, 0, length, length, strings_length] {
            out.extend(word.to_ne_bytes());
        }
        out.resize(header as usize, 0);
        out.extend(types.iter().flat_map(|word| word.to_ne_bytes()));
        out.extend(strings);
        out
    }

    #[test]
    fn a_longer_header_is_followed_by_its_length() {
        let int = [1, 1 << 24, 4, 1 << 24 | 32];
        for header in [24, 32] {
            let btf = Btf::parse(section(header, &int, b"\0int\0")).expect("well formed");
            let expected = Type::Int { name: "int", size: 4, signed: true, boolean: false };
            assert_eq!(btf.get(1), Some(expected));
        }
    }

    #[test]
    fn unknown_kinds_are_passed_over_by_the_table_of_kinds() {
        const INT: [u32; 4] = [1, 1 << 24, 4, 1 << 24 | 32];
        // Kind 100 has four bytes once and eight for each of its two items.
        let unknown = [1, 100 << 24 | 2, 7, 0, 1, 2, 3, 4];
        let types = [&INT[..], &unknown, &[0, 2 << 24, 1]].concat();
        let mut layout = [[0; 4]; 101];
        layout[100] = [4, 8, 0, 0];
        let btf = Btf::parse(with_layout(&types, b"\0int\0", &layout)).expect("well formed");
        assert_eq!((btf.len(), btf.get(2), btf.get(3)), (3, None, Some(Type::Ptr(1))));
        assert_eq!(btf.iter().count(), 2);

        let short = with_layout(&types, b"\0int\0", &layout[..100]);
        assert_eq!(Btf::parse(short).err(), Some(BtfError::Kind { id: 2, kind: 100 }));
        let mut cut = with_layout(&types, b"\0int\0", &layout);
        cut.truncate(cut.len() - 1);
        assert_eq!(Btf::parse(&*cut).err(), Some(BtfError::Truncated(cut.len())));
        // Items that reach past the end of the types are no panic.
        layout[100] = [255; 4];
        assert!(Btf::parse(with_layout(&types, b"\0int\0", &layout)).is_err());
    }

    #[test]
    fn more_than_65535_values_are_counted() {
        let values = 70_000;
        let mut types = vec![1, 6 << 24 | values, 4];
        types.extend((0..values).flat_map(|value| [1, value]));
        types.extend([0, 2 << 24, 1]);
        let btf = Btf::parse(section(24, &types, b"\0a\0")).expect("well formed");
        let Some(Type::Enum { variants, .. }) = btf.get(1) else { panic!("an enum") };
        assert_eq!(variants.last(), Some(&("a", i64::from(values - 1))));
        assert_eq!(btf.get(2), Some(Type::Ptr(1)));
    }

    #[test]
    fn types_that_are_part_of_themselves_are_declared_shortly() {
        // A pointer to itself; a function that takes a pointer to itself.
        let types = [0, 2 << 24, 1, 0, 13 << 24 | 1, 0, 0, 3, 0, 2 << 24, 2];
        let btf = Btf::parse(section(24, &types, &[0])).expect("it is whole");
        let declare = crate::object::prototype::declare;
        assert_eq!(declare(&btf, 1, "x"), "? *x");
        assert_eq!(declare(&btf, 3, "call"), "void (*call)(?)");
    }

    #[test]
    fn loops_of_typedefs_and_arrays_end() {
        let btf = Btf::parse(section(24, &[0, 8 << 24, 1], b"\0")).expect("well formed");
        assert_eq!(btf.resolve(1), None);
        let array = [0, 3 << 24, 0, 1, 1, 2];
        let btf = Btf::parse(section(24, &array, b"\0")).expect("well formed");
        assert_eq!(btf.size(1), None);
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let good = section(24, &[1, 1 << 24, 4, 32], b"\0int\0");
        assert!(Btf::parse(&good[..good.len() - 1]).is_err());
        assert_eq!(Btf::parse(vec![0; 24]).err(), Some(BtfError::Magic));
        assert_eq!(Btf::parse(&good[..8]).err(), Some(BtfError::Truncated(8)));
        for kind in [31, 127] {
            let unknown = section(24, &[0, kind << 24, 0], b"\0");
            assert_eq!(Btf::parse(unknown).err(), Some(BtfError::Kind { id: 1, kind }));
        }
    }
}
