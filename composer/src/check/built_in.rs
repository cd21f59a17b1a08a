//! Requests to built-in tracers: captures and filters that the traced functions support.

use petgraph::graph::NodeIndex;

use super::{Context, title};
use crate::{
    chain::{Builtin, Node, NodeKind, ProbePoint, Tracer},
    diag::{Code, Diagnostic, Severity},
    trace,
};

pub(super) fn check(context: &mut Context<'_>) {
    for (index, node) in context.chain.graph.nodes() {
        by_hand(context, node);
        let NodeKind::Tracer(tracer) = &node.kind else { continue };
        nested(context, index, tracer);
        if context.misfits.contains(&index) {
            continue;
        }
        let Some(request) = tracer.built_in() else { continue };
        let traced = context.names.traced(index).iter();
        let at_exit = traced.filter(|_| tracer.point == ProbePoint::Fexit);
        let told: Vec<_> = at_exit.flat_map(|one| shadowed(request, one.target())).collect();
        context.found.extend(told);
        context.found.extend_from_slice(context.names.untraceable(index));
    }
}

/// Arguments that stand where somebody may mean the result.
fn shadowed(request: &Builtin, target: trace::TracedFunction<'_>) -> Vec<Diagnostic> {
    let one = |shadowing: trace::Shadowing| {
        let (name, what) = match shadowing.hidden {
            "$ret" => ("ret", "result"),
            _ => ("took", "duration"),
        };
        let message = format!("`{name}` refers to an argument of `{}`", target.function.name);
        let found = Diagnostic::new(Code::Shadowed, message)
            .label(&shadowing.span, format!("the argument, not the call's {what}"))
            .help(match shadowing.is_captured {
                true => format!(
                    "Remove `{name}` unless the argument is meant. The {what} is recorded for \
                     every call."
                ),
                false => format!("Write {} to use the {what}.", shadowing.hidden),
            });
        Diagnostic { severity: Severity::Warning, ..found }
    };
    trace::shadowed(request, target).into_iter().map(one).collect()
}

/// The built-in tracer's own object, named as if it were one to use: nothing would tell it what to
/// take.
fn by_hand(context: &mut Context<'_>, node: &Node) {
    let Some((reference, _)) = node.program() else { return };
    if reference.value == Builtin::object() && node.built_in().is_none() {
        let message = format!("{} uses the object of the built-in tracer", title(node));
        let help = "Remove `object` and `program`. A tracer without them is the built-in tracer.";
        context.report(
            Code::BadValue,
            message,
            reference.span,
            "not a valid object",
            help.to_owned(),
        );
    }
}

/// A tracer of a built-in tracer, which is two programs as often as not.
fn nested(context: &mut Context<'_>, index: NodeIndex, tracer: &Tracer) {
    let graph = &context.chain.graph;
    let node = graph.node(index);
    let Some(target) = graph.needs(index).first().map(|target| graph.node(*target)) else {
        return;
    };
    if target.built_in().is_some() {
        let message = format!("`{}` traces a built-in tracer", node.id.value);
        let found = Diagnostic::new(Code::WrongNodeKind, message)
            .label(&tracer.target.span, "is a built-in tracer")
            .label(&target.id.span, "tracer defined here")
            .help("Trace the target of that tracer. A function can have several tracers.");
        context.found.push(found);
        context.misfits.insert(index);
    }
}
