//! Differences between kernels: what some reject and others accept.

use std::collections::HashMap;

use petgraph::graph::NodeIndex;

use super::Context;
use crate::{
    chain::{Graph, Host, NodeKind, Role},
    diag::{Code, Diagnostic},
    object::{Object, ProgramType, helper},
};

pub(super) fn check(context: &mut Context<'_>) {
    nested_tracing(context);
    packet_data(context);
}

/// A tracer of a tracing program, which may be a tracer or a host such as one at a kernel function:
/// `bpf_check_attach_target`,
/// <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/verifier.c>. Older kernels let
/// no tracing program trace another; newer ones one level.
fn nested_tracing(context: &mut Context<'_>) {
    let graph = &context.chain.graph;
    let depths = depths(graph);
    for (index, node) in graph.nodes() {
        let NodeKind::Tracer(tracer) = &node.kind else { continue };
        let Some(depth) = depths.get(&index).filter(|depth| **depth > 0) else { continue };
        if context.misfits.contains(&index) {
            continue;
        }
        let target = &tracer.target;
        let of = graph.functions_of(index).first().map(|(holder, _)| graph.node(*holder));
        let (what, help) = match of.map(|of| &of.kind) {
            Some(NodeKind::Host(Host { attach: Some(attach), .. })) => (
                format!("a program at {}", attach.value.kind.name),
                "Trace a replacement in it, or use Linux 6.8 or later.",
            ),
            _ => (
                "a tracer".to_owned(),
                "Trace the target of that tracer. A function can have several tracers.",
            ),
        };
        let found = Diagnostic::new(
            Code::NestedTracing,
            format!("`{}` traces `{}`, which is {what}", node.id.value, target.value),
        )
        .label(&target.span, format!("is {what}"))
        .help(help);
        if *depth == 1 {
            let found = found.says("EINVAL", "Cannot recursively attach");
            context.push_where(found, |profile| !profile.features.nested_tracing);
        } else {
            let found = found.says("EINVAL", "Cannot nest tracing program attach more than once");
            context.found.push(found);
        }
    }
}

/// For each tracer, how many tracing programs lie between it and what is none.
fn depths(graph: &Graph) -> HashMap<NodeIndex, usize> {
    let mut depths: HashMap<NodeIndex, usize> = HashMap::new();
    for index in graph.order() {
        if graph.node(index).role() != Role::Tracer {
            continue;
        }
        let depth = |holder: NodeIndex| match &graph.node(holder).kind {
            NodeKind::Tracer(_) => depths.get(&holder).copied().unwrap_or_default() + 1,
            NodeKind::Host(Host { attach: Some(attach), .. }) => {
                usize::from(attach.value.kind.program_type == ProgramType::Tracing)
            }
            _ => 0,
        };
        let holders = graph.functions_of(index).into_iter().map(|(holder, _)| holder);
        let deepest = holders.map(depth).max().unwrap_or_default();
        depths.insert(index, deepest);
    }
    depths
}

/// The first helper by number that changes packet data and that `function`, or what it calls, calls.
fn changes_packet(object: &Object, function: usize) -> Option<&'static str> {
    let mut called = object.helpers(function).into_iter().filter_map(helper);
    called.find(|helper| helper.moves_packet_data).map(|helper| helper.name)
}

/// A replacement may change packet data only where the stub does: the host's code around the call
/// was verified with that in mind.
fn packet_data(context: &mut Context<'_>) {
    let graph = &context.chain.graph;
    for (index, node) in graph.nodes() {
        let NodeKind::Replacement(spec) = &node.kind else { continue };
        if context.misfits.contains(&index) {
            continue;
        }
        let Some((object, program)) = context.program(index) else { continue };
        let Some(helper) = changes_packet(object, program.function) else { continue };
        for stub in graph.needs(index) {
            let NodeKind::Stub(stub_spec) = &graph.node(stub).kind else { continue };
            let keeps = |host: NodeIndex| {
                let (object, _) = context.program(host)?;
                let (function, _) = object.function(&stub_spec.function.value)?;
                changes_packet(object, function).is_none().then_some(())
            };
            let host = graph.needs(stub).into_iter().find(|host| keeps(*host).is_some());
            let Some(host) = host else { continue };
            let found = Diagnostic::new(
                Code::ChangesPacketData,
                format!(
                    "`{}` changes packet data, but stub `{}` of `{}` does not",
                    node.id.value,
                    spec.stub.value,
                    graph.node(host).id.value
                ),
            )
            .label(&spec.program.span, format!("calls {helper}"))
            .label(&stub_spec.function.span, "calls no such helper")
            .says("EINVAL", "Extension program changes packet data, while original does not")
            .help(format!(
                "Call such a helper in the stub as well; a call that is never executed is \
                 sufficient: if (never) {helper}(...), with a variable `never` that clang cannot \
                 evaluate."
            ));
            context.push_where(found, |profile| profile.features.packet_data_compared);
            break;
        }
    }
}
