//! The maps of a chain: changes, pins, and the nodes that share them.

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use freplace_compose_common::{COUNTS_MAP, EVENTS_MAP, trace::TIMES_MAP};
use serde::{Deserialize, Serialize};

use crate::{
    chain::{Chain, MapChange, Node, NodeKind, ObjectRef, Pinning, map_name},
    object::{MapDef, Object, PERF_EVENT_ARRAY, Program, Uses},
};

/// The size of a ring buffer whose author left it open.
const RING_BYTES: u32 = 256 * 1024;

/// Where a map is pinned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedAt {
    /// The file in a bpffs.
    pub path: PathBuf,
    /// Whether it is left there when the chain goes down.
    pub keep: bool,
}

/// A map of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainMap {
    /// Its definition, with the changes of the chain, and its name in the chain.
    pub map: MapDef,
    /// Where it is pinned.
    pub pin: Option<PinnedAt>,
}

/// What the chain changes of maps.
#[derive(Debug)]
pub(super) struct Changes<'a> {
    chain: &'a Chain,
    /// The changes to shared maps of all nodes, by the map's name in the chain.
    shared: HashMap<String, Vec<&'a MapChange>>,
    /// Shared maps that were resolved before, by scope, object and index.
    known: HashMap<(&'a str, &'a ObjectRef, usize), Arc<ChainMap>>,
}

impl<'a> Changes<'a> {
    pub(super) fn of(chain: &'a Chain) -> Self {
        let mut shared: HashMap<String, Vec<&MapChange>> = HashMap::new();
        for (_, node) in chain.graph.nodes() {
            for change in &node.data.maps {
                let name = map_name(&node.scope, &change.map.value);
                shared.entry(name).or_default().push(change);
            }
        }
        Self { chain, shared, known: HashMap::new() }
    }

    /// What is said of `map`, which `node` uses.
    fn said(&self, node: &'a Node, map: &MapDef) -> Vec<&'a MapChange> {
        match is_shared(map) {
            true => {
                let name = map_name(&node.scope, &map.name);
                self.shared.get(&name).cloned().unwrap_or_default()
            }
            false => node.data.maps.iter().filter(|one| one.map.value == map.name).collect(),
        }
    }

    /// Applies the changes to the maps in `uses`, which the program of `node` needs.
    pub(super) fn maps_of(
        &mut self,
        node: &'a Node,
        reference: &'a ObjectRef,
        object: &Object,
        uses: &Uses,
    ) -> Vec<Arc<ChainMap>> {
        let maps = uses.indexed_maps(object).map(|(index, map)| {
            if !is_shared(map) {
                return Arc::new(self.apply(node, map));
            }
            let key = (node.scope.as_str(), reference, index);
            let known = self.known.get(&key).map(Arc::clone);
            known.unwrap_or_else(|| {
                let new = Arc::new(self.apply(node, map));
                self.known.insert(key, Arc::clone(&new));
                new
            })
        });
        maps.collect()
    }

    /// Applies the changes to a map that `node` uses.
    fn apply(&self, node: &'a Node, map: &MapDef) -> ChainMap {
        let chain = self.chain;
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
            (Some(Pinning::Not), _) | (None, false) => None,
            (Some(Pinning::ByName), _) | (None, true) => Some(chain.pins.join(&map.name)),
            (Some(Pinning::At(path)), _) => Some(chain.pins.join(path)),
        };
        let keep = said.iter().find_map(|one| one.keep).unwrap_or(true);
        if is_shared(&map) {
            map.name = map_name(&node.scope, &map.name);
        }
        ChainMap { map, pin: path.map(|path| PinnedAt { path, keep }) }
    }
}

/// What the program of `node` takes along; the maps that the chain names besides those it refers to
/// are among them.
pub(super) fn uses(node: &Node, object: &Object, program: &Program) -> Uses {
    let is_built_in = node.built_in().is_some();
    object.uses(program, |map| {
        // Of the built-in tracer two programs may be loaded.
        is_built_in
            || node.output.events.iter().any(|one| one.map.value == map.name)
            || node.data.tail.iter().any(|one| one.map.value == map.name)
            || node.attach().and_then(|attach| attach.value.map()) == Some(&map.name)
    })
}

/// Whether the program of `node` is loaded for others' tail calls alone.
pub(crate) fn is_only_jumped_to(node: &Node) -> bool {
    let is_unattached = matches!(&node.kind, NodeKind::Host(host) if host.attach.is_none());
    is_unattached && node.running().is_none()
}

/// Whether a map is shared by the whole chain instead of private to a node: all maps except for
/// event buffers other than the composer's, whose events could not be attributed to a node
/// otherwise.
#[must_use]
pub fn is_shared(map: &MapDef) -> bool {
    map.name == EVENTS_MAP || !map.is_event_buffer()
}
