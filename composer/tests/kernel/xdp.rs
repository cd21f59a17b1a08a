//! The xdp recipe on the loopback: what the replacement answers becomes of the frame.

use std::{
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::Command,
};

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{
    Folder, Live, Snapshot,
    events::{assert_stream, events, nodes, of, of_call},
    process::output,
    recipe, run,
};

/// What ping says of three echoes: `3 packets transmitted, 0 packets received, 100% packet loss`.
pub(crate) fn ping(host: &str) -> String {
    let said = output(Command::new("ping").args(["-c", "3", "-i", "0.1", "-W", "1", host]));
    let line = said.stdout.lines().find(|line| line.contains("packet loss"));
    line.unwrap_or_else(|| panic!("{said:#?}")).to_owned()
}

/// Connects to a port of the loopback and back.
pub(crate) fn connect() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    TcpStream::connect(listener.local_addr().expect("it listens")).expect("TCP passes");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn ping_is_dropped_while_the_chain_is_up_and_tcp_passes() {
    let before = Snapshot::take();
    assert!(ping("127.0.0.1").contains(" 0% packet loss"));
    let live = Live::json(&recipe("xdp"));
    assert!(ping("127.0.0.1").contains(" 100% packet loss"));
    assert!(ping("::1").contains(" 100% packet loss"));
    connect();
    let finished = live.end(Signal::INT);
    assert!(ping("127.0.0.1").contains(" 0% packet loss"));

    assert_stream(&finished, "xdp", &["ingress", "drop_echo", "before", "after"]);
    let events = events(&finished);
    let dropped = verdicts(&events, "127.0.0.1", 1);
    assert_eq!(dropped, ["XDP_DROP"; 3]);
    assert_eq!(verdicts(&events, "::1", 58)[..3], ["XDP_DROP"; 3]);
    let passed = verdicts(&events, "127.0.0.1", 6);
    assert!(passed.len() >= 3 && passed.iter().all(|verdict| verdict == "XDP_PASS"), "{passed:?}");
    before.assert_nothing_new();
}

/// What became of each IP packet of `protocol` from `host`, having passed every node in order.
#[track_caller]
fn verdicts(events: &[Value], host: &str, protocol: u8) -> Vec<String> {
    let mut found = Vec::new();
    for packet in of(events, "drop_echo") {
        if packet["data"]["source"] != host || packet["data"]["protocol"] != protocol {
            continue;
        }
        assert_eq!(packet["data"]["destination"], host);
        assert!(packet.get("pid").is_none(), "a network hook has no process: {packet}");
        let call = of_call(events, &packet["call"]);
        assert_eq!(nodes(&call), ["ingress", "before", "drop_echo", "after"], "{call:#?}");
        let length = &call[0]["data"]["length"];
        assert!(length.as_u64() > Some(0), "{call:#?}");
        assert_eq!([&call[1]["data"]["length"], &call[3]["data"]["length"]], [length, length]);
        assert_eq!(call[3]["data"]["ret"], packet["data"]["ret"]);
        assert!(call[3]["data"]["took"].as_u64() > Some(0), "{call:#?}");
        found.push(packet["data"]["ret"].as_str().expect("a name").to_owned());
    }
    found
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_programs_own_entry_can_be_replaced() {
    let folder = Folder::new(
        r#"
        name = "entry"
        host.ingress = { object = "builtin:xdp", program = "xdp_host", attach = { xdp = "lo" } }
        stub.all = { function = "xdp_host", hosts = ["ingress"] }
        [replacement.drop_echo]
        object = "builtin:xdp-replacement"
        program = "drop_echo"
        stub = "all"
        "#,
    );
    let before = Snapshot::take();
    let live = Live::json(&folder.chain());
    assert!(ping("127.0.0.1").contains(" 100% packet loss"));
    let finished = live.end(Signal::INT);
    finished.assert_done();
    let events = events(&finished);
    assert_eq!(of(&events, "ingress").len(), 0, "its code is not reached any more");
    assert_eq!(of(&events, "drop_echo").len(), 3);
    before.assert_nothing_new();
}

fn on_lo(mode: &str) -> Folder {
    Folder::new(&format!(
        r#"
        name = "mode"
        [host.ingress]
        object = "builtin:xdp"
        program = "xdp_host"
        attach = {{ xdp = "lo", mode = "{mode}" }}
        "#
    ))
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn auto_mode_falls_back_to_generic_where_the_driver_has_no_xdp() {
    let before = Snapshot::take();
    for mode in ["auto", "generic"] {
        let folder = on_lo(mode);
        let live = Live::json(&folder.chain());
        connect();
        let finished = live.end(Signal::INT);
        finished.assert_done();
        assert!(of(&events(&finished), "ingress").len() >= 3, "{mode}");
    }
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn native_mode_says_what_to_write_where_the_driver_has_no_xdp() {
    let before = Snapshot::take();
    let folder = on_lo("native");
    let finished = run(&folder.chain(), &["--", "true"]);
    finished.assert_failed(1, "FC0504");
    assert!(finished.stderr.contains("mode = \"generic\""), "{}", finished.stderr);
    before.assert_nothing_new();
}
