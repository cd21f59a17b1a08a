//! Is a global function called with what it takes?
//!
//! `btf_check_func_arg_match`,
//! <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/verifier.c>.

use super::{Context, Mistake, Subject};
use crate::{
    chain::{Node, NodeKind},
    diag::{Code, Diagnostic, Span},
    object::{
        ProgramKind,
        flow::{self, Fact, Held, Wanted, What},
    },
};

pub(super) fn find(
    context: &Context<'_>,
    subject: &Subject<'_>,
    facts: &[Fact],
) -> Option<Mistake> {
    let (callee, number, wanted, held) = facts.iter().find_map(|fact| match fact.what {
        What::Passes { callee, number, wanted, held } => Some((callee, number, wanted, held)),
        _ => None,
    })?;
    let function = subject.object.functions.get(callee)?;
    let (name, count) = (&function.name, number + 1);
    let taken = match wanted {
        Wanted::Number => "a number",
        Wanted::Context => "the context",
        Wanted::Memory(_) => "memory",
        Wanted::Unclear => return None,
    };
    let given = match held {
        Held::Nothing => "nothing",
        Held::Number => "a number",
        Held::Context => "the context",
        Held::Moved(_) => "a pointer into the context",
        Held::Constant => "read-only data",
        Held::Short(_) => "too little of the stack",
        Held::Pointer => "a pointer",
    };
    let what = match held {
        Held::Nothing => format!("calls `{name}` without its argument {count}"),
        Held::Constant => format!(
            "calls `{name}` with read-only data as argument {count}, which takes memory to write to"
        ),
        Held::Short(bytes) => format!(
            "calls `{name}` with {bytes} bytes of the stack as argument {count}, which takes more"
        ),
        _ => format!("calls `{name}` with {given} as argument {count}, which takes {taken}"),
    };
    let words = match (wanted, held) {
        (Wanted::Number, _) => format!("R{count} is not a scalar"),
        (Wanted::Memory(_), Held::Number) => format!("R{count} type=scalar expected=fp"),
        (Wanted::Memory(_), Held::Context) if subject.loaded.kind == ProgramKind::Xdp => {
            format!("R{count} type=ctx expected=fp")
        }
        _ => "Caller passes invalid args into func#".to_owned(),
    };
    let keep = "keep it alive there: return fc_stub(result, arguments...) of freplace_compose.h, or \
                asm volatile(\"\" :: \"r\"(argument));";
    let mut help = match (held, wanted) {
        (Held::Nothing, _) => format!(
            "Clang does not pass what `{name}` does not use, and the verifier takes what happens \
             to be in the register: {keep}"
        ),
        (Held::Constant, _) => format!(
            "The verifier takes it that `{name}` writes to what it is given, and read-only data \
             cannot be written: pass a copy on the stack, or the value itself."
        ),
        (Held::Short(bytes), Wanted::Memory(size)) => format!(
            "The verifier goes by the type: `{name}` takes {size} bytes, and from that address to \
             the end of the stack frame there are {bytes}. Pass a whole one."
        ),
        (Held::Moved(by), Wanted::Context) => format!(
            "{by} bytes are added to it. Pass the context on as the program got it, or the value \
             that is there as a __u64."
        ),
        (_, Wanted::Memory(size)) => format!(
            "The verifier lets through the address of {size} bytes on the stack, in a map or in an \
             event, and NULL. A pointer read out of registers is a number to it: take it as a \
             __u64, and read what it leads to with bpf_probe_read_kernel()."
        ),
        (_, Wanted::Context) => {
            "Pass the context on as the program got it, or take the value as a __u64.".to_owned()
        }
        _ => "Take the pointer as what it points to, a struct of yours or the context, or pass a \
              number."
            .to_owned(),
    };
    // Where the program begins the context is in the first register, and there it stays.
    if (held, number) == (Held::Context, 0) && !flow::uses_argument(subject.object, callee, number)
    {
        help += &format!(
            " If the source passes something else, `{name}` does not use it, and clang does not \
             pass what is not used: {keep}"
        );
    }
    let (_, program) = subject.node.program()?;
    let mut found = Diagnostic::new(Code::ArgumentNotPassed, format!("{} {what}", subject.title()))
        .label(program.span, "the call is in this program");
    if let Some((_, span)) = stub(context, subject, name) {
        found = found.label(&span, "the function");
    }
    let prototype = subject.object.prototype(function).unwrap_or_default();
    // Where there is nothing, a context is not even compared.
    let errno = match (wanted, held) {
        (Wanted::Context, Held::Nothing | Held::Moved(_)) => "EACCES",
        _ => "EINVAL",
    };
    let found = found.note(format!("function  {prototype}")).says(errno, words).help(help);
    Some(Mistake::everywhere(found))
}

/// The node that calls the function a stub of this program, and where it does.
pub(super) fn stub<'a>(
    context: &Context<'a>,
    subject: &Subject<'_>,
    function: &str,
) -> Option<(&'a Node, Span)> {
    let graph = &context.chain.graph;
    graph.needed_by(subject.index).into_iter().find_map(|index| {
        let node = graph.node(index);
        let NodeKind::Stub(stub) = &node.kind else { return None };
        (stub.function.value == function).then(|| (node, stub.function.span.clone()))
    })
}
