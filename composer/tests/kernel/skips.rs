//! Calls that the kernel passes over: they are counted for the node whose program was not run, or it
//! is said that this kernel does not count them.

use rustix::process::Signal;
use serde_json::Value;

use crate::{
    support::{Folder, Live, Snapshot, events::assert_stream, fire},
    versions::running,
};

const CHAIN: &str = r#"
    name = "skips"
    [host.outer]
    object = "skips.o"
    program = "outer"
    attach = { tracepoint = "syscalls/sys_enter_getpgid" }
    [host.inner]
    object = "skips.o"
    program = "inner"
    attach = { kprobe = "htab_map_delete_elem" }
    [tracer.before]
    fentry = "outer"
    [tracer.within]
    fentry = "inner"
"#;

/// Linux 6.7 began to count them for kprobes and tracepoints.
fn are_counted() -> bool {
    let kernel = running().profiles[0].kernel.to_string();
    let mut numbers = kernel.split('.').map(|number| number.parse::<u32>().expect("a number"));
    (numbers.next(), numbers.next()) >= (Some(6), Some(7))
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_program_within_another_is_skipped_and_that_is_told() {
    const CALLS: u16 = 5;
    let folder = Folder::new(CHAIN);
    let before = Snapshot::take();
    let live = Live::json(&folder.chain());
    (0..CALLS).for_each(fire);
    let finished = live.end(Signal::INT);
    assert_stream(&finished, "skips", &["outer", "inner", "before", "within"]);
    let records = finished.records();
    let of = |node: &str| {
        let mut down = records.iter().filter(|record| record["record"] == "node_down");
        down.find(|record| record["node"] == node).expect("each goes down")["skipped"].clone()
    };
    let summary = &records.last().expect("there is one")["skipped"];
    // A tracer is counted by every kernel here.
    assert_eq!(of("before"), 0);
    let ran = records.iter().filter(|record| record["node"] == "within");
    let ran = ran.filter(|record| record["record"] == "event").count();
    if ran > 0 {
        // Linux 7 lets a program run within one of another type.
        assert_eq!((of("outer"), of("inner")), (Value::from(0), Value::from(0)));
        assert_eq!((ran, summary), (CALLS.into(), &Value::from(0)));
    } else if are_counted() {
        assert_eq!((of("outer"), of("inner")), (Value::from(0), Value::from(CALLS)));
        assert_eq!(*summary, CALLS);
        let said = "`inner` was skipped 5 times: its event occurred while a program ran";
        assert!(finished.stderr.contains(said), "{}", finished.stderr);
        assert!(finished.stderr.contains("0 lost, 5 skipped"), "{}", finished.stderr);
    } else {
        assert_eq!((of("outer"), of("inner")), (Value::Null, Value::Null));
        assert_eq!(*summary, 0);
        let said = "skipped runs of outer, inner cannot be counted";
        assert!(finished.stderr.contains(said), "{}", finished.stderr);
    }
    before.assert_nothing_new();
}
