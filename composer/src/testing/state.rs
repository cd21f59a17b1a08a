//! Maps and variables as they were when a chain came up, and how they become so again.

use std::collections::{HashMap, HashSet};

use crate::{
    kernel::{KernelError, MapElement, MapHandle, MapShape, ProgramHandle, TestKernel},
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
    /// Whether entries come and go.
    is_hash: bool,
    elements: Vec<MapElement>,
    /// The node whose variables it holds, and the section.
    variables: Option<(usize, String)>,
}

/// More entries than this take longer to read than a chain to come up.
const MOST: u32 = 4096;

/// What becomes of the contents of a map of some type.
enum Contents {
    /// Entries that are always there.
    Array,
    /// Entries that come and go.
    Hash,
    /// Nothing that a program could find again.
    Nothing,
    /// What cannot be put back.
    Lasting,
}

fn contents(shape: MapShape) -> Contents {
    let map = MapDef { map_type: shape.map_type, ..MapDef::default() };
    match map.type_name() {
        "array" | "percpu_array" if shape.max_entries <= MOST => Contents::Array,
        "hash" | "percpu_hash" | "lru_hash" | "lru_percpu_hash" | "lpm_trie" => Contents::Hash,
        "ringbuf" | "perf_event_array" | "prog_array" | "user_ringbuf" | "stack_trace" => {
            Contents::Nothing
        }
        _ => Contents::Lasting,
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
        let is_hash = match contents(kernel.shape(handle)?) {
            Contents::Array => false,
            Contents::Hash => true,
            Contents::Nothing => return Ok(()),
            Contents::Lasting => {
                self.is_lasting = true;
                return Ok(());
            }
        };
        let elements = kernel.elements(handle)?;
        self.maps.push(SavedMap { handle, is_hash, elements, variables });
        Ok(())
    }

    /// Puts everything back.
    pub(super) fn restore<K: TestKernel>(&self, kernel: &mut K) -> Result<(), KernelError> {
        for map in &self.maps {
            let now: HashMap<_, _> = kernel.elements(map.handle)?.into_iter().collect();
            if map.is_hash {
                // First, so that there is room for those that are missing.
                let saved: HashSet<_> = map.elements.iter().map(|(key, _)| key).collect();
                for key in now.keys().filter(|key| !saved.contains(key)) {
                    kernel.remove_element(map.handle, key)?;
                }
            }
            for (key, value) in &map.elements {
                if now.get(key) != Some(value) {
                    kernel.set_element(map.handle, key, value)?;
                }
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
