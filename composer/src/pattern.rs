//! Patterns of names: `*` is any number of letters, `?` is one, and commas separate several.

/// Several names, as a pattern says them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NamePattern<'a>(&'a str);

impl<'a> NamePattern<'a> {
    /// The pattern `text`; a name alone is one, too.
    pub(crate) fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// Whether `text` may stand for several names.
    pub(crate) fn is_several(text: &str) -> bool {
        text.contains(['*', '?', ','])
    }

    /// Its parts, each a name or a pattern without commas.
    pub(crate) fn parts(self) -> impl Iterator<Item = &'a str> + Clone {
        self.0.split(',').map(str::trim)
    }

    /// Whether it says `name`.
    pub(crate) fn matches(self, name: &str) -> bool {
        self.parts().any(|part| matches(part.as_bytes(), name.as_bytes()))
    }
}

/// Whether `name` is what `pattern` says: `*` is any number of letters, `?` is one.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut in_name) = (0, 0);
    // Where to go on when a `*` takes one letter more.
    let mut star = None;
    while in_name < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at + 1, in_name));
                at += 1;
            }
            Some(letter) if *letter == b'?' || *letter == name[in_name] => {
                at += 1;
                in_name += 1;
            }
            _ => {
                let Some((behind, taken)) = star else { return false };
                star = Some((behind, taken + 1));
                (at, in_name) = (behind, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(|letter| *letter == b'*')
}

#[cfg(test)]
mod tests {
    use super::NamePattern;

    #[test]
    fn a_pattern_is_a_name_with_stars_and_question_marks() {
        let is = |pattern: &str, name: &str| NamePattern::new(pattern).matches(name);
        assert!(is("tcp_*", "tcp_connect") && is("*", "x") && is("tcp_connect", "tcp_connect"));
        assert!(is("udp_*, tcp_?", "tcp_a"));
        assert!(is("*_c?nnect", "tcp_v4_connect") && is("a*b*c", "a-b-b-c"));
        assert!(!is("tcp_*", "udp_send") && !is("tcp", "tcp_") && !is("t?", "t"));
    }
}
