//! No text of a chain, of a path or of an argument reaches a terminal as anything but letters:
//! whatever verb shows it, however it is written.

mod common;

use std::fs;

use common::{objects, program};
use freplace_compose::inert::is_visible;

/// Clears the screen, blinks, rings; the same in one byte; turns the direction; hides.
const HOSTILE: &str = "\u{1b}[2J\u{1b}[95;5m\u{7}\u{9b}2J\u{202e}\u{2066}\u{200b}\u{feff}x";
/// The same as TOML writes it in a basic string.
const ESCAPED: &str = r"\u001b[2J\u001b[95;5m\u0007\u009b2J\u202e\u2066\u200b\ufeffx\nfake line";

/// A chain that is valid where no kernel is asked, with the text wherever such a chain may have it:
/// names and descriptions are anybody's words.
fn valid() -> String {
    format!(
        r#"
name = "name{ESCAPED}"
description = "description{ESCAPED}"

[host.connect]
object = "builtin:tcp"
program = "k_tcp_connect"
attach = {{ kprobe = "tcp_connect" }}

[host.point]
object = "builtin:xdp"
program = "xdp_host"
attach = {{ xdp = "lo" }}
"#
    )
}

/// Chains that are not, each with the text in a place of its own.
fn invalid() -> Vec<String> {
    let base = valid();
    let node =
        "object = \"builtin:tcp\"\nprogram = \"k_tcp_connect\"\nattach = { kprobe = \"x\" }\n";
    [
        format!("[host.\"id{ESCAPED}\"]\n{node}"),
        format!("[\"table{ESCAPED}\".x]\n{node}"),
        format!("[host.key]\n{node}\"key{ESCAPED}\" = 1\n"),
        format!("[stub.s]\nfunction = \"stub_handler\"\nhosts = [\"host{ESCAPED}\"]\n"),
        format!("[stub.s]\nfunction = \"function{ESCAPED}\"\nhosts = [\"connect\"]\n"),
        format!("[host.file]\nobject = \"{ESCAPED}.bpf.o\"\nprogram = \"p\"\nattach = {{ xdp = \"lo\" }}\n"),
        format!("[host.built]\nobject = \"builtin:{ESCAPED}\"\nprogram = \"p\"\nattach = {{ xdp = \"lo\" }}\n"),
        format!("[host.p]\nobject = \"builtin:tcp\"\nprogram = \"{ESCAPED}\"\nattach = {{ xdp = \"lo\" }}\n"),
        format!("[host.f]\nobject = \"builtin:tcp\"\nprogram = \"k_tcp_connect\"\nattach = {{ kprobe = \"function{ESCAPED}\" }}\n"),
        format!("[host.f]\nobject = \"builtin:xdp\"\nprogram = \"xdp_host\"\nattach = {{ xdp = \"interface{ESCAPED}\" }}\n"),
        format!("[host.hook]\nobject = \"builtin:tcp\"\nprogram = \"p\"\nattach = {{ \"{ESCAPED}\" = \"lo\" }}\n"),
        format!("[host.mode]\nobject = \"builtin:xdp\"\nprogram = \"xdp_host\"\nattach = {{ xdp = \"lo\", mode = \"{ESCAPED}\" }}\n"),
        format!("[tracer.t]\nfexit = \"connect\"\nwhere = \"{ESCAPED} == 1\"\n"),
        format!("[tracer.t]\nfexit = \"connect\"\nwhere = \"comm == '{ESCAPED}'\"\n"),
        format!("[tracer.t]\nfexit = \"connect\"\ncapture = [\"{ESCAPED}\"]\n"),
        format!("[tracer.t]\nfentry = \"{ESCAPED}\"\n"),
        format!("[host.text]\n{node}text = \"{ESCAPED}{{x:{ESCAPED}}}\"\n"),
        format!("[host.map]\n{node}events = {{ map = \"{ESCAPED}\", type = \"{ESCAPED}\" }}\n"),
    ]
    .into_iter()
    .map(|part| base.clone() + "\n" + &part)
    .chain([
        format!("requires = {{ kernel = \"{ESCAPED}\" }}\n{base}"),
        format!("buffer = \"{ESCAPED}\"\n{base}"),
        // Not even TOML, and not escaped.
        format!("{base}\n# {HOSTILE}\nx = {HOSTILE}\n"),
    ])
    .collect()
}

/// What `output` would have a terminal obey, or hides; colours of our own are none of it.
fn obeyed(output: &[u8]) -> Vec<char> {
    let text = String::from_utf8_lossy(output);
    let mut found = Vec::new();
    let mut rest = text.as_ref();
    while let Some(letter) = rest.chars().next() {
        rest = &rest[letter.len_utf8()..];
        if let Some(sequence) = (letter == '\u{1b}').then(|| rest.strip_prefix('[')).flatten() {
            let end = sequence.find(|letter: char| !letter.is_ascii_digit() && letter != ';');
            let (number, end) = sequence.split_at(end.unwrap_or(0));
            if end.starts_with('m') && number != "95;5" {
                rest = &end[1..];
                continue;
            }
        }
        if letter != '\n' && !is_visible(letter) {
            found.push(letter);
        }
    }
    found
}

#[test]
fn the_search_finds_what_is_there() {
    assert_eq!(obeyed(HOSTILE.as_bytes()).len(), 8);
    assert!(obeyed("\u{1b}[1;32mgood\u{1b}[0m\n".as_bytes()).is_empty());
}

