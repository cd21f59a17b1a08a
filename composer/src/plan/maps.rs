//! Which maps are made, and what is put into them.

use std::collections::{HashMap, HashSet};

use petgraph::graph::NodeIndex;

use super::{
    Action, Filling, Reason,
    build::{Builder, Purpose},
};
use crate::{
    chain::Jump,
    object::Initial,
    resolve::{Changes, is_shared},
};

/// A program that is loaded for a table: of which node, and its name.
pub(super) type Leaves = HashMap<(NodeIndex, String), usize>;

impl Builder<'_> {
    /// Makes the maps, and puts maps into those that hold some.
    pub(super) fn create_maps(&mut self) {
        let mut seen = HashSet::new();
        let mut fills = Vec::new();
        let changes = Changes::of(self.chain);
        for (index, of) in self.in_file_order() {
            let (reference, span) = (of.reference.value, of.reference.span);
            for map in of.uses.maps.iter().copied() {
                if is_shared(map) && !seen.insert(&map.name) {
                    continue;
                }
                let (made, pin) = changes.made(self.chain, of.node, map);
                let action = Action::CreateMap { object: reference.clone(), map: made, pin };
                self.create_map(index, map, span, action);
                fills.extend(map.values.iter().filter_map(|(entry, value)| match value {
                    Initial::Map(inner) => Some((index, span, map, *entry, inner)),
                    Initial::Program(_) => None,
                }));
            }
        }
        for (index, span, map, entry, inner) in fills {
            let with = Filling::Map { inner: inner.clone() };
            let action = Action::Fill { table: map.name.clone(), entry, with };
            let asked = Purpose::for_all(index, Reason::InitialEntry, span);
            self.fill(asked, &map.name, action, self.shared_map(inner));
        }
    }

    /// Puts programs into tables for tail calls: those of the objects, then those of the chain.
    pub(super) fn fill_tables(&mut self) {
        let mut filled = HashSet::new();
        let jumps = self.chain.graph.jumps();
        for (index, of) in self.in_file_order() {
            for map in of.uses.maps.iter().copied() {
                if !filled.insert(&map.name) {
                    continue;
                }
                for (entry, value) in &map.values {
                    let Initial::Program(leaf) = value else { continue };
                    // What the chain puts there takes its place.
                    let is_it =
                        |jump: &Jump| jump.map.value == map.name && jump.entry.value == *entry;
                    if jumps.iter().any(is_it) {
                        continue;
                    }
                    let slot = self.slots.leaves.get(&(index, leaf.clone()));
                    let Some(slot) = slot.copied() else { continue };
                    let asked = Purpose::by(index, Reason::InitialEntry, of.reference.span);
                    self.put_program(asked, &map.name, *entry, slot);
                }
            }
        }
        for jump in jumps {
            let Some(slot) = self.slots.of(jump.to).first().copied() else { continue };
            let asked = Purpose::by(jump.from, Reason::TailCall, &jump.span);
            self.put_program(asked, &jump.map.value, jump.entry.value, slot);
        }
    }
}
