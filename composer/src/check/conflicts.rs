//! Conflicts between the nodes of a chain.
//!
//! A function has one place at its entry for either a jump to its replacement or a call of a
//! trampoline, so it can be replaced once or traced, but not both: `__bpf_trampoline_link_prog`,
//! <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/trampoline.c>. At attach, the kernel
//! only reports EBUSY.

use std::collections::HashMap;

use petgraph::graph::NodeIndex;

use super::{Context, HostUse, Profile};
use crate::{
    chain::{Node, NodeKind, Spanned, Tracer},
    diag::{Code, Diagnostic},
    hook::Attach,
};

/// A function of a node's program.
type NodeFunction<'a> = (NodeIndex, &'a str);

pub(super) fn check(context: &mut Context<'_>, use_of_hosts: HostUse) {
    let mut replaced: HashMap<NodeFunction<'_>, NodeIndex> = HashMap::new();
    let graph = &context.chain.graph;
    for (index, node) in graph.nodes() {
        let NodeKind::Replacement(spec) = &node.kind else { continue };
        for place in graph.functions_of(index) {
            let Some(first) = replaced.get(&place) else {
                replaced.insert(place, index);
                continue;
            };
            let first = graph.node(*first);
            let NodeKind::Replacement(first_spec) = &first.kind else { continue };
            let message = format!(
                "two replacements, `{}` and `{}`, for `{}` of `{}`",
                first.id.value,
                node.id.value,
                place.1,
                graph.node(place.0).id.value
            );
            let found = Diagnostic::new(Code::ReplacedTwice, message)
                .label(&spec.stub.span, "second replacement")
                .label(&first_spec.stub.span, "first replacement")
                .errno("EBUSY")
                .help(
                    "Add a second stub to the host, or remove one replacement. A function can \
                     have only one replacement.",
                );
            context.found.push(found);
            break;
        }
    }
    tracers(context, &replaced);
    too_many(context);
    if use_of_hosts == HostUse::Attached {
        hooks(context);
    }
}

fn tracers(context: &mut Context<'_>, replaced: &HashMap<NodeFunction<'_>, NodeIndex>) {
    let graph = &context.chain.graph;
    for (index, node) in graph.nodes() {
        let NodeKind::Tracer(tracer) = &node.kind else { continue };
        for place in graph.functions_of(index) {
            let host = graph.node(place.0);
            let Some(by) = replaced.get(&place) else { continue };
            let by = graph.node(*by);
            let NodeKind::Replacement(spec) = &by.kind else { continue };
            let point = tracer.point.name();
            let message = format!(
                "`{}` traces `{}` of `{}`, which `{}` replaces",
                node.id.value, place.1, host.id.value, by.id.value
            );
            let found = Diagnostic::new(Code::TracedAndReplaced, message)
                .label(&tracer.target.span, "traced here")
                .label(&spec.stub.span, "replaced here")
                .errno("EBUSY")
                .help(format!(
                    "Trace the replacement: {point} = \"{}\". A function is either traced or \
                     replaced, never both.",
                    by.id.value
                ));
            context.found.push(found);
            break;
        }
    }
}

/// A trampoline holds so many programs, `BPF_MAX_TRAMP_LINKS`:
/// <https://github.com/torvalds/linux/blob/v6.12/include/linux/bpf.h>.
fn too_many(context: &mut Context<'_>) {
    let most = |profile: &Profile| profile.features.most_tracers.map_or(usize::MAX, usize::from);
    let Some(fewest) = context.kernels.profiles.iter().map(most).min() else { return };
    let graph = &context.chain.graph;
    let mut traced: HashMap<NodeFunction<'_>, usize> = HashMap::new();
    // Where the first trampoline is full.
    let mut full: Vec<(NodeFunction<'_>, &Tracer)> = Vec::new();
    for (index, node) in graph.nodes() {
        let NodeKind::Tracer(tracer) = &node.kind else { continue };
        for place in graph.functions_of(index) {
            let count = traced.entry(place).or_default();
            let before = *count;
            *count += tracer.programs();
            if before <= fewest && *count > fewest {
                full.push((place, tracer));
            }
        }
    }
    for (place, tracer) in full {
        let count = traced[&place]; // each place in `full` was counted
        let host = graph.node(place.0);
        let message =
            format!("`{}` of `{}` has more than {fewest} tracers", place.1, host.id.value);
        let found = Diagnostic::new(Code::TooManyTracers, message)
            .label(&tracer.target.span, "exceeds the limit")
            .errno("E2BIG")
            .help(format!(
                "Combine several tracers in one. There are {count}; a built-in tracer that \
                 measures the duration counts twice."
            ));
        context.push_where(found, |profile| count > most(profile));
    }
}

/// A target of some kinds of host takes one of them.
fn hooks(context: &mut Context<'_>) {
    let mut taken: HashMap<(&str, String), (&Node, &Spanned<Attach>)> = HashMap::new();
    for (_, node) in context.chain.graph.nodes() {
        let NodeKind::Host(host) = &node.kind else { continue };
        let Some(attach) = &host.attach else { continue };
        let Some((place, help)) = attach.value.exclusive_place() else { continue };
        let key = (attach.value.kind.name, place);
        let Some((first, first_attach)) = taken.get(&key) else {
            taken.insert(key, (node, attach));
            continue;
        };
        let (first_id, second_id, place) = (&first.id.value, &node.id.value, key.1);
        let message = format!("`{first_id}` and `{second_id}` are both attached to {place}");
        let found = Diagnostic::new(Code::HookTaken, message)
            .label(&attach.span, "second attachment")
            .label(&first_attach.span, "previously attached here")
            .errno("EBUSY")
            .help(help);
        context.found.push(found);
    }
}
