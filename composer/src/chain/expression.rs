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
//! Text in, a tree out that knows where each part of it stands. What the names mean is asked in
//! [`trace`](crate::trace), which knows the types.

use std::{fmt, num::IntErrorKind, ops::Range};

use freplace_compose_common::trace::TESTS;

use super::Spanned;
use crate::diag::Span;

/// How deep a filter nests.
const DEPTH: usize = 32;

/// The way to a value: `len`, `pkt->proto`, `*count`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValuePath {
    /// As it is written.
    pub text: Spanned<String>,
    /// Whether it is what the pointer at its end points to.
    pub followed: bool,
    /// An argument, or `ret` or `took`; `$ret` and `$took` where arguments are called so.
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
    /// `->`: to a field, where a pointer leads.
    Arrow,
    /// `.`: to a field.
    Dot,
    /// `[NUMBER]`: to an item of an array.
    Item(u32),
}

/// What has to hold of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// This.
    Test(Comparison),
    /// Not that.
    Not(Box<Filter>),
    /// Both.
    And(Box<Filter>, Box<Filter>),
    /// One of them, or both.
    Or(Box<Filter>, Box<Filter>),
}

/// A value and a constant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The value.
    pub path: ValuePath,
    /// How it has to stand to the constant; none when it has to be other than zero.
    pub to: Option<(CompareOp, Spanned<Constant>)>,
}

/// How a value stands to a constant.
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

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Name,
    Number(Constant),
    Relation(CompareOp),
    Sign(&'static str),
}

/// Longer ones first.
const SIGNS: [&str; 11] = ["->", "&&", "||", ".", "*", "!", "(", ")", "-", "[", "]"];
const RELATIONS: [(&str, CompareOp); 6] = [
    ("==", CompareOp::Equal),
    ("!=", CompareOp::NotEqual),
    ("<=", CompareOp::AtMost),
    (">=", CompareOp::AtLeast),
    ("<", CompareOp::Less),
    (">", CompareOp::Greater),
];
const UNITS: [(&str, i128); 4] =
    [("ns", 1), ("us", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000)];

struct ExpressionParser<'a> {
    text: &'a ExpressionText<'a>,
    tokens: Vec<(Token, Range<usize>)>,
    next: usize,
    tests: usize,
    help: &'static str,
}

impl<'a> ExpressionParser<'a> {
    fn new(text: &'a ExpressionText<'a>, help: &'static str) -> Result<Self, SyntaxError> {
        let mut parser = Self { text, tokens: Vec::new(), next: 0, tests: 0, help };
        let mut at = 0;
        while let Some(rest) = text.text.get(at..).filter(|rest| !rest.is_empty()) {
            let blank = rest.len() - rest.trim_start().len();
            if blank > 0 {
                at += blank;
                continue;
            }
            let (token, length) = parser.token(rest, at)?;
            parser.tokens.push((token, at..at + length));
            at += length;
        }
        Ok(parser)
    }

