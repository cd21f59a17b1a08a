//! Invalid arguments of global functions.
//!
//! `btf_check_func_arg_match`,
//! <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/verifier.c>.

use super::{CheckedProgram, Context, Rejection};
use crate::{
    chain::{Node, NodeKind},
    diag::{Code, Diagnostic, Span},
    object::{
        ProgramKind,
        flow::{self, ArgumentValue, Fact, FactKind, ParameterType},
    },
    version::Version,
};

pub(super) fn find(
    context: &Context<'_>,
    subject: &CheckedProgram<'_>,
    facts: &[Fact],
) -> Option<Rejection> {
    let (callee, number, wanted, held) = facts.iter().find_map(|fact| match fact.what {
        FactKind::Passes { callee, number, wanted, held } => Some((callee, number, wanted, held)),
        _ => None,
    })?;
    let function = subject.object.functions.get(callee)?;
    let (name, count) = (&function.name, number + 1);
    let taken = match wanted {
        ParameterType::Number => "a number",
        ParameterType::Context => "the context",
        ParameterType::Memory(_) => "memory",
        ParameterType::Unclear => return None,
    };
    let given = match held {
        ArgumentValue::Nothing => "nothing",
        ArgumentValue::Number => "a number",
        ArgumentValue::Context => "the context",
        ArgumentValue::Moved(_) => "a pointer into the context",
        ArgumentValue::Constant => "read-only data",
        ArgumentValue::Short(_) => "too little of the stack",
        ArgumentValue::Pointer => "a pointer",
    };
    let what = match held {
        ArgumentValue::Nothing => format!("calls `{name}` without its argument {count}"),
        ArgumentValue::Constant => format!(
            "calls `{name}` with read-only data as argument {count}, which takes memory to write to"
        ),
        ArgumentValue::Short(bytes) => format!(
            "calls `{name}` with {bytes} bytes of the stack as argument {count}, which takes more"
        ),
        _ => format!("calls `{name}` with {given} as argument {count}, which takes {taken}"),
    };
    let words = match (wanted, held) {
        (ParameterType::Number, _) => format!("R{count} is not a scalar"),
        (ParameterType::Memory(_), ArgumentValue::Number) => {
            format!("R{count} type=scalar expected=fp")
        }
        (ParameterType::Memory(_), ArgumentValue::Context)
            if subject.loaded.kind == ProgramKind::Xdp =>
        {
            format!("R{count} type=ctx expected=fp")
        }
        _ => "Caller passes invalid args into func#".to_owned(),
    };
    let keep = "keep it alive with `return fc_stub(result, arguments...)` of freplace_compose.h, \
                or with `asm volatile(\"\" :: \"r\"(argument));`.";
    let mut help = match (held, wanted) {
        (ArgumentValue::Nothing, _) => format!(
            "Use the argument in `{name}`, since clang does not pass unused arguments: {keep}"
        ),
        (ArgumentValue::Constant, _) => format!(
            "Pass a copy on the stack, or the value itself. The verifier assumes that `{name}` \
             writes to its argument, and read-only data cannot be written."
        ),
        (ArgumentValue::Short(bytes), ParameterType::Memory(size)) => format!(
            "Pass a complete object. The type of the argument requires {size} bytes in `{name}`, \
             but there are {bytes} from the address to the end of the stack frame."
        ),
        (ArgumentValue::Moved(by), ParameterType::Context) => format!(
            "Pass the context unchanged, or the value at that offset as a __u64. {by} bytes are \
             added to the context."
        ),
        (_, ParameterType::Memory(size)) => format!(
            "Pass NULL or the address of {size} bytes on the stack, in a map or in an event. \
             Declare a pointer read from registers as a __u64, since it is a number to the \
             verifier, and read its memory with bpf_probe_read_kernel()."
        ),
        (_, ParameterType::Context) => {
            "Pass the context unchanged, or declare the parameter as a __u64.".to_owned()
        }
        _ => "Declare the parameter as a pointer to your struct or to the context, or pass a \
              number."
            .to_owned(),
    };
    // Where the program begins the context is in the first register, and there it stays.
    if (held, number) == (ArgumentValue::Context, 0)
        && !flow::uses_argument(subject.object, callee, number)
    {
        help += &format!(
            " If the source passes another value, `{name}` does not use it, and clang does not \
             pass unused arguments: {keep}"
        );
    }
    let mut found = Diagnostic::new(Code::ArgumentNotPassed, format!("{} {what}", subject.title()))
        .label(subject.of.asked(), "calls it");
    if let Some((_, span)) = stub(context, subject, name) {
        found = found.label(&span, "called function");
    }
    let prototype = subject.object.prototype(function).unwrap_or_default();
    // Where there is nothing, a context is not even compared.
    let errno = match (wanted, held) {
        (ParameterType::Context, ArgumentValue::Nothing | ArgumentValue::Moved(_)) => "EACCES",
        _ => "EINVAL",
    };
    let found = found.note(format!("function  {prototype}")).help(help);
    let is_kprobe = subject.loaded.kind.base() == ProgramKind::Kprobe;
    let found = match (wanted, held) {
        (ParameterType::Memory(_), ArgumentValue::Context)
            if is_kprobe && all_refuse_at_attach(context) =>
        {
            found.errno("EINVAL")
        }
        _ => found.says(errno, words),
    };
    Some(Rejection::everywhere(found))
}

/// Whether all kernels asked for let a program at a kprobe write to its context, and refuse to attach
/// one that does, or may: `perf_event_set_bpf_prog`,
/// <https://github.com/torvalds/linux/blob/v6.18/kernel/events/core.c>. Tried on 6.18 and 7.0; the
/// verifier of 6.12 and that of 7.2 refuse it themselves.
fn all_refuse_at_attach(context: &Context<'_>) -> bool {
    let profiles = &context.kernels.profiles;
    let kernels = Version::new(6, 18)..Version::new(7, 2);
    !profiles.is_empty() && profiles.iter().all(|profile| kernels.contains(&profile.kernel))
}

/// The node that calls the function a stub of this program, and where it does.
pub(super) fn stub<'a>(
    context: &Context<'a>,
    subject: &CheckedProgram<'_>,
    function: &str,
) -> Option<(&'a Node, Span)> {
    let graph = &context.chain.graph;
    graph.needed_by(subject.index).into_iter().find_map(|index| {
        let node = graph.node(index);
        let NodeKind::Stub(stub) = &node.kind else { return None };
        (stub.function.value == function).then(|| (node, stub.function.span.clone()))
    })
}
