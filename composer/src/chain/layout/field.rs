//! One declaration of a layout: `char comm[16]`.

use crate::{chain::text::TextError, diag::nearest};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DeclaredField {
    pub(super) name: String,
    pub(super) of: &'static Scalar,
    /// From the outermost array to the innermost.
    pub(super) lengths: Vec<u32>,
    /// Bytes from the start.
    pub(super) offset: u32,
}

/// A type without parts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scalar {
    /// As BTF has it.
    pub(super) name: &'static str,
    pub(super) bytes: u32,
    /// As BTF has it: 1 with a sign, 4 `bool`.
    pub(super) encoding: u32,
    /// Whether `name` is a typedef, which says that the bytes are in network order.
    pub(super) typedef: bool,
    /// The names allowed in a layout; of C's own names, only the shortest.
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
    integer("unsigned int", 4, 0, &["u32", "__u32", "uint32_t", "unsigned", "uid_t", "gid_t"]),
    integer(
        "unsigned long",
        8,
        0,
        &["u64", "__u64", "uint64_t", "unsigned long", "unsigned long long", "size_t"],
    ),
    integer("signed char", 1, 1, &["s8", "__s8", "int8_t", "signed char"]),
    integer("short", 2, 1, &["s16", "__s16", "int16_t", "short"]),
    integer("int", 4, 1, &["s32", "__s32", "int32_t", "int", "signed", "pid_t"]),
    integer("long", 8, 1, &["s64", "__s64", "int64_t", "long", "long long", "ssize_t"]),
    network("__be16", 2, &["__be16"]),
    network("__be32", 4, &["__be32"]),
    network("__be64", 8, &["__be64"]),
];

const EXAMPLE: &str = "Declare it as in C: u32 saddr, char comm[16].";

/// Reads `char comm[16]`, which begins at byte `at` of the layout; its offset is not known yet.
pub(super) fn declaration(text: &str, at: usize) -> Result<DeclaredField, TextError> {
    let (head, brackets) = text.split_at(text.find('[').unwrap_or(text.len()));
    if let Some((place, letter)) = head.char_indices().find(|(_, letter)| is_strange(*letter)) {
        let message = format!("unexpected `{}` in a declaration", letter.escape_debug());
        let place = at + place;
        return Err((place..place + letter.len_utf8(), message, instead_of(letter).to_owned()));
    }
    let words: Vec<&str> = head.split_whitespace().collect();
    let all = words.join(" ");
    let whole = at..at + head.trim_end().len();
    let Some((name, of)) = words.split_last() else {
        let message = "missing type and name in a declaration".to_owned();
        return Err((at..at + text.len(), message, EXAMPLE.to_owned()));
    };
    if scalar(&words).is_some() || (!of.is_empty() && scalar(&[*name]).is_some()) {
        return Err((whole, format!("missing name in `{all}`"), EXAMPLE.to_owned()));
    }
    if of.is_empty() {
        let message = format!("`{all}` is not a declaration of a type and a name");
        return Err((whole, message, EXAMPLE.to_owned()));
    }
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        let message = format!("`{name}` is not a valid field name");
        return Err((whole, message, EXAMPLE.to_owned()));
    }
    let Some(scalar) = scalar(of) else {
        let message = format!("unknown type `{}` in a layout", of.join(" "));
        let before = head.trim_end().len() - name.len();
        return Err((at..at + head[..before].trim_end().len(), message, known_types(of)));
    };
    let lengths = lengths(brackets, at + head.len())?;
    Ok(DeclaredField { name: (*name).to_owned(), of: scalar, lengths, offset: 0 })
}

fn is_strange(letter: char) -> bool {
    !letter.is_ascii_alphanumeric() && letter != '_' && !letter.is_whitespace()
}

/// What to write when a letter is not of a name.
fn instead_of(letter: char) -> &'static str {
    match letter {
        '*' => "A pointer is a number of 8 bytes: declare it as u64.",
        ':' => "Bit fields cannot be shown: declare the integer that contains them.",
        ',' => "Declare one field at a time: u16 sport; u16 dport.",
        '{' | '}' => "Write the fields only, without the struct and braces around them.",
        '(' | ')' => "For a struct without gaps, write `packed` before the first field.",
        _ => EXAMPLE,
    }
}

fn known_types(words: &[&str]) -> String {
    match words {
        ["struct" | "union", ..] => "Declare its fields one by one.".to_owned(),
        ["enum", ..] => "Declare an enum as u32. `text` shows the names of its values if they are \
                         in BTF: {kind:enum NAME}."
            .to_owned(),
        _ => {
            let known = SCALARS.iter().flat_map(|scalar| scalar.words).copied();
            match nearest(&words.join(" "), known) {
                Some(near) => format!("Did you mean `{near}`?"),
                None => "Valid types are: u8 to u64, s8 to s64, __be16 to __be64, char, bool, and \
                         C's own integers."
                    .to_owned(),
            }
        }
    }
}

/// Reads `[2][16]`, which begins at byte `at` of the layout.
fn lengths(brackets: &str, at: usize) -> Result<Vec<u32>, TextError> {
    let mut lengths = Vec::new();
    let mut rest = brackets;
    while !rest.is_empty() {
        let inner = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let length = inner.and_then(|(inner, _)| length(inner.trim()));
        let (Some((_, after)), Some(length), true) = (inner, length, lengths.len() < 2) else {
            let begin = at + brackets.len() - rest.len();
            let message = format!("`{}` is not a valid array length", rest.escape_debug());
            let help = "Write one or two lengths as numbers of at least 1: char comm[16], u16 \
                        ports[2][4].";
            return Err((begin..at + brackets.len(), message, help.to_owned()));
        };
        lengths.push(length);
        rest = after.trim_start();
    }
    Ok(lengths)
}

/// The type that C calls so: words of an integer stand in any order, and `int` only where it is
/// alone (`long unsigned int`, as bpftool writes it).
fn scalar(words: &[&str]) -> Option<&'static Scalar> {
    let mut words = words.to_vec();
    let is_sign = |word: &str| matches!(word, "signed" | "unsigned");
    let of_int = |word: &str| is_sign(word) || matches!(word, "short" | "int" | "long");
    if words.len() > 1 && words.iter().all(|word| of_int(word)) {
        let int = words.iter().position(|word| *word == "int");
        int.map(|int| words.remove(int));
        let sign = words.iter().position(|word| *word == "signed");
        sign.filter(|_| words.len() > 1).map(|sign| words.remove(sign));
    }
    words.sort_by_key(|word| !is_sign(word));
    let written = words.join(" ");
    SCALARS.iter().find(|scalar| scalar.words.contains(&written.as_str()))
}

/// A number from 1 on, as C reads it.
fn length(text: &str) -> Option<u32> {
    let is_hex = text.starts_with("0x") || text.starts_with("0X");
    let (digits, radix) = match text {
        _ if is_hex => (&text[2..], 16),
        _ if text.starts_with('0') => (text, 8),
        _ => (text, 10),
    };
    let number = u32::from_str_radix(digits, radix).ok();
    number.filter(|number| *number > 0 && !digits.starts_with('+'))
}