    fn token(&self, rest: &str, at: usize) -> Result<(Token, usize), SyntaxError> {
        let first = rest.chars().next().unwrap_or_default();
        let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let word = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
        if first.is_ascii_digit() {
            let number = number(&rest[..word]).map_err(|what| self.mistake(at..at + word, what))?;
            return Ok((Token::Number(number), word));
        }
        if word > 0 {
            return Ok((Token::Name, word));
        }
        if let Some(name) = rest.strip_prefix('$') {
            let word = name.find(|letter| !is_word(letter)).unwrap_or(name.len());
            if word > 0 {
                return Ok((Token::Name, word + 1));
            }
        }
        // `->` before `-`, `!=` before `!`.
        if let Some((sign, relation)) = RELATIONS.iter().find(|(sign, _)| rest.starts_with(sign)) {
            return Ok((Token::Relation(*relation), sign.len()));
        }
        if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            return Ok((Token::Sign(sign), sign.len()));
        }
        let what = match first {
            '=' => "use `==` for comparison".to_owned(),
            '&' | '|' => {
                format!("bitwise operators are not supported; use `{first}{first}`")
            }
            '"' | '\'' => "strings cannot be compared".to_owned(),
            '+' | '/' | '%' | '^' | '~' => {
                format!("arithmetic is not supported: unexpected `{first}`")
            }
            other => format!("unexpected `{}`", other.escape_debug()),
        };
        Err(self.mistake(at..at + first.len_utf8(), what))
    }

    /// Where bytes of the text stand in the file.
    fn place(&self, range: Range<usize>) -> Span {
        match self.text.start {
            Some(start) => self.text.span.at(start + range.start..start + range.end),
            None => self.text.span.clone(),
        }
    }

    fn mistake(&self, range: Range<usize>, what: impl Into<String>) -> SyntaxError {
        SyntaxError { span: self.place(range), what: what.into(), help: self.help }
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(token, _)| token)
    }

    /// The bytes of the next token; of the text's end when there is none.
    fn here(&self) -> Range<usize> {
        let text = self.text.text;
        let last = text.char_indices().next_back().map_or(0, |(at, _)| at);
        self.tokens.get(self.next).map_or(last..text.len(), |(_, range)| range.clone())
    }

    fn eat(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(found)) if *found == sign);
        self.next += usize::from(found);
        found
    }

    fn expected(&self, what: &str) -> SyntaxError {
        let here = self.here();
        match self.text.text.get(here.clone()).filter(|_| self.peek().is_some()) {
            Some("and") => self.mistake(here, "use `&&` instead of `and`"),
            Some("or") => self.mistake(here, "use `||` instead of `or`"),
            Some(found) => self.mistake(here, format!("expected {what}, found `{found}`")),
            None => self.mistake(here, format!("expected {what} at the end")),
        }
    }

    fn end(&self) -> Result<(), SyntaxError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.expected("the end")),
        }
    }

    fn name(&mut self) -> Result<Spanned<String>, SyntaxError> {
        let here = self.here();
        match self.peek() {
            Some(Token::Name) => {
                self.next += 1;
                let value = self.text.text.get(here.clone()).unwrap_or_default().to_owned();
                Ok(Spanned { value, span: self.place(here) })
            }
            _ => Err(self.expected("a name")),
        }
    }

    fn path(&mut self) -> Result<ValuePath, SyntaxError> {
        let start = self.here().start;
        let followed = self.eat("*");
        let first = self.name()?;
        let mut fields = Vec::new();
        loop {
            if self.eat("->") {
                fields.push(PathStep { way: Access::Arrow, name: self.name()? });
            } else if self.eat(".") {
                fields.push(PathStep { way: Access::Dot, name: self.name()? });
            } else if self.eat("[") {
                fields.push(self.item()?);
            } else {
                break;
            }
        }
        let end = self.tokens.get(self.next.saturating_sub(1)).map_or(start, |(_, last)| last.end);
        // Without the blanks that may stand in it.
        let text = self.text.text.get(start..end).unwrap_or_default().split_whitespace().collect();
        let text = Spanned { value: text, span: self.place(start..end) };
        Ok(ValuePath { text, followed, first, fields })
    }

    /// `1]`
    fn item(&mut self) -> Result<PathStep, SyntaxError> {
        let here = self.here();
        let number = match self.peek() {
            Some(Token::Number(Constant::Number(number))) => u32::try_from(*number).ok(),
            _ => None,
        };
        let number = number.ok_or_else(|| self.expected("an item number"))?;
        self.next += 1;
        if !self.eat("]") {
            return Err(self.expected("`]`"));
        }
        let name = Spanned { value: number.to_string(), span: self.place(here) };
        Ok(PathStep { way: Access::Item(number), name })
    }

    fn any(&mut self, depth: usize) -> Result<Filter, SyntaxError> {
        let mut left = self.all(depth)?;
        while self.eat("||") {
            left = Filter::Or(Box::new(left), Box::new(self.all(depth)?));
        }
        Ok(left)
    }

    fn all(&mut self, depth: usize) -> Result<Filter, SyntaxError> {
        let mut left = self.one(depth)?;
        while self.eat("&&") {
            left = Filter::And(Box::new(left), Box::new(self.one(depth)?));
        }
        Ok(left)
    }

    fn one(&mut self, depth: usize) -> Result<Filter, SyntaxError> {
        let here = self.here();
        let deeper = |depth: usize| depth.checked_sub(1);
        if self.eat("!") {
            let depth = deeper(depth).ok_or_else(|| self.mistake(here, "nested too deeply"))?;
            return Ok(Filter::Not(Box::new(self.one(depth)?)));
        }
        if self.eat("(") {
            let depth = deeper(depth).ok_or_else(|| self.mistake(here, "nested too deeply"))?;
            let inner = self.any(depth)?;
            return if self.eat(")") { Ok(inner) } else { Err(self.expected("`)`")) };
        }
        let after = self.tokens.get(self.next + 1).map(|(token, _)| token);
        if self.text.text.get(here.clone()) == Some("not")
            && matches!(after, Some(Token::Name | Token::Sign("(" | "*")))
        {
            return Err(self.mistake(here, "use `!` instead of `not`"));
        }
        self.tests += 1;
        if self.tests > TESTS {
            return Err(self.mistake(here, format!("more than {TESTS} comparisons")));
        }
        self.comparison().map(Filter::Test)
    }

    fn comparison(&mut self) -> Result<Comparison, SyntaxError> {
        if matches!(self.peek(), Some(Token::Number(_) | Token::Sign("-"))) {
            let constant = self.constant()?;
            let relation = self.relation().ok_or_else(|| self.expected("a comparison"))?;
            return Ok(Comparison { path: self.path()?, to: Some((relation.turned(), constant)) });
        }
        let path = self.path()?;
        let to = match self.relation() {
            Some(relation) => Some((relation, self.constant()?)),
            None => None,
        };
        Ok(Comparison { path, to })
    }

    fn relation(&mut self) -> Option<CompareOp> {
        let Some(Token::Relation(relation)) = self.peek() else { return None };
        let relation = *relation;
        self.next += 1;
        Some(relation)
    }

    fn constant(&mut self) -> Result<Spanned<Constant>, SyntaxError> {
        let start = self.here().start;
        let negative = self.eat("-");
        let here = self.here();
        let value = match self.peek() {
            Some(Token::Number(number)) => match (number.clone(), negative) {
                (Constant::Number(number), true) => Constant::Number(-number),
                (Constant::Duration(ns), true) => Constant::Duration(-ns),
                (constant, _) => constant,
            },
            Some(Token::Name) if !negative => {
                Constant::Name(self.text.text.get(here.clone()).unwrap_or_default().to_owned())
            }
            _ => return Err(self.expected("a number or the name of an enum value")),
        };
        let is_number = matches!(self.peek(), Some(Token::Number(_)));
        self.next += 1;
        if is_number && matches!(self.peek(), Some(Token::Sign("."))) {
            let what = "decimal points are not supported: write 1500us for 1.5ms, and an address \
                        as one number, 0x0a00020f for 10.0.2.15";
            return Err(self.mistake(here, what));
        }
        if matches!(self.peek(), Some(Token::Sign("->" | "." | "["))) {
            return Err(self.mistake(here, "values can be compared only with constants"));
        }
        Ok(Spanned { value, span: self.place(start..here.end) })
    }
}

