//! Kernel features that the chain requires: program types, map types, links.

use std::collections::HashSet;

use petgraph::graph::NodeIndex;

use super::{Context, Profile, title};
use crate::{
    chain::{Host, Node, NodeKind},
    diag::{Code, Diagnostic, Span},
    object::ProgramType,
    resolve::{NodeProgram, PartlyResolved},
};

pub(super) fn check(context: &mut Context<'_>) {
    let chain = context.chain;
    // A kernel lacks a thing once, however many nodes need it.
    let mut told = HashSet::new();
    for (index, node) in chain.graph.nodes() {
        if context.misfits.contains(&index) {
            continue;
        }
        for NodeNeed { what, span, label, help, lacks } in needs(context, index, node) {
            if told.insert(what.clone()) {
                let message = format!("{} requires {what}", title(node));
                let found =
                    Diagnostic::new(Code::KernelLacks, message).label(span, label).help(help);
                context.push_where(found, lacks);
            }
        }
    }
}

/// Something that a node needs of the kernel.
struct NodeNeed<'a> {
    /// In words: `maps of type ringbuf`.
    what: String,
    span: &'a Span,
    label: &'static str,
    help: &'static str,
    /// Whether that is not there.
    lacks: Box<dyn Fn(&Profile) -> bool + 'a>,
}

fn needs<'a>(context: &Context<'a>, index: NodeIndex, node: &'a Node) -> Vec<NodeNeed<'a>> {
    let Some((reference, program)) = node.program() else { return Vec::new() };
    let mut needs = Vec::new();
    // The kernel that a program runs in has its type, whether or not the profile knows that.
    let is_running = node.running().is_some();
    if let Some(name) = program_type(context.names, index).filter(|_| !is_running) {
        needs.push(NodeNeed {
            what: format!("programs of type {name}"),
            span: program.span,
            label: "requires this program type",
            help: "Use a newer kernel, or one that is built with this program type.",
            lacks: Box::new(move |profile| profile.lacks_program(name)),
        });
    }
    let maps = context.names.program(index).into_iter().flat_map(NodeProgram::maps);
    for map in maps {
        needs.push(NodeNeed {
            what: format!("maps of type {}", map.type_name()),
            span: reference.span,
            label: "has a map of this type",
            help: "Use a newer kernel, or another map type.",
            lacks: Box::new(|profile| profile.lacks_map(map)),
        });
    }
    match &node.kind {
        NodeKind::Host(Host { attach: Some(attach), .. }) => {
            needs.extend(attach.value.needs().map(|need| NodeNeed {
                what: need.what.to_owned(),
                span: &attach.span,
                label: need.label,
                help: need.help,
                lacks: Box::new(need.lacks),
            }));
        }
        NodeKind::Replacement(replacement) if several_of_one_type(context, index) => {
            needs.push(NodeNeed {
                what: "replacements attached to several stubs".to_owned(),
                span: &replacement.stub.span,
                label: "a stub of several hosts",
                help: "Use Linux 5.10 or later, or give each host its own stub and replacement.",
                lacks: Box::new(|profile| !profile.features.several_stubs),
            });
        }
        _ => {}
    }
    needs
}

/// Whether `profile` lacks something that the node at `index` is made of, so that what its program calls says
/// nothing.
pub(super) fn lacks_something(names: &PartlyResolved, index: NodeIndex, profile: &Profile) -> bool {
    let mut maps = names.program(index).into_iter().flat_map(NodeProgram::maps);
    program_type(names, index).is_some_and(|name| profile.lacks_program(name))
        || maps.any(|map| profile.lacks_map(map))
}

/// The type that the kernel loads the program of the node at `index` as.
fn program_type(names: &PartlyResolved, index: NodeIndex) -> Option<&'static str> {
    Some(match &names.chain().graph.node(index).kind {
        NodeKind::Host(_) => {
            let program = names.program(index)?.program();
            program.kind.program_type().map_or("unknown", ProgramType::name)
        }
        NodeKind::Replacement(_) => ProgramType::Ext.name(),
        NodeKind::Tracer(_) => ProgramType::Tracing.name(),
        NodeKind::Stub(_) => return None,
    })
}

/// Whether a replacement has two hosts of one type: it is loaded once for each type.
fn several_of_one_type(context: &Context<'_>, index: NodeIndex) -> bool {
    let graph = &context.chain.graph;
    let hosts = graph.hosts_below(index).into_iter();
    let mut seen = HashSet::new();
    let mut types = hosts.filter_map(|host| program_type(context.names, host));
    types.any(|name| !seen.insert(name))
}
