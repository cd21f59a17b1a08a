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
    assert!(stderr.contains("lost events of `ring` cannot be counted"), "{stderr}");
    assert!(!stderr.contains("lost events of `perf`"), "{stderr}");
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
    assert!(stderr.contains("2 could not be decoded"), "{stderr}");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_layout_of_the_chain_decodes_what_is_not_in_btf() {
    let node = |id: &str, program: &str, map: &str| {
        format!(
            r#"
            [host.{id}]
            object = "foreign.o"
            program = "{program}"
            attach = {{ tracepoint = "syscalls/sys_enter_getpgid" }}
            [host.{id}.events]
            map = "{map}"
            layout = "u8 kind; u64 ts; u32 saddr; __be16 port; char comm[16]; s16 pairs[2][2]"
            time = "ts"
            text = "{{kind}} {{saddr:ipv4}}:{{port}} {{comm}} {{pairs[1][0]}} {{kind:enum mood}}"
            "#
        )
    };
    let chain = "name = \"foreign\"\n".to_owned()
        + &node("ring", "untyped", "events")
        + &node("perf", "untyped_perf", "perf_events");
    // C pads its struct to 48 bytes; 1 makes a record of 46, and 3 one of 45, which is too short;
    // but perf pads what it is given.
    let (events, stderr) = fired(&chain, &["ring", "perf"], &[2, 1, 3]);
    for (node, map) in [("ring", "events"), ("perf", "perf_events")] {
        let own = of(&events, node);
        assert_eq!(own.len(), 3, "{events:#?}");
        for (event, (kind, mood)) in own.iter().zip([(2, "CROSS"), (1, "CALM")]) {
            let data = &event["data"];
            assert_eq!(event["type"], map);
            assert_eq!(event["time_ns"], data["ts"]);
            assert_eq!(data["port"], 443);
            assert_eq!(data["pairs"], serde_json::json!([[0, 0], [-13, 0]]));
            let comm = data["comm"].as_str().filter(|comm| !comm.is_empty()).expect("text");
            let expected = format!("{kind} 10.0.2.15:443 {comm} -13 {mood}");
            assert_eq!(event["text"], expected);
        }
    }
    let short = &of(&events, "ring")[2];
    assert_eq!(short["bytes"].as_str().map(str::len), Some(2 * 45), "{events:#?}");
    assert!(short.get("data").is_none(), "{events:#?}");
    assert!(stderr.contains("1 could not be decoded"), "{stderr}");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn people_read_a_text_or_a_dump_under_the_nodes_name() {
    let named = r#"events = { map = "events", type = "event", text = "{value} on {comm}" }"#;
    let folder = Folder::new(&CHAIN.replace("[host.perf]", &format!("{named}\n    [host.perf]")));
    for view in ["log", "tree"] {
        let live = Live::up(&folder.chain(), &["--view", view]);
        fire(3);
        let finished = live.end(Signal::INT);
        finished.assert_done();
        let line = |node: &str| {
            let mut lines = finished.stdout.lines().filter(|line| line.contains(node));
            lines.next().unwrap_or_else(|| panic!("{view}: {finished:#?}")).to_owned()
        };
        assert!(line(" ring ").contains("  3 on "), "{view}: {}", line(" ring "));
        // 64 bytes, which with the length in front of them are rounded up to 72.
        let dump = line(" perf ");
        assert!(dump.contains("  perf_events: 68 bytes  "), "{view}: {dump}");
        assert!(dump.contains(" 0a00020f 5db8d822 9c4001bb 03000000 02000000 "), "{view}: {dump}");
    }
}

/// An XDP program has no current task, and hands the packet itself over, behind what it says of it.
#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn packets_through_a_perf_buffer_are_seen() {
    let chain = r#"
        name = "packets"
        [host.ingress]
        object = "foreign.o"
        program = "packets"
        attach = { xdp = "lo", mode = "generic" }
    "#;
    let folder = Folder::new(chain);
    let before = Snapshot::take();
    let live = Live::json(&folder.chain());
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let to = socket.local_addr().expect("it is bound");
    socket.send_to(b"hello", to).expect("the loopback takes it");
    let finished = live.end(Signal::INT);
    assert_stream(&finished, "packets", &["ingress"]);
    let events = events(&finished);
    // 14 bytes of Ethernet, 20 of IP, 8 of UDP, and what was said.
    let length: String = 47_u32.to_ne_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let ours = events
        .iter()
        .find(|event| event["bytes"].as_str().is_some_and(|bytes| bytes.starts_with(&length)));
    let ours = ours.unwrap_or_else(|| panic!("{events:#?}"));
    assert!(ours.get("pid").is_none() && ours["cpu"].is_u64(), "{ours}");
    // The Ethernet header says that IPv4 follows.
    assert_eq!(&ours["bytes"].as_str().expect("it has some")[32..36], "0800");
    before.assert_nothing_new();
}

/// Both CPUs write at once, each to a buffer of its own.
#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_perf_buffer_of_two_cpus_is_in_the_order_of_the_times() {
    const CALLS: u16 = 400;
    let chain = CHAIN.to_owned()
        + r#"events = { map = "perf_events", type = "struct event", time = "ts" }"#;
    let folder = Folder::new(&chain);
    let live = Live::json(&folder.chain());
    std::thread::scope(|scope| {
        for cpu in 0..2 {
            scope.spawn(move || {
                let mut cpus = rustix::thread::CpuSet::new();
                cpus.set(cpu);
                rustix::thread::sched_setaffinity(None, &cpus).expect("the guest has two CPUs");
                // 7 makes a short record.
                (0..CALLS).for_each(|_| fire(5));
            });
        }
    });
    let finished = live.end(Signal::INT);
    assert_stream(&finished, "foreign", &["ring", "perf"]);
    let events = events(&finished);
    let own = of(&events, "perf");
    let cpus: std::collections::HashSet<_> =
        own.iter().map(|event| event["cpu"].as_u64()).collect();
    assert_eq!(cpus.len(), 2, "both wrote");
    let times: Vec<_> = own.iter().map(|event| event["data"]["ts"].as_u64()).collect();
    assert!(times.is_sorted(), "{times:?}");
}
