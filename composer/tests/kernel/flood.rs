//! More events than the ring buffer holds, and a reader that does not read: every event is either
//! shown or counted as lost.

use rustix::process::{Signal, kill_process};

use crate::support::{
    Finished, Folder, Live, Snapshot,
    events::{assert_stream, events, of},
    eventually, fire,
};

const CHAIN: &str = r#"
    name = "flood"
    host.source = { object = "flood.o", program = "flood", attach = { tracepoint = "syscalls/sys_enter_getpgid" } }
    stub.value = { function = "stub_value", hosts = ["source"] }
    replacement.more = { object = "flood.o", program = "flood_more", stub = "value" }
"#;
/// Twice as many events are made, of 4 KiB each: the ring buffer holds 128 of them.
const CALLS: u16 = 5000;

/// Shown and lost, for each node, are what was made; and the values shown are in order.
#[track_caller]
fn assert_balance(finished: &Finished) -> u64 {
    assert_stream(finished, "flood", &["source", "more"]);
    let (records, events) = (finished.records(), events(finished));
    let mut all_lost = 0;
    for node in ["source", "more"] {
        let lost = records
            .iter()
            .filter(|record| record["record"] == "lost" && record["node"] == node)
            .filter_map(|record| record["count"].as_u64())
            .sum::<u64>();
        let shown = of(&events, node);
        assert_eq!(shown.len() as u64 + lost, u64::from(CALLS), "{node}");
        assert!(shown.is_sorted_by_key(|event| event["data"]["value"].as_u64()), "{node}");
        all_lost += lost;
    }
    all_lost
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn what_a_slow_reader_makes_lost_is_counted() {
    let folder = Folder::new(CHAIN);
    let before = Snapshot::take();
    let (live, stdout) = Live::unread(&folder.chain(), &["--format", "json"]);
    (0..CALLS).for_each(fire);
    kill_process(live.pid(), Signal::INT).expect("it is there");
    let finished = live.read(stdout);
    let lost = assert_balance(&finished);
    assert!(lost > 0, "{}", finished.stderr);
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_flood_does_not_keep_the_end_from_coming() {
    let folder = Folder::new(CHAIN);
    let before = Snapshot::take();
    let live = Live::json(&folder.chain());
    (0..CALLS).for_each(fire);
    let finished = live.end(Signal::TERM);
    assert_balance(&finished);
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_reader_that_stands_still_does_not_keep_the_end_from_coming() {
    let folder = Folder::new(CHAIN);
    let before = Snapshot::take();
    // Nobody reads: the pipe fills up, and stays full.
    let (mut live, stdout) = Live::unread(&folder.chain(), &["--format", "json"]);
    (0..CALLS).for_each(fire);
    kill_process(live.pid(), Signal::INT).expect("it is there");
    // The reader was slow, not gone: asked to end, it ends, whatever the reader does.
    let ended = eventually(|| live.has_ended());
    drop(stdout);
    assert!(ended, "it waits for its reader for ever");
    before.assert_nothing_new();
}
