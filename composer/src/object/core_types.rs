//! The types that CO-RE relocations refer to: structs that a program writes as events, and kernel
//! types that it depends on.

use std::collections::{BTreeSet, HashMap};

use super::{
    Cut, Object,
    btf::{Btf, Type, TypeId},
    ext::{Ext, Relocation},
    insn::{Insn, WIDE, set_wide},
    prototype, type_match,
};

/// `BPF_CORE_FIELD_RSHIFT_U64`; the kinds up to it are of fields.
const LAST_OF_FIELDS: u32 = 5;
/// `BPF_CORE_FIELD_EXISTS`.
const FIELD_EXISTS: u32 = 2;
/// `BPF_CORE_TYPE_EXISTS`.
const TYPE_EXISTS: u32 = 8;
/// `BPF_CORE_TYPE_SIZE`.
const TYPE_SIZE: u32 = 9;
/// `BPF_CORE_ENUMVAL_EXISTS`.
const ENUM_VALUE_EXISTS: u32 = 10;
/// `BPF_CORE_ENUMVAL_VALUE`.
const ENUM_VALUE: u32 = 11;
/// `BPF_CORE_TYPE_MATCHES`.
const TYPE_MATCHES: u32 = 12;
/// `BPF_CORE_TYPE_ID_LOCAL`.
const TYPE_ID_LOCAL: u32 = 6;
/// `BPF_CORE_TYPE_ID_TARGET`: wants the number that the type has in the kernel.
const TYPE_ID_TARGET: u32 = 7;

/// The structs that are written as events, by number: those that a program takes the BTF number
/// of, as `fc_reserve` does.
pub(super) fn events(ext: &Ext) -> BTreeSet<TypeId> {
    let relocations = ext.sections.values().flat_map(|section| &section.relocations);
    relocations
        .filter(|relocation| relocation.kind == TYPE_ID_LOCAL)
        .map(|relocation| relocation.of)
        .collect()
}

/// A step from a type to a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Accessor<'a> {
    /// The field of this name; none for a struct without a name within.
    Field(&'a str),
    /// The element with this number.
    Element(usize),
}

impl Object {
    /// The target of a relocation in C notation: `task_struct.tgid`, `enum bpf_cmd`.
    #[must_use]
    pub fn asked(&self, relocation: &Relocation) -> String {
        let mut text = prototype::declare(&self.btf, relocation.of, "").trim().to_owned();
        for step in self.way(relocation) {
            match step {
                Accessor::Field("") => {}
                Accessor::Field(name) => text += &format!(".{name}"),
                Accessor::Element(number) => text += &format!("[{number}]"),
            }
        }
        if let Some(name) = self.enum_value(relocation) {
            text += &format!(" {name}");
        }
        text
    }

