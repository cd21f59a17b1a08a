//! A function that another process has taken: the refusal names the program, its link, and the
//! process.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, ChildStdout, Command, Stdio},
};

use freplace_compose::kernel::{AttachRequest, KernelError, Occupant};

use crate::{
    anchors::{LoadedHost, STUB},
    support::Snapshot,
};

/// What the other process is asked to do: `replace 41`, `trace 41`.
const TASK: &str = "FREPLACE_COMPOSE_OTHER";

fn replace(bench: &mut LoadedHost) -> Result<(), KernelError> {
    let program = bench.replacement();
    bench.attach(&AttachRequest::Replacement { program, target: bench.host, function: STUB })
}

fn trace(bench: &mut LoadedHost) -> Result<(), KernelError> {
    let program = bench.tracer(bench.host, STUB);
    bench.attach(&AttachRequest::Tracer { program })
}

/// No test by itself: what the tests below start as a second process. It holds what it attached
/// until its input ends.
#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn the_other_process() {
    let Ok(task) = std::env::var(TASK) else { return };
    let (verb, host) = task.split_once(' ').expect("a verb and a number");
    let mut bench = LoadedHost::around(host.parse().expect("a number"));
    match verb {
        "replace" => replace(&mut bench),
        _ => trace(&mut bench),
    }
    .expect("nobody else is there");
    println!("\nattached");
    std::io::stdin().read_to_end(&mut Vec::new()).expect("a pipe");
}

/// The second process, which has attached; it lets go when it is ended.
struct Other(Child, BufReader<ChildStdout>);

impl Other {
    fn start(verb: &str, bench: &LoadedHost) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this is one"))
            .args(["--ignored", "--exact", "--nocapture", "holders::the_other_process"])
            .env(TASK, format!("{verb} {}", bench.host_id))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs already");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut other = Self(child, stdout);
        let mut lines = other.1.by_ref().lines().map_while(Result::ok);
        assert!(lines.any(|line| line == "attached"), "it ended before it attached");
        other
    }

    fn end(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().expect("it is ours").success());
    }
}

/// The refusal names what the other process holds.
#[track_caller]
fn assert_held(refused: Result<(), KernelError>, held: Occupant, name: &str, other: &Other) {
    let error = refused.expect_err("it is taken");
    assert_eq!(error.errno, Some(libc::EBUSY));
    let holder = error.holder.expect("it can be seen");
    assert_eq!(holder.held, held, "{holder}");
    assert!(holder.who.starts_with(&format!("`{name}` (program ")), "{holder}");
    assert!(holder.who.ends_with(&format!("/{}", other.0.id())), "{holder}");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_function_that_another_process_replaces_is_taken() {
    let before = Snapshot::take();
    let mut bench = LoadedHost::new();
    let other = Other::start("replace", &bench);
    assert_held(replace(&mut bench), Occupant::Replacement, "answer_seven", &other);
    assert_held(trace(&mut bench), Occupant::Replacement, "answer_seven", &other);
    other.end();
    assert_eq!(replace(&mut bench), Ok(()), "it is free again");
    drop(bench);
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_function_that_another_process_traces_cannot_be_replaced() {
    let before = Snapshot::take();
    let mut bench = LoadedHost::new();
    let other = Other::start("trace", &bench);
    assert_held(replace(&mut bench), Occupant::Tracer, "entry", &other);
    assert_eq!(trace(&mut bench), Ok(()), "tracers are several");
    other.end();
    drop(bench);
    before.assert_nothing_new();
}
