//! What is loaded with a program: its maps, and programs that are initial entries of these maps.

use std::collections::BTreeSet;

use super::{Initial, MapDef, Object, Program, Referent};

/// What a program of an object takes along.
#[derive(Debug, Default)]
pub struct Uses<'a> {
    /// Maps that it or what it takes along refers to, in the order of the object.
    pub maps: Vec<&'a MapDef>,
    /// Programs that a table for tail calls holds from the start, in the order of the object. They
    /// are loaded besides it.
    pub leaves: Vec<&'a Program>,
    /// What tables hold that is no program of the object: the table's name, and its.
    pub missing: Vec<(&'a str, &'a str)>,
    /// Maps of the old form.
    pub legacy: Vec<&'a str>,
}

impl Object {
    /// What `program` takes along, and `more` maps besides those it refers to.
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
