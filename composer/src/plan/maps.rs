//! The maps to create, and their initial entries.

use std::collections::HashSet;

use super::{
    Action, Filling, Reason,
    build::{Builder, Purpose},
};
use crate::{
    chain::{Jump, map_name},
    object::Initial,
    resolve::{ChainMap, is_shared},
};

impl Builder<'_> {
    /// Makes the maps, and puts maps into those that hold some.
    pub(super) fn create_maps(&mut self) {
        let mut seen = HashSet::new();
        let mut fills = Vec::new();
        for (index, node, of) in self.resolved.programs() {
            let (reference, span) = (&of.reference().value, &of.reference().span);
            for (map, ChainMap { map: made, pin }) in of.chain_maps() {
                if self.fsessions.spare(index, map) || (is_shared(map) && !seen.insert(&made.name))
                {
                    continue;
                }
                let action = Action::CreateMap {
                    object: reference.clone(),
                    map: made.clone(),
                    pin: pin.clone(),
                };
                self.create_map(index, made, span, action);
                fills.extend(map.values.iter().filter_map(|(entry, value)| match value {
                    Initial::Map(inner) => {
                        Some((index, span, made, *entry, map_name(&node.scope, inner)))
                    }
                    Initial::Program(_) => None,
                }));
            }
        }
        for (index, span, map, entry, inner) in fills {
            let made = self.shared_map(&inner);
            let action =
                Action::Fill { table: map.name.clone(), entry, with: Filling::Map { inner } };
            let asked = Purpose::for_all(index, Reason::InitialEntry, span);
            self.fill(asked, &map.name, action, made);
        }
    }

    /// Puts programs into tables for tail calls: those of the objects, then those of the chain.
    pub(super) fn fill_tables(&mut self) {
        let mut filled = HashSet::new();
        let graph = &self.resolved.chain().graph;
        let jumps = graph.jumps();
        let table = |jump: &Jump| map_name(&graph.node(jump.from).scope, &jump.map.value);
        for (index, _, of) in self.resolved.programs() {
            let asked = Purpose::by(index, Reason::InitialEntry, &of.reference().span);
            for (map, ChainMap { map: made, .. }) in of.chain_maps() {
                if !filled.insert(&made.name) {
                    continue;
                }
                for (entry, value) in &map.values {
                    // What the chain puts there takes its place.
                    let is_it =
                        |jump: &Jump| table(jump) == made.name && jump.entry.value == *entry;
                    match value {
                        Initial::Program(leaf) if !jumps.iter().any(is_it) => {
                            let slot = self.slots.leaf(&of.reference().value, leaf);
                            self.put_program(asked, &made.name, *entry, slot);
                        }
                        Initial::Program(_) | Initial::Map(_) => {}
                    }
                }
            }
        }
        for jump in jumps {
            let asked = Purpose::by(jump.from, Reason::TailCall, &jump.span);
            for slot in self.slots.of(jump.to).to_vec() {
                self.put_program(asked, &table(jump), jump.entry.value, slot);
            }
        }
    }
}
