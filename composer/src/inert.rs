//! Makes text from other sources harmless for a terminal: control characters and invisible ones are
//! shown as escapes.
//!
//! The only module that defines these characters. All output uses it: the command line for
//! everything that it prints, `draw` for diagnostics, `event` for what programs wrote.

use std::{borrow::Cow, fmt::Write as _};

/// Whether `letter` stands for itself on a screen: no control character (C0, DEL, C1), none that
/// turns the direction of what follows, none without a width of its own that joins, hides or
/// splits what is around it.
///
/// Combining marks and the selectors of emoji are text, and stay.
/// <https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing>
#[must_use]
pub fn is_visible(letter: char) -> bool {
    match letter {
        ' '..='~' => true,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' => {
            false
        }
        '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' => false,
        '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' => false,
        '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' => false,
        other => !other.is_control(),
    }
}

/// `text` with `\u{1b}` instead of ESC, and so on; line ends and tabs stay.
#[must_use]
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |letter| matches!(letter, '\n' | '\t'))
}

/// The same as one line: `\n` and `\t` in the place of line ends and tabs.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, |_| false)
}

/// A whole JSON text, with `\u001b` instead of ESC in strings, and so on: the values remain the
/// same.
#[must_use]
pub fn json(text: &str) -> Cow<'_, str> {
    // A tab or a line end between values is white space; within a string it was escaped before.
    replaced(text, |letter| matches!(letter, '\n' | '\t' | '\r'), unit)
}

/// The text as a string of TOML. Those of JSON are the same, but for one letter.
#[must_use]
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

fn escaped(text: &str, stays: impl Fn(char) -> bool) -> Cow<'_, str> {
    replaced(text, stays, |letter, out| out.extend(letter.escape_default()))
}

/// The text with `escape` of each letter that is neither visible nor one that `stays`.
fn replaced(
    text: &str,
    stays: impl Fn(char) -> bool,
    escape: impl Fn(char, &mut String),
) -> Cow<'_, str> {
    let is_good = |letter: char| is_visible(letter) || stays(letter);
    let Some(first) = text.find(|letter| !is_good(letter)) else { return Cow::Borrowed(text) };
    let (good, rest) = text.split_at(first);
    let mut out = good.to_owned();
    for letter in rest.chars() {
        match is_good(letter) {
            true => out.push(letter),
            false => escape(letter, &mut out),
        }
    }
    Cow::Owned(out)
}

/// Writes `letter` as JSON escapes: `\u202e`, two of them beyond 16 bits.
pub fn unit(letter: char, out: &mut String) {
    for unit in letter.encode_utf16(&mut [0; 2]) {
        let _ = write!(out, "\\u{unit:04x}"); // a String takes everything
    }
}

#[cfg(test)]
mod tests {
    use super::{is_visible, json, line, lines};

    #[test]
    fn what_a_terminal_obeys_and_what_nobody_sees_is_escaped() {
        assert_eq!(line("a\u{1b}[31m\u{9b}2J\u{7}\u{7f}"), r"a\u{1b}[31m\u{9b}2J\u{7}\u{7f}");
        assert_eq!(
            line("\u{202e}cba\u{2066}\u{200b}\u{feff}"),
            r"\u{202e}cba\u{2066}\u{200b}\u{feff}"
        );
        assert_eq!(line("a\tb\r\n"), r"a\tb\r\n");
        assert_eq!(lines("a\tb\r\n"), "a\tb\\r\n");
        assert_eq!(lines("grüße → 東京 ⚠\u{fe0f} e\u{301}"), "grüße → 東京 ⚠\u{fe0f} e\u{301}");
    }

    #[test]
    fn json_keeps_its_values() {
        let value = serde_json::json!({ "a\u{9b}": "\u{1b}\u{202e}\u{e0041}\u{7f}\t\"\\" });
        let text = serde_json::to_string_pretty(&value).expect("it is JSON");
        let shown = json(&text);
        assert!(shown.chars().all(|letter| is_visible(letter) || letter == '\n'), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).expect("still JSON"), value);
    }
}
