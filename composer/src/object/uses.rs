//! What is loaded with a program: its maps, and programs that are initial entries of these maps.

use std::collections::BTreeSet;

use super::{Initial, MapDef, Object, Program, Referent};

/// What is loaded with a program of an object.
#[derive(Debug, Clone, Default)]
pub struct Uses {
    /// Maps that it refers to, directly or through programs loaded with it, as indices in
    /// [`Object::maps`], in order.
    maps: Vec<usize>,
    /// Programs that are initial entries of program arrays, as indices in [`Object::programs`], in
    /// order. They are loaded as well.
    leaves: Vec<usize>,
    /// Initial entries of program arrays that are not programs of the object: the name of the array
    /// and of the entry.
    pub missing: Vec<(String, String)>,
    /// Maps of the old form.
    pub legacy: Vec<String>,
}

impl Uses {
    /// The maps, of the same `object`.
    pub fn maps<'a>(&self, object: &'a Object) -> impl Iterator<Item = &'a MapDef> {
        self.indexed_maps(object).map(|(_, map)| map)
    }

    /// The maps, of the same `object`, with their indices in it.
    pub fn indexed_maps<'a>(
        &self,
        object: &'a Object,
    ) -> impl Iterator<Item = (usize, &'a MapDef)> {
        self.maps.iter().filter_map(|index| Some((*index, object.maps.get(*index)?)))
    }

    /// The programs that are initial entries of program arrays, of the same `object`.
    pub fn leaves<'a>(&self, object: &'a Object) -> impl Iterator<Item = &'a Program> {
        self.leaves.iter().filter_map(|index| object.programs.get(*index))
    }
}

impl Object {
    /// What is loaded with `program`, and `more` maps besides those that it refers to.
    #[must_use]
    pub fn uses(&self, program: &Program, more: impl Fn(&MapDef) -> bool) -> Uses {
        let mut uses = Uses::default();
        let mut leaves: BTreeSet<usize> = BTreeSet::new();
        let mut maps: BTreeSet<&str> =
            self.maps.iter().filter(|map| more(map)).map(|map| map.name.as_str()).collect();
        let mut open_maps: Vec<&str> = maps.iter().copied().collect();
        let mut open = vec![program];
        loop {
            while let Some(program) = open.pop() {
                for function in self.functions_of(program) {
                    for referent in function.code.references.values() {
                        if let Referent::Map(name) = referent
                            && maps.insert(name)
                        {
                            open_maps.push(name);
                        }
                    }
                }
            }
            let Some(name) = open_maps.pop() else { break };
            let Some(map) = self.maps.iter().find(|map| map.name == name) else {
                let is_legacy = self.legacy_maps.iter().any(|map| map.name == name);
                uses.legacy.extend(is_legacy.then(|| name.to_owned()));
                continue;
            };
            for (_, value) in &map.values {
                match value {
                    Initial::Map(inner) => {
                        if maps.insert(inner) {
                            open_maps.push(inner);
                        }
                    }
                    Initial::Program(leaf) => {
                        let index = self.programs.iter().position(|one| one.name == *leaf);
                        match index.and_then(|index| Some((index, self.programs.get(index)?))) {
                            Some((index, leaf)) => {
                                if leaves.insert(index) {
                                    open.push(leaf);
                                }
                            }
                            None => uses.missing.push((map.name.clone(), leaf.clone())),
                        }
                    }
                }
            }
        }
        let named = self.maps.iter().enumerate();
        let named = named.filter(|(_, map)| maps.contains(map.name.as_str()));
        uses.maps = named.map(|(index, _)| index).collect();
        uses.leaves = leaves.into_iter().collect();
        uses
    }
}
