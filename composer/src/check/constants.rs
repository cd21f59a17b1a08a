//! Functions that are never called because a frozen constant is off: a replacement or a tracer of
//! such a function never runs.
//!
//! A kernel with the feature `lazy_functions`, as Linux 6.8 and later, removes a global function if
//! the verifier finds every call of it dead; then it cannot be replaced. All kernels remove static
//! ones. Older kernels keep global ones, and the chain comes up without any effect.

use std::collections::HashSet;

use super::{Context, Profile, title};
use crate::{
    chain::{Node, NodeKind},
    diag::{Code, Diagnostic, Severity},
    resolve::reach::{Dead, Walks},
};

pub(super) fn check(context: &mut Context<'_>) {
    let graph = &context.chain.graph;
    let mut told = HashSet::new();
    let mut found = Vec::new();
    let mut walks = Walks::default();
    for (index, node) in graph.nodes() {
        for target in context.names.functions(index) {
            let (holder, function) = (target.holder, target.name.as_str());
            let host = graph.node(holder);
            if host.data.globals.is_empty() && context.misfits.contains(&holder) {
                continue;
            }
            let Some(dead) = context.names.dead(target, &mut walks) else { continue };
            // One finding for each stub: its replacement and a tracer have one reason.
            if told.insert((holder, function.to_owned())) {
                found.push(finding(node, host, function, &dead));
            }
        }
    }
    for (diagnostic, is_global) in found {
        push(context, diagnostic, is_global);
    }
}

fn finding(node: &Node, host: &Node, function: &str, dead: &Dead) -> (Diagnostic, bool) {
    let message = format!("{} never runs because of {}", title(node), dead.because());
    let span = match &node.kind {
        NodeKind::Replacement(replacement) => &replacement.stub.span,
        NodeKind::Tracer(tracer) => {
            tracer.function.as_ref().map_or(&tracer.target.span, |name| &name.span)
        }
        _ => &node.id.span,
    };
    let write: Vec<_> = dead
        .constants
        .iter()
        .filter_map(|(name, _, good)| Some(format!("\"{name}\" = {}", (*good)?)))
        .collect();
    let help = if write.is_empty() {
        format!("Set the constants on `{}`: globals = {{ ... }}", host.id.value)
    } else {
        format!(
            "Set the constants on `{}`, for example: globals = {{ {1} }}. They disable every call \
             of `{function}`.",
            host.id.value,
            write.join(", ")
        )
    };
    let found = Diagnostic::new(Code::ConstantOff, message)
        .label(span, format!("`{function}` is never called"))
        .label(&host.id.span, "program without an active call")
        .says("EINVAL", format!("Subprog {function} doesn't exist"))
        .help(help);
    (found, dead.is_global)
}

/// An error where every kernel refuses it; where some bring the chain up, it is of no use to them.
fn push(context: &mut Context<'_>, mut found: Diagnostic, is_global: bool) {
    // `bpf: validate global subprogs lazily`, 2afae08c9dcb
    let removes = |profile: &Profile| !is_global || profile.features.lazy_functions;
    let names = |refused: bool| {
        let some = context.kernels.profiles.iter().filter(|profile| removes(profile) == refused);
        some.map(|profile| profile.kernel.to_string()).collect::<Vec<_>>()
    };
    let (refusing, taking) = (names(true), names(false));
    if !taking.is_empty() {
        let refused = match refusing.is_empty() {
            true => String::new(),
            false => format!("rejected by Linux {}, ", refusing.join(", ")),
        };
        found = found.note(format!(
            "{refused}accepted by {} but never run",
            taking.iter().map(|name| format!("Linux {name}")).collect::<Vec<_>>().join(", ")
        ));
        if refusing.is_empty() {
            found.answer = None;
        }
        if refusing.is_empty() || !context.kernels.asked {
            found.severity = Severity::Warning;
        }
    }
    context.found.push(found);
}
