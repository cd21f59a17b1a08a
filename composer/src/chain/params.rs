//! `[params]`: the parameters of a chain file, and their values.
//!
//! A parameter stands for a value, never for text of the file: `"${NAME}"` alone is the value with its
//! type, and within a longer string its text.

mod value;

use toml::de::{DeTable, DeValue};

use super::{
    Spanned,
    compose::Texts,
    inputs::{SetBy, SetValue},
    table::{Diagnostics, Table, TomlValue, string, wrong_type},
};
use crate::diag::{Code, Diagnostic, Span, list, nearest};
pub use value::{ParameterKind, ParameterValue};

/// A parameter of a chain.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name.
    pub name: Spanned<String>,
    /// The type of its values.
    pub of: ParameterKind,
    /// What it is for.
    pub help: Option<String>,
    /// The value that it has when nobody gives one.
    pub default: Option<Given>,
    /// The value that was given.
    pub given: Option<Given>,
}

/// A value that a parameter was given.
#[derive(Debug, Clone)]
pub struct Given {
    /// The value.
    pub value: ParameterValue,
    /// Where it comes from.
    pub origin: ValueOrigin,
}

/// Where a value of a parameter comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueOrigin {
    /// A file: the parameter's default, or `with` of an include.
    File(Span),
    /// `--set`, or the answer to a question.
    User,
    /// This variable of the environment.
    Variable(String),
}

impl Given {
    /// Any value of a type, in the place of one that was told to be wrong or missing.
    fn placeholder(of: ParameterKind) -> Self {
        let value = of.read(of.example()).unwrap_or(ParameterValue::Boolean(true));
        Self { value, origin: ValueOrigin::User }
    }
}

impl Parameter {
    /// The value that counts.
    #[must_use]
    pub fn value(&self) -> Option<&Given> {
        self.given.as_ref().or(self.default.as_ref())
    }
}

/// An example of a parameter.
const EXAMPLE: &str = "a table: { type = \"string\", default = \"lo\" }";

/// Reads `[params]`; none if the file has no such table.
pub(super) fn params(top: &mut Table<'_>, report: &mut Diagnostics<'_>) -> Option<Vec<Parameter>> {
    let (_, value) = top.get("params")?;
    let Some(entries) = value.get_ref().as_table() else {
        wrong_type("`params`", "single tables: [params.NAME]", value, report);
        return Some(Vec::new());
    };
    Some(entries.iter().filter_map(|(key, value)| param(key, value, report)).collect())
}

fn param(
    key: &toml::Spanned<std::borrow::Cow<'_, str>>,
    value: TomlValue<'_>,
    report: &mut Diagnostics<'_>,
) -> Option<Parameter> {
    let name = Spanned { value: key.get_ref().to_string(), span: report.span(key) };
    let title = format!("parameter `{}`", name.value.escape_debug());
    if !is_name(&name.value) {
        let found = report
            .at(Code::BadValue, format!("invalid {title}"), &name.span, "invalid name")
            .help("Use letters, digits, `_` and `-`.");
        report.push(found);
    }
    let Some(entries) = value.get_ref().as_table() else {
        wrong_type(&title, EXAMPLE, value, report);
        return None;
    };
    let mut table = report.table(title.clone(), name.span.clone(), entries);
    let asked = table.get("type").map(|(_, value)| (parameter_type(value, report), value));
    let help = table.string("help", report).map(|help| help.value);
    let default = table.get("default").map(|(_, value)| value);
    if asked.is_none() && default.is_none() {
        table.missing(&["type"], "\"string\"");
    }
    table.finish(report);
    let of = match (asked, default) {
        (Some((of, _)), _) => of?,
        (None, Some(value)) => {
            let found = ParameterValue::of(value.get_ref());
            if found.is_none() {
                wrong_type(&format!("the default of {title}"), ANY, value, report);
            }
            found?.is_of()
        }
        (None, None) => return None,
    };
    let default = default.map(|value| {
        given(of, value, report).unwrap_or_else(|| {
            wrong_type(&format!("the default of {title}"), of.words(), value, report);
            Given::placeholder(of)
        })
    });
    Some(Parameter { name, of, help, default, given: None })
}

/// What a parameter can be.
const ANY: &str = "a string, an integer, true or false, or a list of strings and integers";

