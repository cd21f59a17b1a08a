//! Files that never end, are larger than any of their kind, or are wrong a thousand times: told at
//! once, and shortly.

mod common;

use std::{fmt::Write as _, fs, path::Path, process::Command};

use common::{objects, run, shown};

/// Runs a verb on `file`, which is refused for `why`.
#[track_caller]
fn refused(folder: &Path, file: &str, why: &str) {
    for verb in ["validate", "plan", "graph", "inspect"] {
        let output = run(folder, &[verb, file]);
        let said = shown(&output);
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains(why), "{verb} {file}: {said}");
    }
}

#[test]
fn what_is_no_file_is_refused_at_once() {
    let folder = objects().join("reading");
    fs::create_dir_all(&folder).expect("writable");
    let pipe = folder.join("pipe");
    let _ = fs::remove_file(&pipe); // of a run before
    let made = Command::new("mkfifo").arg(&pipe).status().expect("coreutils have it");
    assert!(made.success());
    refused(&folder, "pipe", "it is a pipe, not a regular file");
    refused(&folder, "/dev/zero", "it is a device, not a regular file");
    fs::create_dir_all(folder.join("empty")).expect("writable");
    refused(&folder, "empty", "is a directory");
}

#[test]
fn what_is_larger_than_any_of_its_kind_is_not_read() {
    let folder = objects().join("reading");
    fs::create_dir_all(&folder).expect("writable");
    let sparse = |name: &str, length: u64| {
        let file = fs::File::create(folder.join(name)).expect("writable");
        file.set_len(length).expect("a sparse file takes no room");
    };
    sparse("chain.toml", (16 << 20) + 1);
    let said = shown(&run(&folder, &["validate", "chain.toml"]));
    assert!(
        said.contains("FC0001") && said.contains("it is larger than the limit of 16 MiB"),
        "{said}"
    );
    sparse("object.bpf.o", (1 << 30) + 1);
    let chain =
        "host.x = { object = \"object.bpf.o\", program = \"p\", attach = { xdp = \"lo\" } }\n";
    fs::write(folder.join("large.toml"), chain).expect("writable");
    for words in [&["inspect", "object.bpf.o"], &["validate", "large.toml"]] {
        let said = shown(&run(&folder, words));
        assert!(
            said.contains("FC0201") && said.contains("it is larger than the limit of 1024 MiB"),
            "{said}"
        );
    }
}

#[test]
fn a_long_list_of_one_kind_is_cut_and_the_others_are_shown() {
    let folder = objects().join("reading");
    fs::create_dir_all(&folder).expect("writable");
    let mut text = String::new();
    for number in 0..2_345 {
        let _ = writeln!(text, "a{number} = 1");
    }
    fs::write(folder.join("many.toml"), text).expect("writable");
    let said = shown(&run(&folder, &["validate", "many.toml"]));
    assert_eq!(said.matches("\nFC0003\n").count(), 100, "{said}");
    assert!(said.contains("\nand 2,245 more of FC0003\n"), "{said}");
    assert!(said.contains("\nFC0007\n"), "what is wrong besides is shown");
    let output = run(&folder, &["validate", "--format", "json", "many.toml"]);
    let results: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let found = results[0]["diagnostics"].as_array().expect("a list");
    let of = |code| found.iter().filter(|found| found["code"] == code).count();
    assert_eq!((of("FC0003"), of("FC0007"), found.len()), (100, 1, 101));
    assert_eq!(results[0]["more"], serde_json::json!({ "FC0003": 2245 }));
}
