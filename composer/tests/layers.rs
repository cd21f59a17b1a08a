//! The layers keep apart: which source may name what.

#[allow(dead_code, missing_docs, unreachable_pub, reason = "other tests use all of it")]
#[path = "common/place.rs"]
mod place;

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The Rust files below `folder` of the sources, without those that hold tests only.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("it is readable").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") && name != "damage.rs" {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The code of a file: no comments, and not the tests at its end.
fn code(path: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(path).expect("it is readable");
    let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line));
    // A module of tests in a file of its own is declared by name; one in place ends the file.
    let mut lines = lines.peekable();
    let mut found = Vec::new();
    while let Some((number, line)) = lines.next() {
        let next = lines.peek().map(|(_, next)| next.trim()).unwrap_or_default();
        if line.trim() == "#[cfg(test)]" && next == "mod tests {" {
            break;
        }
        let code = line.split("//").next().unwrap_or_default();
        found.push((number, code.to_owned()));
    }
    found
}

/// Whether `text` names `word` as a word or path of its own.
fn names(text: &str, word: &str) -> bool {
    let is_part = |letter: Option<char>| {
        letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
    };
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        let starts_free = !is_part(before.chars().next_back());
        starts_free && !is_part(after.chars().next().filter(|_| !word.ends_with("::")))
    })
}

/// Where the sources below `folders` name one of `words`.
fn offences(folders: &[&str], words: &[&str]) -> Vec<String> {
    let root = place::workspace().join("composer/src");
    let mut found = Vec::new();
    for path in folders.iter().flat_map(|folder| {
        let path = root.join(folder);
        if path.is_dir() { sources(&path) } else { vec![path] }
    }) {
        for (number, line) in code(&path) {
            for word in words.iter().filter(|word| names(&line, word)) {
                let path = path.strip_prefix(&root).unwrap_or(&path).display();
                found.push(format!("{path}:{number} names {word}: {}", line.trim()));
            }
        }
    }
    found
}

/// All folders and files of the sources but `kernel`.
fn all_but_kernel() -> Vec<String> {
    let root = place::workspace().join("composer/src");
    let names = fs::read_dir(root).expect("the sources").filter_map(|entry| {
        entry.ok()?.file_name().into_string().ok().filter(|name| name != "kernel")
    });
    names.collect()
}

const PURE: &[&str] = &[
    "chain",
    "object",
    "profile",
    "hook",
    "check",
    "diag",
    "trace",
    "resolve",
    "plan",
    "inert.rs",
    "version.rs",
    "order.rs",
    "hex.rs",
    "pattern.rs",
    "json_schema.rs",
    "function",
    "running",
    "machine_code",
    "picture",
    "packet",
];

#[test]
fn the_pure_layers_know_no_kernel_no_terminal_and_no_clock() {
    let unknown = [
        "aya",
        "aya_obj",
        "libc",
        "rustix",
        "tokio",
        "anstream",
        "owo_colors",
        "miette",
        "clap",
        "stdout",
        "stderr",
        "println",
        "eprintln",
        "print",
        "eprint",
        "Instant",
        "SystemTime",
        "kernel::",
        "cli::",
        "run::",
        "vm::",
        "event::",
        "crate::kernel",
        "crate::event",
        "jiff",
        "process::",
    ];
    assert_eq!(offences(PURE, &unknown), Vec::<String>::new());
}

/// The modules of the library, each behind all that it may name.
const LAYERS: &[&str] = &[
    "errno",
    "inert",
    "version",
    "hex",
    "order",
    "pattern",
    "json_schema",
    "files",
    "user_folders",
    "netlink",
    "diag",
    "object",
    "profile",
    "running",
    "machine_code",
    "hook",
    "chain",
    "packet",
    "function",
    "trace",
    "resolve",
    "check",
    "plan",
    "picture",
    "kernel",
    "run",
    "event",
    "session",
    "draw",
    "traffic",
    "syscalls",
    "testing",
    "recipe",
    "export",
    "vm",
];