    /// Those of `relocations` whose target does not exist in the types of `kernel`: CO-RE replaces
    /// them by an instruction that every verifier rejects. Only names are compared, not types, so
    /// the others may have no target either.
    #[must_use]
    pub fn missing<'a>(&self, relocations: &'a [Relocation], kernel: &Btf) -> Vec<&'a Relocation> {
        let takes_a_value =
            |one: &&Relocation| (one.is_of_field() && !one.is_question()) || one.kind == ENUM_VALUE;
        self.unfound(relocations.iter().filter(takes_a_value), kernel)
    }

    /// Resolves the relocations of `cut` about whole types: the size and the id of a type that
    /// `kernel` lacks are 0, and the result of a match is 1 or 0.
    pub fn settle(&self, cut: &mut Cut, kernel: &Btf) {
        let of_type = |one: &&Relocation| matches!(one.kind, TYPE_SIZE | TYPE_ID_TARGET);
        let unfound = self.unfound(cut.relocations.iter().filter(of_type), kernel);
        let mut settled: HashMap<u32, i32> = unfound.into_iter().map(|one| (one.at, 0)).collect();
        for one in cut.relocations.iter().filter(|one| one.kind == TYPE_MATCHES) {
            settled.insert(one.at, i32::from(self.has_match(one.of, kernel)));
        }
        for (at, value) in &settled {
            let at = *at as usize;
            let Some(insn) = Insn::at(&cut.code, at) else { continue };
            if insn.opcode == WIDE {
                set_wide(&mut cut.code, at, insn.source, *value, 0);
            } else {
                Insn { immediate: *value, ..insn }.put(&mut cut.code, at);
            }
        }
        cut.relocations.retain(|one| !settled.contains_key(&one.at));
    }

    /// Whether a type of `kernel` matches the type `of`.
    fn has_match(&self, of: TypeId, kernel: &Btf) -> bool {
        let name = self.btf.get(of).and_then(|of| plain_name(&of));
        let Some(name) = name.filter(|name| !name.is_empty()) else { return false };
        kernel.called(&[name]).any(|id| type_match::matches(&self.btf, of, kernel, id))
    }

    /// Those of `asking` that have nothing to go by in the types of `kernel`.
    fn unfound<'a>(
        &self,
        asking: impl Iterator<Item = &'a Relocation>,
        kernel: &Btf,
    ) -> Vec<&'a Relocation> {
        let asking: Vec<_> = asking
            .filter_map(|one| {
                let of = self.btf.get(one.of)?;
                let name = plain_name(&of).filter(|name| !name.is_empty())?;
                Some((one, of, name))
            })
            .collect();
        if asking.is_empty() {
            return Vec::new();
        }
        let names: BTreeSet<&str> = asking.iter().map(|(.., name)| *name).collect();
        let names: Vec<&str> = names.into_iter().collect();
        let mut candidates: HashMap<&str, Vec<TypeId>> = HashMap::new();
        for id in kernel.called(&names) {
            let name = kernel.get(id).and_then(|candidate| plain_name(&candidate));
            candidates.entry(name.unwrap_or_default()).or_default().push(id);
        }
        let is_there = |one: &Relocation, of: &Type<'_>, id: TypeId| {
            kernel.get(id).is_some_and(|candidate| {
                is_alike(of, &candidate) && self.is_in(one, kernel, id, &candidate)
            })
        };
        let missing = asking.iter().filter(|(one, of, name)| {
            !candidates.get(name).into_iter().flatten().any(|id| is_there(one, of, *id))
        });
        missing.map(|(one, ..)| *one).collect()
    }

    /// Whether two relocations begin at types of one name, flavors aside.
    #[must_use]
    pub fn same_type(&self, one: &Relocation, other: &Relocation) -> bool {
        let name =
            |relocation: &Relocation| self.btf.get(relocation.of).and_then(|of| plain_name(&of));
        name(one) == name(other)
    }

    /// Whether what `relocation` asks for is in the type `id` of `kernel`.
    fn is_in(&self, relocation: &Relocation, kernel: &Btf, id: TypeId, of: &Type<'_>) -> bool {
        match (relocation.kind, of) {
            (ENUM_VALUE, Type::Enum { variants, .. }) => self
                .enum_value(relocation)
                .is_none_or(|wanted| variants.iter().any(|(name, _)| plain(name) == plain(wanted))),
            _ if relocation.is_of_field() => leads(kernel, id, &self.way(relocation)),
            _ => true,
        }
    }

    /// The way that a relocation goes from its type on, as far as it leads anywhere.
    fn way(&self, relocation: &Relocation) -> Vec<Accessor<'_>> {
        let way = self.btf.text(relocation.access).unwrap_or_default();
        let mut of = relocation.of;
        let mut steps = Vec::new();
        // The first one counts whole structs, from the pointer on.
        for number in way.split(':').filter_map(|step| step.parse::<usize>().ok()).skip(1) {
            match self.btf.resolve(of) {
                Some((_, Type::Struct { members, .. })) => {
                    let Some(member) = members.get(number) else { break };
                    steps.push(Accessor::Field(member.name));
                    of = member.of;
                }
                Some((_, Type::Array { element, .. })) => {
                    steps.push(Accessor::Element(number));
                    of = element;
                }
                _ => break,
            }
        }
        steps
    }

    /// The name of the value of an enum that a relocation asks for.
    fn enum_value(&self, relocation: &Relocation) -> Option<&str> {
        let Type::Enum { variants, .. } = self.btf.resolve(relocation.of)?.1 else { return None };
        let index = self.btf.text(relocation.access)?.parse::<usize>().ok()?;
        variants.get(index).map(|(name, _)| *name)
    }
}

