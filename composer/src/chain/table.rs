//! A TOML table being read: each key asked for once, what is wrong collected, what nobody asked
//! for reported with the key it was likely meant to be.

use std::{ops::Range, sync::Arc};

use toml::de::{DeTable, DeValue};

use super::Spanned;
use crate::diag::{Code, Diagnostic, Source, nearest};

/// Where findings go, and the text they point into.
pub(super) struct Report<'a> {
    pub(super) source: &'a Arc<Source>,
    pub(super) diagnostics: &'a mut Vec<Diagnostic>,
}

impl Report<'_> {
    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    pub(super) fn at(
        &self,
        code: Code,
        message: impl Into<String>,
        span: Range<usize>,
        label: impl Into<String>,
    ) -> Diagnostic {
        Diagnostic::new(code, message).label(self.source, span, label)
    }
}

type Entry<'t> = (Range<usize>, &'t toml::Spanned<DeValue<'t>>);

/// A table and the keys asked for so far.
pub(super) struct Table<'t> {
    /// What it is, in messages: `` host `connect` ``.
    title: String,
    /// Where its name stands.
    span: Range<usize>,
    entries: &'t DeTable<'t>,
    known: Vec<&'static str>,
}

impl<'t> Table<'t> {
    pub(super) fn new(title: String, span: Range<usize>, entries: &'t DeTable<'t>) -> Self {
        Self { title, span, entries, known: Vec::new() }
    }

    /// The value at `key`, if it is there.
    pub(super) fn get(&mut self, key: &'static str) -> Option<Entry<'t>> {
        self.known.push(key);
        let (found, value) = self.entries.iter().find(|(found, _)| found.get_ref() == key)?;
        Some((found.span(), value))
    }

    /// The text at `key`, if it is there.
    pub(super) fn string(
        &mut self,
        key: &'static str,
        report: &mut Report<'_>,
    ) -> Option<Spanned<String>> {
        let (_, value) = self.get(key)?;
        string(key, value, report)
    }

    /// The text at `key`, which has to be there; `example` shows one.
    pub(super) fn required(
        &mut self,
        key: &'static str,
        example: &str,
        report: &mut Report<'_>,
    ) -> Option<Spanned<String>> {
        match self.get(key) {
            Some((_, value)) => string(key, value, report),
            None => {
                self.missing(key, example, report);
                None
            }
        }
    }

    /// Reports that `key` is not there.
    pub(super) fn missing(&self, key: &str, example: &str, report: &mut Report<'_>) {
        let message = format!("{} has no `{key}`", self.title);
        let found = report
            .at(Code::MissingKey, message, self.span.clone(), format!("needs `{key}`"))
            .help(format!("Write, for example, {key} = {example}"));
        report.push(found);
    }

    /// Reports the keys that nobody asked for.
    pub(super) fn finish(self, report: &mut Report<'_>) {
        for (key, _) in self.entries.iter() {
            let name: &str = key.get_ref();
            if self.known.contains(&name) {
                continue;
            }
            let help = match nearest(name, self.known.iter().copied()) {
                Some(near) => format!("Did you mean `{near}`?"),
                None => format!("It may have: {}.", self.known.join(", ")),
            };
            let message = format!("{} has an unknown key `{name}`", self.title);
            let found =
                report.at(Code::UnknownKey, message, key.span(), "not a key here").help(help);
            report.push(found);
        }
    }
}

/// Reads a text, which must not be empty.
pub(super) fn string(
    key: &str,
    value: &toml::Spanned<DeValue<'_>>,
    report: &mut Report<'_>,
) -> Option<Spanned<String>> {
    match value.get_ref().as_str() {
        Some("") => {
            let message = format!("`{key}` is empty");
            let found = report.at(Code::BadValue, message, value.span(), "says nothing");
            report.push(found);
            None
        }
        Some(text) => Some(Spanned { value: text.to_owned(), span: value.span() }),
        None => {
            wrong_type(key, "a string", value, report);
            None
        }
    }
}

/// Reads a list of texts.
pub(super) fn strings(
    key: &str,
    value: &toml::Spanned<DeValue<'_>>,
    report: &mut Report<'_>,
) -> Vec<Spanned<String>> {
    match value.get_ref().as_array() {
        Some(items) => items.iter().filter_map(|item| string(key, item, report)).collect(),
        None => {
            wrong_type(key, "a list of strings", value, report);
            Vec::new()
        }
    }
}

/// Reports a value of the wrong type.
pub(super) fn wrong_type(
    key: &str,
    wanted: &str,
    value: &toml::Spanned<DeValue<'_>>,
    report: &mut Report<'_>,
) {
    let got = match value.get_ref().type_str() {
        "array" => "a list",
        "integer" => "an integer",
        "float" => "a float",
        "boolean" => "a boolean",
        "table" => "a table",
        "datetime" => "a date",
        _ => "something else",
    };
    let got = if value.get_ref().is_str() { "a string" } else { got };
    let message = format!("`{key}` has to be {wanted}");
    let found = report.at(Code::WrongType, message, value.span(), format!("this is {got}"));
    report.push(found);
}