/// `12`, `0x1f`, `10us`; or what is wrong with it.
fn number(word: &str) -> Result<Constant, String> {
    let parse = |digits, radix| match u64::from_str_radix(digits, radix) {
        Ok(number) => Ok(i128::from(number)),
        Err(error) if *error.kind() == IntErrorKind::PosOverflow => {
            Err(format!("`{word}` does not fit into 64 bits"))
        }
        Err(_) => Err(format!("`{word}` is not a number")),
    };
    if let Some(digits) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        return parse(digits, 16).map(Constant::Number);
    }
    let letters = word.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(word.len());
    let (digits, unit) = word.split_at(letters);
    let number = parse(digits, 10)?;
    if unit.is_empty() {
        return Ok(Constant::Number(number));
    }
    match UNITS.iter().find(|(name, _)| *name == unit) {
        Some((_, factor)) => Ok(Constant::Duration(number * factor)),
        None => Err(format!("`{word}` is not a number; units are ns, us, ms and s")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Access, CompareOp, Constant, ExpressionText, Filter, ValuePath, filter, path};
    use crate::diag::{Source, Span};

    fn text(text: &str) -> ExpressionText<'_> {
        let source = Source::first("chain.toml", format!("\"{text}\""));
        ExpressionText { text, span: Span::new(&source, 0..text.len() + 2), start: Some(1) }
    }

    fn written(path: &ValuePath) -> String {
        let fields = path.fields.iter().map(|step| match step.way {
            Access::Arrow => format!("->{}", step.name.value),
            Access::Dot => format!(".{}", step.name.value),
            Access::Item(number) => format!("[{number}]"),
        });
        let star = if path.followed { "*" } else { "" };
        format!("{star}{}{}", path.first.value, fields.collect::<String>())
    }

    fn shown(filter: &Filter) -> String {
        match filter {
            Filter::Test(test) => match &test.to {
                Some((relation, constant)) => {
                    format!("{} {relation:?} {}", written(&test.path), constant.value)
                }
                None => written(&test.path),
            },
            Filter::Not(inner) => format!("!({})", shown(inner)),
            Filter::And(left, right) => format!("({} and {})", shown(left), shown(right)),
            Filter::Or(left, right) => format!("({} or {})", shown(left), shown(right)),
        }
    }

    #[test]
    fn and_binds_before_or_and_not_before_both() {
        for (from, to) in [
            ("len > 100 && ret != 2", "(len Greater 100 and ret NotEqual 2)"),
            ("a || b && c", "(a or (b and c))"),
            ("(a || b) && !c", "((a or b) and !(c))"),
            ("!a == 1", "!(a Equal 1)"),
            ("100<=pkt -> proto", "pkt->proto AtLeast 100"),
            ("*count == -0x10", "*count Equal -16"),
            ("a->b[1].c > 2", "a->b[1].c Greater 2"),
            ("not == 1 && took > -1ms", "(not Equal 1 and took Greater -1000000ns)"),
            ("took>=10us||took<1ns", "(took AtLeast 10000ns or took Less 1ns)"),
            ("ret == XDP_DROP", "ret Equal XDP_DROP"),
            ("$ret == ret && $took>1us", "($ret Equal ret and $took Greater 1000ns)"),
        ] {
            assert_eq!(filter(&text(from)).map(|found| shown(&found)), Ok(to.to_owned()), "{from}");
        }
    }

    const POINT: &str = "decimal points are not supported: write 1500us for 1.5ms, and an address \
                         as one number, 0x0a00020f for 10.0.2.15";

    #[test]
    fn mistakes_are_told_where_they_are() {
        for (from, at, what) in [
            ("", 0, "expected a name at the end"),
            ("len >", 4, "expected a number or the name of an enum value at the end"),
            ("len = 1", 4, "use `==` for comparison"),
            ("a & b", 2, "bitwise operators are not supported; use `&&`"),
            ("a and b", 2, "use `&&` instead of `and`"),
            ("a == 1 or b", 7, "use `||` instead of `or`"),
            ("not a", 0, "use `!` instead of `not`"),
            ("took > 1.5ms", 7, POINT),
            ("ip == 10.0.2.15", 6, POINT),
            ("took > 1min", 7, "`1min` is not a number; units are ns, us, ms and s"),
            ("a == 0x10000000000000000", 5, "`0x10000000000000000` does not fit into 64 bits"),
            ("(a || b", 6, "expected `)` at the end"),
            ("a b", 2, "expected the end, found `b`"),
            ("a[b] == 1", 2, "expected an item number, found `b`"),
            ("$ == 1", 0, "unexpected `$`"),
            ("a == 12x", 5, "`12x` is not a number; units are ns, us, ms and s"),
            ("a == b->c", 5, "values can be compared only with constants"),
            ("comm == \"x\"", 8, "strings cannot be compared"),
            ("1 == 1", 5, "expected a name, found `1`"),
            ("a ==\u{3000}", 4, "expected a number or the name of an enum value at the end"),
            ("a == 99999999999999999999", 5, "`99999999999999999999` does not fit into 64 bits"),
        ] {
            let mistake = filter(&text(from)).expect_err(from);
            assert_eq!((mistake.span.start(), mistake.what.as_str()), (at + 1, what), "{from}");
        }
    }

    #[test]
    fn nothing_nests_or_grows_without_end() {
        for text in ["!".repeat(100_000), "(".repeat(100_000), "a&&".repeat(100_000)] {
            assert!(filter(&self::text(&text)).is_err());
        }
    }

    #[test]
    fn parts_of_a_path_know_their_places() {
        let found = path(&text(" pkt->head.kind ")).expect("a path");
        assert_eq!(found.text.value, "pkt->head.kind");
        assert_eq!(found.fields[1].name.span.range(), 12..16);
        assert_eq!([found.fields[0].way, found.fields[1].way], [Access::Arrow, Access::Dot]);
        assert!(path(&text("a->")).is_err() && path(&text("a == 1")).is_err());
        assert_eq!(CompareOp::Less.turned(), CompareOp::Greater);
        assert_eq!(Constant::Number(1).to_string(), "1");
    }
}
