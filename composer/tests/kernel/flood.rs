//! More events than the ring buffer holds, and a reader that does not read: every event is either
//! shown or counted as lost.

use std::io::{PipeReader, Read as _};

use rustix::process::Signal;
use serde_json::Value;

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

/// Shown and lost, for each node, are the `calls` that were made; and the values shown are in
/// order. Returns how many were lost.
#[track_caller]
fn assert_balance(finished: &Finished, calls: u16) -> u64 {
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
        assert_eq!(shown.len() as u64 + lost, u64::from(calls), "{node}");
        assert!(shown.is_sorted_by_key(|event| event["data"]["value"].as_u64()), "{node}");
        all_lost += lost;
    }
    all_lost
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_flood_is_counted_to_the_last_event() {
    let folder = Folder::new(CHAIN);
    let before = Snapshot::take();
    let live = Live::json(&folder.chain());
    (0..CALLS).for_each(fire);
    assert_balance(&live.end(Signal::TERM), CALLS);
    before.assert_nothing_new();
}

/// Brings the chain up and fires until the pipe to its reader is full; returns how often.
fn stalled(folder: &Folder) -> (Live, PipeReader, u16) {
    let (live, stdout) = Live::unread(&folder.chain(), &["--format", "json"]);
    let mut calls = 0;
    let full = |stdout: &PipeReader| {
        // Linux gives a pipe 64 KiB; a piece of text that does not fit leaves less than a page.
        rustix::io::ioctl_fionread(stdout).is_ok_and(|length| length > 60_000)
    };
    // What was fired last may still wait to be read.
    let filled = eventually(|| {
        if calls < 50_000 {
            (calls..calls + 100).for_each(fire);
            calls += 100;
        }
        full(&stdout)
    });
    assert!(filled, "the pipe holds all of {calls} calls");
    (calls..calls + CALLS).for_each(fire);
    (live, stdout, calls + CALLS)
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn what_a_slow_reader_makes_lost_is_counted() {
    let folder = Folder::new(CHAIN);
    let before = Snapshot::take();
    let (mut live, stdout, calls) = stalled(&folder);
    live.signal(Signal::INT);
    // The chain does not wait for the reader; the output does, so that it is whole.
    before.assert_programs_gone();
    assert!(!live.has_ended(), "what was taken from the kernel is not thrown away");
    let lost = assert_balance(&live.read(stdout), calls);
    assert!(lost >= u64::from(CALLS), "all that came while nobody read: {lost}");
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_second_interrupt_ends_the_wait_for_a_reader_that_stands_still() {
    let folder = Folder::new(CHAIN);
    let before = Snapshot::take();
    let (live, _stdout, _) = stalled(&folder);
    live.signal(Signal::INT);
    before.assert_programs_gone();
    let finished = live.end(Signal::INT);
    assert_eq!(finished.status.code(), Some(130), "{}", finished.stderr);
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn what_a_program_discards_was_never_produced() {
    let folder = Folder::new(
        r#"
        name = "discards"
        [host.source]
        object = "discards.o"
        program = "discards"
        attach = { tracepoint = "syscalls/sys_enter_getpgid" }
        "#,
    );
    let live = Live::json(&folder.chain());
    (0..10).for_each(fire);
    let finished = live.end(Signal::INT);
    assert_stream(&finished, "discards", &["source"]);
    let values: Vec<_> =
        events(&finished).iter().filter_map(|event| event["data"]["value"].as_u64()).collect();
    assert_eq!(values, [0, 2, 4, 6, 8]);
}

/// Events that one call of the torrents makes.
const DROPS: u64 = 256;
/// Two million events.
const TORRENT: u16 = 8000;

/// What is left of a torrent.
struct Flood {
    shown: u64,
    /// Of each `lost` record.
    lost: Vec<u64>,
    stderr: String,
}

/// How a record of a loss begins.
const LOST: &[u8] = b"{\"record\":\"lost\"";

fn is_lost_told(text: &[u8]) -> bool {
    text.windows(LOST.len()).any(|window| window == LOST)
}

/// Lets two million events come while stdout is read slowly: some KiB every few calls. Where losses are
/// `counted`, one is waited for half way.
fn torrent(object: &str, program: &str, counted: bool) -> Flood {
    let folder = Folder::new(&format!(
        r#"
        name = "torrent"
        [host.source]
        object = "{object}"
        program = "{program}"
        attach = {{ tracepoint = "syscalls/sys_enter_getpgid" }}
        "#
    ));
    let before = Snapshot::take();
    let (live, mut stdout) = Live::unread(&folder.chain(), &["--format", "json"]);
    let mut text = Vec::new();
    let mut piece = vec![0; 16 << 10];
    for call in 0..TORRENT {
        fire(call);
        if call % 8 == 0 && rustix::io::ioctl_fionread(&stdout).is_ok_and(|length| length > 0) {
            let length = stdout.read(&mut piece).expect("there is something");
            text.extend_from_slice(&piece[..length]);
        }
        if counted && call == TORRENT / 2 {
            // What came so far is read until a loss of it is told.
            let mut seen = 0;
            while !is_lost_told(&text[seen..]) {
                seen = text.len().saturating_sub(LOST.len());
                let length = stdout.read(&mut piece).expect("more is to come");
                assert!(length > 0, "it ended without a loss");
                text.extend_from_slice(&piece[..length]);
            }
        }
    }
    live.signal(Signal::INT);
    let finished = live.read(stdout);
    finished.assert_done();
    before.assert_nothing_new();
    let text = String::from_utf8(text).expect("JSON") + &finished.stdout;
    // Too many to be taken apart one by one.
    let shown = text.lines().filter(|line| line.starts_with("{\"record\":\"event\"")).count();
    let others = text.lines().filter(|line| !line.starts_with("{\"record\":\"event\""));
    let others: Vec<Value> =
        others.map(|line| serde_json::from_str(line).expect("a record")).collect();
    let lost = others.iter().filter(|record| record["record"] == "lost");
    let lost: Vec<_> = lost.filter_map(|record| record["count"].as_u64()).collect();
    let summary = others.last().expect("the last record");
    assert_eq!(summary["record"], "summary");
    assert_eq!(summary["events"], shown);
    assert_eq!(summary["lost"], lost.iter().sum::<u64>());
    Flood { shown: shown as u64, lost, stderr: finished.stderr }
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn two_million_events_through_a_ring_buffer_are_all_accounted_for() {
    let flood = torrent("flood.o", "torrent", true);
    let lost: u64 = flood.lost.iter().sum();
    assert_eq!(flood.shown + lost, u64::from(TORRENT) * DROPS);
    assert!(flood.shown > 0 && lost > flood.shown, "{} shown, {lost} lost", flood.shown);
    assert!(flood.lost.len() > 1, "told when they happen: {:?}", flood.lost);
    assert!(flood.stderr.contains("increase `buffer` (currently 512KiB)"), "{}", flood.stderr);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_chain_may_ask_for_room_for_all_its_events() {
    const CALLS: u16 = 200;
    let folder = Folder::new(
        r#"
        name = "roomy"
        buffer = "8MiB"
        [host.source]
        object = "flood.o"
        program = "torrent"
        attach = { tracepoint = "syscalls/sys_enter_getpgid" }
        "#,
    );
    // Nobody reads until all have come: they are more than 512 KiB would hold.
    let (live, stdout) = Live::unread(&folder.chain(), &["--format", "json"]);
    (0..CALLS).for_each(fire);
    live.signal(Signal::INT);
    let finished = live.read(stdout);
    finished.assert_done();
    let summary = finished.records().pop().expect("a summary");
    assert_eq!(
        (&summary["events"], &summary["lost"]),
        (&(u64::from(CALLS) * DROPS).into(), &0.into())
    );
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn two_million_events_through_perf_buffers_are_all_accounted_for() {
    let flood = torrent("foreign.o", "torrent_perf", true);
    let lost: u64 = flood.lost.iter().sum();
    assert_eq!(flood.shown + lost, u64::from(TORRENT) * DROPS);
    assert!(flood.shown > 0 && lost > flood.shown, "{} shown, {lost} lost", flood.shown);
    assert!(!flood.stderr.contains("lost events of"), "{}", flood.stderr);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn what_the_ring_buffer_of_another_tool_lost_is_said_to_be_unknown() {
    let flood = torrent("foreign.o", "torrent_ring", false);
    assert_eq!(flood.lost, [0; 0]);
    assert!(flood.shown > 0 && flood.shown < u64::from(TORRENT) * DROPS);
    let told =
        "lost events of `source` cannot be counted: the kernel does not report drops for `events`";
    assert!(flood.stderr.contains(told), "{}", flood.stderr);
}