fn is_name(name: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    !name.is_empty() && name.chars().all(is_letter)
}

fn parameter_type(value: TomlValue<'_>, report: &mut Diagnostics<'_>) -> Option<ParameterKind> {
    let text = string("`type`", value, report)?;
    let found = ParameterKind::ALL.into_iter().find(|of| of.name() == text.value);
    if found.is_none() {
        let names = ParameterKind::ALL.map(ParameterKind::name);
        let help = match nearest(&text.value, names) {
            Some(near) => format!("Did you mean `{near}`?"),
            None => format!("Write one of: {}.", list(&names)),
        };
        let message = format!("unknown type `{}` of a parameter", text.value.escape_debug());
        report.push(report.at(Code::BadValue, message, &text.span, "unknown type").help(help));
    }
    found
}

/// `value` as one of the type `of`; none if it is of another.
fn given(of: ParameterKind, value: TomlValue<'_>, report: &Diagnostics<'_>) -> Option<Given> {
    let found = ParameterValue::of(value.get_ref()).filter(|found| found.is_of() == of)?;
    Some(Given { value: found, origin: ValueOrigin::File(report.span(value)) })
}

/// Gives values from outside to the parameters of a chain's own file.
pub(super) fn set(parameters: &mut [Parameter], values: &[SetValue], report: &mut Diagnostics<'_>) {
    for value in values {
        let found = parameters.iter_mut().find(|one| value.is_for(&one.name.value));
        let Some(parameter) = found else {
            if value.by == SetBy::User {
                let help = unknown_help(&value.name, parameters);
                let message = format!("unknown parameter `{}`", value.name.escape_debug());
                report.push(Diagnostic::new(Code::UnknownParameter, message).help(help));
            }
            continue;
        };
        // The user's own word counts.
        if value.by == SetBy::Environment
            && parameter.given.as_ref().is_some_and(|given| given.origin == ValueOrigin::User)
        {
            continue;
        }
        let origin = match value.by {
            SetBy::User => ValueOrigin::User,
            SetBy::Environment => ValueOrigin::Variable(value.name.clone()),
        };
        match parameter.of.read(&value.text) {
            Some(given) => parameter.given = Some(Given { value: given, origin }),
            None => {
                let by = match value.by {
                    SetBy::User => String::new(),
                    SetBy::Environment => {
                        format!(" in ${}{}", super::inputs::PARAMETER_VARIABLE, value.name)
                    }
                };
                let text = value.text.escape_debug();
                let message = format!(
                    "parameter `{}` must be {}; found `{text}`{by}",
                    parameter.name.value,
                    parameter.of.words()
                );
                let found = Diagnostic::new(Code::ParameterValue, message)
                    .label(&parameter.name.span, format!("of the type {}", parameter.of.name()))
                    .help(format!(
                        "Write, for example, --set {}={}.",
                        parameter.name.value,
                        parameter.of.example()
                    ));
                report.push(found);
                // What is missing otherwise was told.
                parameter.given = Some(Given::placeholder(parameter.of));
            }
        }
    }
}

/// Reads `with = { … }` where the parameters are not known: the values as they would be set from outside.
pub(crate) fn values(top: &mut Table<'_>, report: &mut Diagnostics<'_>) -> Vec<SetValue> {
    let Some((_, value)) = top.get("with") else { return Vec::new() };
    let Some(entries) = value.get_ref().as_table() else {
        wrong_type("`with`", "a table: { iface = \"lo\" }", value, report);
        return Vec::new();
    };
    let mut found = Vec::new();
    for (key, value) in entries {
        let name = key.get_ref().to_string();
        match ParameterValue::of(value.get_ref()) {
            Some(value) => {
                found.push(SetValue { name, text: value.to_string(), by: SetBy::User });
            }
            None => wrong_type(&format!("`{}`", name.escape_debug()), ANY, value, report),
        }
    }
    found
}

