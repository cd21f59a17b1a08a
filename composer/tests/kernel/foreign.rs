//! Programs of others: their records, their maps, as they are.

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{
    Folder, Live, Snapshot,
    events::{assert_stream, events, of},
    fire,
};

/// Two nodes of one object, each with its own copy of the object's maps.
const CHAIN: &str = r#"
    name = "foreign"
    [host.ring]
    object = "foreign.o"
    program = "to_ring"
    attach = { tracepoint = "syscalls/sys_enter_getpgid" }
    [host.perf]
    object = "foreign.o"
    program = "to_perf"
    attach = { tracepoint = "syscalls/sys_enter_getpgid" }
"#;

fn fired(chain: &str, names: &[&str], values: &[u16]) -> (Vec<Value>, String) {
    let folder = Folder::new(chain);
    let before = Snapshot::take();
    let live = Live::json(&folder.chain());
    values.iter().copied().for_each(fire);
    let finished = live.end(Signal::INT);
    assert_stream(&finished, "foreign", names);
    before.assert_nothing_new();
    (events(&finished), finished.stderr)
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn records_that_no_type_is_named_for_are_bytes_under_their_node() {
    let (events, stderr) = fired(CHAIN, &["ring", "perf"], &[1, 2]);
    for (node, map) in [("ring", "events"), ("perf", "perf_events")] {
        let own = of(&events, node);
        assert_eq!(own.len(), 2, "{events:#?}");
        for (event, value) in own.iter().zip([1_u32, 2]) {
            assert_eq!(event["map"], map);
            assert!(event.get("type").is_none(), "{event}");
            let bytes = event["bytes"].as_str().expect("in hexadecimal");
            // The value is 20 bytes behind the start; perf pads what it is given.
            let expected: String = value.to_ne_bytes().iter().map(|b| format!("{b:02x}")).collect();
            assert_eq!(&bytes[40..48], expected, "{bytes}");
        }
    }
    assert!(stderr.contains("losses of `ring` cannot be known"), "{stderr}");
    assert!(!stderr.contains("losses of `perf`"), "{stderr}");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_type_and_a_text_of_the_chain_decode_them() {
    let decoded = |map: &str| {
        format!(
            r#"events = {{ map = "{map}", type = "struct event", time = "ts", text = "{{saddr:ipv4}}:{{sport:be16}} → {{daddr:ipv4}}:{{dport:be16}} {{mood}} {{comm}} {{link.mac:mac}} {{link.ports[1]:be16}} {{ret:errno}} {{value:hex}}" }}"#
        )
    };
    let chain = CHAIN.replace("[host.perf]", &format!("{}\n    [host.perf]", decoded("events")))
        + &decoded("perf_events");
    // 7 makes a record that is shorter than the struct.
    let (events, stderr) = fired(&chain, &["ring", "perf"], &[5, 7]);
    for node in ["ring", "perf"] {
        let own = of(&events, node);
        assert_eq!(own.len(), 2, "{events:#?}");
        let (event, short) = (own[0], own[1]);
        assert_eq!(event["type"], "event");
        assert_eq!(event["data"]["saddr"], "10.0.2.15");
        assert_eq!(event["data"]["dport"], 443);
        assert_eq!(event["data"]["value"], "0x5");
        assert_eq!(event["data"]["link"]["mac"], "02:00:00:00:00:01");
        assert_eq!(event["data"]["ret"], -13);
        assert_eq!(event["time_ns"], event["data"]["ts"]);
        let text = event["text"].as_str().expect("it has one");
        let comm = event["data"]["comm"].as_str().expect("text");
        let expected = format!(
            "10.0.2.15:40000 → 93.184.216.34:443 CROSS {comm} 02:00:00:00:00:01 8080 -EACCES 0x5"
        );
        assert_eq!(text, expected);
        assert_eq!(short["type"], "event");
        assert!(short.get("data").is_none(), "{short}");
        assert!(short["bytes"].as_str().is_some_and(|bytes| bytes.len() >= 24), "{short}");
    }
    assert!(stderr.contains("2 not of a type that is known"), "{stderr}");
}