impl Relocation {
    /// Whether it tests for existence, which always has a result.
    #[must_use]
    pub fn is_question(&self) -> bool {
        [FIELD_EXISTS, TYPE_EXISTS, ENUM_VALUE_EXISTS, TYPE_MATCHES].contains(&self.kind)
    }

    /// Whether it is about a field.
    #[must_use]
    pub fn is_of_field(&self) -> bool {
        self.kind <= LAST_OF_FIELDS
    }
}

/// Whether CO-RE compares two types of one name.
fn is_alike(one: &Type<'_>, other: &Type<'_>) -> bool {
    match (one, other) {
        (Type::Struct { union: one, .. }, Type::Struct { union: other, .. }) => one == other,
        (Type::Enum { .. }, Type::Enum { .. }) | (Type::Typedef { .. }, Type::Typedef { .. }) => {
            true
        }
        _ => false,
    }
}

/// Whether `way` leads somewhere from the type `of` on. What is of another kind there is left open.
fn leads(kernel: &Btf, mut of: TypeId, way: &[Accessor<'_>]) -> bool {
    for step in way {
        of = match (step, kernel.resolve(of)) {
            (Accessor::Field(""), _) => continue,
            (Accessor::Field(name), Some((id, Type::Struct { .. }))) => {
                match field(kernel, id, name) {
                    Some(of) => of,
                    None => return false,
                }
            }
            (Accessor::Element(_), Some((_, Type::Array { element, .. }))) => element,
            _ => return true,
        };
    }
    true
}

/// The type of the field `name` of a struct, or of one without a name within it.
fn field(btf: &Btf, of: TypeId, name: &str) -> Option<TypeId> {
    let mut seen = BTreeSet::new();
    let mut open = vec![of];
    while let Some(id) = open.pop() {
        let Some((id, Type::Struct { members, .. })) = btf.resolve(id) else { continue };
        if !seen.insert(id) {
            continue;
        }
        for member in members {
            match member.name {
                "" => open.push(member.of),
                found if found == name => return Some(member.of),
                _ => {}
            }
        }
    }
    None
}

/// The names of the types of the kernel that `relocations` go by, without flavors; none when that
/// has to be all of them.
pub(super) fn of_kernel<'a>(
    relocations: impl IntoIterator<Item = &'a Relocation>,
    btf: &Btf,
) -> Option<BTreeSet<String>> {
    let asked = relocations.into_iter().filter(|relocation| relocation.kind != TYPE_ID_LOCAL);
    asked.map(|relocation| name(relocation, btf)).collect()
}

fn name(relocation: &Relocation, btf: &Btf) -> Option<String> {
    let of = btf.get(relocation.of)?;
    match of {
        Type::Struct { .. } | Type::Enum { .. } if relocation.kind != TYPE_ID_TARGET => {
            plain_name(&of).map(str::to_owned)
        }
        // A typedef may stand for a pointer, and what that points to may be asked for.
        _ => None,
    }
}

/// The name of a type, without its flavor.
fn plain_name<'a>(of: &Type<'a>) -> Option<&'a str> {
    match of {
        Type::Struct { name, .. } | Type::Enum { name, .. } | Type::Typedef { name, .. } => {
            Some(plain(name))
        }
        _ => None,
    }
}

/// A name without its flavor.
pub(super) fn plain(name: &str) -> &str {
    name.split("___").next().unwrap_or_default()
}
