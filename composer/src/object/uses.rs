//! What is loaded with a program: its maps, and programs that are initial entries of these maps.

use std::collections::BTreeSet;

use super::{Initial, MapDef, Object, Program, Referent};

/// What is loaded with a program of an object.
#[derive(Debug, Default)]
pub struct Uses<'a> {
    /// Maps that it refers to, directly or through programs loaded with it, in the order of the
    /// object.
    pub maps: Vec<&'a MapDef>,
    /// Programs that are initial entries of program arrays, in the order of the object. They are
    /// loaded as well.
    pub leaves: Vec<&'a Program>,
    /// Initial entries of program arrays that are not programs of the object: the name of the array
    /// and of the entry.
    pub missing: Vec<(&'a str, &'a str)>,
    /// Maps of the old form.
    pub legacy: Vec<&'a str>,
}

impl Object {
    /// What is loaded with `program`, and `more` maps besides those that it refers to.
    #[must_use]
    pub fn uses<'a>(&'a self, program: &'a Program, more: impl Fn(&MapDef) -> bool) -> Uses<'a> {
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
                uses.legacy
                    .extend(self.legacy_maps.iter().any(|map| map.name == name).then_some(name));
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
                            None => uses.missing.push((&map.name, leaf)),
                        }
                    }
                }
            }
        }
        uses.maps = self.maps.iter().filter(|map| maps.contains(map.name.as_str())).collect();
        uses.leaves = leaves.into_iter().filter_map(|index| self.programs.get(index)).collect();
        uses
    }
}
