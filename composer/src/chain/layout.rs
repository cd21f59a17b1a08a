//! `layout = "u32 saddr; __be16 port; char comm[16]"`: a struct by its declarations in C.
//!
//! It becomes a small section of BTF, so that a record is decoded by it as by a struct of an object.

use std::ops::Range;

use super::{Spanned, table::Report, text};
use crate::diag::{Code, nearest};

/// The most bytes of a record.
const MOST: u32 = 64 << 10;
/// The most fields, which is how many an event shows.
const FIELDS: usize = 1024;

/// The fields of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    fields: Vec<Field>,
    /// Bytes.
    size: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    name: String,
    of: &'static Scalar,
    /// From the outermost array to the innermost.
    lengths: Vec<u32>,
    /// Bytes from the start.
    offset: u32,
}

/// A type without parts.
#[derive(Debug, PartialEq, Eq)]
struct Scalar {
    /// As BTF has it.
    name: &'static str,
    bytes: u32,
    /// As BTF has it: 1 with a sign, 4 `bool`.
    encoding: u32,
    /// Whether `name` is a typedef, which says that the bytes are in network order.
    typedef: bool,
    /// How a layout may call it.
    words: &'static [&'static str],
}

const fn integer(
    name: &'static str,
    bytes: u32,
    encoding: u32,
    words: &'static [&'static str],
) -> Scalar {
    Scalar { name, bytes, encoding, typedef: false, words }
}

