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
