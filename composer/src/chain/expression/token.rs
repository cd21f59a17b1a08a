//! Tokens: names, numbers with their units, comparisons and signs.

use std::{num::IntErrorKind, ops::Range};

use super::{CompareOp, Constant, ExpressionText, SyntaxError};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
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

/// The tokens of `text`, each with its bytes.
pub(super) fn tokens(
    text: &ExpressionText<'_>,
    help: &'static str,
) -> Result<Vec<(Token, Range<usize>)>, SyntaxError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.text.get(at..).filter(|rest| !rest.is_empty()) {
        let blank = rest.len() - rest.trim_start().len();
        if blank > 0 {
            at += blank;
            continue;
        }
        let (token, length) =
            first(rest).map_err(|(length, what)| text.error(at..at + length, what, help))?;
        tokens.push((token, at..at + length));
        at += length;
    }
    Ok(tokens)
}

/// The token at the start of `rest` with its length, or the length of what is none, and why.
fn first(rest: &str) -> Result<(Token, usize), (usize, String)> {
    let first = rest.chars().next().unwrap_or_default();
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let word = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
    if first.is_ascii_digit() {
        let number = number(&rest[..word]).map_err(|what| (word, what))?;
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
    Err((first.len_utf8(), what))
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