const fn network(name: &'static str, bytes: u32, words: &'static [&'static str]) -> Scalar {
    Scalar { name, bytes, encoding: 0, typedef: true, words }
}

static SCALARS: [Scalar; 13] = [
    integer("char", 1, 1, &["char"]),
    integer("bool", 1, 4, &["bool", "_Bool"]),
    integer("unsigned char", 1, 0, &["u8", "__u8", "uint8_t", "unsigned char"]),
    integer("unsigned short", 2, 0, &["u16", "__u16", "uint16_t", "unsigned short"]),
    integer("unsigned int", 4, 0, &["u32", "__u32", "uint32_t", "unsigned int", "unsigned"]),
    integer(
        "unsigned long",
        8,
        0,
        &["u64", "__u64", "uint64_t", "unsigned long", "unsigned long long"],
    ),
    integer("signed char", 1, 1, &["s8", "__s8", "int8_t", "signed char"]),
    integer("short", 2, 1, &["s16", "__s16", "int16_t", "short"]),
    integer("int", 4, 1, &["s32", "__s32", "int32_t", "int"]),
    integer("long", 8, 1, &["s64", "__s64", "int64_t", "long", "long long"]),
    network("__be16", 2, &["__be16"]),
    network("__be32", 4, &["__be32"]),
    network("__be64", 8, &["__be64"]),
];

/// A mistake: where in the text, what, and what to do.
type Mistake = (Range<usize>, String, String);

/// Reads the declarations in `value`; what is wrong with them is reported.
pub(super) fn layout(value: &Spanned<String>, report: &mut Report<'_>) -> Option<Declared> {
    let read = Declared::read(&value.value);
    let place = text::place(value, report);
    let mistakes = match read {
        Ok(found) => return Some(found),
        Err(mistakes) => mistakes,
    };
    for (part, message, help) in mistakes {
        let found = report.at(Code::BadLayout, message, place(part), "here").help(help);
        report.push(found);
    }
    None
}

impl Declared {
    /// The number of the struct in [`Declared::section`].
    pub const STRUCT: u32 = 1;

    fn read(text: &str) -> Result<Self, Vec<Mistake>> {
        let body = text.trim_start();
        let after = body.strip_prefix("packed");
        let after = after.filter(|after| after.starts_with(char::is_whitespace));
        let packed = after.is_some();
        let mut at = text.len() - after.unwrap_or(body).len();
        let (mut fields, mut mistakes) = (Vec::<Field>::new(), Vec::new());
        let (mut end, mut widest) = (0, 1);
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
                let message = format!("the layout has two fields `{}`", field.name);
                mistakes.push((whole, message, "Rename or remove one of them.".to_owned()));
                continue;
            }
            let align = if packed { 1 } else { field.of.bytes };
            field.offset = u32::next_multiple_of(end, align);
            let items = field.lengths.iter().try_fold(1_u32, |all, one| all.checked_mul(*one));
            let size = items.and_then(|items| items.checked_mul(field.of.bytes));
            let next = size.and_then(|size| size.checked_add(field.offset));
            let Some(next) = next.filter(|next| *next <= MOST && fields.len() < FIELDS) else {
                let message = "the layout is larger than a record can be".to_owned();
                let help = format!("It has at most {FIELDS} fields and {MOST} bytes.");
                mistakes.push((whole, message, help));
                break;
            };
            end = next;
            widest = align.max(widest);
            fields.push(field);
        }
        if fields.is_empty() && mistakes.is_empty() {
            let help = "Declare fields as in C: u32 saddr; __be16 port; char comm[16]".to_owned();
            mistakes.push((0..text.len(), "the layout has no field".to_owned(), help));
        }
        match mistakes.is_empty() {
            true => Ok(Self { fields, size: end.next_multiple_of(widest) }),
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

/// A length of the section, which has far less than 4 GiB.
fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Reads `char comm[16]`, which begins at byte `at` of the layout; its offset is not known yet.
fn declaration(text: &str, at: usize) -> Result<Field, Mistake> {
    const EXAMPLE: &str = "Declare it as in C: u32 saddr, char comm[16].";
    let head = text.find('[').unwrap_or(text.len());
    let (head, mut rest) = text.split_at(head);
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let strange = |letter: char| !is_part(letter) && !letter.is_whitespace();
    if let Some((place, letter)) = head.char_indices().find(|(_, letter)| strange(*letter)) {
        let help = match letter {
            '*' => "A pointer is a number of 8 bytes: declare it as u64.",
            ':' => "Bit fields cannot be shown: declare the integer that they are in.",
            ',' => "Declare one field at a time: u16 sport; u16 dport.",
            _ => EXAMPLE,
        };
        let message = format!("`{}` in a declaration", letter.escape_debug());
        let place = at + place;
        return Err((place..place + letter.len_utf8(), message, help.to_owned()));
    }
    let words: Vec<&str> = head.split_whitespace().collect();
    let whole = at..at + head.trim_end().len();
    let Some((name, of)) = words.split_last() else {
        let message = "a declaration without a type and a name".to_owned();
        return Err((at..at + text.len(), message, EXAMPLE.to_owned()));
    };
    if scalar(&words.join(" ")).is_some() || (!of.is_empty() && scalar(name).is_some()) {
        let message = format!("`{}` declares no name", head.trim());
        return Err((whole, message, EXAMPLE.to_owned()));
    }
    if of.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
        let what = if of.is_empty() { "a type" } else { "the name of a field" };
        let message = format!("`{}` is not {what} and a name", head.trim());
        let message = if of.is_empty() { message } else { format!("`{name}` is not {what}") };
        return Err((whole, message, EXAMPLE.to_owned()));
    }
    let written = of.join(" ");
    let Some(of) = scalar(&written) else {
        let known = SCALARS.iter().flat_map(|scalar| scalar.words).copied();
        let help = match nearest(&written, known) {
            Some(near) => format!("Did you mean `{near}`?"),
            None => {
                "There are: u8 to u64, s8 to s64, __be16 to __be64, char, bool, int, long, and \
                     what C has for them. A struct is declared field by field."
                    .to_owned()
            }
        };
        let end = at + head.trim_end().len() - name.len();
        let end = at + head[..end - at].trim_end().len();
        return Err((at..end, format!("a layout knows no type `{written}`"), help));
    };
    let mut lengths = Vec::new();
    while !rest.is_empty() {
        let begin = at + text.len() - rest.len();
        let help = "Write a length from 1 on: char comm[16], u16 ports[2]. An array has at most \
                    two dimensions.";
        let inner = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let length = inner.and_then(|(inner, _)| length(inner.trim()));
        let (Some((_, after)), Some(length), true) = (inner, length, lengths.len() < 2) else {
            let message = format!("`{rest}` is no length of an array", rest = rest.escape_debug());
            return Err((begin..at + text.len(), message, help.to_owned()));
        };
        lengths.push(length);
        rest = after.trim_start();
    }
    Ok(Field { name: (*name).to_owned(), of, lengths, offset: 0 })
}

/// The type that C calls `words`.
fn scalar(words: &str) -> Option<&'static Scalar> {
    SCALARS.iter().find(|scalar| scalar.words.contains(&words))
}

