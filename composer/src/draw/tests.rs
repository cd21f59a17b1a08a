//! Whatever is in a chain file, reading it ends with a chain or with diagnostics that can be drawn.

use std::path::Path;

use proptest::{prelude::*, sample::Index, test_runner::Config};

use super::Drawing;
use crate::{
    chain::Chain,
    check::{self, Kernels},
    diag::Diagnostic,
};

const CHAINS: [&str; 3] = [
    include_str!("../../../chains/tcp.toml"),
    include_str!("../../../chains/tcp-map.toml"),
    include_str!("../../../chains/xdp.toml"),
];

/// One change to a file. The indices are of its bytes, its lines, or another chain's bytes.
#[derive(Debug, Clone)]
enum Change {
    Byte(Index, u8),
    Insert(Index, String),
    Delete(Index, usize),
    SwapLines(Index, Index),
    RepeatLine(Index, Index),
    Splice(Index, usize, Index, usize),
}

fn changes() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    let telling = prop::sample::select(vec![
        "\"",
        "'",
        "\"\"\"",
        "[",
        "]",
        "[[",
        "]]",
        "{",
        "}",
        "=",
        ",",
        ".",
        "#",
        "\n",
        "\r",
        "\0",
        "\\u",
        "ü",
        "日",
        "\u{301}",
        "\u{1b}[31m",
        "host",
        "stub",
        "[host]",
        "x = 1\n",
        "é=1",
        "1e400",
        "-",
        "00:00",
        "\"\"",
        "[host.ü]\n",
        "[tracer.\"\"]\n",
        "fentry = \"before\"\n",
    ]);
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        (at(), telling).prop_map(|(at, text)| Change::Insert(at, text.to_owned())),
        (at(), "\\PC{0,6}").prop_map(|(at, text)| Change::Insert(at, text)),
        (at(), 1_usize..40).prop_map(|(at, length)| Change::Delete(at, length)),
        (at(), at()).prop_map(|(one, other)| Change::SwapLines(one, other)),
        (at(), at()).prop_map(|(one, other)| Change::RepeatLine(one, other)),
        (at(), 0_usize..200, at(), 0_usize..3)
            .prop_map(|(from, length, to, chain)| Change::Splice(from, length, to, chain)),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    let place = |bytes: &Vec<u8>, at: &Index| at.index(bytes.len() + 1);
    let lines = |bytes: &Vec<u8>| -> Vec<Vec<u8>> {
        bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
    };
    match change {
        Change::Byte(at, byte) => {
            let at = place(bytes, at);
            if let Some(found) = bytes.get_mut(at) {
                *found = *byte;
            }
        }
        Change::Insert(at, text) => {
            let at = place(bytes, at);
            bytes.splice(at..at, text.bytes());
        }
        Change::Delete(at, length) => {
            let at = place(bytes, at);
            bytes.drain(at..(at + length).min(bytes.len()));
        }
        Change::SwapLines(one, other) | Change::RepeatLine(one, other) => {
            let mut lines = lines(bytes);
            if lines.is_empty() {
                return;
            }
            let (one, other) = (one.index(lines.len()), other.index(lines.len()));
            match change {
                Change::SwapLines(..) => lines.swap(one, other),
                _ => lines.insert(other, lines[one].clone()),
            }
            *bytes = lines.concat();
        }
        Change::Splice(from, length, to, chain) => {
            let other = CHAINS[*chain].as_bytes();
            let from = from.index(other.len());
            let to = place(bytes, to);
            bytes.splice(to..to, other[from..(from + length).min(other.len())].iter().copied());
        }
    }
}

/// Every place lies within its text, and the whole can be drawn.
fn look_at(found: &[Diagnostic]) {
    assert!(!found.is_empty());
    for diagnostic in found {
        for label in &diagnostic.labels {
            let marked = label.source.text.get(label.span.clone());
            assert!(marked.is_some(), "{:?} of {diagnostic:?}", label.span);
        }
        let drawn = anstream::adapter::strip_str(&Drawing::new(100).text(diagnostic)).to_string();
        let first = diagnostic.message.split(char::is_control).next().unwrap_or_default();
        let word = first.split(' ').next().unwrap_or_default();
        assert!(drawn.contains(word), "{drawn}");
        assert!(!drawn.contains('\u{1b}') && !drawn.contains('\u{9b}'), "{drawn:?}");
        assert!(Drawing::new(100).json(diagnostic)["message"].is_string());
    }
    let first = |one: &Diagnostic| one.labels.first().map_or(0, |label| label.span.start);
    assert!(found.is_sorted_by_key(first), "in the order of the file");
}

fn read(text: String) {
    match Chain::parse(Path::new("chains/mutated.toml"), text) {
        Err(found) => look_at(&found),
        Ok(chain) => {
            // Its objects may have become paths that lead nowhere, which is a diagnostic too.
            if let Err(found) = check::open(&chain, &Kernels::default()) {
                look_at(&found);
            }
        }
    }
}

proptest! {
    #![proptest_config(Config { cases: 600, failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_changed_chain_file_is_read_or_refused(
        chain in 0_usize..3,
        changes in prop::collection::vec(changes(), 1..6),
    ) {
        let mut bytes = CHAINS[chain].as_bytes().to_vec();
        for change in &changes {
            apply(&mut bytes, change);
        }
        read(String::from_utf8_lossy(&bytes).into_owned());
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(?s).{0,80}") {
        read(text);
    }

    #[test]
    fn any_line_of_toml_is_read_or_refused(
        lines in prop::collection::vec("[\\[\\]{}\"'=,.#a-c0-9\\-_ \\\\ü]{0,20}", 0..8)
    ) {
        read(lines.join("\n"));
    }
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
    read(format!("a = {}", "[".repeat(100_000)));
    read(format!("a = {}", "{ a = ".repeat(100_000)));
    read(format!("[{}a]", "a.".repeat(100_000)));
    read(format!("{}a = 1", "a.".repeat(50_000)));
}
