//! Reads the TOML files of recipes: text → values, with a diagnostic for each mistake.

use std::{fs, io, path::Path};

use toml::de::{DeTable, DeValue};

use crate::{
    chain::{
        Spanned,
        reading::{integer, syntax},
        table::{Diagnostics, Table, wrong_type},
    },
    diag::{Code, Diagnostic, Source, Sources, in_file_order},
    files, inert,
};

/// The most bytes of such a file.
const MOST: u64 = 1 << 20;

/// Reads a file's bytes as text.
pub(super) fn text(path: &Path, bytes: Vec<u8>) -> Result<String, Vec<Diagnostic>> {
    if bytes.len() as u64 > MOST {
        return Err(unreadable(path, "it is larger than the limit of 1 MiB"));
    }
    files::utf8(bytes).map_err(|why| unreadable(path, &why))
}

/// Reads the file at `path`.
pub(super) fn open(path: &Path) -> Result<String, Vec<Diagnostic>> {
    let bytes = files::read(path, MOST).map_err(|error| unreadable(path, &files::plain(&error)))?;
    text(path, bytes)
}

fn unreadable(path: &Path, why: &str) -> Vec<Diagnostic> {
    let message = format!("cannot read {}: {why}", path.display());
    vec![Diagnostic::new(Code::FileUnreadable, message)]
}

/// Writes a file whole or not at all; makes its folder.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Box<Diagnostic>> {
    let put = || {
        fs::create_dir_all(path.parent().unwrap_or(Path::new("")))?;
        files::write_whole(path, text.as_bytes(), None)
    };
    put().map_err(|error: io::Error| {
        let message = format!("cannot write {}: {}", path.display(), files::plain(&error));
        Box::new(Diagnostic::new(Code::OutputFile, message))
    })
}

/// Hands the table of `text`, the contents of `path`, to `read`. `what` is its name in messages.
pub(super) fn parse<T>(
    path: &Path,
    text: String,
    what: &str,
    read: impl FnOnce(&mut Table<'_>, &mut Diagnostics<'_>) -> Option<T>,
) -> Result<T, Vec<Diagnostic>> {
    let source = Source::first(path.display().to_string(), text);
    let (root, errors) = DeTable::parse_recoverable(&source.text);
    let (mut found, mut slips) = (Vec::new(), Vec::new());
    let mut report =
        Diagnostics { sources: &Sources::one(&source), diagnostics: &mut found, slips: &mut slips };
    let value = if errors.is_empty() {
        let mut top = report.table(what.to_owned(), report.bytes(0..0), root.get_ref());
        let value = read(&mut top, &mut report);
        // A newer format has other keys: that it is newer is all there is to say.
        if !report.diagnostics.iter().any(|found| found.code == Code::NewerFormat) {
            top.finish(&mut report);
        }
        value
    } else {
        syntax(&errors, root.get_ref(), &mut report);
        None
    };
    found.append(&mut slips);
    match value {
        Some(value) if found.is_empty() => Ok(value),
        _ => Err(in_file_order(found)),
    }
}

/// Reads the number of the format at `key`, of which there is one so far.
pub(super) fn format(
    key: &'static [&'static str; 1],
    top: &mut Table<'_>,
    report: &mut Diagnostics<'_>,
) -> Option<()> {
    let Some((_, value)) = top.get(key[0]) else {
        top.missing(key, "1");
        return None;
    };
    let found = integer(&format!("`{}`", key[0]), value, report)?;
    if found == 1 {
        return Some(());
    }
    let span = report.span(value);
    let wrong = match found {
        2.. => report
            .at(
                Code::NewerFormat,
                format!("{} {found} is newer than this program", key[0]),
                &span,
                "unknown",
            )
            .help("Use a newer version of freplace-compose. This one reads 1."),
        _ => report
            .at(Code::BadValue, format!("`{}` cannot be {found}", key[0]), &span, "out of range")
            .help(format!("Write {} = 1", key[0])),
    };
    report.push(wrong);
    None
}

/// The value of the text at `key`, which has to be there, as `of` reads it; its error says what it has to be.
pub(super) fn parsed<T, E: std::fmt::Display>(
    key: &'static [&'static str; 1],
    example: &'static str,
    table: &mut Table<'_>,
    report: &mut Diagnostics<'_>,
    of: impl FnOnce(&str) -> Result<T, E>,
) -> Option<Spanned<T>> {
    let text = table.required(key, example, report)?;
    let Spanned { value, span } = text;
    match of(&value) {
        Ok(value) => Some(Spanned { value, span }),
        Err(why) => {
            let message = format!("invalid `{}`: {}", key[0], shortened(&value));
            let wrong = report
                .at(Code::BadValue, message, &span, why.to_string())
                .help(format!("Write, for example, {} = {example}", key[0]));
            report.push(wrong);
            None
        }
    }
}

/// A text in a message: of a long one, its beginning.
fn shortened(text: &str) -> String {
    const SHOWN: usize = 80;
    let end = text.char_indices().nth(SHOWN);
    match end.and_then(|(end, _)| text.get(..end)) {
        Some(begin) => format!("{}…", begin.escape_debug()),
        None => text.escape_debug().to_string(),
    }
}

/// Reads each table of the list `[[key]]`; `each` gets its place.
pub(super) fn tables<'t, T>(
    key: &'static str,
    top: &mut Table<'t>,
    report: &mut Diagnostics<'_>,
    mut each: impl FnMut(&mut Table<'t>, &mut Diagnostics<'_>) -> Option<T>,
) -> Vec<T> {
    let Some((_, value)) = top.get(key) else { return Vec::new() };
    let Some(items) = value.get_ref().as_array() else {
        wrong_type(&format!("`{key}`"), &format!("a list of tables: [[{key}]]"), value, report);
        return Vec::new();
    };
    let mut read = Vec::new();
    for item in items {
        let Some(entries) = item.get_ref().as_table() else {
            wrong_type(
                &format!("an item of `{key}`"),
                &format!("a table: [[{key}]]"),
                item,
                report,
            );
            continue;
        };
        let mut table = report.table(format!("[[{key}]]"), report.span(item), entries);
        read.extend(each(&mut table, report));
        table.finish(report);
    }
    read
}

/// The list of texts at `key`; empty if it is not there.
pub(super) fn texts(
    key: &'static str,
    table: &mut Table<'_>,
    report: &mut Diagnostics<'_>,
) -> Vec<Spanned<String>> {
    let found: Option<&toml::Spanned<DeValue<'_>>> = table.get(key).map(|(_, value)| value);
    found.map(|value| crate::chain::table::strings(key, value, report)).unwrap_or_default()
}

/// A line of text without characters that a terminal would obey: what names and sources are made of.
pub(super) fn line(text: &str) -> Result<String, &'static str> {
    match text.chars().all(inert::is_visible) {
        true => Ok(text.to_owned()),
        false => Err("has a character that cannot be seen"),
    }
}