fn length(text: &str) -> Option<u32> {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => text.parse(),
    };
    number.ok().filter(|number| *number > 0 && !text.contains('+'))
}

#[cfg(test)]
mod tests {
    use super::Declared;
    use crate::object::btf::{Btf, Type};

    /// Names, offsets and sizes of the fields, and the size of all.
    fn read(text: &str) -> (Vec<(String, u32, u32)>, u32) {
        let declared = Declared::read(text).unwrap_or_else(|found| panic!("{text}: {found:?}"));
        let btf = Btf::parse(declared.section()).expect("well formed");
        let Some(Type::Struct { members, size, .. }) = btf.get(Declared::STRUCT) else {
            panic!("{text}: no struct");
        };
        let field = |member: &crate::object::btf::Member<'_>| {
            let size = btf.size(member.of).expect("it has one");
            (member.name.to_owned(), member.bit_offset / 8, size)
        };
        (members.iter().map(field).collect(), size)
    }

    #[test]
    fn fields_lie_where_c_puts_them() {
        let (fields, size) = read("u8 a; u64 b; __be16 port; char comm[16]; bool c; int d[2][3];");
        let places: Vec<_> = fields.iter().map(|(_, at, size)| (*at, *size)).collect();
        assert_eq!(places, [(0, 1), (8, 8), (16, 2), (18, 16), (34, 1), (36, 24)]);
        assert_eq!(size, 64);
    }

    #[test]
    fn a_packed_layout_has_no_gaps() {
        let (fields, size) = read(" packed u8 a;\n unsigned long long b; int16_t packed");
        let places: Vec<_> = fields.iter().map(|(_, at, size)| (*at, *size)).collect();
        assert_eq!((places, size), (vec![(0, 1), (1, 8), (9, 2)], 11));
        assert_eq!(read("u8 a[65536]").1, 65536);
    }

    #[test]
    fn a_mistake_is_told_where_it_is() {
        for (text, place, says) in [
            ("u32 a; u23 b", "u23", "u32"),
            ("u32 a; struct  pair b", "struct  pair", "field by field"),
            ("u32 a; unsigned  int", "unsigned  int", "as in C"),
            ("u32 int", "u32 int", "as in C"),
            ("a", "a", "as in C"),
            ("[3]", "[3]", "as in C"),
            ("u32 2a", "u32 2a", "as in C"),
            ("u32 a[0]", "[0]", "from 1"),
            ("u32 a[n]; u8 b", "[n]", "from 1"),
            ("u32 a[-1]", "[-1]", "from 1"),
            ("u32 a[2", "[2", "from 1"),
            ("u32 a[2] b", "b", "from 1"),
            ("u32 a[2][2][2]", "[2]", "two dimensions"),
            ("u32 *a", "*", "u64"),
            ("u32 a, b", ",", "at a time"),
            ("u32 a : 3", ":", "Bit fields"),
            ("u32 ä", "ä", "as in C"),
            ("u32 a; u64 a", "u64 a", "Rename"),
            ("u8 a; u8 b[65536]", "u8 b[65536]", "65536 bytes"),
            ("u64 a[0xffffffff][0xffffffff]", "u64 a[0xffffffff][0xffffffff]", "65536 bytes"),
            (" ; ;", " ; ;", "as in C"),
            ("packed ", "packed ", "as in C"),
        ] {
            let found = Declared::read(text).expect_err(text);
            let [(at, message, help)] = &found[..] else { panic!("{text}: {found:?}") };
            assert_eq!(&text[at.clone()], place, "{text}: {message}");
            assert!(help.contains(says), "{text}: {help}");
        }
        assert_eq!(Declared::read("u23 a; u32 b[0]; u8 c").expect_err("both").len(), 2);
    }
}
