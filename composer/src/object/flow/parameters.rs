//! What a global function takes, as the verifier reads it from its prototype.
//!
//! `btf_prepare_func_args`,
//! <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/btf.c>.

use crate::object::{
    Function, Object, ProgramKind,
    btf::{Btf, Type, TypeId},
};

/// What a global function takes in one register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wanted {
    /// A number.
    Number,
    /// The context of the program's type.
    Context,
    /// Memory of so many bytes, or NULL.
    Memory(u32),
    /// Something that kernels differ in, or that a tag says more of.
    Unclear,
}

/// What `function` takes in a program of `kind`; none without a prototype.
pub(super) fn wanted(
    object: &Object,
    function: &Function,
    kind: ProgramKind,
) -> Option<Vec<Wanted>> {
    let Type::Prototype { parameters, .. } = object.btf.get(function.prototype?)? else {
        return None;
    };
    let tagged = is_tagged(&object.btf, &function.name);
    let one = |(_, of): &(&str, TypeId)| {
        if tagged { Wanted::Unclear } else { parameter(&object.btf, *of, kind) }
    };
    // The verifier takes no more than five; what has more is refused for that.
    Some(parameters.iter().take(5).map(one).collect())
}

fn parameter(btf: &Btf, of: TypeId, kind: ProgramKind) -> Wanted {
    match btf.resolve(of) {
        Some((_, Type::Int { .. } | Type::Enum { .. })) => Wanted::Number,
        Some((_, Type::Ptr(to))) => pointer(btf, to, kind),
        _ => Wanted::Unclear,
    }
}

fn pointer(btf: &Btf, to: TypeId, kind: ProgramKind) -> Wanted {
    let name = match btf.resolve(to) {
        Some((_, Type::Struct { name, .. } | Type::Forward { name, .. })) => name,
        _ => "",
    };
    if kind.context_struct().is_some_and(|context| context == name) {
        return Wanted::Context;
    }
    // Newer kernels take the kernel's own names of contexts as well, and dynamic pointers.
    if name.ends_with("_buff") || name.starts_with("bpf_dynptr") || is_register_typedef(btf, to) {
        return Wanted::Unclear;
    }
    match btf.size(to) {
        // Of nothing everything is large enough.
        None | Some(0) => Wanted::Unclear,
        Some(size) => Wanted::Memory(size),
    }
}

/// Whether it is `bpf_user_pt_regs_t`.
fn is_register_typedef(btf: &Btf, to: TypeId) -> bool {
    let mut at = to;
    // const, volatile and the typedef itself: no more than a few.
    for _ in 0..8 {
        match btf.get(at) {
            Some(Type::Typedef { name: "bpf_user_pt_regs_t", .. }) => return true,
            Some(Type::Modifier { of, .. } | Type::Typedef { of, .. }) => at = of,
            _ => return false,
        }
    }
    false
}

/// Whether a declaration tag says more of the function or its parameters: `__arg_nonnull`.
fn is_tagged(btf: &Btf, name: &str) -> bool {
    let Some((function, ..)) = btf.function(name) else { return false };
    btf.is_tagged(function)
}
