//! The parameters of a global function, as the verifier reads them from its prototype.
//!
//! `btf_prepare_func_args`, <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/btf.c>.

use crate::object::{
    Function, Object, ProgramKind,
    btf::{Btf, Type, TypeId},
};

/// The type of a parameter of a global function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ParameterType {
    /// A number.
    Number,
    /// The context of the program's type.
    Context,
    /// Memory of this number of bytes, or NULL.
    Memory(u32),
    /// A type that kernels treat differently, or that a tag refines.
    Unclear,
}

/// Why the verifier rejects a global function with such a prototype, whatever its code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrototypeFault<'a> {
    /// It has more parameters than registers.
    Count(usize),
    /// It returns something else than a number.
    Result,
    /// A parameter is a pointer to something of unknown size.
    Pointee {
        /// Which one, from 0.
        number: usize,
        /// The target of the pointer: the kernel's name for the kind of type, and its name in BTF.
        kind: &'static str,
        /// Its tag, where it has one.
        name: &'a str,
    },
    /// A parameter is neither a number nor a pointer.
    Parameter {
        /// Which one, from 0.
        number: usize,
        /// The kernel's name for the kind of type.
        kind: &'static str,
    },
}

/// The registers that arguments travel in.
const REGISTERS: usize = 5;

/// The differences between kernels in the prototypes that global functions may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrototypeRules {
    /// It supports tags such as `__arg_ctx`: functions with a tag are not checked.
    pub tags: bool,
    /// A function that returns nothing.
    pub void: bool,
    /// Pointers to something else than the context.
    pub memory: bool,
}

/// Why `function` cannot be a global function of a program of `kind`, if it cannot.
#[must_use]
pub fn unfit<'a>(
    object: &'a Object,
    function: &Function,
    kind: ProgramKind,
    takes: PrototypeRules,
) -> Option<PrototypeFault<'a>> {
    let btf = &object.btf;
    let Type::Prototype { returns, parameters } = btf.get(function.prototype?)? else {
        return None;
    };
    if parameters.len() > REGISTERS {
        return Some(PrototypeFault::Count(parameters.len()));
    }
    match btf.resolve(returns)?.1 {
        Type::Int { .. } | Type::Enum { .. } => {}
        Type::Void if takes.void => {}
        _ => return Some(PrototypeFault::Result),
    }
    if takes.tags && is_tagged(btf, &function.name) {
        return None;
    }
    parameters.iter().enumerate().find_map(|(number, (_, of))| match btf.resolve(*of)?.1 {
        Type::Int { .. } | Type::Enum { .. } => None,
        Type::Ptr(to) => {
            let wanted = pointer(btf, to, kind);
            if !takes.memory && matches!(wanted, ParameterType::Memory(_)) {
                return Some(PrototypeFault::Parameter { number, kind: "PTR" });
            }
            if wanted != ParameterType::Unclear || btf.size(to).is_some() {
                return None;
            }
            match btf.resolve(to)?.1 {
                // What some kernels know by name.
                Type::Forward { name, .. } if is_special(name) => None,
                Type::Forward { name, .. } => {
                    Some(PrototypeFault::Pointee { number, kind: "FWD", name })
                }
                Type::Void => Some(PrototypeFault::Pointee { number, kind: "UNKNOWN", name: "" }),
                Type::Prototype { .. } => {
                    Some(PrototypeFault::Pointee { number, kind: "FUNC_PROTO", name: "" })
                }
                _ => None,
            }
        }
        Type::Struct { union: false, .. } => {
            Some(PrototypeFault::Parameter { number, kind: "STRUCT" })
        }
        Type::Struct { union: true, .. } => {
            Some(PrototypeFault::Parameter { number, kind: "UNION" })
        }
        Type::Float { .. } => Some(PrototypeFault::Parameter { number, kind: "FLOAT" }),
        Type::Void => Some(PrototypeFault::Parameter { number, kind: "UNKNOWN" }),
        _ => None,
    })
}

/// What `function` takes in a program of `kind`; none without a prototype.
pub(super) fn wanted(
    object: &Object,
    function: &Function,
    kind: ProgramKind,
) -> Option<Vec<ParameterType>> {
    let Type::Prototype { parameters, .. } = object.btf.get(function.prototype?)? else {
        return None;
    };
    let tagged = is_tagged(&object.btf, &function.name);
    let one = |(_, of): &(&str, TypeId)| {
        if tagged { ParameterType::Unclear } else { parameter(&object.btf, *of, kind) }
    };
    // The verifier takes no more than five; what has more is refused for that.
    Some(parameters.iter().take(REGISTERS).map(one).collect())
}

fn parameter(btf: &Btf, of: TypeId, kind: ProgramKind) -> ParameterType {
    match btf.resolve(of) {
        Some((_, Type::Int { .. } | Type::Enum { .. })) => ParameterType::Number,
        Some((_, Type::Ptr(to))) => pointer(btf, to, kind),
        _ => ParameterType::Unclear,
    }
}

fn pointer(btf: &Btf, to: TypeId, kind: ProgramKind) -> ParameterType {
    let (name, is_struct) = match btf.resolve(to) {
        Some((_, Type::Struct { name, .. })) => (name, true),
        Some((_, Type::Forward { name, .. })) => (name, false),
        _ => ("", false),
    };
    // A struct that is only declared is no context, whatever its name: `btf_is_prog_ctx_type`,
    // <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/btf.c>.
    if is_struct && kind.context_struct().is_some_and(|context| context == name) {
        return ParameterType::Context;
    }
    if is_special(name) || is_register_typedef(btf, to) {
        return ParameterType::Unclear;
    }
    match btf.size(to) {
        // Of nothing everything is large enough.
        None | Some(0) => ParameterType::Unclear,
        Some(size) => ParameterType::Memory(size),
    }
}

/// Newer kernels take the kernel's own names of contexts as well, and dynamic pointers.
fn is_special(name: &str) -> bool {
    name.ends_with("_buff") || name.starts_with("bpf_dynptr")
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
