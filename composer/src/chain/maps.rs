//! `maps = { NAME = { … } }`: changes to the maps of a node's object; `tail = { … }`: the programs
//! to put into program arrays; `pins`: the folder of pinned maps.

use std::path::PathBuf;

use toml::de::DeValue;

use super::{
    Spanned,
    globals::{GlobalValue, globals, integer},
    table::{Diagnostics, Table, string, wrong_type},
};
use crate::diag::Code;

/// A node's settings for its object's data.
#[derive(Debug, Clone, Default)]
pub struct Data {
    /// Values of global variables.
    pub globals: Vec<GlobalValue>,
    /// Changes to maps.
    pub maps: Vec<MapChange>,
    /// Programs put into tables for tail calls.
    pub tail: Vec<TailEntry>,
}

/// Changes to a map's definition.
#[derive(Debug, Clone)]
pub struct MapChange {
    /// The map's name.
    pub map: Spanned<String>,
    /// Entries; bytes for a ring buffer.
    pub max_entries: Option<Spanned<u32>>,
    /// `BPF_F_...`, instead of those of the object.
    pub flags: Option<Spanned<u32>>,
    /// Whether it is pinned, and where.
    pub pin: Option<Spanned<Pinning>>,
    /// Whether a new pin is left in place when the chain goes down.
    pub keep: Option<bool>,
}

/// Whether a map is pinned, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pinning {
    /// Not pinned, whatever its object requests.
    Not,
    /// Under the map's name in the folder of pins.
    ByName,
    /// Here; relative to the folder of pins.
    At(PathBuf),
}

/// An entry of a table for tail calls.
#[derive(Debug, Clone)]
pub struct TailEntry {
    /// The table's name.
    pub map: Spanned<String>,
    /// The entry's number.
    pub entry: Spanned<u32>,
    /// The id of the node whose program is put there.
    pub node: Spanned<String>,
}

/// Where pinned maps are when the chain does not say.
pub(super) const PINS: &str = "/sys/fs/bpf";

/// Reads `pins = "/sys/fs/bpf/mine"`.
pub(super) fn pins(top: &mut Table<'_>, report: &mut Diagnostics<'_>) -> Option<PathBuf> {
    let Spanned { value, span } = top.string("pins", report)?;
    let path = PathBuf::from(&value);
    if !path.is_absolute() || value.chars().any(char::is_control) {
        let message = format!("`{}` is not a valid folder for pins", value.escape_debug());
        let found = report.at(Code::BadValue, message, &span, "not an absolute path");
        report.push(found.help("Name a folder of a mounted bpffs: \"/sys/fs/bpf/mine\"."));
        return None;
    }
    Some(path)
}

/// Reads the keys of a node with a program.
pub(super) fn data(table: &mut Table<'_>, report: &mut Diagnostics<'_>) -> Data {
    let globals = globals(table, report);
    let mut maps = Vec::new();
    for (name, value) in tables(table, "maps", "{ flows = { max_entries = 1024 } }", report) {
        let Some(entries) = value.get_ref().as_table() else {
            let title = format!("map `{}`", name.value);
            wrong_type(&title, "a table: { max_entries = 1024 }", value, report);
            continue;
        };
        let mut table = report.table(format!("map `{}`", name.value), name.span.clone(), entries);
        maps.push(change(name, &mut table, report));
        table.finish(report);
    }
    let mut tail = Vec::new();
    for (name, value) in tables(table, "tail", "{ jumps = { 1 = \"my_node\" } }", report) {
        let Some(entries) = value.get_ref().as_table() else {
            let title = format!("table `{}`", name.value);
            wrong_type(&title, "a table: { 1 = \"my_node\" }", value, report);
            continue;
        };
        for (key, value) in entries {
            let number: &str = key.get_ref();
            let Ok(entry) = number.parse() else {
                let message = format!("`{}` is not a valid index", number.escape_debug());
                let found = report.at(Code::BadValue, message, &report.span(key), "not a number");
                report.push(found.help(
                    "Write an index. Entries of a program array are numbered \
                                        from 0.",
                ));
                continue;
            };
            let what = format!("entry {entry} of `{}`", name.value);
            if let Some(node) = string(&what, value, report) {
                let entry = Spanned { value: entry, span: report.span(key) };
                tail.push(TailEntry { map: name.clone(), entry, node });
            }
        }
    }
    tail.sort_by(|one, other| one.entry.span.cmp(&other.entry.span));
    Data { globals, maps, tail }
}

type Named<'t> = (Spanned<String>, &'t toml::Spanned<DeValue<'t>>);

/// The tables within the table at `key`, in the order of the file.
fn tables<'t>(
    table: &mut Table<'t>,
    key: &'static str,
    example: &str,
    report: &mut Diagnostics<'_>,
) -> Vec<Named<'t>> {
    let Some((_, value)) = table.get(key) else { return Vec::new() };
    let Some(entries) = value.get_ref().as_table() else {
        wrong_type(&format!("`{key}`"), &format!("a table: {example}"), value, report);
        return Vec::new();
    };
    let named = |(key, value): (&toml::Spanned<_>, _)| {
        (Spanned { value: ToString::to_string(key.get_ref()), span: report.span(key) }, value)
    };
    let mut found: Vec<_> = entries.iter().map(named).collect();
    found.sort_by(|(one, _): &Named<'_>, (other, _)| one.span.cmp(&other.span));
    found
}

fn change(map: Spanned<String>, table: &mut Table<'_>, report: &mut Diagnostics<'_>) -> MapChange {
    let max_entries = number(table, "max_entries", report);
    let flags = number(table, "flags", report);
    let pin = table.get("pin").and_then(|(_, value)| pin(value, report));
    let keep = table.boolean("keep", report);
    MapChange { map, max_entries, flags, pin, keep }
}

fn number(
    table: &mut Table<'_>,
    key: &'static str,
    report: &mut Diagnostics<'_>,
) -> Option<Spanned<u32>> {
    let (_, value) = table.get(key)?;
    let number = integer(&format!("`{key}`"), value, report)?;
    let Ok(number) = u32::try_from(number) else {
        let message = format!("`{key}` cannot be {number}");
        let found = report.at(Code::BadValue, message, &report.span(value), "out of range");
        report.push(found.help(format!("Write a number from 0 to {}.", u32::MAX)));
        return None;
    };
    Some(Spanned { value: number, span: report.span(value) })
}

/// `true`, `false`, a name in the folder of pins, or a path.
fn pin(
    value: &toml::Spanned<DeValue<'_>>,
    report: &mut Diagnostics<'_>,
) -> Option<Spanned<Pinning>> {
    let span = report.span(value);
    if let Some(wanted) = value.get_ref().as_bool() {
        return Some(Spanned { value: if wanted { Pinning::ByName } else { Pinning::Not }, span });
    }
    if !value.get_ref().is_str() {
        wrong_type("`pin`", "true, false, or a string", value, report);
        return None;
    }
    let text = string("`pin`", value, report)?.value;
    // The kernel keeps names with a dot for itself.
    if text.contains('.') || text.chars().any(char::is_control) || text.ends_with('/') {
        let shown = text.escape_debug();
        let found = report
            .at(Code::BadValue, format!("`{shown}` is not a valid pin"), &span, "not a valid name")
            .help("Write true, a name, or a path in a bpffs. Names must not contain a dot.");
        report.push(found);
        return None;
    }
    Some(Spanned { value: Pinning::At(PathBuf::from(text)), span })
}
