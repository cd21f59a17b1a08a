//! Program arrays: the entries of the chain, and those defined in objects.

use super::NodeProgram;
use crate::{
    chain::{Jump, Node, title},
    diag::{Code, Diagnostic, Span, list, nearest},
    object::{MapDef, Uses},
};

/// Whether a map is a program array.
pub(crate) fn is_table(map: &MapDef) -> bool {
    map.type_name() == "prog_array"
}

/// Reports a table of `jump` that is not a program array in the object of node `from`.
pub(super) fn unknown(jump: &Jump, from: &Node, of: &NodeProgram) -> Option<Diagnostic> {
    let (name, maps) = (&jump.map.value, &of.object().maps);
    let found = |code, message: String, label: &str| {
        Diagnostic::new(code, message).label(&jump.map.span, label)
    };
    let Some(map) = maps.iter().find(|map| map.name == *name) else {
        let message =
            format!("map `{1}` not found in the object of {0}", title(from), name.escape_debug());
        let tables = maps.iter().filter(|map| is_table(map));
        let names: Vec<_> = tables.map(|map| map.name.as_str()).collect();
        let help = match nearest(name, names.iter().copied()) {
            Some(near) => format!("Did you mean `{near}`?"),
            None if names.is_empty() => "Its object has no program arrays.".to_owned(),
            None => format!("Its program arrays are: {}.", list(&names)),
        };
        return Some(found(Code::UnknownMap, message, "not in its object").help(help));
    };
    (!is_table(map)).then(|| {
        let message = format!("map `{name}` of {} is not a program array", title(from));
        let help = format!("Name a map of type prog_array. This one has type {}.", map.type_name());
        found(Code::TailEntry, message, "not a program array").help(help)
    })
}

/// Reports initial entries of program arrays that are not programs. `place` refers to the program of
/// `node`.
pub(super) fn no_programs(node: &Node, place: &Span, uses: &Uses) -> Vec<Diagnostic> {
    let one = |(table, missing): &(String, String)| {
        let message = format!(
            "program array `{table}` of {} contains `{missing}`, which is not a program",
            title(node)
        );
        Diagnostic::new(Code::TailEntry, message)
            .label(place, "used here")
            .help("Put only programs into it: global functions with a SEC(\"...\").")
    };
    uses.missing.iter().map(one).collect()
}
