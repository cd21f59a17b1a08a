//! Hexadecimal as people write it: digits in pairs, with blanks, line breaks or colons between them.

use std::fmt;

/// Why a text is not hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HexMistake {
    /// It has something else in it.
    NoDigit(char),
    /// A digit without a second one, the last of so many.
    Odd(usize),
}

impl fmt::Display for HexMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDigit(letter) => write!(f, "{letter:?} is not a hexadecimal digit"),
            Self::Odd(1) => f.write_str("1 digit is half a byte"),
            Self::Odd(digits) => write!(f, "{digits} digits are an odd number"),
        }
    }
}

/// The bytes that `text` writes down.
pub(super) fn bytes(text: &str) -> Result<Vec<u8>, HexMistake> {
    let letters = text.chars().filter(|letter| !letter.is_ascii_whitespace() && *letter != ':');
    let digits = letters.map(|letter| {
        let digit = letter.to_digit(16).ok_or(HexMistake::NoDigit(letter))?;
        Ok(digit as u8)
    });
    let digits: Vec<u8> = digits.collect::<Result<_, _>>()?;
    match digits.len() % 2 {
        0 => Ok(digits
            .chunks(2)
            .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
            .collect()),
        _ => Err(HexMistake::Odd(digits.len())),
    }
}

/// Bytes in pairs of digits: `00 11 22`.
pub(super) fn text(bytes: &[u8]) -> String {
    let pairs: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(" ")
}
