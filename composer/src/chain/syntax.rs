//! What the TOML parser says, in the composer's words where those say more.

use toml::de::{DeTable, DeValue, Error};

use super::table::Report;
use crate::diag::Code;

pub(super) fn report(errors: &[Error], root: &DeTable<'_>, report: &mut Report<'_>) {
    let text: &str = &report.source.text;
    let mut header = None;
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        let message = error.message().lines().next().unwrap_or("not TOML");
        if message != "duplicate key" {
            let found = report.at(Code::Syntax, message, span, "here");
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
            let message = format!("the table [{}] is there twice", path.join("."));
            (message, first_table(text, &path), "Ids are unique; rename one of the two.")
        } else {
            let key = text.get(span.clone()).unwrap_or_default();
            let message = format!("the key `{key}` is there twice");
            (message, last_before(root, key, span.start), "Leave one of the two out.")
        };
        let (message, first, help) = found;
        let mut found = report.at(Code::Syntax, message, span.clone(), "again").help(help);
        if let Some(first) = first.filter(|first| first.end <= span.start) {
            found = found.label(report.source, first, "first here");
        }
        report.push(found);
    }
}

type Span = std::ops::Range<usize>;
type Line = (usize, usize);

/// The line of the `[table]` that the byte `at` is in, and whether it is in that line itself.
fn enclosing_header(text: &str, at: usize) -> Option<(Line, bool)> {
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

/// Where the table at `wanted` was first written down. The parser keeps the last place only.
fn first_table(text: &str, wanted: &[String]) -> Option<Span> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at + line.len() - line.trim_start().len();
        at += line.len();
        if line.trim_start().starts_with('[') && path(line).as_deref() == Some(wanted) {
            return Some(start..start + line.trim().len());
        }
    }
    None
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

/// Where a key called `name` was last written down in front of the byte `at`.
fn last_before(table: &DeTable<'_>, name: &str, at: usize) -> Option<Span> {
    let mut last: Option<Span> = None;
    let mut keep = |span: Span| {
        if span.start < at && last.as_ref().is_none_or(|last| last.start < span.start) {
            last = Some(span);
        }
    };
    for (key, value) in table {
        if key.get_ref() == name {
            keep(key.span());
        }
        if let DeValue::Table(inner) = value.get_ref()
            && let Some(span) = last_before(inner, name, at)
        {
            keep(span);
        }
    }
    last
}
