//! Recipes that see packets: cgroup, egress, xdp.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::fs::MetadataExt as _,
    process::Command,
    time::Duration,
};

use serde_json::Value;

use super::{built_in, choice, number, seen};
use crate::{
    hosts::{Cgroup, datagram, since},
    support::{events::of, process::output, run},
    xdp::{connect, ping},
};

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn the_traffic_of_a_cgroup_is_counted() {
    let own = Cgroup::new("/sys/fs/cgroup/fc-gallery");
    let id = fs::metadata(own.0).expect("it was made").ino();
    let events = built_in("cgroup", |_| {
        assert!(datagram());
        let inside = format!("echo 0 > {}/cgroup.procs; ping -c 3 127.0.0.1", own.0);
        output(Command::new("sh").args(["-c", &inside])).assert_done();
    });
    let of_cgroup = |node| -> Vec<_> {
        let found = of(&events, node).into_iter();
        found.filter(|event| number(event, "cgroup") == id).collect()
    };
    let (sent, received) = (of_cgroup("sent"), of_cgroup("received"));
    assert!(sent.len() >= 3, "{events:#?}");
    for packet in sent.iter().chain(&received) {
        assert_eq!(packet["data"]["flow"]["destination"]["addr"], "127.0.0.1", "{packet}");
        assert_eq!(packet["data"]["ret"], "CGROUP_PASS", "{packet}");
    }
    let all = || sent.iter().chain(&received);
    let totals = of_cgroup("policy").into_iter();
    let last = totals.max_by_key(|total| number(total, "packets")).expect("they were counted");
    assert_eq!(number(last, "packets"), all().count() as u64, "{events:#?}");
    assert_eq!(number(last, "bytes"), all().map(|packet| number(packet, "length")).sum::<u64>());
    let of_others = of(&events, "sent").iter().any(|event| number(event, "cgroup") != id);
    assert!(of_others, "{events:#?}");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn the_traffic_of_a_cgroup_is_limited() {
    let limited = |bytes| choice("cgroup", "limit", &format!("bytes_per_second = {bytes}"));
    let events = seen(&limited(0), |_| assert!(!datagram(), "nothing passes"));
    let sent = of(&events, "sent");
    assert!(!sent.is_empty() && sent.iter().all(|event| event["data"]["ret"] == "CGROUP_DROP"));
    let dropped = of(&events, "dropped");
    assert_eq!(dropped.len(), sent.len(), "{events:#?}");
    assert_eq!(dropped[0]["args"]["ctx->len"], sent[0]["data"]["length"]);
    assert_eq!(of(&events, "policy").len(), sent.len());
    let events = seen(&limited(1_000_000), |_| assert!(datagram(), "it is less than that"));
    assert_eq!(of(&events, "policy"), of(&events, "dropped"), "neither has any: {events:#?}");
}

/// The last total of those for which `key` is `value`.
fn last<'a>(events: &'a [Value], node: &str, key: &str, value: &Value) -> &'a Value {
    let mut of_it = of(events, node).into_iter().filter(|event| event["data"][key] == *value);
    of_it.next_back().unwrap_or_else(|| panic!("no {node} of {value}: {events:#?}"))
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn what_leaves_by_an_interface_is_metered() {
    if !since(6, 6) {
        let finished = run("builtin:egress".as_ref(), &["--", "true"]);
        finished.assert_failed(4, "FC0319");
        return;
    }
    let events = built_in("egress", |_| {
        assert!(datagram() && datagram());
        connect();
    });
    let packets = of(&events, "egress");
    let to_lo = |packet: &&&Value| packet["data"]["flow"]["destination"]["addr"] == "127.0.0.1";
    let to_lo: Vec<_> = packets.iter().filter(to_lo).collect();
    assert!(to_lo.len() > 2, "{events:#?}");
    let total = last(&events, "total", "destination", &"127.0.0.1".into());
    assert_eq!(number(total, "packets"), to_lo.len() as u64);
    let bytes: u64 = to_lo.iter().map(|packet| number(packet, "length")).sum();
    assert_eq!(number(total, "bytes"), bytes);
    assert!(of(&events, "large").is_empty(), "they are small");

    let events = seen(&choice("egress", "by_protocol", ""), |_| {
        assert!(datagram() && datagram());
        connect();
    });
    let (tcp, udp) = (6, 17);
    // The Ethernet, IP and UDP headers and eight bytes.
    let total = last(&events, "total", "protocol", &udp.into());
    assert_eq!((number(total, "packets"), number(total, "bytes")), (2, 2 * (14 + 20 + 8 + 8)));
    assert!(number(last(&events, "total", "protocol", &tcp.into()), "packets") > 2);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn what_goes_to_a_port_is_dropped() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    for recipe in ["xdp", "trace"] {
        let ports = format!("ports = [7, {}]", address.port());
        let events = seen(&choice(recipe, "drop_ports", &ports), |_| {
            TcpStream::connect_timeout(&address, Duration::from_millis(300))
                .expect_err("it is dropped");
            assert!(ping("127.0.0.1").contains(" 0% packet loss"));
        });
        let packets = of(&events, "drop_echo");
        let dropped: Vec<_> =
            packets.iter().filter(|packet| packet["data"]["ret"] == "XDP_DROP").collect();
        assert!(!dropped.is_empty() && dropped.len() < packets.len(), "{events:#?}");
        assert!(dropped.iter().all(|packet| packet["data"]["protocol"] == 6), "{dropped:#?}");
    }
}
