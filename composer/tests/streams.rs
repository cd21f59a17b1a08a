//! Where output goes: a closed pipe, a full disk, a limit on the size of files, and colours.

mod common;

use std::{fs, process::Stdio};

use common::{program, shown, workspace};

#[test]
fn a_reader_that_is_gone_is_no_error() {
    for arguments in [
        &["plan", "chains/tcp.toml"] as &[&str],
        &["plan", "--format", "json", "chains/tcp.toml"],
        &["graph", "chains/tcp.toml"],
        &["inspect", "builtin:tcp"],
        &["validate", "chains/tcp.toml"],
        &["validate", "--format", "json", "chains/tcp.toml"],
        &["completions", "bash"],
        &["explain"],
        &["explain", "501"],
        &["schema"],
        &["header"],
        &["man"],
        &["up", "--dry-run", "chains/tcp.toml"],
        &["--help"],
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = program(&workspace(), arguments).stdout(writer).output().expect("it starts");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        let told = String::from_utf8_lossy(&output.stderr);
        // What `validate` leaves open is told to whoever reads messages.
        let told = told.lines().find(|line| !line.starts_with("checked without a kernel"));
        assert_eq!(told, None, "{arguments:?}");
    }
}

#[test]
fn a_reader_of_messages_that_is_gone_changes_no_exit_code() {
    for (arguments, code) in [
        (&["validate", "nowhere.toml"] as &[&str], 3),
        (&["plan", "nowhere.toml"], 3),
        (&["inspect", "nowhere.o"], 3),
        (&["nonsense"], 2),
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let status = program(&workspace(), arguments)
            .stdout(Stdio::null())
            .stderr(writer)
            .status()
            .expect("it starts");
        assert_eq!(status.code(), Some(code), "{arguments:?}");
    }
}

#[test]
fn a_full_disk_is_an_error() {
    let full = fs::File::options().write(true).open("/dev/full").expect("every Linux has it");
    let mut plan = program(&workspace(), &["plan", "chains/tcp.toml"]);
    let output = plan.stdout(full).output().expect("it starts");
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        told.contains("FC0509") && told.contains("cannot write the output: no space left"),
        "{told}"
    );
}

/// Whether there are colours on stdout and on stderr, the reader being a pipe.
fn colours(arguments: &[&str], variables: &[(&str, &str)]) -> (bool, bool) {
    let run = |file: &str| {
        let mut command = program(&workspace(), arguments);
        command.args(["validate", file]).envs(variables.iter().copied());
        command.output().expect("it starts")
    };
    let has = |bytes: &[u8]| bytes.contains(&0x1b);
    (has(&run("chains/tcp.toml").stdout), has(&run("nowhere.toml").stderr))
}

#[test]
fn colours_come_when_they_are_wanted() {
    assert_eq!(colours(&[], &[]), (false, false));
    assert_eq!(colours(&["--color", "always"], &[]), (true, true));
    assert_eq!(colours(&["--color", "always"], &[("NO_COLOR", "1")]), (true, true));
    assert_eq!(colours(&["--color", "auto"], &[("CLICOLOR_FORCE", "1")]), (true, true));
    let both = [("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")];
    assert_eq!(colours(&["--color", "never"], &both[..1]), (false, false));
    assert_eq!(colours(&["--color", "auto"], &both), (false, false));
}

#[test]
fn a_file_beyond_its_limit_is_an_error_of_every_verb() {
    let script = "ulimit -f 0; exec \"$0\" schema > \"$1\"";
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = std::process::Command::new("sh");
    command.args(["-c", script]).arg(common::binary()).arg(folder.path().join("schema"));
    let output = command.stdin(Stdio::null()).output().expect("a shell");
    assert_eq!(output.status.code(), Some(1), "{}", shown(&output));
    assert!(shown(&output).contains("FC0509"), "{}", shown(&output));
}
