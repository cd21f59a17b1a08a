//! What an object takes from the kernel it is loaded on: values of its configuration (`__kconfig`),
//! its variables and its functions (`__ksym`).
//!
//! They are undefined symbols; BTF says what each is. Clang lists variables in the sections
//! `.kconfig` and `.ksyms`, and functions as `FUNC` with external linkage.

use std::collections::HashMap;

use super::btf::{Btf, Linkage, Type, TypeId};

/// Something that the kernel has to provide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extern {
    /// Its name: `CONFIG_HZ`, `bpf_prog_active`, `bpf_rcu_read_lock`.
    pub name: String,
    /// Whether the program can do without it: it is `__weak`.
    pub weak: bool,
    /// What it is.
    pub kind: ExternKind,
}

/// What an [`Extern`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExternKind {
    /// A value of the kernel's configuration, of this type.
    Kconfig(TypeId),
    /// A variable of this type; of type `void`, nothing but an address.
    Variable(TypeId),
    /// A function (kfunc), by its `FUNC` in the object's BTF.
    Function(TypeId),
    /// Something that BTF does not tell of.
    Unknown,
}

/// Which extern is what, by name.
pub(super) struct Kinds(HashMap<String, ExternKind>);

impl Kinds {
    pub(super) fn of(btf: &Btf) -> Self {
        let mut kinds = HashMap::new();
        for (id, found) in btf.iter() {
            match found {
                Type::Function { name, linkage: Linkage::Extern, .. } => {
                    kinds.insert(name.to_owned(), ExternKind::Function(id));
                }
                Type::Section { name: name @ (".kconfig" | ".ksyms"), variables } => {
                    for variable in variables {
                        let Some(Type::Variable { name: of_variable, of }) = btf.get(variable)
                        else {
                            continue; // a function, found above
                        };
                        let kind = match name {
                            ".kconfig" => ExternKind::Kconfig(of),
                            _ => ExternKind::Variable(of),
                        };
                        kinds.insert(of_variable.to_owned(), kind);
                    }
                }
                _ => {}
            }
        }
        Self(kinds)
    }

    pub(super) fn kind(&self, name: &str) -> ExternKind {
        self.0.get(name).copied().unwrap_or(ExternKind::Unknown)
    }
}
