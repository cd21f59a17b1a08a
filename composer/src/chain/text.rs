//! `text = "{saddr:ipv4}:{sport:be16} → {daddr:ipv4}"`: a format string with fields of a record.

use std::ops::Range;

use super::{Spanned, table::Diagnostics};
use crate::diag::{Code, Span, nearest};

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextPiece {
    /// Literal text.
    Literal(String),
    /// A field of the record.
    Field(FieldRef),
}

/// A field, and how it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldRef {
    /// The way to it: `flow.ports[0]`.
    pub path: Vec<Spanned<FieldStep>>,
    /// How it is shown, when not by its type.
    pub hint: Option<Spanned<Hint>>,
}

/// One step on the way to a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldStep {
    /// To a field of a struct.
    Field(String),
    /// To an item of an array.
    Item(u32),
}

/// How a value is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the file, below")]
pub enum Hint {
    Ipv4,
    Ipv6,
    Be16,
    Be32,
    Be64,
    Mac,
    Hex,
    Str,
    Ns,
    Errno,
    /// The names of this enum of the object.
    Enum(String),
}

impl Hint {
    /// The words in the file, but for `enum NAME`.
    const WORDS: [(&str, Self); 10] = [
        ("ipv4", Self::Ipv4),
        ("ipv6", Self::Ipv6),
        ("be16", Self::Be16),
        ("be32", Self::Be32),
        ("be64", Self::Be64),
        ("mac", Self::Mac),
        ("hex", Self::Hex),
        ("str", Self::Str),
        ("ns", Self::Ns),
        ("errno", Self::Errno),
    ];

    /// Its name in the file.
    #[must_use]
    pub fn name(&self) -> &'static str {
        let found = Self::WORDS.iter().find(|(_, hint)| hint == self);
        found.map_or("enum", |(word, _)| *word)
    }

    fn read(word: &str) -> Option<Self> {
        if let Some(name) = word.strip_prefix("enum ") {
            return Some(Self::Enum(name.trim().to_owned()));
        }
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, hint)| hint.clone())
    }
}

/// A mistake in a text: where in it, what, and what to do.
pub(super) type TextError = (Range<usize>, String, String);

/// Reads the text in `value`; what is wrong with it is reported.
pub(super) fn pieces(
    value: &Spanned<String>,
    report: &mut Diagnostics<'_>,
) -> Option<Vec<TextPiece>> {
    let place = place(value);
    match read(&value.value, &place) {
        Ok(pieces) => Some(pieces),
        Err((part, message, help)) => {
            let found = report.at(Code::BadText, message, &place(part), "here").help(help);
            report.slip(found);
            None
        }
    }
}

/// Where a place in the text of `value` is in the file; in a text with escapes, all of it.
pub(super) fn place(value: &Spanned<String>) -> impl Fn(Range<usize>) -> Span + use<> {
    let whole = value.span.clone();
    let begin = whole.text().find(&value.value).map(|quotes| whole.start() + quotes);
    move |part| match begin {
        Some(begin) => whole.at(begin + part.start..begin + part.end),
        None => whole.clone(),
    }
}

/// Reads the name of a field by itself.
pub(super) fn path(value: &Spanned<String>) -> Option<Vec<Spanned<FieldStep>>> {
    steps(&value.value, 0, &|_| value.span.clone()).ok()
}

fn read(text: &str, place: &dyn Fn(Range<usize>) -> Span) -> Result<Vec<TextPiece>, TextError> {
    const BRACES: &str =
        "Write fields in braces: {saddr:ipv4}. For a literal brace write {{ or }}.";
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let at = text.len() - rest.len();
        let doubled = rest.starts_with("{{") || rest.starts_with("}}");
        if doubled || !matches!(letter, '{' | '}') {
            literal.push(letter);
            rest = &rest[letter.len_utf8() * if doubled { 2 } else { 1 }..];
            continue;
        }
        let end = match (letter, rest.find('}')) {
            ('{', Some(end)) => end,
            ('{', None) => {
                return Err((at..text.len(), "unclosed `{`".to_owned(), BRACES.to_owned()));
            }
            _ => return Err((at..at + 1, "unmatched `}`".to_owned(), BRACES.to_owned())),
        };
        if !literal.is_empty() {
            pieces.push(TextPiece::Literal(std::mem::take(&mut literal)));
        }
        pieces.push(TextPiece::Field(field(&rest[1..end], at + 1, place)?));
        rest = &rest[end + 1..];
    }
    if !literal.is_empty() {
        pieces.push(TextPiece::Literal(literal));
    }
    Ok(pieces)
}

