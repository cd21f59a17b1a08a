//! The recipes of the gallery: each comes up as it is built in, and with the other one of its
//! replacements; what its events say is what was done; and nothing is left of it.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::fs::MetadataExt as _,
    path::Path,
    process::Command,
};

use freplace_compose::chain;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::{
    hosts::{Cgroup, datagram},
    support::{
        Folder, Live, Snapshot,
        events::{assert_schema, events, of},
        process::output,
    },
};

/// The text of a recipe with `program` as its replacement, and `globals` for the variables of that.
/// The recipe says which other one there is: `program = "one" # or "other"`.
#[track_caller]
fn choice(recipe: &str, program: &str, globals: &str) -> String {
    let text = chain::recipe(recipe).expect("a recipe");
    let name = format!("\"{program}\"");
    let is_choice = |line: &str| {
        let choices = line.strip_prefix("program = ").and_then(|line| line.split_once(" # or "));
        choices.is_some_and(|(one, other)| one == name || other == name)
    };
    assert!(text.lines().any(is_choice), "{recipe} has no {program}");
    let chosen = format!("program = {name}\nglobals = {{ {globals} }}\n");
    let line = |line| if is_choice(line) { chosen.clone() } else { format!("{line}\n") };
    text.lines().map(line).collect()
}

/// Brings up `chain` while `traffic` runs; its events, when nothing is left of it.
#[track_caller]
fn seen_at(chain: &Path, traffic: impl FnOnce()) -> Vec<Value> {
    let before = Snapshot::take();
    let live = Live::json(chain);
    traffic();
    let finished = live.end(Signal::INT);
    finished.assert_done();
    assert_schema(&finished);
    before.assert_nothing_new();
    events(&finished)
}

/// The events of a recipe as it is built in.
#[track_caller]
fn built_in(recipe: &str, traffic: impl FnOnce()) -> Vec<Value> {
    seen_at(format!("builtin:{recipe}").as_ref(), traffic)
}

/// The events of a chain that is made of a recipe.
#[track_caller]
fn seen(chain: &str, traffic: impl FnOnce()) -> Vec<Value> {
    seen_at(&Folder::new(chain).chain(), traffic)
}

fn number(event: &Value, key: &str) -> u64 {
    event["data"][key].as_u64().unwrap_or_else(|| panic!("no number {key}: {event}"))
}

/// No host is there: the address is for examples.
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn the_traffic_of_a_cgroup_is_counted() {
    let own = Cgroup::new("/sys/fs/cgroup/fc-gallery");
    let id = fs::metadata(own.0).expect("it was made").ino();
    let events = built_in("cgroup", || {
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
    let totals = of_cgroup("upload").into_iter().chain(of_cgroup("download"));
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
    let events = seen(&limited(0), || assert!(!datagram(), "nothing passes"));
    let sent = of(&events, "sent");
    assert!(!sent.is_empty() && sent.iter().all(|event| event["data"]["ret"] == "CGROUP_DROP"));
    let dropped = of(&events, "dropped");
    assert_eq!(dropped.len(), sent.len(), "{events:#?}");
    assert_eq!(dropped[0]["args"]["ctx->len"], sent[0]["data"]["length"]);
    assert_eq!(of(&events, "upload").len(), sent.len());
    let events = seen(&limited(1_000_000), || assert!(datagram(), "it is less than that"));
    assert_eq!(of(&events, "upload"), of(&events, "dropped"), "neither has any: {events:#?}");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_connection_is_redirected() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 8080)).expect("the port is free");
    let events = built_in("redirect", || {
        let client = TcpStream::connect((ELSEWHERE, 80)).expect("it goes to the listener");
        let (_, peer) = listener.accept().expect("a client came");
        assert_eq!(client.local_addr().expect("it is connected"), peer);
    });
    let end = |addr: Ipv4Addr, port: u16| json!({ "addr": addr.to_string(), "port": port });
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
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let events = seen(&only_local, || {
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
