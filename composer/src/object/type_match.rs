//! `bpf_core_type_matches`: whether a kernel type has the layout that a program expects.
//!
//! Names, kinds, signedness, sizes of integers and of enums, and dimensions must be equal, and
//! every field or value that the program declares must exist; the kernel's type may have more.
//! Structs behind pointers are compared by name only. `__bpf_core_types_match`,
//! <https://github.com/torvalds/linux/blob/v6.12/tools/lib/bpf/relo_core.c>.

use super::{
    btf::{Btf, Member, Type, TypeId},
    core_types::plain,
};

/// How deep types may lie within each other; libbpf stops there as well.
const DEPTH: u32 = 32;

/// Whether the type `id` of `kernel` matches the type `of` of a program.
pub(super) fn matches(program: &Btf, of: TypeId, kernel: &Btf, id: TypeId) -> bool {
    TypeMatcher { program, kernel }.types(of, id, false, DEPTH)
}

struct TypeMatcher<'a> {
    program: &'a Btf,
    kernel: &'a Btf,
}

impl TypeMatcher<'_> {
    fn types(&self, of: TypeId, id: TypeId, behind_pointer: bool, depth: u32) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        let (Some((_, one)), Some((_, other))) =
            (self.program.resolve(of), self.kernel.resolve(id))
        else {
            return of == 0 && id == 0;
        };
        if plain(tag(&one)) != plain(tag(&other)) {
            return false;
        }
        match (one, other) {
            (Type::Void, Type::Void) => true,
            (
                Type::Int { size: one, signed: sign, .. },
                Type::Int { size: other, signed: other_sign, .. },
            ) => (one, sign) == (other, other_sign),
            (Type::Ptr(one), Type::Ptr(other)) => self.types(one, other, true, depth),
            (
                Type::Array { element: one, length },
                Type::Array { element: other, length: other_length },
            ) => length == other_length && self.types(one, other, behind_pointer, depth),
            (
                Type::Enum { size, variants: one, .. },
                Type::Enum { size: other_size, variants: other, .. },
            ) => {
                let is_there = |name| other.iter().any(|(found, _)| plain(found) == plain(name));
                size == other_size && one.iter().all(|(name, _)| is_there(name))
            }
            (Type::Forward { union: one, .. }, Type::Forward { union: other, .. }) => one == other,
            (
                Type::Forward { union: one, .. } | Type::Struct { union: one, .. },
                Type::Forward { union: other, .. } | Type::Struct { union: other, .. },
            ) if behind_pointer => one == other,
            (
                Type::Struct { union: one, members, .. },
                Type::Struct { union: other, members: found, .. },
            ) => one == other && self.members(&members, &found, depth),
            (
                Type::Prototype { returns, parameters },
                Type::Prototype { returns: other_returns, parameters: others },
            ) => {
                let mut pairs = parameters.iter().zip(&others);
                parameters.len() == others.len()
                    && pairs.all(|((_, one), (_, other))| {
                        self.types(*one, *other, behind_pointer, depth)
                    })
                    && self.types(returns, other_returns, behind_pointer, depth)
            }
            _ => false,
        }
    }

    fn members(&self, wanted: &[Member<'_>], found: &[Member<'_>], depth: u32) -> bool {
        wanted.iter().all(|one| {
            let mut alike = found.iter().filter(|other| plain(other.name) == plain(one.name));
            alike.any(|other| self.types(one.of, other.of, false, depth))
        })
    }
}

/// The name of a type, empty where it has none.
fn tag<'a>(of: &Type<'a>) -> &'a str {
    match of {
        Type::Int { name, .. }
        | Type::Struct { name, .. }
        | Type::Enum { name, .. }
        | Type::Forward { name, .. } => name,
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use crate::object::{Object, btf::Type};

    /// The object says in each program's name what the kernel, which is the object itself here,
    /// is to answer.
    #[test]
    fn a_type_matches_when_all_that_the_program_knows_of_it_is_there() {
        let bytes = freplace_compose_test_programs::object("type-match").expect("a test program");
        let btf = Object::parse(bytes).expect("a good object").btf;
        let flavor = |suffix: &str| -> Vec<_> {
            let named = |of: &Type<'_>| super::tag(of).ends_with(suffix);
            btf.iter().filter(|(_, of)| named(of)).map(|(id, of)| (id, super::tag(&of))).collect()
        };
        let whole = |name: &str| {
            let is_it = |of: &Type<'_>| super::tag(of) == super::plain(name);
            btf.iter().find(|(_, of)| is_it(of)).map(|(id, _)| id).expect("the whole one")
        };
        let (alike, unlike) = (flavor("___alike"), flavor("___unlike"));
        assert_eq!((alike.len(), unlike.len()), (7, 9));
        for (found, answer) in [(alike, true), (unlike, false)] {
            for (id, name) in found {
                let matches = super::matches(&btf, id, &btf, whole(name));
                assert_eq!(matches, answer, "{name}");
            }
        }
    }
}
