//! Pointer arguments that are used without a test for NULL, or beyond their bounds.
//!
//! `btf_prepare_func_args` gives such an argument the type `mem_or_null`,
//! <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/btf.c>.

use super::{CheckedProgram, Context, Rejection};
use crate::{
    diag::{Code, Diagnostic},
    object::flow::{Fact, FactKind},
};

pub(super) fn find(
    _: &Context<'_>,
    subject: &CheckedProgram<'_>,
    facts: &[Fact],
) -> Option<Rejection> {
    let object = subject.object;
    let (place, what, words, help) = facts.iter().find_map(|fact| {
        let function = object.functions.get(fact.function)?;
        let name = |number| argument(subject, fact.function, number);
        Some(match fact.what {
            FactKind::Untested { number, register, computed } => {
                let argument = name(number);
                let words = match computed {
                    false => format!("R{register} invalid mem access 'mem_or_null'"),
                    true => format!("R{register} pointer arithmetic on mem_or_null prohibited"),
                };
                let help = format!("Test it first: if (!{argument}) return 0;");
                (function, format!("uses `{argument}` without a test for NULL"), words, help)
            }
            FactKind::Beyond { number, size, offset, width, .. } => {
                let argument = name(number);
                let words =
                    format!("invalid access to memory, mem_size={size} off={offset} size={width}");
                let help = format!(
                    "Use a larger type for `{argument}` on both sides of the call, or pass the \
                     memory beyond it separately. The verifier uses the size of the pointed-to \
                     type: {size} bytes."
                );
                let what =
                    format!("accesses byte {offset} of `{argument}`, which has only {size} bytes");
                (function, what, words, help)
            }
            _ => return None,
        })
    })?;
    let within = match place.name == subject.program.name {
        true => String::new(),
        false => format!(" in `{}`", place.name),
    };
    let message = format!("{} {what}{within}", subject.title());
    let found = Diagnostic::new(Code::NullNotTested, message)
        .label(subject.of.asked(), "accesses it")
        .note(format!("function  {}", object.prototype(place).unwrap_or_default()))
        .says("EACCES", words)
        .help(help);
    Some(Rejection::everywhere(found))
}

/// The name of a parameter.
fn argument(subject: &CheckedProgram<'_>, function: usize, number: u8) -> String {
    let names = subject.object.parameters(function);
    let name = names.get(usize::from(number)).filter(|name| !name.is_empty());
    name.map_or_else(|| format!("argument {}", number + 1), |name| (*name).to_owned())
}
