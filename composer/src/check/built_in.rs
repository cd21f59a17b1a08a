//! What is asked of built-in tracers: is it there, in the functions that they are on?

use petgraph::graph::NodeIndex;

use super::{Context, title};
use crate::{
    chain::{Builtin, Node, NodeKind, ProbePoint, Tracer},
    diag::{Code, Diagnostic, Severity},
    object::ProgramKind,
    resolve::traced_function,
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
        let mut told: Vec<Diagnostic> = Vec::new();
        for (holder, name) in context.chain.graph.functions_of(index) {
            for kind in kinds(context, holder) {
                // A function that is not there is reported as such.
                let Some(target) =
                    traced_function(context.chain, context.library, holder, name, kind)
                else {
                    continue;
                };
                if tracer.moment == ProbePoint::Fexit {
                    told.extend(shadowed(request, target));
                }
                let resolved = trace::resolve(request, tracer.moment, target);
                for found in resolved.err().into_iter().flatten() {
                    // What is wrong in two hosts, or at both moments, is one mistake.
                    let place =
                        |found: &Diagnostic| found.labels.first().map(|label| label.span.clone());
                    let is_same = |other: &&Diagnostic| {
                        (place(other), other.code) == (place(&found), found.code)
                    };
                    if !told.iter().any(|other| is_same(&other)) {
                        told.push(found);
                    }
                }
            }
        }
        for mut found in told {
            if found.labels.is_empty() {
                let span = tracer.target.span.clone();
                found = found.label(&span, "traced here");
            }
            context.found.push(found);
        }
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

/// What the program of node `holder` may be loaded as, or stand in for.
fn kinds(context: &Context<'_>, holder: NodeIndex) -> Vec<ProgramKind> {
    let hosts = context.chain.graph.hosts_below(holder).into_iter();
    let programs = hosts.filter_map(|host| context.program(context.chain.graph.node(host)));
    let mut kinds: Vec<_> = programs.map(|(_, program)| program.kind.base()).collect();
    kinds.dedup();
    kinds
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
