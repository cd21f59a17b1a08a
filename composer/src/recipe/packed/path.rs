//! What files of a recipe may be called: the same on every file system, and harmless as a word of a command.

/// The longest path, as many bytes as one field of a tar's header has.
pub(super) const LONGEST: usize = 100;
/// The most names in a path.
const DEEPEST: usize = 8;

/// Why a path cannot be one of a file in a recipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::recipe) enum PathFault {
    #[error("it is empty")]
    Empty,
    #[error("it is absolute")]
    Absolute,
    #[error("it leaves the recipe")]
    Leaves,
    #[error("it has an empty name")]
    EmptyName,
    #[error("it has more than {LONGEST} bytes")]
    Long,
    #[error("it is nested more than {DEEPEST} deep")]
    Deep,
    #[error("a name begins with `.`")]
    Hidden,
    #[error("a name begins with {0:?}")]
    First(char),
    #[error("a name ends in `.`")]
    Last,
    #[error("it has {0:?}; letters, digits, `.`, `_`, `-` and `+` are allowed")]
    Letter(char),
}

/// Whether `path` can be one of a file in a recipe.
pub(in crate::recipe) fn portable(path: &str) -> Result<(), PathFault> {
    if path.is_empty() {
        return Err(PathFault::Empty);
    }
    if path.starts_with('/') {
        return Err(PathFault::Absolute);
    }
    if path.len() > LONGEST {
        return Err(PathFault::Long);
    }
    if path.split('/').count() > DEEPEST {
        return Err(PathFault::Deep);
    }
    path.split('/').try_for_each(name)
}

fn name(name: &str) -> Result<(), PathFault> {
    let allowed = |letter: &char| letter.is_ascii_alphanumeric() || "._-+".contains(*letter);
    match name.chars().next() {
        None => return Err(PathFault::EmptyName),
        Some('.') if name == ".." => return Err(PathFault::Leaves),
        Some('.') => return Err(PathFault::Hidden),
        // An option of a command.
        Some(first @ ('-' | '+')) => return Err(PathFault::First(first)),
        Some(_) => {}
    }
    if let Some(letter) = name.chars().find(|letter| !allowed(letter)) {
        return Err(PathFault::Letter(letter));
    }
    if name.ends_with('.') { Err(PathFault::Last) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::{PathFault::*, portable};

    #[test]
    fn paths_are_the_same_everywhere_or_refused() {
        let long = format!("{}/b.c", "a".repeat(97));
        for good in
            ["a", "chain.toml", "tests/udp-1.toml", "a/b/c/d/e/f/g/h", "LICENSE-MIT", "c++.c", "_x"]
        {
            assert_eq!(portable(good), Ok(()), "{good}");
        }
        for (wrong, why) in [
            ("", Empty),
            ("/etc/passwd", Absolute),
            ("../a", Leaves),
            ("a/../b", Leaves),
            ("a//b", EmptyName),
            ("a/", EmptyName),
            ("./a", Hidden),
            (".git/config", Hidden),
            ("-o", First('-')),
            ("a b", Letter(' ')),
            ("a\\b", Letter('\\')),
            ("a\u{202e}b", Letter('\u{202e}')),
            ("a\n", Letter('\n')),
            ("c:x", Letter(':')),
            ("ä", Letter('ä')),
            ("a.", Last),
            ("a/b/c/d/e/f/g/h/i", Deep),
            (&long, Long),
        ] {
            assert_eq!(portable(wrong), Err(why), "{wrong:?}");
        }
    }
}
