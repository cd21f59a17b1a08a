//! Entries of maps, mocks, and conditions.

use std::path::Path;

use toml::de::DeValue;

use crate::{
    chain::{
        Filter, ObjectRef, Spanned,
        reading::{answer, filter, globals, value},
        table::{Diagnostics, Table, wrong_type},
    },
    testing::{MapContent, MapEntry, Mock, MockProgram},
};

/// Reads `maps.NAME = [{ key = 1, value = 2 }]` at `key`.
pub(in crate::testing) fn maps(
    key: &'static str,
    table: &mut Table<'_>,
    report: &mut Diagnostics<'_>,
) -> Vec<MapContent> {
    let Some((_, found)) = table.get(key) else { return Vec::new() };
    const SHAPE: &str = "a table: maps.NAME = [{ key = 1, value = 2 }]";
    let Some(tables) = found.get_ref().as_table() else {
        wrong_type(&format!("`{key}`"), SHAPE, found, report);
        return Vec::new();
    };
    let mut read = Vec::new();
    for (name, list) in tables {
        let map = Spanned { value: name.get_ref().to_string(), span: report.span(name) };
        let Some(items) = list.get_ref().as_array() else {
            wrong_type(
                &format!("map `{}`", map.value),
                "a list of entries: [{ key = 1, value = 2 }]",
                list,
                report,
            );
            continue;
        };
        let entries = items.iter().filter_map(|item| map_entry(&map.value, item, report));
        let entries = entries.collect();
        read.push(MapContent { map, entries });
    }
    read.sort_by_key(|one| one.map.span.start());
    read
}

pub(super) fn map_entry(
    map: &str,
    found: &toml::Spanned<DeValue<'_>>,
    report: &mut Diagnostics<'_>,
) -> Option<MapEntry> {
    let Some(entries) = found.get_ref().as_table() else {
        wrong_type(&format!("an entry of map `{map}`"), "{ key = 1, value = 2 }", found, report);
        return None;
    };
    let span = report.span(found);
    let mut table = report.table(format!("an entry of map `{map}`"), span.clone(), entries);
    let mut get = |name: &'static str, table: &mut Table<'_>| {
        table.get(name).map(|(_, found)| value(&format!("`{name}`"), found, report))
    };
    let (key, content) = (get("key", &mut table), get("value", &mut table));
    let is_absent = table.boolean("absent", report).unwrap_or_default();
    if key.is_none() {
        table.missing(&["key"], "1");
    }
    if content.is_none() && !is_absent {
        table.missing(&["value", "absent"], "2");
    }
    table.finish(report);
    let value = match content {
        Some(content) => Some(content?),
        None => None,
    };
    if value.is_none() != is_absent {
        return None;
    }
    Some(MapEntry { key: key??, value, span })
}

/// Reads `mock.FUNCTION = { returns = -2 }`.
pub(super) fn mocks(
    table: &mut Table<'_>,
    folder: &Path,
    report: &mut Diagnostics<'_>,
) -> Vec<Mock> {
    let Some((_, found)) = table.get("mock") else { return Vec::new() };
    let Some(tables) = found.get_ref().as_table() else {
        wrong_type("`mock`", "a table: mock.FUNCTION = { returns = -2 }", found, report);
        return Vec::new();
    };
    let mut read = Vec::new();
    for (name, found) in tables {
        let function = Spanned { value: name.get_ref().to_string(), span: report.span(name) };
        let title = format!("mock of `{}`", function.value);
        let Some(entries) = found.get_ref().as_table() else {
            wrong_type(&title, "a table: { returns = -2 }", found, report);
            continue;
        };
        let mut table = report.table(title, function.span.clone(), entries);
        let by = match answer(&mut table, report) {
            Some((_, answer)) => answer.map(|answer| MockProgram::Made(Box::new(answer))),
            None => {
                let object = table.string("object", report);
                let program = table.string("program", report);
                let globals = globals(&mut table, report);
                if object.is_none() || program.is_none() {
                    table.missing(&["returns", "object"], "-2");
                }
                object.zip(program).map(|(object, program)| {
                    let Spanned { value, span } = object;
                    let value = match ObjectRef::new(&value) {
                        // Relative to the file of the tests, which need not be where the chain is.
                        ObjectRef::File(path) => {
                            let path = folder.join(path);
                            ObjectRef::File(std::path::absolute(&path).unwrap_or(path))
                        }
                        other => other,
                    };
                    let object = Spanned { value, span };
                    MockProgram::Own { object, program, globals }
                })
            }
        };
        table.finish(report);
        read.extend(by.map(|by| Mock { function, by }));
    }
    read.sort_by_key(|one| one.function.span.start());
    read
}

/// Reads the condition at `where`.
pub(in crate::testing) fn condition(
    table: &mut Table<'_>,
    report: &mut Diagnostics<'_>,
) -> Option<Option<(Spanned<String>, Filter)>> {
    match table.get("where") {
        Some((_, found)) => filter(found, report).map(Some),
        None => Some(None),
    }
}
