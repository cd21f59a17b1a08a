//! A host at each kind of hook, with its stub replaced.

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{
    Folder, Live, Snapshot,
    events::{events, nodes},
    fire,
};

/// Fires a host at `hook`, whose stub `replacement` takes, with `value`.
fn fired(hook: &str, place: &str, replacement: &str, value: u16) -> Vec<Value> {
    let folder = Folder::new(&format!(
        r#"
        name = "hook"
        host.fired = {{ object = "hosts.o", program = "at_{hook}", attach = {{ {hook} = "{place}" }} }}
        stub.value = {{ function = "stub_value", hosts = ["fired"] }}
        replacement.answer = {{ object = "replacements.o", program = "{replacement}", stub = "value" }}
        "#
    ));
    let before = Snapshot::take();
    let live = Live::json(&folder.chain());
    fire(value);
    let finished = live.end(Signal::INT);
    finished.assert_done();
    before.assert_nothing_new();
    let events = events(&finished);
    assert_eq!(nodes(&events), ["answer", "fired"], "{hook}");
    assert_eq!(events[0]["call"], events[1]["call"]);
    for event in &events {
        assert_eq!(event["pid"], std::process::id(), "{event}");
    }
    events
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_kprobe_fires() {
    let events = fired("kprobe", "__x64_sys_getpgid", "answer_seven", 11);
    assert_eq!(events[1]["data"]["value"], 11);
    assert_eq!(events[1]["data"]["answer"], 7);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_kretprobe_fires_with_the_functions_answer() {
    let events = fired("kretprobe", "__x64_sys_getpgid", "answer_seven", 12);
    assert_eq!(events[1]["data"]["value"], libc::ESRCH);
    assert_eq!(events[1]["data"]["answer"], 7);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_tracepoint_fires() {
    let events = fired("tracepoint", "syscalls/sys_enter_getpgid", "answer_seven", 13);
    assert_eq!(events[1]["data"]["value"], 13);
    assert_eq!(events[1]["data"]["answer"], 7);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_raw_tracepoint_fires() {
    let events = fired("raw_tracepoint", "sys_enter", "answer_zero", 14);
    assert_eq!(events[1]["data"]["value"], 14);
    assert_eq!(events[1]["data"]["answer"], 0);
}
