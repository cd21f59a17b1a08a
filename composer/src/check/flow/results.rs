//! Does a program return what the kernel lets it return?
//!
//! `check_return_code`, <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/verifier.c>. A
//! replacement is judged by its host's type, and by a stricter rule than the host itself: at a raw
//! tracepoint the host may return anything, a replacement in it 0 alone. Kprobes, tracepoints and
//! xdp bound neither.

use super::{Context, Mistake, Subject};
use crate::{
    chain::NodeKind,
    diag::{Code, Diagnostic},
    object::{
        ProgramKind,
        flow::{Fact, Returned, What},
    },
};

pub(super) fn find(_: &Context<'_>, subject: &Subject<'_>, facts: &[Fact]) -> Option<Mistake> {
    match (&subject.node.kind, subject.loaded.kind) {
        (NodeKind::Replacement(_), ProgramKind::RawTracepoint)
        | (NodeKind::Tracer(_), ProgramKind::Fentry | ProgramKind::Fexit) => {}
        _ => return None,
    }
    let (result, words) = facts.iter().find_map(|fact| {
        let (result, has) = match fact.what {
            What::Returns(Returned::Number(0) | Returned::Unclear) => return None,
            What::Returns(Returned::Number(number)) => (number.cast_signed().to_string(), "has"),
            What::Returns(Returned::Several) => ("more than one number".to_owned(), "has"),
            What::Returns(Returned::Pointer) => ("a pointer".to_owned(), "is not a known value"),
            _ => return None,
        };
        Some((result, format!("At program exit the register R0 {has}")))
    })?;
    let (_, program) = subject.node.program()?;
    let help = match subject.loaded.kind {
        ProgramKind::RawTracepoint => {
            "Return 0. A replacement in a program at a raw tracepoint cannot return another \
             value; use a map to pass data to the host, or a host at a tracepoint or a kprobe."
        }
        _ => "Write `return 0;` at the end. A tracer has to return 0.",
    };
    let message =
        format!("{} returns {result}, but this attach type only allows 0", subject.title());
    let found = Diagnostic::new(Code::ResultRange, message)
        .label(program.span, format!("returns {result}"))
        .says("EINVAL", words)
        .help(help);
    Some(Mistake::everywhere(found))
}
