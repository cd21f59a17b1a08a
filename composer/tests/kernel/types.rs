//! An author's own event, with everything that can be in one, decoded without a line of Rust.

use rustix::process::Signal;
use serde_json::json;

use crate::support::{Folder, Live, events::events, fire};

const CHAIN: &str = r#"
    name = "types"
    [host.all]
    object = "types.o"
    program = "emit_everything"
    attach = { tracepoint = "syscalls/sys_enter_getpgid" }
"#;

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn json_has_every_field_in_its_base_unit() {
    let folder = Folder::new(CHAIN);
    let live = Live::json(&folder.chain());
    fire(1);
    let finished = live.end(Signal::INT);
    finished.assert_done();
    let events = events(&finished);
    assert_eq!(events[0]["type"], "everything");
    let loopback = |port| json!({"addr": "127.0.0.1", "port": port});
    let wanted = json!({
        "ipv4": "10.0.2.15",
        "ipv6": "2001:db8::1",
        "ip_four": "127.0.0.1",
        "ip_six": "2001:db8::1",
        "port": 443,
        "mac": "02:00:00:00:00:fe",
        "took": 11900,
        "error": -13,
        "no_error": 0,
        "endpoint": loopback(80),
        "flow": {"source": loopback(1), "destination": {"addr": "2001:db8::1", "port": 2}},
        "be16": 0x1234,
        "be32": 0x1234_5678,
        "alias": "1.2.3.4",
        "qualified": 8080,
        "u8": 255,
        "s8": -1,
        "u16": 65535,
        "s16": -2,
        "u32": 4_294_967_295_u32,
        "s32": -3,
        "u64": u64::MAX,
        "s64": i64::MIN,
        "yes": true,
        "no": false,
        "text": "hi",
        "full": "full",
        "control": "a\"\\\n\u{fffd}",
        "red": "COLOR_RED",
        "unknown": 99,
        "low": "LEVEL_LOW",
        "inner": {"kind": 3, "port": 53, "deeper": {"text": "abc"}},
        "pair": [
            {"kind": 0, "port": 0, "deeper": {"text": ""}},
            {"kind": 4, "port": 0, "deeper": {"text": ""}},
        ],
        "numbers": [1, 0, 3],
        "matrix": [[0, 1], [2, 0]],
        "names": ["one", "two"],
        "pointer": "0xffff800012345678",
        "number": {"whole": 0x0102_0304, "bytes": [4, 3, 2, 1]},
        // Fields of a struct without a name are fields of the struct around it, as in C.
        "unnamed_first": 21,
        "unnamed_second": 22,
        "ret": "COLOR_BLUE",
    });
    for (field, value) in wanted.as_object().expect("an object") {
        assert_eq!(events[0]["data"][field], *value, "{field}");
    }
    assert_eq!(events[0]["data"], wanted, "and nothing else");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn people_see_names_units_and_a_return_value() {
    let folder = Folder::new(CHAIN);
    let live = Live::up(&folder.chain(), &[]);
    fire(1);
    let finished = live.end(Signal::INT);
    finished.assert_done();
    let line = finished.stdout.lines().next().expect("one event");
    assert_eq!(finished.stdout.lines().count(), 1, "control letters are escaped: {line}");
    for part in [
        "  ipv4=10.0.2.15  ipv6=2001:db8::1  ip_four=127.0.0.1  ip_six=2001:db8::1  port=443",
        "  mac=02:00:00:00:00:fe  took=11 µs  error=-EACCES  no_error=0  endpoint=127.0.0.1:80",
        "  127.0.0.1:1 → [2001:db8::1]:2  be16=4660  be32=305419896  alias=1.2.3.4",
        "  s8=-1  u16=65535  s16=-2  u32=4294967295  s32=-3  u64=18446744073709551615",
        "  s64=-9223372036854775808  yes=true  no=false  text=hi  full=full  control=a\\\"\\\\\\n",
        "  red=COLOR_RED  unknown=99  low=LEVEL_LOW  inner={kind=3 port=53 deeper={text=abc}}",
        "  numbers=[1 0 3]  matrix=[[0 1] [2 0]]  names=[one two]  pointer=0xffff800012345678",
        "  unnamed_first=21  unnamed_second=22  = COLOR_BLUE",
    ] {
        assert!(line.contains(part), "no {part:?} in {line}");
    }
}
