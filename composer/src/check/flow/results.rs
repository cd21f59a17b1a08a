//! Return values that the kernel does not allow.
//!
//! `check_return_code`, <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/verifier.c>. A
//! replacement is checked by its host's type, and by a stricter rule than the host itself: at a raw
//! tracepoint the host may return anything, its replacement only 0. Neither is restricted at
//! kprobes, tracepoints and XDP.

use super::{CheckedProgram, Context, Rejection};
use crate::{
    chain::{Host, NodeKind},
    diag::{Code, Diagnostic},
    hook::{HostKind, Returns},
    object::flow::{Fact, FactKind, ReturnValue},
};

/// What a tracer may return.
const TRACER: Returns = Returns {
    least: 0,
    most: 0,
    help: "Write `return 0;` at the end. A tracer has to return 0.",
    refused_by: None,
};

pub(super) fn find(
    context: &Context<'_>,
    subject: &CheckedProgram<'_>,
    facts: &[Fact],
) -> Option<Rejection> {
    let kind = HostKind::of_program(subject.loaded.kind);
    let Returns { least, most, help, refused_by } = match &subject.node.kind {
        NodeKind::Host(Host { attach: Some(attach), .. }) => {
            (attach.value.kind.returns)(Some(&attach.value))?
        }
        NodeKind::Host(_) => (kind?.returns)(None)?,
        NodeKind::Replacement(_) => attached_kind(context, subject).or(kind)?.replacement_returns?,
        NodeKind::Tracer(_) => &TRACER,
        NodeKind::Stub(_) => return None,
    };
    let is_one = least == most;
    let (result, words) = facts.iter().find_map(|fact| {
        let (result, has) = match fact.what {
            FactKind::Returns(ReturnValue::Number(number)) => {
                let number = signed(number, *least);
                if (*least..=*most).contains(&number) {
                    return None;
                }
                (number.to_string(), "has")
            }
            FactKind::Returns(ReturnValue::Several) if is_one => {
                ("more than one number".to_owned(), "has")
            }
            FactKind::Returns(ReturnValue::Pointer) => {
                ("a pointer".to_owned(), "is not a known value")
            }
            _ => return None,
        };
        Some((result, format!("At program exit the register R0 {has}")))
    })?;
    let allowed = match is_one {
        true => format!("only allows {least}"),
        false => format!("only allows {least} to {most}"),
    };
    let message = format!("{} returns {result}, but this attach type {allowed}", subject.title());
    let found = Diagnostic::new(Code::ResultRange, message)
        .label(subject.of.asked(), format!("returns {result}"))
        .says("EINVAL", words)
        .help(*help);
    Some(Rejection { found, refused_by: *refused_by })
}

/// The kind of a host that a replacement, as it is loaded, is in: several kinds may share a program type.
fn attached_kind(context: &Context<'_>, subject: &CheckedProgram<'_>) -> Option<&'static HostKind> {
    let graph = &context.chain.graph;
    let hosts = graph.hosts_below(subject.index).into_iter();
    let mut kinds = hosts.filter_map(|host| Some(graph.node(host).attach()?.value.kind));
    kinds.find(|kind| Some(kind.program_type) == subject.loaded.kind.program_type())
}

/// A result as the kernel compares it: where negative ones are allowed, which are error numbers of C's
/// `int`, the lower half.
fn signed(number: u64, least: i64) -> i64 {
    if least < 0 { (number as u32).cast_signed().into() } else { number.cast_signed() }
}
