//! The small language of built-in tracers: paths to values, and filters over them.
//!
//! ```text
//! path       = ["*"] ["$"] NAME { "->" NAME | "." NAME | "[" NUMBER "]" }
//! filter     = all { "||" all }
//! all        = one { "&&" one }
//! one        = "!" one | "(" filter ")" | comparison
//! comparison = path [RELATION constant] | constant RELATION path
//! constant   = ["-"] NUMBER [UNIT] | NAME
//! ```
//!
//! Text in, a tree with locations out. The names are resolved in [`trace`](crate::trace), which knows
//! the types.

mod parser;
#[cfg(test)]
mod tests;
mod token;

use std::{fmt, ops::Range};

use self::parser::ExpressionParser;
use super::Spanned;
use crate::diag::Span;

/// How deep a filter nests.
const DEPTH: usize = 32;

/// The way to a value: `len`, `pkt->proto`, `*count`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValuePath {
    /// As it is written.
    pub text: Spanned<String>,
    /// Whether the pointer at its end is dereferenced.
    pub followed: bool,
    /// An argument, or `ret` or `took`; `$ret` and `$took` if arguments have these names.
    pub first: Spanned<String>,
    /// The fields and items from there on.
    pub fields: Vec<PathStep>,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathStep {
    /// Which kind.
    pub way: Access,
    /// The field, or the item's number.
    pub name: Spanned<String>,
}

/// A kind of step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// `->`: to a field of the struct that a pointer refers to.
    Arrow,
    /// `.`: to a field.
    Dot,
    /// `[NUMBER]`: to an item of an array.
    Item(u32),
}

/// The condition for recording a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// A single comparison.
    Test(Comparison),
    /// Negation.
    Not(Box<Filter>),
    /// Conjunction.
    And(Box<Filter>, Box<Filter>),
    /// Disjunction.
    Or(Box<Filter>, Box<Filter>),
}

/// A value and a constant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The value.
    pub path: ValuePath,
    /// The comparison with a constant; `None` if the value must not be zero.
    pub to: Option<(CompareOp, Spanned<Constant>)>,
}

/// A comparison operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum CompareOp {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// A constant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Constant {
    /// A number.
    Number(i128),
    /// A duration, in nanoseconds.
    Duration(i128),
    /// `true`, `false`, `NULL`, or a value of an enum.
    Name(String),
}

impl fmt::Display for Constant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Duration(ns) => write!(f, "{ns}ns"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl CompareOp {
    /// The same seen from the other side: `100 < len` is `len > 100`.
    fn turned(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::AtMost => Self::AtLeast,
            Self::Greater => Self::Less,
            Self::AtLeast => Self::AtMost,
            same => same,
        }
    }
}
/// A text and where it stands in the file.
pub(super) struct ExpressionText<'a> {
    pub(super) text: &'a str,
    /// The string in the file.
    pub(super) span: Span,
    /// Where in the file the text begins; none when it is written with escapes.
    pub(super) start: Option<usize>,
}

/// What is wrong with a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    pub(super) span: Span,
    pub(super) what: String,
    pub(super) help: &'static str,
}

impl ExpressionText<'_> {
    /// Where bytes of the text stand in the file.
    fn place(&self, range: Range<usize>) -> Span {
        match self.start {
            Some(start) => self.span.at(start + range.start..start + range.end),
            None => self.span.clone(),
        }
    }

    fn error(
        &self,
        range: Range<usize>,
        what: impl Into<String>,
        help: &'static str,
    ) -> SyntaxError {
        SyntaxError { span: self.place(range), what: what.into(), help }
    }
}

const PATH: &str = "Write an argument, a field or an item: len, pkt->proto, pkt->header.kind, \
                    names[1], *count.";
const COMPARISON: &str = "Compare values with constants, and combine comparisons with && and ||: \
                          len > 100 && (ret != 2 || pkt->proto == 6).";
/// Reads a path.
pub(super) fn path(text: &ExpressionText<'_>) -> Result<ValuePath, SyntaxError> {
    let mut parser = ExpressionParser::new(text, PATH)?;
    let path = parser.path()?;
    parser.end()?;
    Ok(path)
}

/// Reads a filter.
pub(super) fn filter(text: &ExpressionText<'_>) -> Result<Filter, SyntaxError> {
    let mut parser = ExpressionParser::new(text, COMPARISON)?;
    let filter = parser.any(DEPTH)?;
    parser.end()?;
    Ok(filter)
}
