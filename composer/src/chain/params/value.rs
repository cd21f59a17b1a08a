//! The values of parameters and their types.

use std::{fmt, ops::Range};

use toml::de::DeValue;

use crate::chain::compose::Texts;

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterKind {
    /// A string.
    String,
    /// An integer.
    Integer,
    /// True or false.
    Boolean,
    /// A list of strings and integers.
    List,
}

impl ParameterKind {
    pub(in crate::chain) const ALL: [Self; 4] =
        [Self::String, Self::Integer, Self::Boolean, Self::List];

    /// Its name in a chain file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::List => "list",
        }
    }

    /// What a value of it is, in words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::String => "a string",
            Self::Integer => "an integer",
            Self::Boolean => "true or false",
            Self::List => "a list of strings and integers",
        }
    }

    /// A value as one would type it.
    pub(in crate::chain) fn example(self) -> &'static str {
        match self {
            Self::String => "eth0",
            Self::Integer => "80",
            Self::Boolean => "true",
            Self::List => "80,443",
        }
    }

    /// The value that `text` is, from outside of a file.
    pub(super) fn read(self, text: &str) -> Option<ParameterValue> {
        let number = |text: &str| {
            let text = text.replace('_', "");
            let hexadecimal = text.strip_prefix("0x").map(|digits| i64::from_str_radix(digits, 16));
            hexadecimal.unwrap_or_else(|| text.parse()).ok().map(ParameterValue::Integer)
        };
        match self {
            Self::String => Some(ParameterValue::String(text.to_owned())),
            Self::Integer => number(text.trim()),
            Self::Boolean => text.trim().parse().ok().map(ParameterValue::Boolean),
            Self::List if text.trim_start().starts_with('[') => {
                let value = DeValue::parse(text.trim()).ok()?;
                ParameterValue::of(value.get_ref()).filter(|value| value.is_of() == self)
            }
            // As one would type it.
            Self::List => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                let item = |item: &str| {
                    number(item).unwrap_or_else(|| ParameterValue::String(item.to_owned()))
                };
                Some(ParameterValue::List(items.map(item).collect()))
            }
        }
    }
}

/// A value of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the types are documented")]
pub enum ParameterValue {
    String(String),
    Integer(i64),
    Boolean(bool),
    /// Of strings and integers.
    List(Vec<Self>),
}

impl ParameterValue {
    /// What `value` is; none if no parameter can have it.
    pub(super) fn of(value: &DeValue<'_>) -> Option<Self> {
        Some(match value {
            DeValue::String(text) => Self::String(text.to_string()),
            DeValue::Boolean(value) => Self::Boolean(*value),
            DeValue::Integer(number) => {
                Self::Integer(i64::from_str_radix(number.as_str(), number.radix()).ok()?)
            }
            DeValue::Array(items) => {
                let item = |item: &toml::Spanned<DeValue<'_>>| {
                    let plain = item.get_ref().is_str() || item.get_ref().is_integer();
                    Self::of(item.get_ref()).filter(|_| plain)
                };
                Self::List(items.iter().map(item).collect::<Option<_>>()?)
            }
            DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Table(_) => return None,
        })
    }

    pub(super) fn is_of(&self) -> ParameterKind {
        match self {
            Self::String(_) => ParameterKind::String,
            Self::Integer(_) => ParameterKind::Integer,
            Self::Boolean(_) => ParameterKind::Boolean,
            Self::List(_) => ParameterKind::List,
        }
    }

    /// As a chain file has it, in place of what stands at `span`.
    pub(super) fn toml<'t>(&self, span: &Range<usize>, texts: &'t Texts) -> DeValue<'t> {
        match self {
            Self::String(text) => DeValue::String(text.clone().into()),
            Self::Boolean(value) => DeValue::Boolean(*value),
            // What prints a number is read as one.
            Self::Integer(number) => DeValue::parse(texts.keep(number.to_string()))
                .map_or(DeValue::Boolean(false), toml::Spanned::into_inner),
            Self::List(items) => {
                let item = |item: &Self| toml::Spanned::new(span.clone(), item.toml(span, texts));
                DeValue::Array(items.iter().map(item).collect())
            }
        }
    }
}

impl fmt::Display for ParameterValue {
    /// As one would type it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => f.write_str(text),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(ToString::to_string).collect();
                f.write_str(&items.join(","))
            }
        }
    }
}
