//! Lines of `bpf_printk` under the node that wrote them, beside other readers of the trace.

use std::{fs, path::Path};

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{
    Folder, Live, Snapshot,
    events::{assert_stream, events, of},
    eventually, fire,
};

const INSTANCES: &str = "/sys/kernel/tracing/instances";

fn host(program: &str, more: &str) -> String {
    format!(
        "[host.{program}]\nobject = \"printers.o\"\nprogram = \"{program}\"\n\
         attach = {{ tracepoint = \"syscalls/sys_enter_getpgid\" }}\n{more}\n"
    )
}

fn chain(head: &str, programs: &[&str]) -> String {
    let hosts: String = programs.iter().map(|program| host(program, "")).collect();
    format!("name = \"printk\"\n{head}\n{hosts}")
}

/// The instances of this program that there are.
fn instances() -> Vec<String> {
    let names = fs::read_dir(INSTANCES).expect("tracefs").flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| name.starts_with("freplace-compose-")).collect()
}

fn lines(events: &[Value], node: &str) -> Vec<String> {
    let own = of(events, node).into_iter();
    own.map(|event| event["printk"].as_str().expect("a line").to_owned()).collect()
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_line_is_shown_under_the_node_with_its_format() {
    let programs = ["says_hello", "says_bye"];
    let folder = Folder::new(&chain("printk = true", &programs));
    let before = Snapshot::take();
    let live = Live::json(&folder.chain());
    fire(10);
    fire(11);
    let finished = live.end(Signal::INT);
    assert_stream(&finished, "printk", &programs);
    let events = events(&finished);
    assert_eq!(lines(&events, "says_hello"), ["hello 10 of hello", "hello 11 of hello"]);
    assert_eq!(lines(&events, "says_bye"), ["bye a", "and more", "bye b", "and more"]);
    for event in &events {
        assert_eq!(event["known"], true, "{event}");
        assert!(event.get("or").is_none(), "{event}");
        assert!(event["time_ns"].as_u64().is_some_and(|time| time > 0), "{event}");
        let thread = event["tid"].as_u64().expect("a thread");
        assert!(Path::new("/proc/self/task").join(thread.to_string()).exists(), "{event}");
    }
    assert_eq!(instances(), Vec::<String>::new());
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_node_that_does_not_ask_is_not_heard() {
    let text = format!(
        "name = \"printk\"\n{}{}",
        host("says_hello", "printk = true"),
        host("says_bye", "")
    );
    let folder = Folder::new(&text);
    let live = Live::json(&folder.chain());
    fire(1);
    let finished = live.end(Signal::INT);
    assert_stream(&finished, "printk", &["says_hello", "says_bye"]);
    let events = events(&finished);
    assert_eq!(lines(&events, "says_hello"), ["hello 1 of hello"]);
    assert_eq!(events.len(), 1, "{events:#?}");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn what_is_not_certain_is_said() {
    let programs = ["says_hello", "says_hello_too", "mumbles"];
    let folder = Folder::new(&chain("printk = true", &programs));
    let live = Live::json(&folder.chain());
    fire(3);
    let finished = live.end(Signal::INT);
    assert_stream(&finished, "printk", &programs);
    let events = events(&finished);
    // Each of the two may have written both lines.
    let mut hello = lines(&events, "says_hello");
    hello.sort();
    assert_eq!(hello, ["hello 3 of hello", "hello 3 of hello too"]);
    for event in of(&events, "says_hello") {
        assert_eq!((&event["or"][0], &event["known"]), (&"says_hello_too".into(), &true.into()));
    }
    let mumbled = of(&events, "mumbles");
    assert_eq!(mumbled.len(), 1, "{events:#?}");
    assert_eq!((&mumbled[0]["printk"], &mumbled[0]["known"]), (&"mm 3".into(), &false.into()));
}

/// The reader of the machine's own trace sees every line, too.
#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn another_reader_of_the_trace_misses_nothing() {
    let folder = Folder::new(&chain("printk = true", &["says_hello"]));
    let live = Live::json(&folder.chain());
    (100..110).for_each(fire);
    let finished = live.end(Signal::INT);
    assert_eq!(lines(&events(&finished), "says_hello").len(), 10);
    let trace = fs::read_to_string("/sys/kernel/tracing/trace").expect("tracefs");
    for value in 100..110 {
        assert!(trace.contains(&format!("hello {value} of hello")), "{value}: {trace}");
    }
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn what_a_killed_process_leaves_is_removed_by_the_next() {
    let folder = Folder::new(&chain("printk = true", &["says_hello"]));
    let before = Snapshot::take();
    let live = Live::json(&folder.chain());
    let pid = live.pid();
    live.end(Signal::KILL);
    before.assert_nothing_new();
    assert_eq!(instances(), [format!("freplace-compose-{pid}")], "it outlives its process");
    // While another one runs, its own is left alone.
    let first = Live::json(&folder.chain());
    assert!(eventually(|| instances() == [format!("freplace-compose-{}", first.pid())]));
    let second = Live::json(&folder.chain());
    assert_eq!(instances().len(), 2);
    second.end(Signal::INT).assert_done();
    first.end(Signal::INT).assert_done();
    assert_eq!(instances(), Vec::<String>::new());
    before.assert_nothing_new();
}

/// The guest has no other program that prints, so the books balance to the line.
#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn lines_that_were_overwritten_are_counted() {
    const CALLS: u16 = 1000;
    let folder = Folder::new(&chain("printk = true", &["says_much"]));
    let before = Snapshot::take();
    let (live, stdout) = Live::unread(&folder.chain(), &["--format", "json"]);
    (0..CALLS).for_each(fire);
    live.signal(Signal::INT);
    let finished = live.read(stdout);
    finished.assert_done();
    let records = finished.records();
    let shown = lines(&events(&finished), "says_much").len() as u64;
    let lost = records.iter().filter(|record| record["record"] == "lost");
    let lost: Vec<_> = lost.map(|record| (&record["printk"], record["count"].as_u64())).collect();
    assert!(lost.iter().all(|(printk, _)| **printk == Value::Bool(true)), "{lost:?}");
    let lost: u64 = lost.iter().filter_map(|(_, count)| *count).sum();
    assert!(lost > 0 && shown > 0, "{shown} shown, {lost} lost");
    assert_eq!(shown + lost, u64::from(CALLS) * 64);
    assert_eq!(records.last().expect("a summary")["lost"], lost);
    assert_eq!(instances(), Vec::<String>::new());
    before.assert_nothing_new();
}
