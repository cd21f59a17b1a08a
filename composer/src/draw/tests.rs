//! What is drawn in another way than most. That whatever is in a file can be drawn, the fuzzers try.

use std::path::Path;

use super::{Drawing, inert};
use crate::chain::Chain;

#[test]
fn a_terminal_finds_nothing_to_obey() {
    let text = "a\u{1b}[31m\u{9b}\u{7f}b\tü\rx\r\n";
    assert_eq!(inert(text), "a?[31m·?b\tü?x\r\n");
    assert_eq!(inert(text).len(), text.len());
}

#[test]
fn a_line_too_long_to_be_drawn_is_told_by_number() {
    let text = format!("name = \"x\"\nb = \"{}\"\n", "y".repeat(100_000));
    let found = Chain::parse(Path::new("long.toml"), text).expect_err("`b` is no key");
    let unknown = found.iter().find(|one| one.message.contains("`b`")).expect("it is told");
    let unknown = Drawing::new(100).text(unknown);
    assert!(unknown.contains("  long.toml:2:1  not a key here\n"), "{unknown}");
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
