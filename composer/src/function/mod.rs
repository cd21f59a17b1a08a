//! What the kernel allows with a function of a program: whether it can be replaced and traced, and what
//! a tracer sees of it.
//!
//! Facts about one function, without a chain: the rules of `check`, the names of `resolve` and
//! `inspect` go by the same.

mod access;
mod verdict;

pub(crate) use access::{AccessTarget, VisibleArguments};
pub(crate) use verdict::prototype_rules;
pub use verdict::{LoadedFunction, Obstacle};

use crate::object::{Object, Program, btf::Type};

/// Whether the kernel goes by the prototype of a program's entry: one argument, the context of the
/// program's type.
///
/// The end of `do_check_common`,
/// <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/verifier.c>.
pub(crate) fn has_trusted_entry(object: &Object, program: &Program) -> bool {
    let prototype = object.functions.get(program.function).and_then(|entry| entry.prototype);
    let Some(Type::Prototype { parameters, .. }) = prototype.and_then(|id| object.btf.get(id))
    else {
        return false;
    };
    let [(_, of)] = parameters.as_slice() else { return false };
    let Some((_, Type::Ptr(to))) = object.btf.resolve(*of) else { return false };
    match object.btf.resolve(to) {
        // One that is only declared is not known.
        Some((_, Type::Struct { name, .. })) => program.kind.context_struct() == Some(name),
        _ => false,
    }
}
