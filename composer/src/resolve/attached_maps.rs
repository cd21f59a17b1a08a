//! The maps of the chain that hosts are attached to.

use std::collections::BTreeMap;

use super::{ChainMap, NodeProgram, is_shared};
use crate::{
    chain::{Node, Spanned, map_name, title},
    diag::{Code, Diagnostic, list, nearest},
    hook::{Attach, MapUse},
    object::MapDef,
};

/// The maps that the nodes of a chain share, by name: each as its object has it and as it is made.
pub(super) struct SharedMaps<'p>(BTreeMap<&'p str, (&'p MapDef, &'p ChainMap)>);

impl<'p> SharedMaps<'p> {
    pub(super) fn of(programs: impl Iterator<Item = &'p NodeProgram>) -> Self {
        let maps = programs.flat_map(NodeProgram::chain_maps).filter(|(map, _)| is_shared(map));
        Self(maps.map(|both| (both.1.map.name.as_str(), both)).collect())
    }

    /// Reports the map that `node`, whose program is `of`, is attached to when it is not there, or is
    /// none that such a host is attached to.
    pub(super) fn unknown(&self, node: &Node, of: &NodeProgram) -> Option<Diagnostic> {
        let host = HostAtMap::of(node)?;
        let name = match (host.attach.value.map(), host.types) {
            (None, []) => return None,
            (None, _) => return Some(host.without_map()),
            (Some(_), []) => return Some(host.with_needless_map()),
            (Some(name), _) => name,
        };
        let fits = |map: &MapDef| host.types.contains(&map.type_name());
        let help = || {
            let known = self.0.values().map(|(map, _)| *map).chain(&of.object().maps);
            let mut names: Vec<_> = known.filter(|map| fits(map)).map(|map| &*map.name).collect();
            names.sort_unstable();
            names.dedup();
            match nearest(name, names.iter().copied()) {
                Some(near) => format!("Did you mean `{near}`?"),
                None if names.is_empty() => {
                    format!("The chain has no map of type {}.", host.types.join(" or "))
                }
                None => {
                    format!("Maps of type {} are: {}.", host.types.join(" or "), list(&names))
                }
            }
        };
        match self.0.get(map_name(&node.scope, name).as_str()) {
            None => {
                let message = format!("map `{name}` of {} not found in the chain", title(node));
                Some(host.report(Code::UnknownMap, message, "not in the chain", help()))
            }
            Some((map, _)) if !fits(map) => {
                let (hook, types) = (host.attach.value.kind.name, host.types.join(" or "));
                let label = format!("is of type {}, but {hook} needs {types}", map.type_name());
                Some(host.unsuitable(name, "its type is wrong", &label, help()))
            }
            Some((map, made)) => host.without_room(map, made),
        }
    }
}

/// A host that may be attached to a map.
struct HostAtMap<'n> {
    node: &'n Node,
    attach: &'n Spanned<Attach>,
    asked: &'static MapUse,
    /// The types that the map may have; none when it is attached to no map.
    types: &'static [&'static str],
}

impl<'n> HostAtMap<'n> {
    fn of(node: &'n Node) -> Option<Self> {
        let attach = node.attach()?;
        let asked = attach.value.kind.map?;
        Some(Self { node, attach, asked, types: (asked.types)(&attach.value) })
    }

    fn report(&self, code: Code, message: String, label: &str, help: String) -> Diagnostic {
        Diagnostic::new(code, message).label(&self.attach.span, label).help(help)
    }

    fn unsuitable(&self, map: &str, why: &str, label: &str, help: String) -> Diagnostic {
        let message = format!("{} cannot be attached to map `{map}`: {why}", title(self.node));
        self.report(Code::UnsuitableMap, message, label, help)
    }

    /// What it is and what it names: ``iter `task` of host `tasks` ``.
    fn title(&self) -> String {
        let Attach { kind, target, .. } = &self.attach.value;
        format!("{} `{target}` of {}", kind.name, title(self.node))
    }

    fn without_map(&self) -> Diagnostic {
        let message = format!("missing key `map` for {}", self.title());
        let help = format!("Name a map of type {}: map = \"...\"", self.types.join(", "));
        self.report(Code::MissingKey, message, "needs `map`", help)
    }

    fn with_needless_map(&self) -> Diagnostic {
        let message = format!("{} goes over no map", self.title());
        self.report(Code::BadValue, message, "has a `map`", "Remove `map`.".to_owned())
    }

    /// Reports a map whose values, or whose entries, do not take the host.
    fn without_room(&self, map: &MapDef, made: &ChainMap) -> Option<Diagnostic> {
        let (name, hook) = (&map.name, self.attach.value.kind.name);
        if let Some((value, size)) = self.asked.value.filter(|(_, size)| map.value_size != *size) {
            let label = format!("has values of {} bytes, but {hook} needs {size}", map.value_size);
            let help = format!("Declare it with __type(value, {value}).");
            return Some(self.unsuitable(name, "its values hold no program", &label, help));
        }
        let entries = made.map.max_entries;
        let entry = (self.asked.entry)(&self.attach.value).filter(|entry| *entry >= entries);
        // A hash has keys of its own.
        let entry = entry.filter(|_| map.type_name() != "devmap_hash")?;
        let (why, label) = (format!("it has no entry {entry}"), format!("has {entries} entries"));
        let help = format!(
            "Write a lower number, or increase the size: maps = {{ {name} = {{ max_entries = {} }} \
             }}",
            entry.saturating_add(1)
        );
        Some(self.unsuitable(name, &why, &label, help))
    }
}
