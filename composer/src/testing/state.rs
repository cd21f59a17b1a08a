//! Maps and variables as they were when a chain came up, and how they become so again.

use std::collections::HashMap;

use crate::{
    kernel::{KernelError, MapHandle, MapShape, ProgramHandle, TestKernel},
    object::MapDef,
    run::Running,
};

/// What a chain holds between tests.
#[derive(Debug, Default)]
pub(super) struct ChainState {
    maps: Vec<SavedMap>,
    /// Whether something of it cannot be put back, so that each test needs a chain of its own.
    pub(super) is_lasting: bool,
}

/// A map with its contents.
#[derive(Debug)]
struct SavedMap {
    handle: MapHandle,
    contents: SavedContents,
    /// The node whose variables it holds, and the section.
    variables: Option<(usize, String)>,
}

/// What a map holds.
#[derive(Debug)]
enum SavedContents {
    /// Values of entries that are always there, one after the other, and how long each is.
    Array(Vec<u8>, usize),
    /// Entries that come and go.
    Hash(HashMap<Vec<u8>, Vec<u8>>),
}

/// More entries, or bytes of more than one of them, take longer to read than a chain to come up.
const MOST_ENTRIES: u32 = 1 << 16;
const MOST_BYTES: usize = 16 << 20;

/// What becomes of the contents of a map of some type.
enum MapUpkeep {
    /// Values are put back.
    Array,
    /// Entries are put back, and others removed.
    Hash,
    /// Nothing that a program could find again.
    Nothing,
    /// What cannot be put back.
    Lasting,
}

fn upkeep(shape: MapShape) -> MapUpkeep {
    let map = MapDef { map_type: shape.map_type, ..MapDef::default() };
    let (entries, size) = (shape.max_entries, shape.whole_value);
    let is_short = entries <= MOST_ENTRIES
        && (entries == 1 || size.saturating_mul(entries as usize) <= MOST_BYTES);
    match map.type_name() {
        _ if shape.is_array() && is_short => MapUpkeep::Array,
        "hash" | "percpu_hash" | "lru_hash" | "lru_percpu_hash" | "lpm_trie" => MapUpkeep::Hash,
        "ringbuf" | "perf_event_array" | "prog_array" | "user_ringbuf" | "stack_trace" => {
            MapUpkeep::Nothing
        }
        _ => MapUpkeep::Lasting,
    }
}

impl ChainState {
    /// Takes down what the maps of a chain hold: `maps`, and the variables of the programs in `programs`, each of
    /// the node with that number.
    pub(super) fn save<K: TestKernel>(
        kernel: &mut K,
        running: &Running,
        programs: &[(usize, ProgramHandle)],
    ) -> Result<Self, KernelError> {
        let mut state = Self::default();
        for (name, handle) in running.maps() {
            if !name.starts_with("fc_") {
                state.save_map(kernel, handle, None)?;
            }
        }
        for (node, program) in programs {
            for (section, handle) in kernel.variables(*program)? {
                let is_constant = section.starts_with(".rodata") || section == ".kconfig";
                match is_constant {
                    true => kernel.remove_map(handle)?,
                    false => state.save_map(kernel, handle, Some((*node, section)))?,
                }
            }
        }
        Ok(state)
    }

    fn save_map<K: TestKernel>(
        &mut self,
        kernel: &K,
        handle: MapHandle,
        variables: Option<(usize, String)>,
    ) -> Result<(), KernelError> {
        let shape = kernel.shape(handle)?;
        let contents = match upkeep(shape) {
            MapUpkeep::Array => SavedContents::Array(kernel.values(handle)?, shape.whole_value),
            MapUpkeep::Hash => SavedContents::Hash(kernel.elements(handle)?.into_iter().collect()),
            MapUpkeep::Nothing => return Ok(()),
            MapUpkeep::Lasting => {
                self.is_lasting = true;
                return Ok(());
            }
        };
        self.maps.push(SavedMap { handle, contents, variables });
        Ok(())
    }

    /// Puts everything back.
    pub(super) fn restore<K: TestKernel>(&self, kernel: &mut K) -> Result<(), KernelError> {
        for SavedMap { handle, contents, .. } in &self.maps {
            match contents {
                SavedContents::Array(saved, size) => restore_array(kernel, *handle, saved, *size)?,
                SavedContents::Hash(saved) => restore_hash(kernel, *handle, saved)?,
            }
        }
        Ok(())
    }

    /// The map of a section of variables of a node.
    pub(super) fn variables(&self, node: usize, section: &str) -> Option<MapHandle> {
        let is_it = |map: &&SavedMap| {
            map.variables.as_ref().is_some_and(|(of, name)| {
                // The kernel keeps 15 characters of a name.
                *of == node && section.chars().take(15).eq(name.chars())
            })
        };
        self.maps.iter().find(is_it).map(|map| map.handle)
    }

    /// Lets go of the maps of variables, which the kernel keeps as long as their programs.
    pub(super) fn release<K: TestKernel>(self, kernel: &mut K) {
        for map in self.maps.into_iter().filter(|map| map.variables.is_some()) {
            let _ = kernel.remove_map(map.handle); // it was held by then
        }
    }
}

/// Writes the values of an array that changed, each of `size` bytes.
fn restore_array<K: TestKernel>(
    kernel: &mut K,
    map: MapHandle,
    saved: &[u8],
    size: usize,
) -> Result<(), KernelError> {
    let now = kernel.values(map)?;
    let (mut entries, mut values) = (Vec::new(), Vec::new());
    let pairs = saved.chunks(size.max(1)).zip(now.chunks(size.max(1)));
    for (entry, (saved, _)) in (0..).zip(pairs).filter(|(_, (saved, now))| saved != now) {
        entries.push(entry);
        values.extend(saved);
    }
    if entries.is_empty() { Ok(()) } else { kernel.set_values(map, &entries, &values) }
}

/// Removes the entries that came, and writes those that changed or went.
fn restore_hash<K: TestKernel>(
    kernel: &mut K,
    map: MapHandle,
    saved: &HashMap<Vec<u8>, Vec<u8>>,
) -> Result<(), KernelError> {
    let now: HashMap<_, _> = kernel.elements(map)?.into_iter().collect();
    // First, so that there is room for those that are missing.
    for key in now.keys().filter(|key| !saved.contains_key(*key)) {
        kernel.remove_element(map, key)?;
    }
    for (key, value) in saved.iter().filter(|(key, value)| now.get(*key) != Some(*value)) {
        kernel.set_element(map, key, value)?;
    }
    Ok(())
}
