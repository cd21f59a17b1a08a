//! The schema of event records: it takes what is written, and refuses what is not.

mod common;
#[path = "common/schema.rs"]
mod draft;

use freplace_compose::event::{
    EventAccounting, Json, Loss, ProgramChange, Render as _, Totals, schema,
};
use serde_json::{Value, json};

fn taken(record: &Value) -> bool {
    draft::check(&schema(), record).is_ok()
}

/// A record of each kind, with all its keys.
fn records() -> Vec<Value> {
    let (resolved, plan) = common::planned("tcp");
    let (mut out, mut json) = (String::new(), Json::new(&plan));
    json.start(&[(0, 7)], &mut out);
    json.lost(&Loss { node: Some(1), map: "fc_events", count: 3 }, &mut out);
    let change = ProgramChange { node: 0, program: 41, now: Some(52), followed: true };
    json.changed(&change, &[(0, 52)], &mut out);
    let mut accounting = EventAccounting::new(plan.nodes.len());
    accounting.counted(1, 5, 1);
    json.end(&Totals { accounting: &accounting, shown: 9 }, &mut out);
    assert_eq!(resolved.chain().name, plan.chain);
    let mut records: Vec<Value> =
        out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    records.push(json!({
        "record": "event", "node": "before", "kind": "fentry", "time_ns": 1, "call": u64::MAX,
        "cpu": 0, "pid": 1, "tid": 2, "comm": "x", "type": "tcp_event", "data": { "flow": null },
    }));
    records
}

#[test]
fn what_is_written_is_what_the_schema_asks_for() {
    for record in records() {
        assert_eq!(draft::check(&schema(), &record), Ok(()), "{record}");
    }
}

/// Keys that a record can do without, given that those beside them are gone too.
const PROCESS: [&str; 3] = ["pid", "tid", "comm"];

#[test]
fn a_key_that_is_missing_unknown_or_of_another_type_is_refused() {
    for record in records() {
        for key in record.as_object().expect("an object").keys() {
            let mut without = record.clone();
            without.as_object_mut().expect("an object").remove(key);
            // A ring buffer of another tool does not tell the CPU.
            assert_eq!(taken(&without), key == "cpu", "{without}");
            for wrong in [json!(-1), json!(true), json!(null), json!([]), json!(1.5)] {
                let mut other = record.clone();
                // Not every kernel counts what it passes over, and a program may have no successor.
                let may_be_unknown = [("node_down", "skipped"), ("program_changed", "now")];
                let is_right = wrong.is_null()
                    && may_be_unknown
                        .iter()
                        .any(|(kind, of)| record["record"] == *kind && key == of);
                let is_right = is_right || key == "followed" && wrong.is_boolean();
                other[key] = wrong;
                assert_eq!(taken(&other), is_right, "{other}");
            }
        }
        let mut more = record.clone();
        more["more"] = json!(1);
        assert!(!taken(&more), "{more}");
    }
    for wrong in [json!({}), json!([]), json!("version"), json!({ "record": "evnt" })] {
        assert!(!taken(&wrong), "{wrong}");
    }
}

#[test]
fn a_built_in_tracer_tells_of_a_call_or_a_return() {
    let call = json!({
        "record": "event", "node": "around", "kind": "fentry", "time_ns": 1, "call": 0, "cpu": 0,
        "type": "call", "function": "filter", "args": { "len": 64 },
    });
    assert!(taken(&call), "{call}");
    let mut back = call.clone();
    back["ret"] = json!(2);
    back["ret_name"] = json!("XDP_PASS");
    back["took_ns"] = json!(null);
    assert!(taken(&back), "{back}");
    for (key, wrong) in [("took_ns", json!(-1)), ("args", json!([])), ("data", json!({}))] {
        let mut other = back.clone();
        other[key] = wrong;
        assert!(!taken(&other), "{other}");
    }
}

#[test]
fn an_event_has_a_process_or_none_and_fields_or_bytes() {
    let whole = records().pop().expect("the last one is an event");
    let mut network = whole.clone();
    let keys = network.as_object_mut().expect("an object");
    PROCESS.iter().for_each(|key| drop(keys.remove(*key)));
    assert!(taken(&network), "{network}");
    let mut both = network.clone();
    both["bytes"] = json!("00ff");
    assert!(!taken(&both), "{both}");
    let mut bytes = both;
    let keys = bytes.as_object_mut().expect("an object");
    ["type", "data"].iter().for_each(|key| drop(keys.remove(*key)));
    assert!(taken(&bytes), "{bytes}");
    for wrong in ["0", "xx", "FF"] {
        bytes["bytes"] = json!(wrong);
        assert!(!taken(&bytes), "{bytes}");
    }
}

#[test]
fn what_programs_write_by_themselves_has_keys_of_its_own() {
    let head = json!({
        "record": "event", "node": "tool", "kind": "kprobe", "time_ns": 1, "call": 0,
    });
    let with = |more: &Value| {
        let mut record = head.clone();
        let keys = record.as_object_mut().expect("an object");
        keys.extend(more.as_object().expect("an object").clone());
        record
    };
    for good in [
        json!({ "map": "events", "bytes": "00" }),
        json!({ "map": "events", "cpu": 1, "type": "event", "bytes": "00" }),
        json!({ "map": "events", "type": "event", "data": {}, "text": "x" }),
        json!({ "printk": "x", "known": true }),
        json!({ "printk": "x", "known": false, "or": ["other"] }),
    ] {
        assert_eq!(draft::check(&schema(), &with(&good)), Ok(()), "{good}");
    }
    for wrong in [
        json!({ "map": "events" }),
        json!({ "map": 1, "bytes": "00" }),
        json!({ "map": "events", "bytes": "00", "text": "x" }),
        json!({ "printk": "x" }),
        json!({ "printk": "x", "known": 1 }),
        json!({ "printk": "x", "known": true, "or": [] }),
        json!({ "printk": "x", "known": true, "bytes": "00" }),
        json!({ "bytes": "00", "known": true }),
    ] {
        assert!(!taken(&with(&wrong)), "{wrong}");
    }
    let (_, plan) = common::planned("tcp");
    let (mut out, mut json) = (String::new(), Json::new(&plan));
    let mut accounting = EventAccounting::new(plan.nodes.len());
    accounting.uncounted(0, "events");
    accounting.skips.add(0, None);
    json.end(&Totals { accounting: &accounting, shown: 0 }, &mut out);
    json.lost(&Loss { node: None, map: "bpf_printk", count: 3 }, &mut out);
    for line in out.lines() {
        let record: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(draft::check(&schema(), &record), Ok(()), "{record}");
    }
    let mut nobody: Value = serde_json::from_str(out.lines().last().expect("two")).expect("JSON");
    nobody["node"] = json!("tool");
    assert!(!taken(&nobody), "of a node or of nobody: {nobody}");
}
