//! The words on nodes and arrows, the same in every drawing of a chain.

use crate::chain::{Dependency, Node, NodeKind};

/// What a node is about: `tcp_connect`, `stub_handler`, `handler where ret != 0`.
#[must_use]
pub fn detail(node: &Node) -> String {
    let jumps = node
        .data
        .tail
        .iter()
        .map(|jump| format!("{}[{}] → {}", jump.map.value, jump.entry.value, jump.node.value));
    let own = about(node);
    std::iter::once(own).filter(|own| !own.is_empty()).chain(jumps).collect::<Vec<_>>().join("  ")
}

fn about(node: &Node) -> String {
    match &node.kind {
        NodeKind::Host(host) => host.place(),
        NodeKind::Stub(stub) => stub.function.value.clone(),
        NodeKind::Replacement(_) => String::new(),
        NodeKind::Tracer(tracer) => {
            let function = tracer.function.iter().map(|name| name.value.clone());
            let asked = tracer.built_in().into_iter().flat_map(|request| {
                let paths = request.capture.as_ref().map(|paths| {
                    let names: Vec<_> = paths.iter().map(|path| path.text.value.as_str()).collect();
                    names.join(", ")
                });
                let filter =
                    request.filter.as_ref().map(|(text, _)| format!("where {}", text.value));
                paths.into_iter().chain(filter)
            });
            function.chain(asked).collect::<Vec<_>>().join("  ")
        }
    }
}

/// Why one node needs another, as the word on an arrow.
#[must_use]
pub fn word(dependency: &Dependency) -> String {
    match dependency {
        Dependency::StubOf => "in".to_owned(),
        Dependency::Replaces => "replaces".to_owned(),
        Dependency::Traces => "traces".to_owned(),
        Dependency::JumpsTo { map, entry } => format!("{}[{}]", map.value, entry.value),
    }
}
