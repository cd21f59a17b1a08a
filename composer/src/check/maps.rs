//! Maps of one name are one map for the whole chain, so their definitions have to agree.

use std::collections::HashMap;

use super::Context;
use crate::{
    chain::Node,
    diag::{Code, Diagnostic},
    object::MapDef,
    plan::is_shared,
};

pub(super) fn check(context: &mut Context<'_>) {
    let mut first: HashMap<&str, (&Node, &MapDef)> = HashMap::new();
    for (_, node) in context.chain.graph.nodes() {
        let Some((reference, _)) = node.program() else { continue };
        let Some(object) = context.library.get(&reference.value) else { continue };
        for map in object.maps.iter().filter(|map| is_shared(map)) {
            let Some((other, definition)) = first.get(map.name.as_str()) else {
                first.insert(&map.name, (node, map));
                continue;
            };
            if *definition == map {
                continue;
            }
            let source = &context.chain.source;
            let (Some((here, _)), Some((there, _))) = (node.program(), other.program()) else {
                continue;
            };
            let found = Diagnostic::new(
                Code::MapMismatch,
                format!("map `{}` is defined in two ways", map.name),
            )
            .label(source, here.span.clone(), "here")
            .label(source, there.span.clone(), "and here")
            .note(compare(node, map, other, definition))
            .help(
                "Maps of one name are one map for the whole chain. Make the definitions equal, or \
                 give one of them another name.",
            );
            context.found.push(found);
        }
    }
}

fn compare(node: &Node, map: &MapDef, other: &Node, definition: &MapDef) -> String {
    let line = |node: &Node, map: &MapDef| {
        format!(
            "{:<12} {} key {} value {} entries {} flags {:#x}",
            node.id.value,
            map.type_name(),
            map.key_size,
            map.value_size,
            map.max_entries,
            map.flags
        )
    };
    format!("{}\n{}", line(other, definition), line(node, map))
}
