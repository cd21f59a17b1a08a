//! What a trace viewer is given, from records that were made up.

use proptest::{prelude::*, test_runner::Config};
use serde_json::{Value, json};

use super::{ChromeTrace, Render as _};
use crate::event::{
    EventAccounting, Loss, Totals,
    render::tree::tests::CHAIN,
    tests::{Emitted, chain_of, with_events},
};

/// The trace of events, given as (CPU, call, node, nanoseconds); every record but the names.
#[track_caller]
fn traced(events: &[(u32, u64, &str, u64)]) -> Vec<Value> {
    let (chain, plan) = chain_of(CHAIN);
    let node = |id: &str| plan.nodes.iter().position(|node| node.id == id).expect("a node") as u32;
    let emitted: Vec<_> = events
        .iter()
        .map(|(cpu, call, id, time_ns)| Emitted {
            time_ns: *time_ns,
            call: *call,
            node: node(id),
            cpu: *cpu,
            value: 7,
        })
        .collect();
    let mut trace = ChromeTrace::new(&chain, &plan);
    let mut out = String::new();
    trace.start(&[], &mut out);
    with_events(&plan.nodes, &emitted, |event| trace.event(event, &mut out));
    trace.lost(&Loss { node: Some(node("fired") as usize), map: "fc_events", count: 3 }, &mut out);
    let accounting = EventAccounting::new(plan.nodes.len());
    trace.end(&Totals { accounting: &accounting, shown: 0 }, &mut out);
    let mut records: Vec<Value> = serde_json::from_str(&out).expect("valid JSON");
    assert_tracks(&records);
    let lost = records.iter().position(|record| record["name"] == "3 of fired lost");
    records.remove(lost.expect("losses are told"));
    records.retain(|record| record["ph"] != "M");
    records
}

/// Every track has a name, and of two slices on one either holds the other or ends before it.
#[track_caller]
fn assert_tracks(records: &[Value]) {
    let named = |tid: &Value| {
        records.iter().any(|record| record["name"] == "thread_name" && record["tid"] == *tid)
    };
    let number = |record: &Value, key: &str| {
        // To the nanosecond, as the digits say.
        let text = record[key].to_string();
        let (whole, part) = text.split_once('.').unwrap_or((&text, "0"));
        let digits = format!("{part:0<3}");
        whole.parse::<u64>().expect("digits") * 1000 + digits.parse::<u64>().expect("digits")
    };
    let mut open: Vec<(u64, Vec<u64>)> = Vec::new();
    let mut slices: Vec<_> = records.iter().filter(|record| record["ph"] == "X").collect();
    // As viewers do: by their beginning, the longer one first.
    slices.sort_by_key(|slice| (number(slice, "ts"), u64::MAX - number(slice, "dur")));
    for slice in slices {
        assert!(named(&slice["tid"]), "{slice}");
        let (tid, from) = (slice["tid"].as_u64().expect("a number"), number(slice, "ts"));
        let to = from + number(slice, "dur");
        let track = match open.iter().position(|(other, _)| *other == tid) {
            Some(track) => &mut open[track].1,
            None => {
                open.push((tid, Vec::new()));
                &mut open.last_mut().expect("just pushed").1
            }
        };
        while track.last().is_some_and(|end| *end < from) {
            track.pop();
        }
        assert!(track.last().is_none_or(|end| *end == from || to <= *end), "{slice} in {track:?}");
        track.push(to);
    }
}

fn names(records: &[Value], kind: &str) -> Vec<String> {
    let of = records.iter().filter(|record| record["ph"] == kind);
    of.map(|record| record["name"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn a_pair_of_tracers_is_a_slice_within_its_host() {
    let found = traced(&[
        (2, 5, "fired", 1_000_001),
        (2, 5, "in", 1_002_000),
        (2, 5, "seven", 1_002_500),
        (2, 5, "out", 1_004_003),
    ]);
    let payload = json!({ "type": "event", "data": { "value": 7 } });
    assert_eq!(
        found,
        [
            json!({
                "ph": "X", "name": "fired", "cat": "kprobe", "pid": 1, "tid": 3,
                "ts": 1000.001, "dur": 4.003, "args": { "call": "5", "task": "wget/146" },
            }),
            json!({
                "ph": "i", "s": "t", "name": "fired", "cat": "kprobe", "pid": 1, "tid": 3,
                "ts": 1000.001, "args": payload,
            }),
            json!({
                "ph": "X", "name": "seven", "cat": "freplace", "pid": 1, "tid": 3,
                "ts": 1002.0, "dur": 2.003, "args": {
                    "entry": { "node": "in", "type": "event", "data": { "value": 7 } },
                    "exit": { "node": "out", "type": "event", "data": { "value": 7 } },
                },
            }),
            json!({
                "ph": "i", "s": "t", "name": "seven", "cat": "freplace", "pid": 1, "tid": 3,
                "ts": 1002.5, "args": payload,
            }),
        ]
    );
}

#[test]
fn without_a_pair_there_are_instants() {
    let found =
        traced(&[(0, 1, "plain_out", 1), (0, 2, "in", 2), (0, 2, "in", 3), (0, 2, "out", 4)]);
    assert_eq!(names(&found, "i"), ["plain_out", "in"]);
    assert_eq!(names(&found, "X"), ["fired", "seven"]);
}

#[test]
fn tracers_of_the_host_itself_make_a_slice_around_its_call() {
    let found = traced(&[
        (0, 0, "host_in", 10),
        (1, 0, "host_in", 11),
        (0, 1, "fired", 20),
        (0, 0, "host_out", 30),
        (0, 0, "host_out", 40),
    ]);
    let slices: Vec<_> = found.iter().filter(|record| record["ph"] == "X").collect();
    assert_eq!(slices.len(), 1);
    assert_eq!((&slices[0]["name"], &slices[0]["dur"]), (&json!("fired"), &json!(0.02)));
    assert_eq!(names(&found, "i"), ["fired", "host_out", "host_in"]);
}

proptest! {
    #![proptest_config(Config { cases: 300, failure_persistence: None, ..Config::default() })]

    /// However many events are missing, slices nest and every event is in the trace once.
    #[test]
    fn slices_nest_whatever_was_lost(
        taken in prop::collection::vec((0_u32..3, 0_usize..10, 0_u64..3, any::<bool>()), 0..60)
    ) {
        const NODES: [&str; 10] = [
            "fired", "in", "seven", "out", "twice_in", "plain_out", "host_in", "host_out", "in", "out",
        ];
        let mut calls = [1_u64; 3];
        let mut now = 0;
        let events: Vec<_> = taken.iter().map(|(cpu, node, later, next)| {
            // A CPU writes no two events in a nanosecond.
            now += 1 + later;
            let call = &mut calls[*cpu as usize];
            *call += u64::from(*next);
            let outside = NODES[*node].starts_with("host");
            (*cpu, if outside { 0 } else { *call }, NODES[*node], now)
        }).collect();
        let found = traced(&events);
        let ends: usize = found
            .iter()
            .filter(|record| record["ph"] == "X" && record["args"].get("call").is_none())
            .map(|record| record["args"].as_object().expect("arguments").len())
            .sum();
        prop_assert_eq!(names(&found, "i").len() + ends, events.len());
    }
}
