//! Errors of the TOML parser, with the composer's message where it is more helpful.

use std::collections::HashMap;

use toml::de::{DeTable, DeValue, Error};

use super::table::Diagnostics;
use crate::diag::Code;

pub(crate) fn report(errors: &[Error], root: &DeTable<'_>, report: &mut Diagnostics<'_>) {
    let text: &str = &report.sources.first().text;
    // Made when the first duplicate is looked for, and good for all of them.
    let mut tables = None;
    let mut keys = None;
    let mut header = None;
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        let message = error.message().lines().next().unwrap_or("not TOML");
        if message != "duplicate key" {
            let found = report.at(Code::Syntax, message, &report.bytes(span), "here");
            report.push(found);
            continue;
        }
        let own = enclosing_header(text, span.start);
        let (line, in_header) = own.unwrap_or_default();
        if header.is_some_and(|start| Some(start) == own.map(|_| line.0)) {
            continue; // the keys of a table that was reported as a whole
        }
        let found = if in_header {
            header = Some(line.0);
            let title = text.get(line.0..line.1).unwrap_or_default();
            let path = path(title).unwrap_or_default();
            let message = format!("duplicate table [{}]", path.join("."));
            let first = tables.get_or_insert_with(|| first_tables(text)).get(&path).cloned();
            (message, first, "Rename one of the two. Ids are unique.")
        } else {
            let key = text.get(span.clone()).unwrap_or_default();
            let message = format!("duplicate key `{key}`");
            let places = keys.get_or_insert_with(|| places(root)).get(key);
            let before = places.into_iter().flatten().filter(|place| place.start < span.start);
            (message, before.max_by_key(|place| place.start).cloned(), "Remove one of the two.")
        };
        let (message, first, help) = found;
        let mut found =
            report.at(Code::Syntax, message, &report.bytes(span.clone()), "again").help(help);
        if let Some(first) = first.filter(|first| first.end <= span.start) {
            found = found.label(&report.bytes(first), "first defined here");
        }
        report.push(found);
    }
}

type Range = std::ops::Range<usize>;
type LineRange = (usize, usize);

/// The line of the `[table]` that the byte `at` is in, and whether it is in that line itself.
fn enclosing_header(text: &str, at: usize) -> Option<(LineRange, bool)> {
    let end = text.get(at..)?.find('\n').map_or(text.len(), |length| at + length);
    let mut line_end = end;
    loop {
        let start = text.get(..line_end)?.rfind('\n').map_or(0, |newline| newline + 1);
        if text.get(start..line_end)?.trim_start().starts_with('[') {
            return Some(((start, line_end), line_end == end));
        }
        line_end = start.checked_sub(1)?;
    }
}

/// Where each table was first written down. The parser keeps the last place only.
fn first_tables(text: &str) -> HashMap<Vec<String>, Range> {
    let mut found = HashMap::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at + line.len() - line.trim_start().len();
        at += line.len();
        if line.trim_start().starts_with('[')
            && let Some(path) = path(line)
        {
            found.entry(path).or_insert(start..start + line.trim().len());
        }
    }
    found
}

/// The names in a table's header.
fn path(header: &str) -> Option<Vec<String>> {
    let parsed = DeTable::parse(header).ok()?;
    let mut table = parsed.get_ref();
    let mut path = Vec::new();
    while let Some((key, value)) = table.iter().next() {
        path.push(key.to_string());
        let Some(inner) = value.get_ref().as_table() else { break };
        table = inner;
    }
    Some(path)
}

/// Where the keys of each name were written down.
fn places<'a>(root: &'a DeTable<'_>) -> HashMap<&'a str, Vec<Range>> {
    let mut found: HashMap<&str, Vec<Range>> = HashMap::new();
    let mut open = vec![root];
    while let Some(table) = open.pop() {
        for (key, value) in table {
            found.entry(key.get_ref()).or_default().push(key.span());
            if let DeValue::Table(inner) = value.get_ref() {
                open.push(inner);
            }
        }
    }
    found
}
