//! Does the kernel have what the chain is made of: its types of programs and maps, its links?

use std::{collections::HashSet, ops::Range};

use petgraph::graph::NodeIndex;

use super::{Context, Library, Profile, title};
use crate::{
    chain::{Attach, Node, NodeKind},
    diag::{Code, Diagnostic},
};

pub(super) fn check(context: &mut Context<'_>) {
    let (chain, library) = (context.chain, context.library);
    for (index, node) in chain.graph.nodes() {
        if context.misfits.contains(&index) {
            continue;
        }
        let Some((reference, program)) = node.program() else { continue };
        let lack = |message: String, span: &Range<usize>, label: &str, help: &str| {
            Diagnostic::new(Code::KernelLacks, message)
                .label(&chain.source, span.clone(), label)
                .help(help)
        };
        if let Some(name) = program_type(library, node) {
            let message =
                format!("{} is a program of type {name}, which a kernel lacks", title(node));
            let help = "Load it on a newer kernel, or on one that is built with it.";
            let found = lack(message, &program.span, "this program", help);
            context.push_where(found, |profile| profile.lacks_program(name));
        }
        for map in library.get(&reference.value).iter().flat_map(|object| &object.maps) {
            let message = format!(
                "{} has the map `{}` of type {}, which a kernel lacks",
                title(node),
                map.name,
                map.type_name()
            );
            let label = "in this object";
            let help = "Use a map of another type, or a newer kernel.";
            let found = lack(message, &reference.span, label, help);
            context.push_where(found, |profile| profile.lacks_map(map));
        }
        match &node.kind {
            NodeKind::Host(host) if by_perf_event(&host.attach.value) => {
                let message = format!("{} is attached by a link that a kernel lacks", title(node));
                let help = "Links of perf events came with Linux 5.15.";
                let found = lack(message, &host.attach.span, "needs such a link", help);
                context.push_where(found, |profile| !profile.features.perf_links);
            }
            NodeKind::Replacement(replacement) if several_of_one_type(context, index) => {
                let message =
                    format!("{} has several hosts, and a kernel lets it have one", title(node));
                let help = "A replacement is put on further stubs from Linux 5.10 on. Give each \
                            host a stub and a replacement of its own.";
                let span = &replacement.stub.span;
                let found = lack(message, span, "a stub of several hosts", help);
                context.push_where(found, |profile| !profile.features.several_stubs);
            }
            _ => {}
        }
    }
}

/// Whether `profile` lacks something that `node` is made of, so that what its program calls says
/// nothing.
pub(super) fn lacks_something(library: &Library, node: &Node, profile: &Profile) -> bool {
    let maps = node.program().and_then(|(reference, _)| library.get(&reference.value));
    program_type(library, node).is_some_and(|name| profile.lacks_program(name))
        || maps.is_some_and(|object| object.maps.iter().any(|map| profile.lacks_map(map)))
}

/// The type that the kernel loads the node's program as.
fn program_type(library: &Library, node: &Node) -> Option<&'static str> {
    Some(match &node.kind {
        NodeKind::Host(_) => library.program(node)?.1.kind.program_type().name(),
        NodeKind::Replacement(_) => "ext",
        NodeKind::Tracer(_) => "tracing",
        NodeKind::Stub(_) => return None,
    })
}

fn by_perf_event(attach: &Attach) -> bool {
    matches!(attach, Attach::Kprobe { .. } | Attach::Kretprobe { .. } | Attach::Tracepoint { .. })
}

/// Whether a replacement has two hosts of one type: it is loaded once for each type.
fn several_of_one_type(context: &Context<'_>, index: NodeIndex) -> bool {
    let graph = &context.chain.graph;
    let hosts = graph.hosts_below(index).into_iter().map(|host| graph.node(host));
    let mut seen = HashSet::new();
    let mut types = hosts.filter_map(|host| program_type(context.library, host));
    types.any(|name| !seen.insert(name))
}
