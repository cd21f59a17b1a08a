//! The subset of a large BTF, such as a kernel's, that an object's CO-RE relocations refer to.
//!
//! A kernel has more than a hundred thousand types and an object reads a handful; a loader that
//! decodes all of them spends most of its time on that. The subset contains every type with one of
//! the given names, and the types of their members. Pointers in it refer to `void`, because a
//! relocation never follows one: it ends at the pointer, and the next one starts behind it.

use std::collections::HashMap;

use super::btf::{Btf, Type, TypeId};

/// A `.BTF` section with the types of `whole` that have one of `names` (or one of them with a
/// `___flavor` suffix), and everything that they contain.
#[must_use]
pub fn subset(whole: &Btf, names: &[&str]) -> Vec<u8> {
    let mut part = BtfSubset { strings: vec![0], ..BtfSubset::default() };
    for id in whole.called(names) {
        part.number(id);
    }
    let mut types = Vec::new();
    let mut done = 0;
    while let Some(id) = part.order.get(done).copied() {
        done += 1;
        part.write(whole, id, &mut types);
    }
    let mut out = Vec::with_capacity(24 + types.len() * 4 + part.strings.len());
    out.extend(0xeb9f_u16.to_ne_bytes());
    out.extend([1, 0]); // version, flags
    let length = u32::try_from(types.len() * 4).unwrap_or(u32::MAX);
    let strings = u32::try_from(part.strings.len()).unwrap_or(u32::MAX);
    for word in [24, 0, length, length, strings] {
        out.extend(word.to_ne_bytes());
    }
    out.extend(types.iter().flat_map(|word: &u32| word.to_ne_bytes()));
    out.extend(part.strings);
    out
}

/// What was taken so far.
#[derive(Default)]
struct BtfSubset {
    /// Types by their number in the part, which counts from 1.
    order: Vec<TypeId>,
    numbers: HashMap<TypeId, TypeId>,
    strings: Vec<u8>,
    offsets: HashMap<String, u32>,
}

impl BtfSubset {
    /// The number of type `id` in the part; it is written when its turn comes.
    fn number(&mut self, id: TypeId) -> TypeId {
        if id == 0 {
            return 0;
        }
        let next = u32::try_from(self.order.len() + 1).unwrap_or(u32::MAX);
        *self.numbers.entry(id).or_insert_with(|| {
            self.order.push(id);
            next
        })
    }

    fn string(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        if let Some(offset) = self.offsets.get(text) {
            return *offset;
        }
        let offset = u32::try_from(self.strings.len()).unwrap_or(u32::MAX);
        self.strings.extend(text.bytes());
        self.strings.push(0);
        self.offsets.insert(text.to_owned(), offset);
        offset
    }

    /// Appends type `id`. Whatever it is, one record is written, or the numbers would shift.
    fn write(&mut self, whole: &Btf, id: TypeId, out: &mut Vec<u32>) {
        let Some(mut words) = whole.words(id) else { return out.extend([0, 2 << 24, 0]) };
        match whole.get(id) {
            Some(Type::Struct { name, members, .. }) => {
                words[0] = self.string(name);
                for (member, place) in members.iter().zip(words[3..].chunks_exact_mut(3)) {
                    place[0] = self.string(member.name);
                    place[1] = self.number(member.of);
                }
            }
            Some(Type::Enum { name, variants, .. }) => {
                words[0] = self.string(name);
                // Values of 64 bits take three words, with the name.
                let stride = if words.len() == 3 + variants.len() * 2 { 2 } else { 3 };
                for ((name, _), place) in variants.iter().zip(words[3..].chunks_exact_mut(stride)) {
                    place[0] = self.string(name);
                }
            }
            Some(Type::Array { element, .. }) => {
                words[0] = 0;
                words[3] = self.number(element);
                let index = words[4];
                words[4] = self.number(index);
            }
            Some(Type::Typedef { name, of }) => {
                words[0] = self.string(name);
                words[2] = self.number(of);
            }
            Some(Type::Modifier { of, .. }) => {
                words[0] = 0;
                words[2] = self.number(of);
            }
            Some(
                Type::Int { name, .. } | Type::Float { name, .. } | Type::Forward { name, .. },
            ) => {
                words[0] = self.string(name);
            }
            // A pointer to void, which is also what a function behind a pointer becomes.
            _ => words = vec![0, 2 << 24, 0],
        }
        out.extend(words);
    }
}

#[cfg(test)]
mod tests {
    use super::{Btf, Type, subset};

    #[test]
    fn what_is_left_is_the_same_and_what_is_not_asked_for_is_gone() {
        let bytes = freplace_compose_ebpf_programs::object("tcp").expect("built in");
        let whole = crate::object::Object::parse(bytes).expect("a good object").btf;
        let part = Btf::parse(subset(&whole, &["sock_common", "tcp_answer"])).expect("well formed");
        assert!(part.len() < whole.len() / 2, "{} of {}", part.len(), whole.len());
        assert_eq!(part.structure("fc_header"), None);
        let fields = |btf: &Btf| match btf.structure("sock_common") {
            Some((_, Type::Struct { size, members, .. })) => {
                let member = |member: &super::super::btf::Member<'_>| {
                    let of = super::super::prototype::declare(btf, member.of, member.name);
                    (of, member.bit_offset, btf.size(member.of))
                };
                (size, members.iter().map(member).collect::<Vec<_>>())
            }
            other => panic!("no struct: {other:?}"),
        };
        assert_eq!(fields(&part), fields(&whole));
    }

    #[test]
    fn a_flavor_is_the_same_name() {
        let bytes = freplace_compose_ebpf_programs::object("tcp").expect("built in");
        let whole = crate::object::Object::parse(bytes).expect("a good object").btf;
        assert!(Btf::parse(subset(&whole, &["soc"])).expect("well formed").is_empty());
    }
}
