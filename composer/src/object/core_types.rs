//! What CO-RE relocations ask of types: the structs that a program writes as events, and the types
//! of the kernel that it goes by.

use std::collections::BTreeSet;

use super::{
    Object,
    btf::{Btf, Type, TypeId},
    ext::{Ext, Relocation},
    prototype,
};

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

impl Object {
    /// What a relocation asks for, as C would write it: `task_struct.tgid`, `enum bpf_cmd`.
    #[must_use]
    pub fn asked(&self, relocation: &Relocation) -> String {
        let btf = &self.btf;
        let mut text = prototype::declare(btf, relocation.of, "").trim().to_owned();
        let way = btf.text(relocation.access).unwrap_or_default();
        let mut steps = way.split(':').filter_map(|step| step.parse::<usize>().ok());
        // The first one counts whole structs, from the pointer on.
        let _ = steps.next();
        let mut of = relocation.of;
        for step in steps {
            match btf.resolve(of) {
                Some((_, Type::Struct { members, .. })) => {
                    let Some(member) = members.get(step) else { break };
                    if !member.name.is_empty() {
                        text += &format!(".{}", member.name);
                    }
                    of = member.of;
                }
                Some((_, Type::Array { element, .. })) => {
                    text += &format!("[{step}]");
                    of = element;
                }
                _ => break,
            }
        }
        if let (Some((_, Type::Enum { variants, .. })), Ok(index)) =
            (btf.resolve(relocation.of), way.parse::<usize>())
            && let Some((name, _)) = variants.get(index)
        {
            text += &format!(" {name}");
        }
        text
    }
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
    let name = match btf.get(relocation.of)? {
        Type::Struct { name, .. } | Type::Enum { name, .. }
            if relocation.kind != TYPE_ID_TARGET =>
        {
            name
        }
        // A typedef may stand for a pointer, and what that points to may be asked for.
        _ => return None,
    };
    Some(name.split("___").next().unwrap_or_default().to_owned())
}
