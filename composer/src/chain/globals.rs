//! `globals = { NAME = VALUE }`: the values of global variables of a node's object, set before its
//! program is loaded.

use toml::de::DeValue;

use super::{
    Spanned,
    expression::{self, Access, ValuePath},
    table::{Diagnostics, Table, wrong_type},
    tracer::text_at,
};
use crate::diag::Code;

/// A variable, or a part of one, and its new value.
#[derive(Debug, Clone)]
pub struct GlobalValue {
    /// The variable and the way to the part: `conf.go_on[0]`.
    pub path: ValuePath,
    /// The new value.
    pub value: Spanned<Value>,
}

/// A value of a chain file, whatever type of C it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// An integer.
    Number(i64),
    /// `true` or `false`.
    Boolean(bool),
    /// A text: for characters, or an expression for a number.
    Text(String),
    /// For an array.
    List(Vec<Spanned<Value>>),
    /// For a struct or union, by field.
    Table(Vec<(Spanned<String>, Spanned<Value>)>),
}

impl std::fmt::Display for Value {
    /// As the chain file has it, in one line.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Boolean(boolean) => write!(f, "{boolean}"),
            Self::Text(text) => write!(f, "\"{}\"", text.escape_debug()),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(|item| item.value.to_string()).collect();
                write!(f, "[{}]", items.join(", "))
            }
            Self::Table(fields) => {
                let field = |(name, value): &(Spanned<String>, Spanned<Self>)| {
                    format!("{} = {}", name.value.escape_debug(), value.value)
                };
                let fields: Vec<_> = fields.iter().map(field).collect();
                write!(f, "{{ {} }}", fields.join(", "))
            }
        }
    }
}

/// Reads the key of a node with a program.
pub(crate) fn globals(table: &mut Table<'_>, report: &mut Diagnostics<'_>) -> Vec<GlobalValue> {
    let Some((_, value)) = table.get("globals") else { return Vec::new() };
    let Some(entries) = value.get_ref().as_table() else {
        wrong_type("`globals`", "a table: { limit = 5 }", value, report);
        return Vec::new();
    };
    let mut found = Vec::new();
    for (key, value) in entries {
        let name = Spanned { value: key.get_ref().to_string(), span: report.span(key) };
        let path = expression::path(&text_at(&name));
        let is_plain = |path: &ValuePath| {
            !path.followed && path.fields.iter().all(|step| step.way != Access::Arrow)
        };
        let path = match path {
            Ok(path) if is_plain(&path) => Some(path),
            Ok(_) => {
                let message = format!("`{}` follows a pointer", name.value.escape_debug());
                let found = report
                    .at(Code::BadValue, message, &name.span, "not a part of a global variable")
                    .help("Name a variable, a field or an item: limit, conf.used, conf.go_on[0].");
                report.push(found);
                None
            }
            Err(mistake) => {
                let shown = name.value.escape_debug();
                let message = format!("`{shown}` is not a valid name of a global variable");
                let found = report
                    .at(Code::BadValue, message, &mistake.span, mistake.what)
                    .help("Name a variable, a field or an item: limit, conf.used, conf.go_on[0].");
                report.push(found);
                None
            }
        };
        let value = self::value("a global variable", value, report);
        found.extend(path.zip(value).map(|(path, value)| GlobalValue { path, value }));
    }
    found.sort_by(|one, other| one.path.text.span.cmp(&other.path.text.span));
    found
}

/// Reads a value; `what` is its name in messages.
pub(crate) fn value(
    what: &str,
    value: &toml::Spanned<DeValue<'_>>,
    report: &mut Diagnostics<'_>,
) -> Option<Spanned<Value>> {
    let found = match value.get_ref() {
        DeValue::Boolean(boolean) => Value::Boolean(*boolean),
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(_) => Value::Number(integer(what, value, report)?),
        DeValue::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| self::value(what, item, report)).collect();
            Value::List(items.into_iter().collect::<Option<_>>()?)
        }
        DeValue::Table(fields) => {
            let field = |(key, value): (&toml::Spanned<_>, _)| {
                let name =
                    Spanned { value: ToString::to_string(key.get_ref()), span: report.span(key) };
                Some((name, self::value(what, value, report)?))
            };
            let fields: Vec<_> = fields.iter().map(field).collect();
            let mut fields: Vec<_> = fields.into_iter().collect::<Option<_>>()?;
            fields.sort_by(|(one, _): &(Spanned<String>, _), (other, _)| one.span.cmp(&other.span));
            Value::Table(fields)
        }
        DeValue::Float(_) | DeValue::Datetime(_) => {
            let wanted = "an integer, true or false, a string, a list or a table";
            wrong_type(what, wanted, value, report);
            return None;
        }
    };
    Some(Spanned { value: found, span: report.span(value) })
}

/// Reads an integer; `what` is its name in messages.
pub(crate) fn integer(
    what: &str,
    value: &toml::Spanned<DeValue<'_>>,
    report: &mut Diagnostics<'_>,
) -> Option<i64> {
    let Some(number) = value.get_ref().as_integer() else {
        wrong_type(what, "an integer", value, report);
        return None;
    };
    let read = i64::from_str_radix(number.as_str(), number.radix());
    if read.is_err() {
        let found = report
            .at(
                Code::BadValue,
                format!("`{number}` is too large"),
                &report.span(value),
                "an integer",
            )
            .help(
                "Integers in a chain file are signed 64-bit numbers; write a larger one as a \
                   string: \"0xffffffffffffffff\".",
            );
        report.push(found);
    }
    read.ok()
}