/// Reads what stands in braces, which begins at byte `at` of the text.
fn field(
    inner: &str,
    at: usize,
    place: &dyn Fn(Range<usize>) -> Span,
) -> Result<FieldRef, TextError> {
    let (name, word) = match inner.split_once(':') {
        Some((name, word)) => (name, Some(word)),
        None => (inner, None),
    };
    let path = steps(name, at, place)?;
    let Some(word) = word else { return Ok(FieldRef { path, hint: None }) };
    let span = at + name.len() + 1..at + inner.len();
    match Hint::read(word) {
        Some(hint) => Ok(FieldRef { path, hint: Some(Spanned { value: hint, span: place(span) }) }),
        None => {
            let words = || Hint::WORDS.iter().map(|(word, _)| *word).chain(["enum NAME"]);
            let help = match nearest(word, words()) {
                Some(near) => format!("Did you mean `{near}`?"),
                None => format!("Valid formats are: {}.", words().collect::<Vec<_>>().join(", ")),
            };
            Err((span, format!("unknown format `{}`", word.escape_debug()), help))
        }
    }
}

/// Reads `flow.ports[0]`, which begins at byte `at` of the text.
fn steps(
    name: &str,
    at: usize,
    place: &dyn Fn(Range<usize>) -> Span,
) -> Result<Vec<Spanned<FieldStep>>, TextError> {
    const PATHS: &str = "Write a field as in C: port, flow.port, ports[0].";
    let bad = |part: Range<usize>| {
        Err((
            part,
            format!("`{}` is not a valid field name", name.escape_debug()),
            PATHS.to_owned(),
        ))
    };
    let is_name = |word: &str| {
        let letter = |letter: char| letter.is_alphanumeric() || letter == '_';
        !word.is_empty() && word.chars().all(letter)
    };
    let mut found = Vec::new();
    let mut start = at;
    for part in name.split('.') {
        let (word, items) = part.split_at(part.find('[').unwrap_or(part.len()));
        let span = start..start + word.len();
        if !is_name(word) {
            return bad(start..start + part.len());
        }
        found.push(Spanned { value: FieldStep::Field(word.to_owned()), span: place(span) });
        let mut item_at = start + word.len();
        for item in items.split_inclusive(']') {
            let span = item_at..item_at + item.len();
            item_at = span.end;
            let number = item.strip_prefix('[').and_then(|item| item.strip_suffix(']'));
            let Some(number) = number.and_then(|number| number.parse().ok()) else {
                return bad(span);
            };
            found.push(Spanned { value: FieldStep::Item(number), span: place(span) });
        }
        start += part.len() + 1;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{FieldRef, FieldStep, Hint, Span, Spanned, TextPiece, read};
    use crate::diag::Source;

    fn shown(text: &str) -> String {
        let name = |step: &Spanned<FieldStep>| match &step.value {
            FieldStep::Field(name) => format!(".{name}"),
            FieldStep::Item(number) => format!("[{number}]"),
        };
        let source = Source::first("chain.toml", text);
        match read(text, &|part| Span::new(&source, part)) {
            Ok(pieces) => pieces
                .iter()
                .map(|piece| match piece {
                    TextPiece::Literal(text) => format!("'{text}'"),
                    TextPiece::Field(FieldRef { path, hint }) => {
                        let path: String = path.iter().map(name).collect();
                        let hint = hint.as_ref().map(|hint| match &hint.value {
                            Hint::Enum(name) => format!(":enum {name}"),
                            other => format!(":{}", other.name()),
                        });
                        format!("<{path}{}>", hint.unwrap_or_default())
                    }
                })
                .collect(),
            Err((at, message, _)) => format!("{at:?} {message}"),
        }
    }

    #[test]
    fn a_text_is_words_and_fields() {
        assert_eq!(
            shown("{a:ipv4}:{b.c[1][2]:be16} → {{{state:enum tcp_state}}}"),
            "<.a:ipv4>':'<.b.c[1][2]:be16>' → {'<.state:enum tcp_state>'}'"
        );
        assert_eq!(shown(""), "");
    }

    #[test]
    fn a_mistake_is_told_at_its_place() {
        for (text, told) in [
            ("a {b", "2..4 unclosed `{`"),
            ("a } b", "2..3 unmatched `}`"),
            ("{}", "1..1 `` is not a valid field name"),
            ("{a.}", "3..3 `a.` is not a valid field name"),
            ("{a[x]}", "2..5 `a[x]` is not a valid field name"),
            ("{a[1}", "2..4 `a[1` is not a valid field name"),
            ("ä {a:ipv5}", "6..10 unknown format `ipv5`"),
        ] {
            assert_eq!(shown(text), told, "{text}");
        }
    }
}
