//! The maps and global variables of an object.

use serde_json::{Value, json};

use super::{super::ink::Ink as _, lines::WrappedLines};
use freplace_compose::{
    inert,
    object::{Global, Initial, MapDef, Object, prototype, written},
};

/// Adds the maps, those of the old form included.
pub(super) fn maps(object: &Object, lines: &mut WrappedLines) {
    if !object.maps.is_empty() || !object.legacy_maps.is_empty() {
        lines.title("maps");
    }
    let legacy = object.legacy_maps.iter().map(|map| map.name.as_str());
    let names = object.maps.iter().map(|map| map.name.as_str()).chain(legacy);
    let names = names.map(|name| name.chars().count()).max().unwrap_or(0);
    let kinds = object.maps.iter().map(|map| map.type_name().len()).max().unwrap_or(0);
    for map in &object.maps {
        let head = format!("  {:<names$}  ", inert::line(&map.name));
        let text = format!(
            "{:<kinds$}  key {:>3}  value {:>4}  entries {}{}",
            map.type_name(),
            map.key_size,
            map.value_size,
            entries(map),
            if map.pinned { "  pinned by name" } else { "" }
        );
        lines.push(&head, head.chars().count(), &text);
        if let Some(inner) = &map.inner {
            let text = format!(
                "{}  key {}  value {}  entries {}",
                inner.type_name(),
                inner.key_size,
                inner.value_size,
                entries(inner)
            );
            lines.push(format!("    {} ", "holds:".dimmed()), "    holds: ".len(), &text);
        }
        for (entry, value) in &map.values {
            let (Initial::Map(name) | Initial::Program(name)) = value;
            let at = format!("at {entry}:");
            let width = "     ".len() + at.len();
            lines.push(format!("    {} ", at.dimmed()), width, &inert::line(name));
        }
    }
    for map in &object.legacy_maps {
        let kind = MapDef { map_type: map.map_type, ..MapDef::default() }.type_name();
        let head = format!("  {:<names$}  {kind}  ", inert::line(&map.name));
        let width = head.chars().count() + "not created: ".len();
        lines.push(
            format!("{head}{} ", "not created:".yellow()),
            width,
            "legacy SEC(\"maps\") definition; define it in SEC(\".maps\")",
        );
    }
}

fn entries(map: &MapDef) -> String {
    match (map.max_entries, map.type_name()) {
        (0, "perf_event_array") => "one per CPU".to_owned(),
        (0, kind) if !kind.ends_with("_storage") => "not set".to_owned(),
        (entries, _) => entries.to_string(),
    }
}

/// Those that a chain may look at: what the compiler made by itself has no type, and formats of
/// `bpf_printk` nobody sets.
fn variables(object: &Object) -> impl Iterator<Item = (&Global, u32)> {
    let globals = object.globals.iter().filter(|global| !global.name.contains(".____fmt"));
    globals.filter_map(|global| Some((global, global.of?)))
}

/// Adds the global variables, by section.
pub(super) fn globals(object: &Object, lines: &mut WrappedLines) {
    let declared = |global: &Global, of| prototype::declare(&object.btf, of, &global.name);
    let width = variables(object).map(|(global, of)| declared(global, of).chars().count());
    let width = width.max().unwrap_or(0).min(60);
    let mut section = None;
    if variables(object).next().is_some() {
        lines.title("globals");
    }
    for (global, of) in variables(object) {
        if section != Some(&global.section) {
            section = Some(&global.section);
            lines.push_dimmed(2, &inert::line(&global.section));
        }
        let value = written(&object.btf, of, &object.initial(global));
        let head = format!("    {:<width$}  = ", inert::line(&declared(global, of)));
        lines.push(&head, head.chars().count(), &inert::line(&value));
    }
}

pub(super) fn globals_to_json(object: &Object) -> Vec<Value> {
    let one = |(global, of): (&Global, u32)| {
        json!({
            "name": global.name,
            "section": global.section,
            "offset": global.offset,
            "size": global.size,
            "type": prototype::declare(&object.btf, of, "").trim(),
            "frozen": global.frozen,
            "value": written(&object.btf, of, &object.initial(global)),
        })
    };
    variables(object).map(one).collect()
}
