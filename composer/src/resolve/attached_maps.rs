//! The maps of the chain that hosts are attached to.

use super::{NodeProgram, is_shared};
use crate::{
    chain::{Node, title},
    diag::{Code, Diagnostic, list, nearest},
    object::MapDef,
};

/// Reports the map that `node`, whose program is `of`, is attached to when none of `programs`, those of
/// the whole chain, has it, or when it has another type than such hosts are attached to.
pub(super) fn unknown<'p>(
    node: &Node,
    of: &'p NodeProgram,
    programs: impl Iterator<Item = &'p NodeProgram>,
) -> Option<Diagnostic> {
    let attach = node.attach()?;
    let (asked, name) = (attach.value.kind.map?, attach.value.map()?);
    let types = (asked.types)(&attach.value);
    let fits = |map: &MapDef| types.contains(&map.type_name());
    let maps: Vec<&MapDef> =
        programs.flat_map(NodeProgram::maps).filter(|map| is_shared(map)).collect();
    let known = maps.iter().copied().chain(&of.object().maps);
    let mut names: Vec<&str> = known.filter(|map| fits(map)).map(|map| map.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let kinds = types.join(" or ");
    let help = || match nearest(name, names.iter().copied()) {
        Some(near) => format!("Did you mean `{near}`?"),
        None if names.is_empty() => format!("The chain has no map of type {kinds}."),
        None => format!("Maps of type {kinds} are: {}.", list(&names)),
    };
    let found = |code, message: String, label: String| {
        Some(Diagnostic::new(code, message).label(&attach.span, label).help(help()))
    };
    let Some(map) = maps.iter().find(|map| map.name == name) else {
        let message = format!("map `{name}` of {} not found in the chain", title(node));
        return found(Code::UnknownMap, message, "not in the chain".to_owned());
    };
    if fits(map) {
        return None;
    }
    let hook = attach.value.kind.name;
    let message = format!("{} cannot be attached to map `{name}`: its type is wrong", title(node));
    let label = format!("is of type {}, but {hook} needs {kinds}", map.type_name());
    found(Code::MapType, message, label)
}
