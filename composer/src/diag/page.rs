//! A page on each code: its meaning, the kernel's message, a wrong example and the correct one.
//!
//! `pages/NAME.md` contains the text: `explain` prints it, and `docs/diagnostics.md` is generated
//! from all of them. Tests compile and validate the examples.

use std::str::FromStr;

use super::{Code, nearest};

/// The explanation of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The code.
    pub code: Code,
    /// One line in lower case: `the chain file is not TOML`.
    pub title: &'static str,
    /// Its meaning.
    pub meaning: &'static str,
    /// The kernel's rule, its message and its source, if it is a rule of the kernel.
    pub kernel: Option<&'static str>,
    /// An example that causes it: blocks of TOML, C or a console.
    pub wrong: &'static str,
    /// The same as it should be.
    pub right: &'static str,
}

impl Code {
    /// The page on this code.
    #[must_use]
    pub fn page(self) -> Page {
        let text = self.text();
        let (first, body) = text.split_once('\n').unwrap_or((text, ""));
        let (_, title) = first.split_once(": ").unwrap_or(("", first));
        let section = |name: &str| {
            let (_, rest) = body.split_once(&format!("\n## {name}\n"))?;
            Some(rest.split("\n## ").next().unwrap_or(rest).trim())
        };
        Page {
            code: self,
            title,
            meaning: body.split("\n## ").next().unwrap_or(body).trim(),
            kernel: section("The kernel"),
            wrong: section("Wrong").unwrap_or_default(),
            right: section("Right").unwrap_or_default(),
        }
    }
}

/// A text that is no code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownCode {
    /// The code that was most likely meant.
    pub near: Option<Code>,
}

impl FromStr for Code {
    type Err = UnknownCode;

    /// Reads `FC0301`, `fc0301`, `0301` or `301`.
    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        let upper = text.to_uppercase();
        let digits = upper.strip_prefix("FC").unwrap_or(&upper);
        let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok());
        let found = number
            .flatten()
            .and_then(|number: u16| Self::ALL.iter().copied().find(|code| *code as u16 == number));
        found.ok_or_else(|| {
            let codes: Vec<_> = Self::ALL.iter().map(ToString::to_string).collect();
            let near = nearest(&format!("FC{digits:0>4}"), codes.iter().map(String::as_str));
            let place = near.and_then(|near| codes.iter().position(|code| code == near));
            UnknownCode { near: place.map(|place| Self::ALL[place]) } // both have the same order
        })
    }
}

/// A block of an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// `toml`, `c` or `console`.
    pub language: &'static str,
    /// Its contents, including the final newline.
    pub text: &'static str,
}

/// The blocks of an example, in order.
#[must_use]
pub fn blocks(example: &'static str) -> Vec<Block> {
    // Fences come in pairs, so that every second part is in a block.
    let parts = example.split("```").skip(1).step_by(2);
    parts
        .filter_map(|part| part.split_once('\n'))
        .map(|(language, text)| Block { language, text })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Code, UnknownCode, blocks};

    #[test]
    fn every_code_has_a_whole_page() {
        for code in Code::ALL {
            let page = code.page();
            assert!(code.text().starts_with(&format!("# {code}: {}\n\n", page.title)), "{code}");
            let title = page.title;
            assert!(!title.is_empty() && !title.ends_with('.'), "{code}: {title}");
            assert!(page.meaning.ends_with('.'), "{code}: {}", page.meaning);
            assert!(!blocks(page.wrong).is_empty(), "{code}");
            assert!(!blocks(page.right).is_empty(), "{code}");
            for block in blocks(page.wrong).into_iter().chain(blocks(page.right)) {
                assert!(["toml", "c", "console"].contains(&block.language), "{code}: {block:?}");
            }
            let known = ["The kernel", "Wrong", "Right"];
            for heading in code.text().lines().filter_map(|line| line.strip_prefix("## ")) {
                assert!(known.contains(&heading), "{code}: {heading}");
            }
            if let Some(kernel) = page.kernel {
                let source = "<https://github.com/torvalds/linux/blob/v6.";
                assert!(kernel.contains(source), "{code} names the kernel's source");
            }
            for line in code.text().lines() {
                assert!(line.chars().count() <= 100, "{code}: {line}");
            }
        }
    }

    #[test]
    fn a_code_is_read_in_each_of_its_forms() {
        for text in ["FC0301", "fc0301", "0301", "301", "FC301"] {
            assert_eq!(text.parse(), Ok(Code::PrototypeMismatch), "{text}");
        }
        for code in Code::ALL {
            assert_eq!(code.to_string().parse(), Ok(*code));
        }
    }

    #[test]
    fn what_is_no_code_is_mended_or_refused() {
        let near = |text: &str| text.parse::<Code>().map_err(|UnknownCode { near }| near);
        assert_eq!(near("FC03O1"), Err(Some(Code::PrototypeMismatch)));
        for text in ["", "FC", "+301", "nonsense", "99999", "٣٠١"] {
            assert!(near(text).is_err(), "{text}");
        }
        assert_eq!(near("nonsense"), Err(None));
    }
}
