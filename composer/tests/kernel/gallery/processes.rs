//! Recipes that see processes: exec, readline, cpu.

use std::{
    fs::{self, Permissions},
    hint::black_box,
    io::{ErrorKind, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
};

use super::{built_in, choice, number, seen};
use crate::support::{events::of, eventually, process::output};

/// A program in a folder.
fn program(folder: &Path, mode: u32) -> Command {
    let path = folder.join("program");
    fs::write(&path, "#!/bin/sh\n").expect("there is room");
    fs::set_permissions(&path, Permissions::from_mode(mode)).expect("it is ours");
    Command::new(path)
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_program_of_a_folder_is_denied() {
    let folder = tempfile::tempdir_in("/tmp").expect("there is room");
    let mut denied = program(folder.path(), 0o755);
    let path = denied.get_program().to_string_lossy().into_owned();
    let mut allowed = Command::new("true");
    let events = built_in("exec", |_| {
        let error = denied.status().expect_err("it is in /tmp");
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        output(&mut allowed).assert_done();
    });
    let asked = of(&events, "asked");
    let verdict = |end: &str| {
        let mut found = asked.iter().map(|event| &event["data"]);
        let found =
            found.find(|data| data["path"].as_str().is_some_and(|path| path.ends_with(end)));
        &found.unwrap_or_else(|| panic!("no {end}: {events:#?}"))["ret"]
    };
    assert_eq!(verdict(&path), -1);
    assert_eq!(verdict("/true"), 0);
    let [call] = &*of(&events, "denied") else { panic!("{events:#?}") };
    assert_eq!(call["args"]["program->path"], *path);
    let [done] = &*of(&events, "done") else { panic!("{events:#?}") };
    assert!(done["data"]["path"].as_str().is_some_and(|path| path.ends_with("/true")), "{done}");
    assert_eq!(done["data"]["parent"], std::process::id());
    assert_eq!(done["comm"], "true");
    output(&mut denied).assert_done();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_program_that_sets_the_user_is_denied() {
    let folder = tempfile::tempdir().expect("there is room");
    let program = |mode| program(folder.path(), mode).status();
    let events = seen(&choice("exec", "no_set_user_id", ""), |_| {
        let error = program(0o4755).expect_err("it has the bit");
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert!(program(0o755).expect("it has not").success());
    });
    let [call] = &*of(&events, "denied") else { panic!("{events:#?}") };
    assert_eq!(call["args"]["program->mode"], 0o104_755);
    assert!(!of(&events, "done").is_empty());
}

/// Has a bash read these lines.
fn typed(lines: &str) {
    let mut command = Command::new("/bin/bash");
    command.args(["--norc", "-i"]).stdin(Stdio::piped());
    let mut bash =
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it is there");
    let mut stdin = bash.stdin.take().expect("piped");
    stdin.write_all(lines.as_bytes()).expect("it reads");
    drop(stdin);
    assert!(bash.wait().expect("it ends").success());
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn the_lines_of_a_shell_are_shown() {
    let shown = |chain: Option<String>| -> Vec<String> {
        let lines = |_: &_| typed("true one\n true two\nsudoku=9\ntrue three\n");
        let events = match chain {
            None => built_in("readline", lines),
            Some(chain) => seen(&chain, lines),
        };
        assert_eq!(of(&events, "decided").len(), 4, "{events:#?}");
        let hosts = of(&events, "line").into_iter();
        hosts.map(|event| event["data"]["text"].as_str().unwrap_or("?").to_owned()).collect()
    };
    assert_eq!(shown(None), ["true one", "sudoku=9", "true three"]);
    assert_eq!(shown(Some(choice("readline", "of_command", ""))), ["sudoku=9"]);
    let of_true = choice("readline", "of_command", r#"command = "true""#);
    assert_eq!(shown(Some(of_true)), ["true one", "true three"]);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn what_the_cpus_do_is_counted() {
    let busy = || (0..2_000_000_u64).fold(0, |sum, number| sum ^ black_box(number));
    let events = built_in("cpu", |live| {
        let is_counted = || {
            busy();
            live.stdout().contains(r#""node":"selected""#)
        };
        assert!(eventually(is_counted));
    });
    let counts = of(&events, "selected");
    assert!(counts.iter().all(|count| number(count, "samples").is_multiple_of(10)), "{counts:#?}");
    assert!(of(&events, "sample").is_empty(), "counts take their place");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn what_the_kernel_does_is_sampled() {
    let events = seen(&choice("cpu", "in_kernel", ""), |live| {
        let is_sampled = || {
            fs::read("/proc/kallsyms").expect("it is there");
            live.stdout().contains(r#""node":"sample""#)
        };
        assert!(eventually(is_sampled));
    });
    let samples = of(&events, "sample");
    assert!(samples.iter().all(|sample| sample["data"]["mode"] == "CPU_KERNEL"), "{samples:#?}");
}
