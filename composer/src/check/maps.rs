//! Maps of the same name are one map for the whole chain, so their definitions must agree.

use std::collections::{HashMap, HashSet};

use super::Context;
use crate::{
    chain::Node,
    diag::{Code, Diagnostic},
    object::MapDef,
    resolve::{ChainMap, NodeProgram, is_shared},
};

pub(super) fn check(context: &mut Context<'_>) {
    let mut first: HashMap<&str, (&Node, &NodeProgram, &MapDef)> = HashMap::new();
    let mut told = HashSet::new();
    for (_, node, of) in context.names.programs() {
        for (_, ChainMap { map, .. }) in of.chain_maps().filter(|(map, _)| is_shared(map)) {
            let Some((other, other_of, definition)) = first.get(map.name.as_str()) else {
                first.insert(&map.name, (node, of, map));
                continue;
            };
            // Once for each object, whichever of its nodes comes first.
            if definition.agrees_with(map) || !told.insert((&of.reference().value, &map.name)) {
                continue;
            }
            let found = Diagnostic::new(
                Code::MapMismatch,
                format!("conflicting definitions of map `{}`", map.name),
            )
            .label(&other_of.reference().span, "first defined here")
            .label(&of.reference().span, "conflicting definition")
            .note(compare(node, map, other, definition))
            .help(
                "Make the definitions equal, or rename one of the maps. Maps of the same name are \
                 one map for the whole chain.",
            );
            context.found.push(found);
        }
    }
}

fn compare(node: &Node, map: &MapDef, other: &Node, definition: &MapDef) -> String {
    let ids = [node, other].map(|node| node.id.value.chars().count());
    let kinds = [map, definition].map(|map| map.type_name().len());
    let width = |lengths: [usize; 2]| lengths[0].max(lengths[1]);
    let line = |node: &Node, map: &MapDef| {
        format!(
            "{:<id_width$}  {:<kind_width$}  key {:>2}  value {:>4}  entries {:>6}  flags {:#x}",
            node.id.value,
            map.type_name(),
            map.key_size,
            map.value_size,
            map.max_entries,
            map.flags,
            id_width = width(ids),
            kind_width = width(kinds),
        )
    };
    format!("{}\n{}", line(other, definition), line(node, map))
}
