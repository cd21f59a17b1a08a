//! Unusual cases of drawing. The fuzzers verify that any file can be drawn.

use std::path::Path;

use super::Drawing;
use crate::{chain::Chain, inert};

#[test]
fn a_terminal_finds_nothing_to_obey() {
    // In the text, in what is said of it, and in the file's name; the label stays below its word.
    let text = "name = \"x\"\n\"b\u{202e}\u{ad}2J\" = 1\r\n\"c\u{200b}\u{feff}d\" = 1 # \u{85}\n";
    let found = Chain::parse(Path::new("a\u{1b}[31m.toml"), text.to_owned());
    let found = found.expect_err("no keys of a chain");
    let mut drawing = Drawing::new(100);
    let drawn: String = found.iter().map(|one| drawing.text(one)).collect();
    let drawn = anstream::adapter::strip_str(&drawn).to_string();
    assert!(drawn.chars().all(|letter| letter == '\n' || inert::is_visible(letter)), "{drawn}");
    assert!(drawn.contains(r"a\u{1b}[31m.toml:3:1"), "{drawn}");
    assert!(drawn.contains(r#""c\u{200b}\u{feff}d" = 1"#), "{drawn}");
}

#[test]
fn a_line_too_long_to_be_drawn_is_told_by_number() {
    let text = format!("name = \"x\"\nb = \"{}\"\n", "y".repeat(100_000));
    let found = Chain::parse(Path::new("long.toml"), text).expect_err("`b` is no key");
    let unknown = found.iter().find(|one| one.message.contains("`b`")).expect("it is told");
    let unknown = Drawing::new(100).text(unknown);
    assert!(unknown.contains("  long.toml:2:1  unknown key\n"), "{unknown}");
    assert!(unknown.len() < 500, "{unknown}");
}

#[test]
fn deep_nesting_is_refused() {
    let read = |text: String| {
        let found = Chain::parse(Path::new("deep.toml"), text).expect_err("too deep");
        assert!(found.iter().all(|one| !Drawing::new(100).text(one).is_empty()));
    };
    read(format!("a = {}", "[".repeat(100_000)));
    read(format!("a = {}", "{ a = ".repeat(100_000)));
    read(format!("[{}a]", "a.".repeat(100_000)));
    read(format!("{}a = 1", "a.".repeat(50_000)));
}