#[test]
fn each_layer_names_only_those_below_it() {
    let root = place::workspace().join("composer/src");
    let modules = fs::read_dir(&root).expect("the sources").filter_map(|entry| {
        let name = entry.ok()?.file_name().into_string().ok()?;
        let name = name.strip_suffix(".rs").unwrap_or(&name).to_owned();
        (!["lib", "main", "cli"].contains(&name.as_str())).then_some(name)
    });
    let mut modules: Vec<_> = modules.collect();
    let mut listed = LAYERS.to_vec();
    modules.sort();
    listed.sort_unstable();
    assert_eq!(modules, listed, "every module has its place");
    let mut upwards = Vec::new();
    for (place, layer) in LAYERS.iter().enumerate() {
        let folder = root.join(layer);
        let files =
            if folder.is_dir() { sources(&folder) } else { vec![folder.with_extension("rs")] };
        for file in files {
            let text: String = code(&file).into_iter().map(|(_, line)| line + "\n").collect();
            let is_above = |name: &String| !LAYERS[..=place].contains(&name.as_str());
            for name in named(&text).into_iter().filter(is_above) {
                upwards.push(format!("{} names {name}", file.display()));
            }
        }
    }
    assert_eq!(upwards, Vec::<String>::new());
}

/// The modules that a source names behind `crate::`, one by one or in braces.
fn named(text: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.trim_start()
            .chars()
            .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
            .collect()
    };
    let mut found = Vec::new();
    for (at, path) in text.match_indices("crate::") {
        let behind = &text[at + path.len()..];
        let Some(group) = behind.strip_prefix('{') else {
            found.push(word(behind));
            continue;
        };
        let (mut depth, mut begins) = (1, true);
        for (at, letter) in group.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => begins = true,
                _ if begins && !letter.is_whitespace() => {
                    found.push(word(&group[at..]));
                    begins = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

#[test]
fn what_a_source_names_is_found_in_braces_too() {
    let text = "use crate::{\n    chain::{Chain, check},\n    diag, object as elf,\n};\nlet x = crate::vm::run();";
    assert_eq!(named(text), ["chain", "diag", "object", "vm"]);
}

#[test]
fn diagnostics_are_drawn_without_a_terminal() {
    let unknown = [
        "anstream",
        "rustix",
        "stdout",
        "stderr",
        "println",
        "print",
        "process::",
        "crate::chain",
        "crate::object",
        "crate::check",
        "crate::plan",
    ];
    assert_eq!(offences(&["draw"], &unknown), Vec::<String>::new());
}

#[test]
fn events_are_decoded_without_a_kernel_or_a_terminal() {
    let unknown = [
        "kernel::",
        "crate::kernel",
        "aya",
        "aya_obj",
        "stdout",
        "stderr",
        "println",
        "Instant",
        "SystemTime",
        "run::",
    ];
    assert_eq!(offences(&["event", "errno.rs"], &unknown), Vec::<String>::new());
}

/// The kernel attaches by mechanisms, whatever a chain file calls what they are for.
#[test]
fn the_kernel_layer_attaches_by_mechanisms() {
    let unknown = ["chain", "Attach", "HostKind"];
    assert_eq!(offences(&["kernel/attach", "kernel/mod.rs"], &unknown), Vec::<String>::new());
}

#[test]
fn a_session_does_not_know_which_kernel_it_reads_from_or_who_reads_it() {
    let unknown = ["aya", "Linux", "rustix", "libc", "clap", "anstream", "jiff", "SystemTime"];
    assert_eq!(offences(&["session"], &unknown), Vec::<String>::new());
}

#[test]
fn the_executor_does_not_know_which_kernel_it_works_for() {
    let unknown = ["aya", "aya_obj", "Linux", "stdout", "stderr", "println", "tokio"];
    assert_eq!(offences(&["run"], &unknown), Vec::<String>::new());
}

/// What goes to a terminal goes through one place, which lets nothing through that it would obey.
#[test]
fn the_command_line_prints_in_one_place() {
    let root = place::workspace().join("composer/src/cli");
    let files = sources(&root);
    let names = files.iter().filter_map(|path| path.strip_prefix(root.parent()?).ok()?.to_str());
    let others: Vec<_> =
        names.filter(|name| !["cli/screen.rs", "cli/ink.rs"].contains(name)).collect();
    let unknown = ["anstream", "owo_colors", "println", "eprintln", "print", "eprint"];
    // `error.print()` is clap's, of what was typed.
    let mut found = offences(&others, &unknown);
    found.retain(|line| !line.contains("error.print()"));
    assert_eq!(found, Vec::<String>::new());
    assert!(!offences(&["cli/screen.rs"], &["anstream"]).is_empty(), "the search finds it");
}

#[test]
fn only_the_kernel_layer_names_aya() {
    let others = all_but_kernel();
    let others: Vec<_> = others.iter().map(String::as_str).collect();
    assert_eq!(offences(&others, &["aya", "aya_obj"]), Vec::<String>::new());
    assert!(!offences(&["kernel"], &["aya"]).is_empty(), "the search finds what is there");
}

#[test]
fn only_the_kernel_layer_has_unsafe_code() {
    let others = all_but_kernel();
    let others: Vec<_> = others.iter().map(String::as_str).collect();
    assert_eq!(offences(&others, &["unsafe", "unsafe_code"]), Vec::<String>::new());
    assert!(!offences(&["kernel"], &["unsafe"]).is_empty(), "the search finds what is there");
}

#[test]
fn only_the_command_line_prints() {
    let others = all_but_kernel();
    let others: Vec<_> = others
        .iter()
        .map(String::as_str)
        // The micro-VM's init is a program of its own, and its progress is shown while it boots.
        .filter(|name| !["cli", "vm"].contains(name))
        .chain(["kernel"])
        .collect();
    assert_eq!(
        offences(&others, &["println", "eprintln", "print", "eprint", "stdout", "stderr"]),
        Vec::<String>::new()
    );
}

/// What a kind of host has of its own stands in its file: elsewhere nobody compares the name of one,
/// nor names the row of one, which the compiler sees to.
#[test]
fn nothing_but_the_table_knows_a_kind_of_host() {
    let root = place::workspace().join("composer/src");
    let files = sources(&root.join("hook")).into_iter();
    let lines = files.flat_map(|file| code(&file));
    let names: Vec<_> = lines
        .filter_map(|(_, line)| {
            let name = line.trim().strip_prefix("name: \"")?.strip_suffix("\",")?.to_owned();
            Some(format!("\"{name}\""))
        })
        .collect();
    assert!(names.contains(&"\"raw_tracepoint\"".to_owned()), "the search finds them: {names:?}");
    // Tracers of the chain have these names as well.
    let is_of_tracers = |name: &&str| ["\"fentry\"", "\"fexit\""].contains(name);
    let names: Vec<_> =
        names.iter().map(String::as_str).filter(|name| !is_of_tracers(name)).collect();
    let others = ["chain", "check", "plan", "run", "cli", "event", "kernel/attach"];
    let mut found = offences(&others, &names);
    // Sections and types of programs, and types of maps, which have names in common with kinds of host.
    let of_programs =
        ["chain/schema/nodes.rs", "check/helpers.rs", "check/map_attributes.rs", "run/maps.rs"];
    found.retain(|line| !of_programs.iter().any(|file| line.starts_with(file)));
    assert_eq!(found, Vec::<String>::new());
}

/// Opcodes and pseudo registers have one table.
#[test]
fn only_one_file_knows_the_numbers_of_instructions() {
    let root = place::workspace().join("composer/src");
    let files = sources(&root);
    let names = files.iter().filter_map(|path| path.strip_prefix(&root).ok()?.to_str());
    let (table, others): (Vec<_>, Vec<_>) = names.partition(|name| *name == "object/insn.rs");
    let numbers = ["0x85", "0x95", "0x18", "0xb7", "bpf_insn::new_bitfield_1"];
    assert_eq!(offences(&others, &numbers), Vec::<String>::new());
    assert!(!offences(&table, &numbers).is_empty(), "the search finds what is there");
}
