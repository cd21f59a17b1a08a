//! `layout = "u32 saddr; __be16 port; char comm[16]"`: a struct given by C declarations.
//!
//! It becomes a small BTF section, so that a record is decoded like a struct of an object.

mod field;
#[cfg(test)]
mod tests;

use std::iter;

use self::field::{DeclaredField, Scalar, declaration};
use super::{
    Spanned,
    table::Diagnostics,
    text::{self, TextError},
};
use crate::diag::Code;

/// The most bytes of a record.
const MOST: u32 = 64 << 10;
/// The most fields, which is how many an event shows.
const FIELDS: usize = 1024;

/// The fields of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    fields: Vec<DeclaredField>,
    /// Bytes up to the end of the last field. C pads a struct to a multiple of its alignment; a
    /// record assembled by hand may end here.
    size: u32,
}

/// Reads the declarations in `value`; what is wrong with them is reported.
pub(super) fn layout(value: &Spanned<String>, report: &mut Diagnostics<'_>) -> Option<Declared> {
    let place = text::place(value);
    let mistakes = match Declared::read(&value.value) {
        Ok(found) => return Some(found),
        Err(mistakes) => mistakes,
    };
    for (part, message, help) in mistakes {
        let found = report.at(Code::BadLayout, message, &place(part), "here").help(help);
        report.slip(found);
    }
    None
}

impl Declared {
    /// The number of the struct in [`Declared::section`].
    pub const STRUCT: u32 = 1;

    fn read(written: &str) -> Result<Self, Vec<TextError>> {
        let text = without_comments(written).map_err(|mistake| vec![mistake])?;
        let body = text.trim_start();
        let after = body.strip_prefix("packed");
        let after = after.filter(|after| after.starts_with(char::is_whitespace));
        let packed = after.is_some();
        let mut at = text.len() - after.unwrap_or(body).len();
        let (mut fields, mut mistakes) = (Vec::<DeclaredField>::new(), Vec::new());
        let mut end = 0;
        for part in text[at..].split(';') {
            let begin = at + part.len() - part.trim_start().len();
            at += part.len() + 1;
            let part = part.trim();
            if part.is_empty() {
                continue;
            }
            let whole = begin..begin + part.len();
            let mut field = match declaration(part, begin) {
                Ok(field) => field,
                Err(mistake) => {
                    mistakes.push(mistake);
                    continue;
                }
            };
            if fields.iter().any(|other| other.name == field.name) {
                let message = format!("duplicate field `{}` in the layout", field.name);
                mistakes.push((whole, message, "Rename or remove one of them.".to_owned()));
                continue;
            }
            field.offset = u32::next_multiple_of(end, if packed { 1 } else { field.of.bytes });
            let items = field.lengths.iter().try_fold(1_u32, |all, one| all.checked_mul(*one));
            let size = items.and_then(|items| items.checked_mul(field.of.bytes));
            let next = size.and_then(|size| size.checked_add(field.offset));
            let Some(next) = next.filter(|next| *next <= MOST && fields.len() < FIELDS) else {
                let message = "the layout is larger than the maximum size of a record".to_owned();
                let help = format!("Declare at most {FIELDS} fields and {MOST} bytes.");
                mistakes.push((whole, message, help));
                break;
            };
            end = next;
            fields.push(field);
        }
        if fields.is_empty() && mistakes.is_empty() {
            let help = "Declare fields as in C: u32 saddr; __be16 port; char comm[16]".to_owned();
            mistakes.push((0..text.len(), "the layout has no fields".to_owned(), help));
        }
        match mistakes.is_empty() {
            true => Ok(Self { fields, size: end }),
            false => Err(mistakes),
        }
    }

    /// The struct as a `.BTF` section in this machine's byte order. It has no name.
    #[must_use]
    pub fn section(&self) -> Vec<u8> {
        let mut strings = vec![0_u8];
        let mut string = |name: &str| {
            let at = number(strings.len());
            strings.extend(name.bytes().chain([0]));
            at
        };
        let mut parts = vec![0, (4 << 24) | number(self.fields.len()), self.size];
        let mut types = Vec::new();
        let mut last = Self::STRUCT;
        for field in &self.fields {
            let Scalar { name, bytes, encoding, typedef, .. } = *field.of;
            let own = string(if typedef { "unsigned" } else { name });
            types.extend([own, 1 << 24, bytes, (encoding << 24) | (bytes * 8)]);
            last += 1;
            let integer = last;
            if typedef {
                types.extend([string(name), 8 << 24, integer]);
                last += 1;
            }
            for length in field.lengths.iter().rev() {
                types.extend([0, 3 << 24, 0, last, integer, *length]);
                last += 1;
            }
            parts.extend([string(&field.name), last, field.offset * 8]);
        }
        parts.extend(types);
        let size = number(parts.len() * 4);
        let header = [24, 0, size, size, number(strings.len())];
        let mut section = [0xeb9f_u16.to_ne_bytes(), [1, 0]].concat();
        section.extend(header.iter().chain(&parts).flat_map(|word| word.to_ne_bytes()));
        section.extend(strings);
        section
    }
}

/// `text` with blanks in place of C's comments, so that every byte stays where it was.
fn without_comments(text: &str) -> Result<String, TextError> {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = [rest.find("/*"), rest.find("//")].into_iter().flatten().min() {
        let (code, comment) = rest.split_at(begin);
        let end = match comment.starts_with("//") {
            true => Some(comment.find('\n').unwrap_or(comment.len())),
            false => comment[2..].find("*/").map(|end| end + 4),
        };
        let Some(end) = end else {
            let place = text.len() - comment.len()..text.len();
            let help = "End it with */.".to_owned();
            return Err((place, "unterminated comment".to_owned(), help));
        };
        clean.push_str(code);
        clean.extend(iter::repeat_n(' ', end));
        rest = &comment[end..];
    }
    clean.push_str(rest);
    Ok(clean)
}

/// A length of the section, which has far less than 4 GiB.
fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
