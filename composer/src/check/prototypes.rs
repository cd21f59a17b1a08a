//! Replacements whose prototype the kernel considers different from the stub's.
//!
//! The comparison is the kernel's own, step by step, `btf_check_func_type_match` in
//! <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/btf.c>, the same in 6.1. It is
//! looser than C in places (the sign of integers and the size of the result do not count) and
//! stricter in others (an enum is not an int; enums count by their number of names).

mod compare;

use std::collections::HashSet;

use petgraph::graph::NodeIndex;

use super::{Context, title};
use crate::{
    chain::{Node, NodeKind},
    diag::{Code, Diagnostic},
    object::AttachType,
};
use compare::{Mismatch, Side, compare, said};

pub(super) fn check(context: &mut Context<'_>) {
    for (index, node) in context.chain.graph.nodes() {
        let NodeKind::Replacement(spec) = &node.kind else { continue };
        if context.misfits.contains(&index) {
            continue;
        }
        let Some((object, program)) = context.program(index) else { continue };
        let replacement = Side::of(object, &object.functions[program.function]);
        let mut told: Vec<Mismatch> = Vec::new();
        // It is loaded against the first stub in a program of each type and expected attach type.
        let mut loaded = HashSet::new();
        for stub in context.chain.graph.needs(index) {
            let stub_node = context.chain.graph.node(stub);
            let NodeKind::Stub(stub_spec) = &stub_node.kind else { continue };
            if context.misfits.contains(&stub) {
                continue;
            }
            for host in context.chain.graph.needs(stub) {
                let Some((host_object, host_program)) = context.program(host) else { continue };
                let is_first = loaded.insert((host_program.kind.base(), expected(context, host)));
                let Some((_, function)) = host_object.function(&stub_spec.function.value) else {
                    continue;
                };
                // A static stub, or one without BTF, is reported where it is defined.
                let (Some(replacement), Some(original)) =
                    (&replacement, Side::of(host_object, function))
                else {
                    continue;
                };
                let Some(mismatch) = compare(replacement, &original) else { continue };
                // Two hosts of one object are one mistake.
                if told.contains(&mismatch) {
                    continue;
                }
                let found =
                    explain(context, node, stub_node, host, replacement, &original, &mismatch)
                        .label(&spec.stub.span, "stub of this replacement")
                        .label(&stub_spec.function.span, "stub defined here");
                let found = if is_first {
                    found.says("EINVAL", said(replacement, &original, &mismatch))
                } else {
                    found.errno("EINVAL")
                };
                context.found.push(found);
                told.push(mismatch);
                context.misfits.insert(index);
            }
        }
    }
}

/// The `expected_attach_type` of a host, where its attachment decides it.
fn expected(context: &Context<'_>, host: NodeIndex) -> Option<AttachType> {
    let attach = &context.chain.graph.node(host).attach()?.value;
    (attach.kind.expected_attach_type)(Some(attach))
}

fn explain(
    context: &Context<'_>,
    node: &Node,
    stub: &Node,
    host: NodeIndex,
    replacement: &Side<'_>,
    original: &Side<'_>,
    mismatch: &Mismatch,
) -> Diagnostic {
    let (ours, our_places) = replacement.text();
    let (theirs, their_places) = original.text();
    // The result is the first place, parameters follow.
    let (what, place) = match mismatch {
        Mismatch::Count => ("the number of arguments differs".to_owned(), None),
        Mismatch::Result => ("the return type differs".to_owned(), Some(0)),
        Mismatch::Pointee(number) => {
            (format!("argument {} does not point to a struct", number + 1), Some(number + 1))
        }
        Mismatch::Kind(number) | Mismatch::Size(number) | Mismatch::Struct(number) => {
            (format!("argument {} differs", number + 1), Some(number + 1))
        }
    };
    let mark = |places: &[std::ops::Range<usize>]| {
        let place = place.and_then(|place| places.get(place));
        place.map(|place| {
            format!("\n             {}{}", " ".repeat(place.start), "~".repeat(place.len()))
        })
    };
    let message = format!("`{}` cannot replace `{}`: {what}", node.id.value, stub.id.value);
    Diagnostic::new(Code::PrototypeMismatch, message)
        .note(format!(
            "stub         {theirs}{}\nreplacement  {ours}{}",
            mark(&their_places).unwrap_or_default(),
            mark(&our_places).unwrap_or_default()
        ))
        .help(help(context, host, original, mismatch))
}

fn help(context: &Context<'_>, host: NodeIndex, stub: &Side<'_>, mismatch: &Mismatch) -> String {
    let wanted = stub.text().0;
    match mismatch {
        Mismatch::Pointee(_) => {
            "Wrap the value in a struct, or pass it as an integer. The kernel replaces only \
             functions whose pointers point to structs."
                .to_owned()
        }
        _ => {
            let section = context.program(host).map_or("", |(_, program)| program.kind.name());
            format!(
                "Write the replacement with the stub's arguments and result. The stub of {} \
                 (SEC(\"{section}\")) is `{wanted}`.",
                title(context.chain.graph.node(host))
            )
        }
    }
}
