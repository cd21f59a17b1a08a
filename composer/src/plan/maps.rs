//! The maps of a chain: which are made, as what, where they are pinned, and what they hold.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
};

use freplace_compose_common::{COUNTS_MAP, EVENTS_MAP, trace::TIMES_MAP};
use petgraph::graph::NodeIndex;
use serde::Serialize;

use super::{Action, Filling, Operation, is_shared};
use crate::{
    chain::{Chain, MapChange, Node, NodeKind, Pin, Role},
    check::Library,
    object::{Initial, MapDef, Object, PERF_EVENT_ARRAY, Program, Uses},
};

/// The size of a ring buffer whose author left it open.
const RING_BYTES: u32 = 256 * 1024;

/// Where a map is pinned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PinnedAt {
    /// The file in a bpffs.
    pub path: PathBuf,
    /// Whether it is left there when the chain goes down.
    pub keep: bool,
}

/// What the chain changes of maps.
#[derive(Debug, Default)]
pub(crate) struct Changes<'a> {
    /// Of maps that the whole chain shares, by their name: every node that says something.
    shared: HashMap<&'a str, Vec<&'a MapChange>>,
    pins: PathBuf,
}

impl<'a> Changes<'a> {
    pub(crate) fn of(chain: &'a Chain) -> Self {
        let mut shared: HashMap<&str, Vec<&MapChange>> = HashMap::new();
        for (_, node) in chain.graph.nodes() {
            for change in &node.data.maps {
                shared.entry(&change.map.value).or_default().push(change);
            }
        }
        Self { shared, pins: chain.pins.clone() }
    }