#[test]
fn no_verb_lets_the_text_of_a_chain_through() {
    let folder = objects().join("terminal");
    fs::create_dir_all(&folder).expect("writable");
    let mut chains = invalid();
    chains.push(valid());
    for (number, text) in chains.iter().enumerate() {
        // The file's own name is text, too.
        let file = format!("{number}{HOSTILE}.toml");
        fs::write(folder.join(&file), text).expect("writable");
        for words in [
            &["validate"] as &[&str],
            &["validate", "--format", "json"],
            &["validate", "--kernel", "6.1,6.12"],
            &["plan"],
            &["plan", "--format", "json"],
            &["graph"],
            &["graph", "--format", "dot"],
            &["graph", "--format", "mermaid"],
            &["graph", "--format", "json"],
            &["up", "--dry-run"],
            &["up", "--dry-run", "--format", "json"],
            &["up", "--only", HOSTILE],
            &["up", "--output", "no/such/folder"],
            &["up", "--vm=/no/such/kernel"],
            &["inspect"],
        ] {
            for color in ["never", "always"] {
                let mut command = program(&folder, &["--color", color]);
                let output = command.args(words).arg(&file).output().expect("it starts");
                for text in [&output.stdout, &output.stderr] {
                    let said = String::from_utf8_lossy(text);
                    assert!(obeyed(text).is_empty(), "{words:?} {color} of {number}: {said}");
                    let faked = said.lines().any(|line| line.starts_with("fake line"));
                    assert!(!faked, "{words:?} {color} of {number}: {said}");
                }
            }
        }
    }
}

/// The object called `name` with each of `names` in the place of one as long.
fn renamed(name: &str, names: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = fs::read(objects().join(name)).expect("it was compiled");
    for (old, new) in names {
        assert_eq!(old.len(), new.len());
        let whole = format!("\0{old}\0");
        let places = bytes.windows(whole.len()).enumerate();
        let places: Vec<_> =
            places.filter(|(_, part)| *part == whole.as_bytes()).map(|(at, _)| at + 1).collect();
        assert!(!places.is_empty(), "{old}");
        for at in places {
            bytes[at..at + new.len()].copy_from_slice(new.as_bytes());
        }
    }
    bytes
}

#[test]
fn no_name_in_an_object_is_let_through() {
    let folder = objects().join("terminal");
    fs::create_dir_all(&folder).expect("writable");
    let names = [("ctx", "\u{200b}"), ("verdict", "ver\u{202e}t"), ("label", "l\nbel")];
    fs::write(folder.join("names.bpf.o"), renamed("data.bpf.o", &names)).expect("writable");
    let chain = "[host.h]\nobject = \"names.bpf.o\"\nprogram = \"filter\"\n\
                 attach = { xdp = \"lo\" }\n[stub.s]\nfunction = \"ver\\u202et\"\n\
                 hosts = [\"h\"]\n[tracer.t]\nfexit = \"h\"\ncapture = [\"none\"]\n";
    fs::write(folder.join("names.toml"), chain).expect("writable");
    let plain = chain.replace("capture = [\"none\"]", "");
    fs::write(folder.join("plain.toml"), plain).expect("writable");
    for words in [
        &["inspect", "names.bpf.o"] as &[&str],
        &["inspect", "--format", "json", "names.bpf.o"],
        &["validate", "names.toml"],
        &["validate", "--format", "json", "names.toml"],
        &["plan", "plain.toml"],
        &["plan", "--format", "json", "plain.toml"],
        &["graph", "plain.toml"],
    ] {
        let output = common::run(&folder, words);
        assert!(!output.stdout.is_empty() || !output.stderr.is_empty(), "{words:?}");
        for text in [&output.stdout, &output.stderr] {
            let said = String::from_utf8_lossy(text);
            assert!(obeyed(text).is_empty(), "{words:?}: {said}");
            assert!(!said.lines().any(|line| line.starts_with("bel")), "{words:?}: {said}");
        }
    }
    let said = common::shown(&common::run(&folder, &["inspect", "names.bpf.o"]));
    assert!(said.contains(r"*\u{200b})"), "{said}");
}

#[test]
fn what_is_shown_can_be_read() {
    let folder = objects().join("terminal");
    fs::create_dir_all(&folder).expect("writable");
    fs::write(folder.join("valid.toml"), valid()).expect("writable");
    let run = |words: &[&str]| {
        let output = common::run(&folder, words);
        assert_eq!(output.status.code(), Some(0), "{}", common::shown(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let escaped = r"\u{1b}[2J\u{1b}[95;5m\u{7}\u{9b}2J\u{202e}\u{2066}\u{200b}\u{feff}x\nfake line";
    for words in [&["plan", "valid.toml"], &["graph", "valid.toml"]] {
        let said = run(words);
        assert!(said.contains(&format!("name{escaped}")), "{said}");
    }
    // What can be no name is told where it stands.
    let wrong = valid().replace("\"tcp_connect\"", &format!("\"function{ESCAPED}\""));
    fs::write(folder.join("wrong.toml"), wrong).expect("writable");
    let output = common::run(&folder, &["validate", "--format", "json", "wrong.toml"]);
    assert_eq!(output.status.code(), Some(3), "{}", common::shown(&output));
    let results: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let found = &results[0]["diagnostics"];
    assert_eq!(found.as_array().map(Vec::len), Some(1), "{found}");
    assert_eq!(found[0]["code"], "FC0006");
    assert_eq!(found[0]["labels"][0]["line"], 8);
    let message = format!("`function{escaped}` is not a valid name of a kernel function");
    assert_eq!(found[0]["message"], message);
    // JSON holds the very text.
    let graph: serde_json::Value =
        serde_json::from_str(&run(&["graph", "--format", "json", "valid.toml"])).expect("JSON");
    assert_eq!(graph["chain"], format!("name{HOSTILE}\nfake line"));
}
