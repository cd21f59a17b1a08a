//! Reads a TOML table: requests each key once, collects errors, and reports unknown keys with the
//! most similar known one.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::Spanned;
use crate::diag::{Code, Diagnostic, Sources, Span, nearest};

/// Where findings go, and the texts they point into.
pub(crate) struct Diagnostics<'a> {
    pub(crate) sources: &'a Sources,
    pub(crate) diagnostics: &'a mut Vec<Diagnostic>,
    /// What is wrong within an expression or a text: the node is there without it, and what else is
    /// wrong with the chain can be found.
    pub(crate) slips: &'a mut Vec<Diagnostic>,
}

impl Diagnostics<'_> {
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    pub(crate) fn slip(&mut self, diagnostic: Diagnostic) {
        self.slips.push(diagnostic);
    }

    pub(crate) fn at(
        &self,
        code: Code,
        message: impl Into<String>,
        span: &Span,
        label: impl Into<String>,
    ) -> Diagnostic {
        Diagnostic::new(code, message).label(span, label)
    }

    /// Positions in the texts.
    pub(crate) fn bytes(&self, range: Range<usize>) -> Span {
        self.sources.span(range)
    }

    /// A table to be read: `title` is its name in messages, `span` where that stands.
    pub(crate) fn table<'t>(
        &self,
        title: String,
        span: Span,
        entries: &'t DeTable<'t>,
    ) -> Table<'t> {
        let sources = self.sources.clone();
        Table { title, span, entries, sources, known: Vec::new(), missing: Vec::new() }
    }

    /// Where `value` stands.
    pub(crate) fn span<T>(&self, value: &toml::Spanned<T>) -> Span {
        self.bytes(value.span())
    }
}

/// A value and its place in the text.
pub(crate) type TomlValue<'t> = &'t toml::Spanned<DeValue<'t>>;

type TomlEntry<'t> = (Span, TomlValue<'t>);

/// A table and the keys asked for so far.
pub(crate) struct Table<'t> {
    /// Its name in messages: `` host `connect` ``.
    title: String,
    /// The location of its name.
    span: Span,
    entries: &'t DeTable<'t>,
    sources: Sources,
    known: Vec<&'static str>,
    /// Missing required keys: the alternatives, and an example of the first.
    missing: Vec<(&'static [&'static str], &'static str)>,
}

impl<'t> Table<'t> {
    /// The value at `key`, if it is there.
    pub(crate) fn get(&mut self, key: &'static str) -> Option<TomlEntry<'t>> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        let (found, value) = self.entries.iter().find(|(found, _)| found.get_ref() == key)?;
        Some((self.sources.span(found.span()), value))
    }

    /// The text at `key`, if it is there.
    pub(crate) fn string(
        &mut self,
        key: &'static str,
        report: &mut Diagnostics<'_>,
    ) -> Option<Spanned<String>> {
        let (_, value) = self.get(key)?;
        string(&format!("`{key}`"), value, report)
    }

    /// The truth at `key`, if it is there.
    pub(crate) fn boolean(
        &mut self,
        key: &'static str,
        report: &mut Diagnostics<'_>,
    ) -> Option<bool> {
        let (_, value) = self.get(key)?;
        let found = value.get_ref().as_bool();
        if found.is_none() {
            wrong_type(&format!("`{key}`"), "true or false", value, report);
        }
        found
    }