    /// What is said of `map`, which `node` uses.
    fn said(&self, node: &'a Node, map: &MapDef) -> Vec<&'a MapChange> {
        match is_shared(map) {
            true => self.shared.get(map.name.as_str()).cloned().unwrap_or_default(),
            false => node.data.maps.iter().filter(|one| one.map.value == map.name).collect(),
        }
    }

    /// The map as it is made, and where it is pinned.
    pub(crate) fn made(
        &self,
        chain: &Chain,
        node: &'a Node,
        map: &MapDef,
    ) -> (MapDef, Option<PinnedAt>) {
        let said = self.said(node, map);
        let mut map = map.clone();
        let said_entries = said.iter().find_map(|one| one.max_entries.as_ref());
        if let Some(entries) = said_entries {
            map.max_entries = entries.value;
        }
        if let Some(flags) = said.iter().find_map(|one| one.flags.as_ref()) {
            map.flags = flags.value;
        }
        if [COUNTS_MAP, TIMES_MAP].contains(&map.name.as_str()) {
            map.max_entries = u32::try_from(chain.graph.len()).unwrap_or(u32::MAX);
        }
        if let Some(buffer) = chain.buffer.filter(|_| map.name == EVENTS_MAP) {
            map.max_entries = buffer;
        }
        match map.type_name() {
            // One for each CPU, whatever it says: where there is none, events are lost.
            _ if map.map_type == PERF_EVENT_ARRAY => map.max_entries = 0,
            // Left open by authors whose own loader sets it; and of whole pages, which are powers
            // of two.
            "ringbuf" | "user_ringbuf" => {
                let bytes = if map.max_entries == 0 { RING_BYTES } else { map.max_entries };
                map.max_entries = bytes.checked_next_power_of_two().unwrap_or(1 << 31).max(4096);
            }
            _ => {}
        }
        let pin = said.iter().find_map(|one| one.pin.as_ref()).map(|pin| &pin.value);
        let path = match (pin, map.pinned) {
            (Some(Pin::Not), _) | (None, false) => None,
            (Some(Pin::ByName), _) | (None, true) => Some(self.pins.join(&map.name)),
            (Some(Pin::At(path)), _) => Some(self.pins.join(path)),
        };
        let keep = said.iter().find_map(|one| one.keep).unwrap_or(true);
        (map, path.map(|path| PinnedAt { path, keep }))
    }
}

/// What the program of `node` takes along; the maps that the chain names besides those it refers to
/// are among them.
pub(crate) fn uses<'a>(node: &Node, object: &'a Object, program: &'a Program) -> Uses<'a> {
    let is_built_in = node.built_in().is_some();
    object.uses(program, |map| {
        // Of the built-in tracer two programs may be loaded.
        is_built_in
            || node.output.events.iter().any(|one| one.map.value == map.name)
            || node.data.tail.iter().any(|one| one.map.value == map.name)
    })
}

/// Makes the maps, and puts maps into those that hold some.
pub(super) fn operations(chain: &Chain, library: &Library) -> Vec<Operation> {
    let mut seen = HashSet::new();
    let (mut operations, mut fills) = (Vec::new(), Vec::new());
    let changes = Changes::of(chain);
    for (index, node) in chain.graph.nodes() {
        let Some((reference, _)) = node.program() else { continue };
        let Some((object, program)) = library.program(node) else { continue };
        for map in uses(node, object, program).maps {
            let is_shared = is_shared(map);
            if is_shared && !seen.insert(&map.name) {
                continue;
            }
            let (made, pin) = changes.made(chain, node, map);
            let span = reference.span.clone();
            operations.push(Operation {
                node: (!is_shared).then_some(index.index()),
                action: Action::CreateMap { object: reference.value.clone(), map: made, pin },
                span: span.clone(),
            });
            for (entry, value) in &map.values {
                let Initial::Map(inner) = value else { continue };
                let (table, entry) = (map.name.clone(), *entry);
                let with = Filling::Map { inner: inner.clone() };
                let action = Action::Fill { table, entry, with };
                fills.push(Operation { node: None, action, span: span.clone() });
            }
        }
    }
    operations.extend(fills);
    operations
}

/// A program that is loaded for a table: of which node, and its name.
pub(super) type Leaves = HashMap<(NodeIndex, String), usize>;

/// Puts programs into tables for tail calls: those of the objects, then those of the chain.
pub(super) fn fill_tables(
    chain: &Chain,
    library: &Library,
    leaves: &Leaves,
    slot_of: impl Fn(NodeIndex) -> Option<usize>,
) -> Vec<Operation> {
    let mut operations = Vec::new();
    let mut filled = HashSet::new();
    let said = |table: &str, entry: u32| {
        chain.graph.jumps().iter().any(|jump| jump.map.value == table && jump.entry.value == entry)
    };
    for (index, node) in chain.graph.nodes() {
        let Some((reference, _)) = node.program() else { continue };
        let Some((object, program)) = library.program(node) else { continue };
        for map in uses(node, object, program).maps {
            if !filled.insert(&map.name) {
                continue;
            }
            for (entry, value) in &map.values {
                let Initial::Program(leaf) = value else { continue };
                // What the chain puts there takes its place.
                if said(&map.name, *entry) {
                    continue;
                }
                let Some(slot) = leaves.get(&(index, leaf.clone())) else { continue };
                let with = Filling::Program { slot: *slot };
                let action = Action::Fill { table: map.name.clone(), entry: *entry, with };
                let span = reference.span.clone();
                operations.push(Operation { node: Some(index.index()), action, span });
            }
        }
    }
    for jump in chain.graph.jumps() {
        let Some(slot) = slot_of(jump.to) else { continue };
        let with = Filling::Program { slot };
        let (table, entry) = (jump.map.value.clone(), jump.entry.value);
        let action = Action::Fill { table, entry, with };
        let node = Some(jump.from.index());
        operations.push(Operation { node, action, span: jump.span.clone() });
    }
    operations
}

/// Whether the program of `node` is loaded for others' tail calls alone.
pub(crate) fn is_only_jumped_to(node: &Node) -> bool {
    node.role() == Role::Host && matches!(&node.kind, NodeKind::Host(host) if host.attach.is_none())
}
