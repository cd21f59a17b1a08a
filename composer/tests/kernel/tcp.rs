//! The tcp recipes: real connections on the loopback, and what each node says of them.

use std::{
    fs,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream},
    process::Command,
};

use rustix::{
    process::Signal,
    time::{ClockId, clock_gettime},
};
use serde_json::{Value, json};

use crate::support::{
    Finished, Folder, Live, Snapshot,
    events::{assert_stream, events, nodes, of, of_call},
    recipe,
};

/// One connection that was made: the two ends as the client sees them.
struct Connection {
    client: SocketAddr,
    server: SocketAddr,
}

impl Connection {
    /// Makes one to `listener`, which is on `port` of every address or of just `to`.
    fn make(listener: &TcpListener, to: impl Into<std::net::IpAddr>) -> Self {
        let port = listener.local_addr().expect("it listens").port();
        let client = TcpStream::connect((to.into(), port)).expect("something listens there");
        let (_server, _) = listener.accept().expect("a client came");
        let ends = (client.local_addr(), client.peer_addr());
        let canonical = |end: SocketAddr| SocketAddr::new(end.ip().to_canonical(), end.port());
        Self {
            client: canonical(ends.0.expect("it is connected")),
            server: canonical(ends.1.expect("it is connected")),
        }
    }
}

/// A flow as JSON.
fn flow(source: SocketAddr, destination: SocketAddr) -> Value {
    let end = |end: SocketAddr| json!({"addr": end.ip().to_string(), "port": end.port()});
    json!({"source": end(source), "destination": end(destination)})
}

fn monotonic() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs()
}

/// What came of one invocation of the host `host` for `wanted`: host, before, replacement, after.
#[track_caller]
fn assert_call(events: &[Value], host: &str, wanted: &Value) -> Value {
    let hosts = of(events, host);
    let mut hosts = hosts.into_iter().filter(|event| event["data"]["flow"] == *wanted);
    let first = hosts.next().unwrap_or_else(|| panic!("no {host} of {wanted} in {events:#?}"));
    assert_eq!(hosts.next(), None, "one {host} for one connection");
    let call = of_call(events, &first["call"]);
    assert_eq!(nodes(&call), [host, "before", "handler_v1", "after"], "{call:#?}");
    for event in &call {
        assert_eq!(event["data"]["flow"], *wanted);
    }
    assert!(call.is_sorted_by_key(|event| event["time_ns"].as_u64()), "{call:#?}");
    assert_eq!(call[3]["data"]["ret"], "TCP_SEEN");
    assert!(call[3]["data"]["took"].as_u64().is_some_and(|took| took > 0), "{:#?}", call[3]);
    let kinds: Vec<_> = call.iter().map(|event| event["kind"].as_str().unwrap_or("?")).collect();
    assert_eq!(kinds, ["kprobe", "fentry", "freplace", "fexit"]);
    first["call"].clone()
}

/// Every node of `chain` sees every connection, with both ends, in order.
fn every_connection_is_seen(chain: &str) {
    let before = Snapshot::take();
    let began = monotonic();
    let live = Live::json(&recipe(chain));
    let four = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let six = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).expect("a free port");
    let both = TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).expect("a free port");
    let mapped = Ipv4Addr::LOCALHOST.to_ipv6_mapped();
    let connections = [
        Connection::make(&four, Ipv4Addr::LOCALHOST),
        Connection::make(&six, Ipv6Addr::LOCALHOST),
        // IPv4 over IPv6 sockets: at the listener, then at both ends.
        Connection::make(&both, Ipv4Addr::LOCALHOST),
        Connection::make(&both, mapped),
    ];
    let finished = live.end(Signal::INT);
    let ended = monotonic();

    assert_stream(&finished, chain, &["connect", "accept", "handler_v1", "before", "after"]);
    let events = events(&finished);
    let mut calls = Vec::new();
    for Connection { client, server } in connections {
        calls.push(assert_call(&events, "connect", &flow(client, server)));
        calls.push(assert_call(&events, "accept", &flow(server, client)));
    }
    assert_eq!(events.len(), 4 * calls.len(), "nothing else connects here: {events:#?}");
    let mut unique = calls.clone();
    unique.sort_by_key(Value::as_u64);
    unique.dedup();
    assert_eq!(unique.len(), calls.len(), "a call number for each invocation");
    assert!(!calls.contains(&json!(0)));
    assert_headers(&events, began..ended);
    assert_eq!(finished.records().last().map(|last| last["lost"].clone()), Some(json!(0)));
    before.assert_nothing_new();
}

