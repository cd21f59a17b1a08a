//! Each way in which an `up` ends: nothing is left, and the exit code says what it was.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use rustix::process::{Pid, Signal, test_kill_process};

use crate::{
    support::{
        Folder, Live, Snapshot,
        events::{assert_stream, events},
        eventually, fire, process, recipe, run,
    },
    xdp::ping,
};

const CHAIN: &str = r#"
    name = "ending"
    [host.fired]
    object = "hosts.o"
    program = "at_tracepoint"
    attach = { tracepoint = "syscalls/sys_enter_getpgid" }
"#;

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn each_signal_that_asks_for_an_end_is_a_good_end() {
    let folder = Folder::new(CHAIN);
    let before = Snapshot::take();
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let live = Live::json(&folder.chain());
        fire(1);
        let finished = live.end(signal);
        assert_stream(&finished, "ending", &["fired"]);
        assert_eq!(events(&finished).len(), 1, "{signal:?}");
        assert!(finished.stderr.contains("detached 1 node   1 event, 0 lost"));
        before.assert_nothing_new();
    }
}

/// As nohup starts it.
#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_hangup_that_was_ignored_from_the_start_stays_ignored() {
    let folder = Folder::new(CHAIN);
    let script = "trap '' HUP; exec \"$0\" up \"$1\" --format json";
    let mut command = std::process::Command::new("sh");
    command.args(["-c", script]).arg(process::binary().get_program()).arg(folder.chain());
    let live = Live::start(command.stdin(Stdio::null()).stdout(Stdio::piped()));
    fire(1);
    live.wait_for(|text| text.contains(r#""value":1,"#));
    live.signal(Signal::HUP);
    fire(2);
    live.wait_for(|text| text.contains(r#""value":2,"#));
    let finished = live.end(Signal::TERM);
    assert_stream(&finished, "ending", &["fired"]);
    assert_eq!(events(&finished).len(), 2);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn nothing_outlives_a_process_that_was_killed() {
    let before = Snapshot::take();
    let live = Live::json(&recipe("xdp"));
    assert!(!before.new_since().is_empty(), "the chain is there");
    let finished = live.end(Signal::KILL);
    assert_eq!(finished.status.code(), None, "killed");
    before.assert_nothing_new();
    assert!(ping("127.0.0.1").contains(" 0% packet loss"));
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_signal_also_ends_the_command() {
    let folder = Folder::new(CHAIN);
    let before = Snapshot::take();
    let arguments = ["--", "sh", "-c", "echo $$; exec sleep 1000"];
    let live = Live::up(&folder.chain(), &arguments);
    live.wait_for(|text| text.ends_with('\n'));
    let finished = live.end(Signal::TERM);
    finished.assert_done();
    let pid = finished.stdout.trim().parse().ok().and_then(Pid::from_raw);
    let pid = pid.expect("the command wrote its number");
    assert!(eventually(|| test_kill_process(pid).is_err()), "sleep still runs");
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn the_end_of_the_command_is_the_end() {
    let before = Snapshot::take();
    run(&recipe("tcp"), &["--", "true"]).assert_done();
    before.assert_nothing_new();
    let failed = run(&recipe("tcp"), &["--", "false"]);
    failed.assert_failed(1, "FC0506");
    assert!(failed.stderr.contains("exit status: 1"), "{}", failed.stderr);
    before.assert_nothing_new();
    let absent = run(&recipe("tcp"), &["--", "no-such-command"]);
    absent.assert_failed(1, "FC0506");
    assert!(absent.stderr.contains("`no-such-command`"), "{}", absent.stderr);
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn events_of_the_command_are_all_shown() {
    let before = Snapshot::take();
    let script = "mkdir -p /tmp/www && echo hello >/tmp/www/index.html && \
                  httpd -p 127.0.0.1:8123 -h /tmp/www && \
                  wget -q -O /dev/null http://127.0.0.1:8123/ && killall httpd";
    let finished = run(&recipe("tcp"), &["--format", "json", "--", "sh", "-c", script]);
    assert_stream(&finished, "tcp", &["connect", "accept", "handler_v1", "before", "after"]);
    let events = events(&finished);
    assert_eq!(events.len(), 8, "{events:#?}");
    assert_eq!(events[0]["comm"], "wget");
    assert_eq!(events[0]["data"]["flow"]["destination"]["port"], 8123);
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_limit_shows_just_so_many_and_ends() {
    let folder = Folder::new(CHAIN);
    let before = Snapshot::take();
    let live = Live::up(&folder.chain(), &["--format", "json", "--limit", "3"]);
    (1..=5).for_each(fire);
    let finished = live.wait();
    assert_stream(&finished, "ending", &["fired"]);
    let events = events(&finished);
    let values: Vec<_> = events.iter().map(|event| event["data"]["value"].as_u64()).collect();
    assert_eq!(values, [Some(1), Some(2), Some(3)]);
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_duration_ends_by_itself() {
    let folder = Folder::new(CHAIN);
    let before = Snapshot::take();
    let live = Live::up(&folder.chain(), &["--format", "json", "--duration", "500ms"]);
    fire(9);
    let finished = live.wait();
    assert_stream(&finished, "ending", &["fired"]);
    assert_eq!(events(&finished)[0]["data"]["value"], 9);
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_reader_that_has_seen_enough_is_a_good_end() {
    let folder = Folder::new(CHAIN);
    let before = Snapshot::take();
    let mut command = process::binary();
    command.arg("up").arg(folder.chain()).args(["--format", "json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("runs");
    // As `head -1` does: one line, then gone.
    let mut line = String::new();
    let stdout = child.stdout.take().expect("piped");
    BufReader::new(stdout).read_line(&mut line).expect("the first record");
    assert!(line.contains("version"), "{line}");
    fire(1);
    let ended = eventually(|| child.try_wait().expect("our child").is_some());
    assert!(ended, "it goes on without a reader");
    assert_eq!(child.wait().expect("it has ended").code(), Some(0));
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn what_the_command_started_ends_with_it() {
    let folder = Folder::new(CHAIN);
    let words = ["--duration", "500ms", "--", "sh", "-c", "sleep 98761 & sleep 98762"];
    run(&folder.chain(), &words).assert_done();
    let sleeps = || {
        let all = std::fs::read_dir("/proc").expect("there is a /proc").flatten();
        let lines = all.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
        lines.filter(|line| line.windows(4).any(|word| word == b"9876")).count()
    };
    assert!(eventually(|| sleeps() == 0), "{} are left", sleeps());
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn the_commands_own_output_is_not_among_the_records() {
    let folder = Folder::new(CHAIN);
    let finished = run(&folder.chain(), &["--format", "json", "--", "echo", "not json"]);
    finished.assert_done();
    assert!(finished.stderr.contains("not json\n"), "{}", finished.stderr);
    let count = finished.records().len();
    assert_eq!(count, 4, "version, node_up, node_down, summary: {}", finished.stdout);
}