/// Gives the values of `with = { … }` to the parameters of an included file, whose name is `file`.
pub(super) fn with(
    parameters: &mut [Parameter],
    values: &DeTable<'_>,
    file: &str,
    report: &mut Diagnostics<'_>,
) {
    for (key, value) in values {
        let name: &str = key.get_ref();
        let Some(place) = parameters.iter().position(|one| one.name.value == name) else {
            let message = format!("{file} has no parameter `{}`", name.escape_debug());
            let found = report
                .at(Code::UnknownParameter, message, &report.span(key), "unknown parameter")
                .help(unknown_help(name, parameters));
            report.push(found);
            continue;
        };
        let Some(parameter) = parameters.get_mut(place) else { continue };
        match given(parameter.of, value, report) {
            Some(given) => parameter.given = Some(given),
            None => {
                let words = parameter.of.words();
                let message = format!("parameter `{name}` must be {words}");
                let found = report
                    .at(Code::ParameterValue, message, &report.span(value), format!("not {words}"))
                    .label(&parameter.name.span, format!("of the type {}", parameter.of.name()));
                report.push(found);
                parameter.given = Some(Given::placeholder(parameter.of));
            }
        }
    }
}

fn unknown_help(name: &str, parameters: &[Parameter]) -> String {
    let names: Vec<_> = parameters.iter().map(|one| one.name.value.as_str()).collect();
    match (nearest(name, names.iter().copied()), names.as_slice()) {
        (Some(near), _) => format!("Did you mean `{near}`?"),
        (None, []) => "The chain has no parameters.".to_owned(),
        (None, names) => format!("The parameters are: {}.", list(names)),
    }
}

/// Replaces the references in `value` by values of `parameters`; the places of those that cannot be are put into
/// `unfilled`.
pub(super) fn substitute<'t>(
    value: &mut toml::Spanned<DeValue<'t>>,
    parameters: &[Parameter],
    texts: &'t Texts,
    unfilled: &mut Vec<Span>,
    report: &mut Diagnostics<'_>,
) {
    let range = value.span();
    match value.get_mut() {
        DeValue::String(text) if text.contains("${") => {
            let span = report.bytes(range.clone());
            match filled(text, &span, parameters, report) {
                Some(new) => *value.get_mut() = new.toml(&range, texts),
                None => unfilled.push(span),
            }
        }
        DeValue::Array(items) => {
            for item in items.iter_mut() {
                substitute(item, parameters, texts, unfilled, report);
            }
        }
        DeValue::Table(entries) => {
            for (_, value) in entries.iter_mut() {
                substitute(value, parameters, texts, unfilled, report);
            }
        }
        _ => {}
    }
}

/// `text` with the values of what it refers to; none after a mistake, or where a value is missing, which is
/// told of each parameter once.
fn filled(
    text: &str,
    span: &Span,
    parameters: &[Parameter],
    report: &mut Diagnostics<'_>,
) -> Option<ParameterValue> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, reference) = rest.split_at(at);
        if let Some(before) = before.strip_suffix('$') {
            // `$${` is what it looks like without the first `$`.
            filled.push_str(before);
            filled.push_str("${");
            rest = reference.get(2..).unwrap_or_default();
            continue;
        }
        filled.push_str(before);
        let Some((name, behind)) = reference.get(2..).and_then(|inner| inner.split_once('}'))
        else {
            let found = report
                .at(Code::UnknownParameter, "`${` without `}`", span, "not closed")
                .help("Write ${NAME} for the value of a parameter, and $${ for `${` itself.");
            report.push(found);
            return None;
        };
        let Some(parameter) = parameters.iter().find(|one| one.name.value == name) else {
            let message = format!("unknown parameter `{}`", name.escape_debug());
            let found = report
                .at(Code::UnknownParameter, message, span, "unknown parameter")
                .help(unknown_help(name, parameters));
            report.push(found);
            return None;
        };
        // What is missing was told.
        let placeholder = Given::placeholder(parameter.of);
        let given = parameter.value().unwrap_or(&placeholder);
        if before.is_empty() && behind.is_empty() && filled.is_empty() {
            return Some(given.value.clone());
        }
        if given.value.is_of() == ParameterKind::List {
            let message = format!("parameter `{name}` is a list, which cannot be part of a string");
            let found = report
                .at(Code::ParameterValue, message, span, "part of a string")
                .label(&parameter.name.span, "a list")
                .help(format!("Write \"${{{name}}}\" in the place of a list."));
            report.push(found);
            return None;
        }
        filled.push_str(&given.value.to_string());
        rest = behind;
    }
    filled.push_str(rest);
    Some(ParameterValue::String(filled))
}
