//! Matches lines with format strings of `bpf_printk`.
//!
//! The formats that the kernel supports:
//! <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/helpers.c>, `bpf_bprintf_prepare`.

/// Lines as long as this may have been cut; the kernel's own buffer has at least so many bytes.
const CUT: usize = 511;

/// A format, up to the end of its first line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FormatString(Vec<FormatPart>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum FormatPart {
    Literal(Vec<u8>),
    /// A number in decimal.
    Decimal,
    /// A number in hexadecimal.
    Hex,
    /// One character.
    Letter,
    /// Text, an address or a pointer.
    Any,
}

impl FormatString {
    pub(super) fn new(format: &[u8]) -> Self {
        let line = format.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let mut parts = Vec::new();
        let mut literal = Vec::new();
        let mut bytes = line.iter().copied().peekable();
        while let Some(byte) = bytes.next() {
            if byte != b'%' || bytes.next_if_eq(&b'%').is_some() {
                literal.push(byte);
                continue;
            }
            // Flags, width, and the length of the argument.
            while bytes.next_if(|byte| b"-+ #0123456789.lhz".contains(byte)).is_some() {}
            if !literal.is_empty() {
                parts.push(FormatPart::Literal(std::mem::take(&mut literal)));
            }
            parts.push(match bytes.next() {
                Some(b'd' | b'i' | b'u') => FormatPart::Decimal,
                Some(b'x' | b'X') => FormatPart::Hex,
                Some(b'c') => FormatPart::Letter,
                Some(b'p') => {
                    // %pI4, %px, %pks; a letter that is no more of it is text that Any takes in.
                    while bytes.next_if(u8::is_ascii_alphanumeric).is_some() {}
                    FormatPart::Any
                }
                _ => FormatPart::Any,
            });
        }
        if !literal.is_empty() {
            parts.push(FormatPart::Literal(literal));
        }
        Self(parts)
    }

    /// Whether `line` can have been made by this format.
    pub(super) fn fits(&self, line: &[u8]) -> bool {
        // Where in the line the parts so far may end.
        let mut ends = vec![false; line.len() + 1];
        ends[0] = true;
        let mut is_cut = false;
        for part in &self.0 {
            let mut next = vec![false; line.len() + 1];
            for start in (0..=line.len()).filter(|start| ends[*start]) {
                part.ends(&line[start..], &mut |length| next[start + length] = true);
                if let FormatPart::Literal(text) = part {
                    is_cut |= text.starts_with(&line[start..]);
                }
            }
            is_cut |= next[line.len()];
            ends = next;
        }
        ends[line.len()] || (line.len() >= CUT && is_cut)
    }
}

impl FormatPart {
    /// Hands over every length that this part may have at the beginning of `rest`.
    fn ends(&self, rest: &[u8], each: &mut dyn FnMut(usize)) {
        match self {
            Self::Literal(text) if rest.starts_with(text) => each(text.len()),
            Self::Literal(_) => {}
            Self::Letter => {
                if !rest.is_empty() {
                    each(1);
                }
            }
            Self::Any => (0..=rest.len()).for_each(each),
            Self::Decimal | Self::Hex => {
                let is_digit = |byte: &u8| match self {
                    Self::Hex => byte.is_ascii_hexdigit() || *byte == b'x' || *byte == b'X',
                    _ => byte.is_ascii_digit() || *byte == b'-' || *byte == b'+',
                };
                // Blanks where a width was given.
                let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
                let digits = rest[blanks..].iter().take_while(|byte| is_digit(byte)).count();
                (1..=digits).for_each(|digits| each(blanks + digits));
                if digits > 0 {
                    let after = &rest[blanks + digits..];
                    let after = after.iter().take_while(|byte| **byte == b' ').count();
                    (1..=after).for_each(|after| each(blanks + digits + after));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FormatString;

    #[test]
    fn a_line_fits_the_format_that_made_it() {
        for (format, line, fits) in [
            ("pid %d did it", "pid 12 did it", true),
            ("pid %d did it", "pid x did it", false),
            ("pid %d did it", "pid 12 did", false),
            ("%s: %s", "a: b: c", true),
            ("%5d|%-5d|", "   12|7    |", true),
            ("%llx %#x", "ff 0x1f", true),
            ("100%% of %lu", "100% of 3", true),
            ("from %pI4 to %pI4", "from 10.0.0.1 to 1.1.1.1", true),
            ("two\nlines", "two", true),
            ("", "", true),
            ("", "x", false),
            ("%c%c", "ab", true),
            ("%c%c", "a", false),
        ] {
            assert_eq!(
                FormatString::new(format.as_bytes()).fits(line.as_bytes()),
                fits,
                "{format} {line}"
            );
        }
    }

    #[test]
    fn a_long_line_may_have_been_cut() {
        let line = format!("name {}", "x".repeat(600));
        assert!(FormatString::new(b"name %s, and more").fits(line.as_bytes()));
        assert!(!FormatString::new(b"nome %s, and more").fits(line.as_bytes()));
        assert!(!FormatString::new(b"name %s, and more").fits(b"name x"));
    }
}
