//! What a kind's keys in `attach = { ... }` may hold.

use std::collections::BTreeMap;

use super::Need;

/// What a kind's own key holds: the target, as a text.
#[derive(Debug)]
pub struct TargetKey {
    /// What it names, with its article: `a kernel function`.
    pub what: &'static str,
    /// How it is written, where that is not just a name: `CATEGORY/NAME`.
    pub form: Option<&'static str>,
    /// One that there is.
    pub example: &'static str,
    /// What it consists of, joined by `/`: the names of its parts in a plan.
    pub parts: &'static [&'static str],
    /// A regular expression that every target matches, where not every text is one.
    pub pattern: Option<&'static str>,
    /// Puts it into the form in which it is kept.
    ///
    /// # Errors
    /// What is wrong with it.
    pub read: fn(&str) -> Result<String, Misfit>,
}

impl TargetKey {
    /// Takes any text as it is.
    pub(super) fn as_it_is(text: &str) -> Result<String, Misfit> {
        Ok(text.to_owned())
    }
}

/// Why a text is no target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Misfit {
    /// At the text.
    pub label: &'static str,
    /// What to write.
    pub help: &'static str,
}

/// A key beside a kind's own.
#[derive(Debug)]
pub struct KeySpec {
    /// The key.
    pub key: &'static str,
    /// What a value of it is, with its article: `a mode of XDP`.
    pub what: &'static str,
    /// What it means, in sentences.
    pub doc: &'static str,
    /// What it may be.
    pub values: Values,
    /// Keys that cannot be there together with it.
    pub excludes: &'static [&'static str],
    /// What not every kernel has, and a value needs.
    pub need: fn(&Setting) -> Option<&'static Need>,
}

/// The type of a key's values.
#[derive(Debug)]
pub enum Values {
    /// One of some words; the first when the key is not there.
    Words(&'static [&'static str]),
    /// One of some words; the key has to be there.
    Required(&'static [&'static str]),
    /// A whole number between two, the ends included; not set when the key is not there.
    Number(i64, i64),
    /// The same; the key has to be there.
    RequiredNumber(i64, i64),
    /// A table of such numbers, by names that the target's pattern matches; not set when the key is not
    /// there.
    Numbers(i64, i64),
    /// A text; not set when the key is not there.
    Text,
    /// A text, such as this one; the key has to be there.
    RequiredText(&'static str),
}

impl Values {
    /// What a key that is not there stands for.
    #[must_use]
    pub fn default(&self) -> Option<Setting> {
        match self {
            Self::Words(words) => words.first().copied().map(Setting::Word),
            Self::Required(_)
            | Self::Number(..)
            | Self::RequiredNumber(..)
            | Self::Numbers(..)
            | Self::Text
            | Self::RequiredText(_) => None,
        }
    }
}

impl KeySpec {
    /// Whether the key has to be there.
    #[must_use]
    pub fn is_required(&self) -> bool {
        matches!(
            self.values,
            Values::Required(_) | Values::RequiredNumber(..) | Values::RequiredText(_)
        )
    }
}

/// The value of a key.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(untagged)]
#[expect(missing_docs, reason = "as in Values")]
pub enum Setting {
    Word(&'static str),
    Number(i64),
    Numbers(BTreeMap<String, i64>),
    Text(String),
}
