//! Functions of programs that run already and that somebody else replaces or traces.
//!
//! `bpf_trampoline_link_prog`, <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/trampoline.c>: a
//! function has one replacement or any number of tracers. `bpf_tracing_prog_attach`: a program in a table for
//! tail calls is not extended.

use super::{Context, title};
use crate::{
    chain::NodeKind,
    diag::{Code, Diagnostic, Severity},
};

pub(super) fn check(context: &mut Context<'_>) {
    let graph = &context.chain.graph;
    let mut found = Vec::new();
    for (index, node) in graph.nodes() {
        let (span, replaces) = match &node.kind {
            NodeKind::Replacement(replacement) => (&replacement.stub.span, true),
            NodeKind::Tracer(tracer) => (&tracer.target.span, false),
            NodeKind::Host(_) | NodeKind::Stub(_) => continue,
        };
        for function in context.names.functions(index) {
            let holder = context.names.program(function.holder);
            let Some(loaded) = holder.and_then(|of| of.object().loaded.as_ref()) else { continue };
            let id = &graph.node(function.holder).id.value;
            let taken = loaded
                .taken
                .iter()
                .find(|taken| taken.function == function.name && (replaces || taken.replaced));
            if let Some(taken) = taken {
                let what = if taken.replaced { "replaced" } else { "traced" };
                let message = format!(
                    "{} cannot be attached: `{}` of `{id}` is {what} already",
                    title(node),
                    function.name
                );
                let one = Diagnostic::new(Code::Busy, message)
                    .label(span, format!("{what} by {}", taken.by))
                    .errno("EBUSY")
                    .help(
                        "End the process that holds it, or remove its pin; or choose another function. A \
                         function has one replacement, or tracers.",
                    );
                found.push(one);
            }
            let is_entry = holder.is_some_and(|of| of.program().function == function.index);
            if let Some(table) = loaded.in_table.as_ref().filter(|_| !replaces && is_entry) {
                let message = format!("{} does not see tail calls of `{id}`", title(node));
                let mut one = Diagnostic::new(Code::PassedByTailCall, message)
                    .label(span, format!("is in {table}"))
                    .help(
                        "Trace a function that it calls, or the program that makes the tail call. A tail call \
                         enters a program behind the place where tracers are.",
                    );
                one.severity = Severity::Warning;
                found.push(one);
            }
            if let Some(table) = loaded.in_table.as_ref().filter(|_| replaces) {
                let message = format!(
                    "{} cannot be attached: `{id}` is in a table for tail calls",
                    title(node)
                );
                let one = Diagnostic::new(Code::Busy, message)
                    .label(span, format!("is in {table}"))
                    .errno("EBUSY")
                    .help(
                        "Take the program out of the table, or replace a function of a program that is \
                         attached. The kernel extends no program that tail calls lead to.",
                    );
                found.push(one);
            }
        }
    }
    context.found.extend(found);
}
