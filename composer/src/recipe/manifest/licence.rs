//! The form of SPDX licence expressions.
//! <https://spdx.github.io/spdx-spec/v3.0.1/annexes/spdx-license-expressions/>

/// Reads an expression: names with `AND`, `OR`, `WITH` between them, in parentheses. Which names there are is left to
/// those who list them.
pub(super) fn expression(text: &str) -> Result<String, &'static str> {
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let (mut depth, mut wants_name) = (0_usize, true);
    for word in spaced.split(' ').filter(|word| !word.is_empty()) {
        wants_name = match (word, wants_name) {
            ("(", true) => {
                depth += 1;
                true
            }
            (")", false) if depth > 0 => {
                depth -= 1;
                false
            }
            ("AND" | "OR" | "WITH", false) => true,
            ("AND" | "OR" | "WITH" | "(" | ")", _) => return Err(FORM),
            (name, true) if is_name(name) => false,
            _ => return Err(FORM),
        };
    }
    if depth > 0 || wants_name { Err(FORM) } else { Ok(text.to_owned()) }
}

const FORM: &str = "not an SPDX licence expression";

fn is_name(word: &str) -> bool {
    let letter = |letter: char| letter.is_ascii_alphanumeric() || "-.:".contains(letter);
    let word = word.strip_suffix('+').unwrap_or(word);
    !word.is_empty() && word.chars().all(letter)
}

#[cfg(test)]
mod tests {
    use super::expression;

    #[test]
    fn expressions_have_names_and_words_in_turns() {
        for good in [
            "MIT",
            "MIT OR Apache-2.0",
            "GPL-2.0+",
            "GPL-2.0-only WITH Linux-syscall-note",
            "(MIT OR Apache-2.0) AND (GPL-2.0-only)",
            "LicenseRef-own",
        ] {
            assert!(expression(good).is_ok(), "{good}");
        }
        for wrong in [
            "",
            " ",
            "MIT Apache-2.0",
            "MIT OR",
            "AND MIT",
            "(MIT",
            "MIT)",
            "()",
            "MIT/X",
            "+",
            "MIT\n",
        ] {
            assert!(expression(wrong).is_err(), "{wrong}");
        }
    }
}