    /// The text at `key`, which has to be there; `example` shows one.
    pub(crate) fn required(
        &mut self,
        key: &'static [&'static str; 1],
        example: &'static str,
        report: &mut Diagnostics<'_>,
    ) -> Option<Spanned<String>> {
        match self.get(key[0]) {
            Some((_, value)) => string(&format!("`{}`", key[0]), value, report),
            None => {
                self.missing(key, example);
                None
            }
        }
    }

    /// Notes that none of `keys` is there; `example` is a value for the first.
    pub(crate) fn missing(&mut self, keys: &'static [&'static str], example: &'static str) {
        self.missing.push((keys, example));
    }

    /// Reports the keys that nobody asked for, and those that are missing. A key that is missing
    /// because another stands in its place is reported once. Returns what stood for what.
    pub(crate) fn finish(mut self, report: &mut Diagnostics<'_>) -> Vec<(&'t str, &'static str)> {
        let entries = self.entries.iter();
        let strangers: Vec<_> =
            entries.filter(|(key, _)| !self.known.contains(&key.get_ref().as_ref())).collect();
        let mut misspelt = Vec::new();
        for (key, _) in &strangers {
            let name: &str = key.get_ref();
            let near = self.meant(name, strangers.len());
            let help = match near {
                Some(near) => format!("Did you mean `{near}`?"),
                None => format!("Valid keys are: {}.", self.known.join(", ")),
            };
            misspelt.extend(near.map(|near| (name, near)));
            let message = format!("unknown key `{name}` in {}", self.title);
            let found =
                report.at(Code::UnknownKey, message, &report.span(key), "unknown key").help(help);
            report.push(found);
        }
        self.missing.retain(|(keys, _)| !misspelt.iter().any(|(_, near)| keys.contains(near)));
        for (keys, example) in &self.missing {
            let Some(first) = keys.first() else { continue };
            let names: Vec<_> = keys.iter().map(|key| format!("`{key}`")).collect();
            let names = names.join(" or ");
            let message = format!("missing key {names} in {}", self.title);
            let found = report
                .at(Code::MissingKey, message, &self.span, format!("{names} missing"))
                .help(format!("Write, for example, {first} = {example}"));
            report.push(found);
        }
        misspelt
    }

    /// The key that `name`, one of so many unknown ones, was likely meant to be.
    fn meant(&self, name: &str, strangers: usize) -> Option<&'static str> {
        let known = || self.known.iter().copied();
        // `prog`, `func`, `desc`
        let begins = |key: &&str| name.chars().count() > 1 && key.starts_with(name);
        let one_missing = || match self.missing.as_slice() {
            [([key], _)] if strangers == 1 => Some(*key),
            _ => None,
        };
        nearest(name, known()).or_else(|| known().find(begins)).or_else(one_missing)
    }
}

/// Reads a text, which must not be empty; `what` is its name in messages.
pub(crate) fn string(
    what: &str,
    value: &toml::Spanned<DeValue<'_>>,
    report: &mut Diagnostics<'_>,
) -> Option<Spanned<String>> {
    match value.get_ref().as_str() {
        Some("") => {
            let message = format!("{what} is empty");
            let found = report.at(Code::BadValue, message, &report.span(value), "is empty");
            report.push(found);
            None
        }
        Some(text) => Some(Spanned { value: text.to_owned(), span: report.span(value) }),
        None => {
            wrong_type(what, "a string", value, report);
            None
        }
    }
}

/// Reads the list of texts at `key`.
pub(crate) fn strings(
    key: &str,
    value: &toml::Spanned<DeValue<'_>>,
    report: &mut Diagnostics<'_>,
) -> Vec<Spanned<String>> {
    match value.get_ref().as_array() {
        Some(items) => {
            let what = format!("an item of `{key}`");
            items.iter().filter_map(|item| string(&what, item, report)).collect()
        }
        None => {
            wrong_type(&format!("`{key}`"), "a list of strings", value, report);
            Vec::new()
        }
    }
}

/// Reports a value of the wrong type; `what` is its name in messages.
pub(crate) fn wrong_type(
    what: &str,
    wanted: &str,
    value: &toml::Spanned<DeValue<'_>>,
    report: &mut Diagnostics<'_>,
) {
    let found = of_wrong_type(what, wanted, value, report);
    report.push(found);
}

/// The same, not reported yet.
pub(crate) fn of_wrong_type(
    what: &str,
    wanted: &str,
    value: &toml::Spanned<DeValue<'_>>,
    report: &Diagnostics<'_>,
) -> Diagnostic {
    let got = match value.get_ref().type_str() {
        "array" => "a list",
        "integer" => "an integer",
        "float" => "a float",
        "boolean" => "a boolean",
        "table" => "a table",
        "datetime" => "a date",
        _ => "another type",
    };
    let got = if value.get_ref().is_str() { "a string" } else { got };
    let message = format!("{what} must be {wanted}");
    report.at(Code::WrongType, message, &report.span(value), format!("found {got}"))
}
