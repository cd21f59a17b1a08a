//! Numbers as C writes them: `1 << XDP_PASS`, `0xff & ~MASK`.
//!
//! ```text
//! or     = xor { "|" xor }            shift   = sum { ("<<" | ">>") sum }
//! xor    = and { "^" and }            sum     = product { ("+" | "-") product }
//! and    = shift { "&" shift }        product = one { ("*" | "/" | "%") one }
//! one    = ("-" | "~" | "+") one | "(" or ")" | NUMBER | NAME
//! ```

use std::ops::Range;

/// How deep an expression nests.
const DEPTH: u32 = 32;

/// Why a text is no number.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoNumber {
    /// An unknown name, and its location in the text.
    Name(String, Range<usize>),
    /// Something else, and where.
    Other(String, Range<usize>),
}

/// The number that `text` says. A complement has `bits` bits, as one of the type that the number
/// is for; names are looked up with `names`.
pub(super) fn number(
    text: &str,
    bits: u32,
    names: &dyn Fn(&str) -> Option<i128>,
) -> Result<i128, NoNumber> {
    let mut parser = Parser { text, at: 0, bits, names };
    let value = parser.level(0, DEPTH)?;
    parser.blank();
    match parser.rest().is_empty() {
        true => Ok(value),
        false => Err(parser.here("expected an operator")),
    }
}

/// Operators of each level, the loosest first, longer ones in front.
const LEVELS: [&[&str]; 6] = [&["|"], &["^"], &["&"], &["<<", ">>"], &["+", "-"], &["*", "/", "%"]];

struct Parser<'a> {
    text: &'a str,
    at: usize,
    bits: u32,
    names: &'a dyn Fn(&str) -> Option<i128>,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn blank(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn here(&self, what: &str) -> NoNumber {
        let length = self.rest().chars().next().map_or(0, char::len_utf8);
        let what = if length == 0 { "expected a number at the end" } else { what };
        NoNumber::Other(what.to_owned(), self.at..self.at + length)
    }

    fn level(&mut self, level: usize, depth: u32) -> Result<i128, NoNumber> {
        let Some(operators) = LEVELS.get(level) else { return self.one(depth) };
        let mut left = self.level(level + 1, depth)?;
        loop {
            self.blank();
            let found = operators.iter().find(|operator| self.rest().starts_with(**operator));
            let Some(operator) = found else { return Ok(left) };
            let at = self.at;
            self.at += operator.len();
            let right = self.level(level + 1, depth)?;
            let value = compute(operator, left, right);
            left = value.ok_or_else(|| {
                let what = format!("{left} {operator} {right} cannot be computed");
                NoNumber::Other(what, at..at + operator.len())
            })?;
        }
    }

    fn one(&mut self, depth: u32) -> Result<i128, NoNumber> {
        self.blank();
        if depth == 0 {
            return Err(self.here("nested too deeply"));
        }
        let first = self.rest().chars().next().unwrap_or_default();
        if let Some(sign) = ['-', '~', '+', '('].iter().find(|sign| **sign == first) {
            self.at += 1;
            let value = if *sign == '(' { self.level(0, depth - 1)? } else { self.one(depth - 1)? };
            return match sign {
                '-' => Ok(-value),
                '~' => Ok(!value & ((1 << self.bits.min(64)) - 1)),
                '(' => {
                    self.blank();
                    let closed = self.rest().starts_with(')');
                    self.at += usize::from(closed);
                    if closed { Ok(value) } else { Err(self.here("expected `)`")) }
                }
                _ => Ok(value),
            };
        }
        let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let length = self.rest().find(|letter| !is_word(letter)).unwrap_or(self.rest().len());
        let (start, word) = (self.at, self.rest()[..length].to_owned());
        if word.is_empty() {
            return Err(self.here("expected a number or a name"));
        }
        self.at += length;
        let range = start..self.at;
        if first.is_ascii_digit() {
            let what = || format!("`{word}` is not a number");
            return literal(&word).ok_or_else(|| NoNumber::Other(what(), range));
        }
        (self.names)(&word).ok_or(NoNumber::Name(word, range))
    }
}

/// `10`, `0x1f`, `0b101`, `1_000`, with a suffix of C or without.
fn literal(word: &str) -> Option<i128> {
    let lower = word.to_ascii_lowercase();
    let (digits, radix) = match lower.get(..2) {
        Some("0x") => (&lower[2..], 16),
        Some("0b") => (&lower[2..], 2),
        Some("0o") => (&lower[2..], 8),
        _ => (lower.as_str(), 10),
    };
    let digits = digits.trim_end_matches(['u', 'l']).replace('_', "");
    u64::from_str_radix(&digits, radix).ok().map(i128::from)
}

fn compute(operator: &str, left: i128, right: i128) -> Option<i128> {
    let shift = || u32::try_from(right).ok().filter(|by| *by < 64);
    match operator {
        "|" => Some(left | right),
        "^" => Some(left ^ right),
        "&" => Some(left & right),
        // Nothing is wider than 64 bits.
        "<<" => {
            shift().and_then(|by| left.checked_mul(1 << by)).filter(|value| value.abs() < 1 << 64)
        }
        ">>" => shift().map(|by| left >> by),
        "+" => left.checked_add(right),
        "-" => left.checked_sub(right),
        "*" => left.checked_mul(right),
        "/" => left.checked_div(right),
        _ => left.checked_rem(right),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{NoNumber, number};

    fn of(text: &str) -> Result<i128, NoNumber> {
        number(text, 32, &|name| (name == "XDP_PASS").then_some(2))
    }

    #[test]
    fn c_is_computed_as_c_does() {
        for (text, expected) in [
            ("1 << XDP_PASS", 4),
            ("1 | 6 ^ 3 & 1 << 1", 5),
            ("2 + 3 * 4 - (2 + 2)", 10),
            ("-(1) - -1", 0),
            ("~0", 0xffff_ffff),
            ("0xffULL & ~0x0f", 0xf0),
            ("7 / 2 % 2", 1),
            ("0b101 << 0o2", 20),
            ("1_000", 1000),
        ] {
            assert_eq!(of(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_told_with_its_place() {
        assert_eq!(of("1 << XDP_PAS"), Err(NoNumber::Name("XDP_PAS".to_owned(), 5..12)));
        for text in ["", "1 <<", "(1", "1 2", "1 / 0", "1 << 64", "9x", "a b", "§"] {
            assert!(of(text).is_err(), "{text}");
        }
        assert!(of(&"(".repeat(500)).is_err());
        assert!(of(&"9".repeat(40)).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[-+~()|&^<>*/%0-9a-zA-Z_ §]{0,60}") {
            let _ = number(&text, 64, &|_| Some(i128::from(u64::MAX)));
        }
    }
}
