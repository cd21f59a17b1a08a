//! What some kernels refuse and others take.

use std::collections::HashMap;

use petgraph::graph::NodeIndex;

use super::Context;
use crate::{
    chain::{Graph, Node, NodeKind, Role},
    diag::{Code, Diagnostic},
    object::Object,
};

pub(super) fn check(context: &mut Context<'_>) {
    nested_tracing(context);
    packet_data(context);
}

/// A tracer of a tracer: `bpf_check_attach_target`,
/// <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/verifier.c>. Older kernels let
/// no tracing program trace another; newer ones one level.
fn nested_tracing(context: &mut Context<'_>) {
    let graph = &context.chain.graph;
    let depths = depths(graph);
    for (index, node) in graph.nodes() {
        let NodeKind::Tracer(tracer) = &node.kind else { continue };
        let Some(depth) = depths.get(&index) else { continue };
        if context.misfits.contains(&index) {
            continue;
        }
        let target = &tracer.target;
        let found = Diagnostic::new(
            Code::NestedTracing,
            format!("`{}` traces `{}`, which is a tracer itself", node.id.value, target.value),
        )
        .label(&target.span, "a tracer")
        .help("Trace what that one traces: any number of tracers may sit on one function.");
        if *depth == 1 {
            let found = found.says("EINVAL", "Cannot recursively attach");
            context.push_where(found, |profile| !profile.features.nested_tracing);
        } else {
            let found = found.says("EINVAL", "Cannot nest tracing program attach more than once");
            context.found.push(found);
        }
    }
}

/// For each tracer of a tracer, how many of them lie between it and what is no tracer.
fn depths(graph: &Graph) -> HashMap<NodeIndex, usize> {
    let mut depths = HashMap::new();
    for index in graph.order() {
        let target = graph.needs(index).first().copied();
        let is_tracer = |index| graph.node(index).role() == Role::Tracer;
        if let Some(target) = target.filter(|target| is_tracer(index) && is_tracer(*target)) {
            let depth = depths.get(&target).map_or(1, |depth| depth + 1);
            depths.insert(index, depth);
        }
    }
    depths
}

/// Helpers that change packet data, so that pointers into the packet are no longer good:
/// `bpf_helper_changes_pkt_data`,
/// <https://github.com/torvalds/linux/blob/v6.13/net/core/filter.c>. A program called at the
/// tail may do any of it.
const CHANGES_PACKET: &[(u32, &str)] = &[
    (9, "bpf_skb_store_bytes"),
    (10, "bpf_l3_csum_replace"),
    (11, "bpf_l4_csum_replace"),
    (12, "bpf_tail_call"),
    (13, "bpf_clone_redirect"),
    (18, "bpf_skb_vlan_push"),
    (19, "bpf_skb_vlan_pop"),
    (31, "bpf_skb_change_proto"),
    (38, "bpf_skb_change_tail"),
    (39, "bpf_skb_pull_data"),
    (43, "bpf_skb_change_head"),
    (44, "bpf_xdp_adjust_head"),
    (50, "bpf_skb_adjust_room"),
    (54, "bpf_xdp_adjust_meta"),
    (63, "bpf_msg_pull_data"),
    (65, "bpf_xdp_adjust_tail"),
    (73, "bpf_lwt_push_encap"),
    (74, "bpf_lwt_seg6_store_bytes"),
    (75, "bpf_lwt_seg6_adjust_srh"),
    (76, "bpf_lwt_seg6_action"),
    (90, "bpf_msg_push_data"),
    (91, "bpf_msg_pop_data"),
    (143, "bpf_store_hdr_opt"),
];

/// The first such helper that `function`, or what it calls, calls.
fn changes_packet(object: &Object, function: usize) -> Option<&'static str> {
    let called = object.helpers(function);
    CHANGES_PACKET.iter().find(|(id, _)| called.contains(id)).map(|(_, name)| *name)
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
        let Some((object, program)) = context.program(node) else { continue };
        let Some(helper) = changes_packet(object, program.function) else { continue };
        for stub in graph.needs(index) {
            let NodeKind::Stub(stub_spec) = &graph.node(stub).kind else { continue };
            let keeps = |host: &Node| {
                let (object, _) = context.program(host)?;
                let (function, _) = object.function(&stub_spec.function.value)?;
                changes_packet(object, function).is_none().then_some(())
            };
            let host =
                graph.needs(stub).into_iter().find(|host| keeps(graph.node(*host)).is_some());
            let Some(host) = host else { continue };
            let found = Diagnostic::new(
                Code::ChangesPacketData,
                format!(
                    "`{}` changes packet data, and the stub `{}` of `{}` does not",
                    node.id.value,
                    spec.stub.value,
                    graph.node(host).id.value
                ),
            )
            .label(&spec.program.span, format!("calls {helper}"))
            .label(&stub_spec.function.span, "calls nothing of the kind")
            .says("EINVAL", "Extension program changes packet data, while original does not")
            .help(format!(
                "Let the stub call such a helper too, if only where it cannot be reached: if \
                 (never) {helper}(...), with a `never` that clang cannot see through."
            ));
            context.push_where(found, |profile| profile.features.packet_data_compared);
            break;
        }
    }
}
