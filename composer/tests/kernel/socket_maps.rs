//! Hosts at a map of sockets of the chain, which another host fills with the connections that are made.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    time::Duration,
};

use rustix::process::Signal;

use crate::{
    hosts::{sees, since, stops, whole},
    support::{Folder, Live, Snapshot, events::events, run},
};

/// What adds connections to the map.
const FILL: &str = r#"
    host.fill = { object = "hooks.o", program = "fill_peers", attach = { sock_ops = "/sys/fs/cgroup" } }
"#;

/// Sends a byte over a new connection; whether it arrives.
fn message() -> bool {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let to = listener.local_addr().expect("it listens");
    let mut sender = TcpStream::connect(to).expect("it listens");
    let (mut receiver, _) = listener.accept().expect("it is connected");
    receiver.set_read_timeout(Some(Duration::from_millis(500))).expect("it is not zero");
    // What a program drops on its way out is told.
    let sent = sender.write_all(b"m");
    sent.is_ok() && matches!(receiver.read(&mut [0; 8]), Ok(1))
}

/// Brings up a host that lets messages pass, and one that drops them.
#[track_caller]
fn decides(name: &str, attach: &str) {
    sees(&(whole(name, attach, 1) + FILL), name, 1, message);
    stops(&(whole(name, attach, 0) + FILL), name, message);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn sk_msg() {
    decides("sk_msg", r#"sk_msg = "peers""#);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn sk_skb() {
    decides("sk_skb", r#"sk_skb = "peers", at = "verdict""#);
    decides("sk_skb", r#"sk_skb = "peers", at = "stream_verdict""#);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_parser_and_a_verdict_share_a_map() {
    let verdict = r#"
        host.v = { object = "hooks.o", program = "sk_skb_host", attach = { sk_skb = "peers", at = "stream_verdict" } }
    "#;
    let chain = whole("sk_parser", r#"sk_skb = "peers", at = "stream_parser""#, 1) + FILL + verdict;
    let before = Snapshot::take();
    let folder = Folder::new(&chain);
    let live = Live::json(&folder.chain());
    assert!(message());
    let finished = live.end(Signal::INT);
    finished.assert_done();
    before.assert_nothing_new();
    let events = events(&finished);
    for node in ["c", "n", "h", "t", "v"] {
        assert!(events.iter().any(|event| event["node"] == node), "{node}: {events:#?}");
    }
}

/// A chain called `id` with a host at a pinned map.
fn at_pinned_map(id: &str) -> Folder {
    Folder::new(&format!(
        r#"
        name = "{id}"
        pins = "/sys/fs/bpf/fc-socket-maps"
        [host.{id}]
        object = "hooks.o"
        program = "sk_msg_host"
        attach = {{ sk_msg = "peers" }}
        maps = {{ peers = {{ pin = true, keep = false }} }}
        "#
    ))
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_map_of_sockets_takes_one_program() {
    let before = Snapshot::take();
    let (first, second) = (at_pinned_map("first"), at_pinned_map("second"));
    let live = Live::json(&first.chain());
    let finished = run(&second.chain(), &["--", "true"]);
    finished.assert_failed(1, "FC0503");
    for part in ["in use by", "the socket program `sk_msg_host`", "FC0306"] {
        assert!(finished.stderr.contains(part), "{part}: {}", finished.stderr);
    }
    live.end(Signal::INT).assert_done();
    run(&second.chain(), &["--", "true"]).assert_done();
    // Without links a pinned map keeps the program of a process that is killed.
    let killed = Live::json(&first.chain());
    killed.end(Signal::KILL);
    let finished = run(&second.chain(), &["--", "true"]);
    match since(6, 10) {
        true => finished.assert_done(),
        false => finished.assert_failed(1, "FC0503"),
    }
    std::fs::remove_dir_all("/sys/fs/bpf/fc-socket-maps").expect("it was made for the pin");
    before.assert_nothing_new();
}
