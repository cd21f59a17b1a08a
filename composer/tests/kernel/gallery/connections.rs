//! Recipes that see connections: redirect, tcp-states, tcp-options, tcp.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::fd::AsFd as _,
    time::Duration,
};

use rustix::net::sockopt;
use serde_json::{Value, json};

use super::{ELSEWHERE, built_in, choice, number, seen};
use crate::support::events::of;

fn end(addr: Ipv4Addr, port: u16) -> Value {
    json!({ "addr": addr.to_string(), "port": port })
}

/// A listener on a free port of the loopback, and its address.
fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    (listener, address)
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_connection_is_redirected() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 8080)).expect("the port is free");
    let events = built_in("redirect", |_| {
        let client = TcpStream::connect((ELSEWHERE, 80)).expect("it goes to the listener");
        let (_, peer) = listener.accept().expect("a client came");
        assert_eq!(client.local_addr().expect("it is connected"), peer);
    });
    let [connect] = &*of(&events, "connect") else { panic!("{events:#?}") };
    assert_eq!(connect["data"]["asked"], end(ELSEWHERE, 80));
    assert_eq!(connect["data"]["connected"], end(Ipv4Addr::LOCALHOST, 8080));
    assert_eq!(connect["pid"], std::process::id());
    let [decided] = &*of(&events, "decided") else { panic!("{events:#?}") };
    assert_eq!(decided["ret"], "CONNECT_ALLOW");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_connection_that_leaves_the_machine_is_denied() {
    let only_local = choice("redirect", "only_local", "");
    let (_listener, address) = listen();
    let events = seen(&only_local, |_| {
        let denied = TcpStream::connect((ELSEWHERE, 80)).expect_err("it leaves the machine");
        assert_eq!(denied.kind(), std::io::ErrorKind::PermissionDenied);
        TcpStream::connect(address).expect("it stays");
    });
    let verdicts: Vec<_> =
        of(&events, "connect").iter().map(|event| &event["data"]["ret"]).collect();
    assert_eq!(verdicts, ["CONNECT_DENY", "CONNECT_ALLOW"]);
    let traced: Vec<_> = of(&events, "decided").iter().map(|event| &event["ret"]).collect();
    assert_eq!(traced, verdicts);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn the_states_of_a_connection_are_told() {
    let (listener, address) = listen();
    let mut from = 0;
    let events = built_in("tcp-states", |_| {
        let client = TcpStream::connect(address).expect("something listens");
        from = client.local_addr().expect("it is connected").port();
        drop(client);
        drop(listener.accept().expect("a client came"));
    });
    let flow = json!({
        "source": end(Ipv4Addr::LOCALHOST, from),
        "destination": end(Ipv4Addr::LOCALHOST, address.port()),
    });
    let of_client = |node| {
        let found = of(&events, node).into_iter();
        found.filter(|event| event["data"]["flow"] == flow).collect::<Vec<_>>()
    };
    let changes = of_client("change");
    // The first one comes before the kernel chose the port.
    let connected = &changes[0]["data"];
    assert_eq!(connected["from"], "TCP_SYN_SENT", "{events:#?}");
    assert_eq!(connected["to"], "TCP_ESTABLISHED");
    for (change, next) in changes.iter().zip(&changes[1..]) {
        assert_eq!(change["data"]["to"], next["data"]["from"], "{changes:#?}");
    }
    let durations = of_client("selected");
    assert_eq!(durations.len(), changes.len(), "{events:#?}");
    for (duration, change) in durations.iter().zip(&changes) {
        assert_eq!(duration["data"]["state"], change["data"]["from"]);
        assert!(number(duration, "lasted") > 0, "{duration}");
    }
    let closed = of(&events, "closed");
    assert!(!closed.is_empty());
    assert!(closed.iter().all(|call| call["args"]["change->to"] == "TCP_CLOSE"), "{closed:#?}");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_connection_that_is_refused_is_told() {
    let (listener, address) = listen();
    let events = seen(&choice("tcp-states", "refused", ""), |_| {
        TcpStream::connect(address).expect("something listens");
        drop(listener);
        TcpStream::connect(address).expect_err("nothing listens any more");
    });
    let [refused] = &*of(&events, "change") else { panic!("{events:#?}") };
    assert_eq!(refused["data"]["flow"]["destination"], end(Ipv4Addr::LOCALHOST, address.port()));
    assert_eq!(refused["data"]["from"], "TCP_SYN_SENT");
    assert_eq!(refused["data"]["to"], "TCP_CLOSE");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn options_of_a_connection_are_set() {
    let (listener, address) = listen();
    let connect = || {
        let client = TcpStream::connect(address).expect("something listens");
        (client, listener.accept().expect("a client came").0)
    };
    let algorithm = |end: &TcpStream| sockopt::tcp_congestion(end.as_fd()).expect("it has one");
    let events = built_in("tcp-options", |_| {
        let (client, server) = connect();
        assert_eq!((&*algorithm(&client), &*algorithm(&server)), ("reno", "reno"));
    });
    let told = |end| {
        let mut found = of(&events, "connection").into_iter();
        found.find(|event| event["data"]["how"] == end).unwrap_or_else(|| panic!("{events:#?}"))
    };
    assert_eq!(told("CONNECTED")["data"]["remote_port"], address.port());
    assert_eq!(told("ACCEPTED")["data"]["local_port"], address.port());
    let set = of(&events, "set");
    assert!(set.len() == 2 && set.iter().all(|call| call["ret"] == "OPTIONS_SET"), "{set:#?}");

    let idle = Duration::from_secs(77);
    seen(&choice("tcp-options", "keepalive", "idle = 77"), |_| {
        let (client, server) = connect();
        for end in [client, server] {
            assert_eq!(sockopt::socket_keepalive(end.as_fd()), Ok(true));
            assert_eq!(sockopt::tcp_keepidle(end.as_fd()), Ok(idle));
        }
    });
    let (client, _server) = connect();
    assert_eq!(sockopt::socket_keepalive(client.as_fd()), Ok(false), "nothing is left of it");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn connections_to_one_port_are_handled() {
    let ((_one, asked), (_other, beside)) = (listen(), listen());
    for recipe in ["tcp", "tcp-map"] {
        let port = format!("port = {}", asked.port());
        let events = seen(&choice(recipe, "only_port", &port), |_| {
            TcpStream::connect(asked).expect("something listens");
            TcpStream::connect(beside).expect("something listens");
        });
        assert_eq!(of(&events, "connect").len(), 2, "{events:#?}");
        let flows: Vec<_> =
            of(&events, "handler_v1").iter().map(|event| &event["data"]["flow"]).collect();
        let [connected, accepted] = &*flows else { panic!("{events:#?}") };
        assert_eq!(connected["destination"]["port"], asked.port());
        assert_eq!(accepted["source"]["port"], asked.port());
        let answers: Vec<_> =
            of(&events, "after").iter().map(|event| &event["data"]["ret"]).collect();
        let unhandled = answers.iter().filter(|answer| **answer == "TCP_UNHANDLED").count();
        assert_eq!((answers.len(), unhandled), (4, 2), "{events:#?}");
    }
}
