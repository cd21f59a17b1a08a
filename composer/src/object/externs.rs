//! What an object needs from the kernel that it is loaded on: configuration values (`__kconfig`),
//! variables and functions (`__ksym`).
//!
//! They are undefined symbols; the sections `.kconfig` and `.ksyms` in BTF define the kind of each.
//! A symbol in neither should have been defined by another object.

use std::collections::HashMap;

use super::btf::{Btf, Linkage, Type, TypeId};

/// A name that the kernel must define.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extern {
    /// Its name: `CONFIG_HZ`, `bpf_prog_active`, `bpf_rcu_read_lock`.
    pub name: String,
    /// Whether the program can do without it: it is `__weak`.
    pub weak: bool,
    /// Its kind.
    pub kind: ExternKind,
}

/// The kind of an [`Extern`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExternKind {
    /// A value of the kernel's configuration, of this type.
    Kconfig(TypeId),
    /// A variable of this type; of type `void`, nothing but an address.
    Variable(TypeId),
    /// A function (kfunc), by its `FUNC` in the object's BTF.
    Function(TypeId),
    /// None of these: it is undefined.
    Undefined,
}

/// Which extern is what, by name.
pub(super) struct ExternKinds(HashMap<String, ExternKind>);

impl ExternKinds {
    pub(super) fn of(btf: &Btf) -> Self {
        let mut kinds = HashMap::new();
        for (_, found) in btf.iter() {
            let Type::Section { name: section, variables } = found else { continue };
            for id in variables {
                let found = match (section, btf.get(id)) {
                    (".kconfig", Some(Type::Variable { name, of })) => {
                        (name, ExternKind::Kconfig(of))
                    }
                    (".ksyms", Some(Type::Variable { name, of })) => {
                        (name, ExternKind::Variable(of))
                    }
                    (".ksyms", Some(Type::Function { name, linkage: Linkage::Extern, .. })) => {
                        (name, ExternKind::Function(id))
                    }
                    _ => continue,
                };
                kinds.insert(found.0.to_owned(), found.1);
            }
        }
        Self(kinds)
    }

    pub(super) fn kind(&self, name: &str) -> ExternKind {
        self.0.get(name).copied().unwrap_or(ExternKind::Undefined)
    }
}