/// Who, where and when. A connection is made in the context of its client.
fn assert_headers(events: &[Value], time: std::ops::Range<u64>) {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let comm = fs::read_to_string("/proc/thread-self/comm").expect("procfs is mounted");
    for event in events {
        assert!(event["cpu"].as_u64().is_some_and(|cpu| cpu < cpus), "{event}");
        assert!(event["time_ns"].as_u64().is_some_and(|ns| time.contains(&ns)), "{event}");
    }
    for connect in of(events, "connect") {
        for event in of_call(events, &connect["call"]) {
            assert_eq!(event["pid"], std::process::id(), "{event}");
            assert_eq!(event["tid"], rustix::thread::gettid().as_raw_nonzero().get(), "{event}");
            assert_eq!(event["comm"], comm.trim_end(), "{event}");
        }
    }
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn every_node_of_tcp_sees_every_connection() {
    every_connection_is_seen("tcp");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn every_node_of_tcp_map_sees_every_connection() {
    every_connection_is_seen("tcp-map");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn people_read_one_aligned_line_for_each_event() {
    let live = Live::up(&recipe("tcp"), &[]);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let Connection { client, server } = Connection::make(&listener, Ipv4Addr::LOCALHOST);
    let finished: Finished = live.end(Signal::INT);
    finished.assert_done();
    let wanted = format!("{client} → {server}");
    let lines: Vec<_> = finished.stdout.lines().filter(|line| line.contains(&wanted)).collect();
    let words: Vec<_> = lines.iter().map(|line| line.split_whitespace().nth(1)).collect();
    let order = [Some("connect"), Some("before"), Some("handler_v1"), Some("after")];
    assert_eq!(words, order, "{}", finished.stdout);
    let column = |line: &&str| line.find(&wanted);
    assert!(lines.iter().all(|line| column(line) == column(&lines[0])), "{}", finished.stdout);
    assert!(lines[3].contains("= TCP_SEEN"), "{}", lines[3]);
    assert!(finished.stderr.contains("detached 6 nodes   8 events, 0 lost"), "{}", finished.stderr);
}

/// The same recipe twice in one chain: both instances see the connection, each with maps of its own.
#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn two_includes_of_one_recipe_have_maps_of_their_own() {
    let before = Snapshot::take();
    let folder = Folder::new(
        r#"
        include = [{ recipe = "builtin:tcp-map", as = "a" }, { recipe = "builtin:tcp-map", as = "b" }]
        params.what = { type = "string" }
        tracer.mine = { fexit = "${what}.handler_v1" }
        "#,
    );
    let live = Live::up(&folder.chain(), &["--format", "json", "--set", "what=b"]);
    let shown = Command::new("/tools/bpftool").args(["-j", "map", "show"]).output();
    let maps: Value = serde_json::from_slice(&shown.expect("it is there").stdout).expect("JSON");
    let maps = maps.as_array().expect("a list").iter();
    let named = maps.filter(|map| map["name"] == "tcp_socket").count();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let Connection { client, server } = Connection::make(&listener, Ipv4Addr::LOCALHOST);
    let finished = live.end(Signal::INT);
    finished.assert_done();
    assert_eq!(named, 2, "one for each include");
    let events = events(&finished);
    for node in ["a.connect", "b.connect", "a.handler_v1", "b.handler_v1"] {
        let found = of(&events, node);
        let of_client = |event: &&Value| event["data"]["flow"] == flow(client, server);
        assert!(found.iter().any(of_client), "{node} in {events:#?}");
    }
    assert_eq!(of(&events, "mine").len(), 2, "at both ends: {events:#?}");
    before.assert_nothing_new();
}
