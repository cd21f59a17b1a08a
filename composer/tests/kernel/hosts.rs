//! A host of each kind: real traffic comes to it, both its stubs are replaced, the host is traced,
//! its answer counts, and nothing is left of it.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket},
    os::fd::AsFd as _,
    process::Command,
    time::Duration,
};

use rustix::process::Signal;
use serde_json::Value;

use crate::{
    environment,
    support::{
        Folder, Live, Snapshot,
        events::{assert_schema, events, of, stretch},
        eventually,
        process::output,
        run, series,
    },
};

/// A chain with the host of hooks.bpf.c that is called `name`, both of its stubs replaced, and traced.
/// The replacement of the stub that decides answers `answer`.
pub(crate) fn whole(name: &str, attach: &str, answer: u8) -> String {
    format!(
        r#"
        name = "whole"
        host.h = {{ object = "hooks.o", program = "{name}_host", attach = {{ {attach} }} }}
        stub.with_context = {{ function = "{name}_context", hosts = ["h"] }}
        stub.with_number = {{ function = "{name}_number", hosts = ["h"] }}
        replacement.c = {{ object = "hooks.o", program = "{name}_for_context", stub = "with_context" }}
        replacement.n = {{ object = "hooks.o", program = "number_{answer}", stub = "with_number" }}
        tracer.t = {{ trace = "h" }}
        "#
    )
}

/// Whether this kernel is at least of this series.
pub(crate) fn since(major: u32, minor: u32) -> bool {
    series() >= (major, minor)
}

/// Brings up a host, lets `traffic` come to it, and looks at a call in which all took part.
#[track_caller]
pub(crate) fn runs(name: &str, attach: &str, answer: u8, traffic: impl Fn() -> bool) -> Vec<Value> {
    sees(&whole(name, attach, answer), name, answer, traffic)
}

/// The same with a chain of the nodes of [`whole`], and maybe others.
#[track_caller]
pub(crate) fn sees(chain: &str, name: &str, answer: u8, traffic: impl Fn() -> bool) -> Vec<Value> {
    let before = Snapshot::take();
    let folder = Folder::new(chain);
    let live = Live::json(&folder.chain());
    assert!(traffic(), "{name}: the traffic passes");
    let finished = live.end(Signal::INT);
    finished.assert_done();
    assert_schema(&finished);
    before.assert_nothing_new();
    let events = events(&finished);
    let call = whole_call(&events).unwrap_or_else(|| panic!("{name}: {events:#?}"));
    assert_eq!(call[2]["data"]["answer"], answer, "{name}");
    assert_eq!(call[3]["data"]["number"], answer, "{name}");
    assert!(!call[4]["ret"].is_null(), "{name}: {:#}", call[4]);
    events
}

/// The events of a call in which all nodes took part. The tracer is there before the host gives the
/// call its number.
fn whole_call(events: &[Value]) -> Option<[&Value; 5]> {
    stretch(events, ["t", "c", "n", "h", "t"])
}

/// Brings up a host that answers 0, and asserts that `traffic` is refused while it is there.
#[track_caller]
fn refuses(name: &str, attach: &str, traffic: impl Fn() -> bool) {
    stops(&whole(name, attach, 0), name, traffic);
}

/// The same with a chain of the nodes of [`whole`], and maybe others.
#[track_caller]
pub(crate) fn stops(chain: &str, name: &str, traffic: impl Fn() -> bool) {
    assert!(traffic(), "{name}: it passes before");
    let before = Snapshot::take();
    let folder = Folder::new(chain);
    let live = Live::json(&folder.chain());
    assert!(!traffic(), "{name}: it is refused while the chain is up");
    live.end(Signal::INT).assert_done();
    assert!(traffic(), "{name}: it passes afterwards");
    before.assert_nothing_new();
}

/// Brings up a host that lets `traffic` pass, and one that refuses it.
#[track_caller]
fn decides(name: &str, attach: &str, traffic: impl Fn() -> bool + Copy) {
    runs(name, attach, 1, traffic);
    refuses(name, attach, traffic);
}

/// Sends a datagram over the loopback; whether it arrives.
pub(crate) fn datagram() -> bool {
    let receiver = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    receiver.set_read_timeout(Some(Duration::from_millis(500))).expect("it is not zero");
    let sender = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let to = receiver.local_addr().expect("it is bound");
    // What a cgroup drops on its way out is told.
    let sent = sender.send_to(b"datagram", to);
    sent.is_ok() && receiver.recv(&mut [0; 16]).is_ok()
}

/// Connects over the loopback; whether that works.
fn connects() -> bool {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    TcpStream::connect(listener.local_addr().expect("it listens")).is_ok()
}

fn opens_a_socket() -> bool {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).is_ok()
}

fn reads_an_option() -> bool {
    // Bound before the host was there, or while: it does not matter.
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    rustix::net::sockopt::socket_send_buffer_size(socket.as_fd()).is_ok()
}

fn reads_a_sysctl() -> bool {
    fs::read_to_string("/proc/sys/kernel/ostype").is_ok()
}

fn opens_a_device() -> bool {
    fs::File::open("/dev/zero").is_ok()
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn cgroup_skb() {
    let attach = r#"cgroup_skb = "/sys/fs/cgroup""#;
    decides("cgroup_skb", attach, datagram);
    let egress = r#"cgroup_skb = "/sys/fs/cgroup", direction = "egress""#;
    decides("cgroup_skb", egress, datagram);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn cgroup_sock() {
    let attach = r#"cgroup_sock = "/sys/fs/cgroup", at = "sock_create""#;
    decides("cgroup_sock", attach, opens_a_socket);
    let bound = r#"cgroup_sock = "/sys/fs/cgroup", at = "post_bind4""#;
    decides("cgroup_sock", bound, opens_a_socket);
    runs(
        "cgroup_sock",
        r#"cgroup_sock = "/sys/fs/cgroup", at = "sock_release""#,
        1,
        opens_a_socket,
    );
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn cgroup_sock_addr() {
    let attach = r#"cgroup_sock_addr = "/sys/fs/cgroup", at = "connect4""#;
    let events = runs("cgroup_sock_addr", attach, 1, connects);
    let own = |event: &&Value| event["pid"] == std::process::id();
    assert!(of(&events, "h").iter().any(own), "it runs for the process: {events:#?}");
    refuses("cgroup_sock_addr", attach, connects);
    let bind = r#"cgroup_sock_addr = "/sys/fs/cgroup", at = "bind4""#;
    decides("cgroup_sock_addr", bind, opens_a_socket);
    let send = r#"cgroup_sock_addr = "/sys/fs/cgroup", at = "sendmsg4""#;
    decides("cgroup_sock_addr", send, datagram);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn cgroup_sockopt() {
    let attach = r#"cgroup_sockopt = "/sys/fs/cgroup", at = "getsockopt""#;
    decides("cgroup_sockopt", attach, reads_an_option);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn cgroup_sysctl() {
    let attach = r#"cgroup_sysctl = "/sys/fs/cgroup""#;
    decides("cgroup_sysctl", attach, reads_a_sysctl);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn cgroup_device() {
    let attach = r#"cgroup_device = "/sys/fs/cgroup""#;
    decides("cgroup_device", attach, opens_a_device);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_host_sees_its_own_cgroup_alone() {
    let own = Cgroup::new("/sys/fs/cgroup/fc-test");
    let before = Snapshot::take();
    let folder = Folder::new(&whole("cgroup_sysctl", &format!("cgroup_sysctl = {:?}", own.0), 1));
    let live = Live::json(&folder.chain());
    assert!(reads_a_sysctl());
    let inside = format!("echo 0 > {}/cgroup.procs; cat /proc/sys/kernel/ostype", own.0);
    output(Command::new("sh").args(["-c", &inside])).assert_done();
    let finished = live.end(Signal::INT);
    finished.assert_done();
    let events = events(&finished);
    let seen = of(&events, "h");
    assert!(!seen.is_empty() && seen.iter().all(|event| event["comm"] == "cat"), "{events:#?}");
    before.assert_nothing_new();
}

/// A cgroup for a test.
pub(crate) struct Cgroup(pub(crate) &'static str);

impl Cgroup {
    pub(crate) fn new(path: &'static str) -> Self {
        fs::create_dir(path).expect("cgroup2 is mounted");
        Self(path)
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let _ = fs::remove_dir(self.0); // a test that fails may have left a process in it
    }
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn sock_ops() {
    runs("sock_ops", r#"sock_ops = "/sys/fs/cgroup""#, 1, connects);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn sk_lookup() {
    runs("sk_lookup", r#"sk_lookup = "self""#, 1, connects);
    refuses("sk_lookup", r#"sk_lookup = "self""#, connects);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn flow_dissector() {
    let attach = r#"flow_dissector = "self""#;
    let before = Snapshot::take();
    let folder = Folder::new(&whole("flow_dissector", attach, 0));
    let first = Live::json(&folder.chain());
    let second = run(&folder.chain(), &["--", "true"]);
    second.assert_failed(1, "FC0503");
    assert!(second.stderr.contains("already has a flow_dissector"), "{}", second.stderr);
    first.end(Signal::INT).assert_done();
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn netfilter() {
    if !since(6, 4) {
        return lacking(r#"netfilter = "ipv4/local_in""#, "netfilter", "netfilter programs");
    }
    let attach = r#"netfilter = "ipv4/local_in""#;
    decides("netfilter", attach, datagram);
    let before = Snapshot::take();
    let folder =
        Folder::new(&whole("netfilter", r#"netfilter = "ipv4/local_in", priority = -5"#, 1));
    let first = Live::json(&folder.chain());
    let second = run(&folder.chain(), &["--", "true"]);
    second.assert_failed(1, "FC0503");
    assert!(second.stderr.contains("with priority -5"), "{}", second.stderr);
    first.end(Signal::INT).assert_done();
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn tcx() {
    if !since(6, 6) {
        return lacking(r#"tcx = "lo""#, "tcx", "tcx");
    }
    for direction in ["ingress", "egress"] {
        runs("tcx", &format!(r#"tcx = "lo", direction = "{direction}""#), 1, datagram);
    }
}

/// What a kernel does not have is told before anything is loaded.
#[track_caller]
fn lacking(attach: &str, name: &str, what: &str) {
    let before = Snapshot::take();
    let folder = Folder::new(&whole(name, attach, 1));
    let finished = run(&folder.chain(), &["--", "true"]);
    finished.assert_failed(4, "FC0405");
    assert!(finished.stderr.contains(what), "{}", finished.stderr);
    before.assert_nothing_new();
}

/// Programs of one interface run in the order that is asked for.
#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn tcx_programs_have_an_order() {
    if !since(6, 6) {
        return lacking(r#"tcx = "lo""#, "tcx", "tcx");
    }
    let chain = |id: &str, place: &str| {
        let name = format!("name = \"{id}\"\n");
        let attach = format!(r#"{{ tcx = "lo"{place} }}"#);
        let host = format!(r#"{{ object = "hooks.o", program = "tcx_host", attach = {attach} }}"#);
        Folder::new(&format!("{name}host.{id} = {host}\n"))
    };
    let before = Snapshot::take();
    let (middle, first, last) = (
        chain("middle", ""),
        chain("first", r#", before = "tcx_host""#),
        chain("last", r#", order = "last""#),
    );
    let chains = [&middle, &first, &last].map(|folder| Live::json(&folder.chain()));
    assert!(datagram());
    let seen = chains.map(|live| {
        let finished = live.end(Signal::INT);
        finished.assert_done();
        let events = events(&finished);
        // Of each packet the three see one after the other.
        events.first().unwrap_or_else(|| panic!("none: {finished:#?}"))["time_ns"].as_u64()
    });
    let [middle, first, last] = seen;
    assert!(first < middle && middle < last, "{first:?} {middle:?} {last:?}");
    let gone = chain("gone", r#", after = "no_such_program""#);
    let finished = run(&gone.chain(), &["--", "true"]);
    finished.assert_failed(1, "FC0502");
    assert!(finished.stderr.contains("`no_such_program` is not attached"), "{}", finished.stderr);
    before.assert_nothing_new();
}

/// Programs of one cgroup run in the order that is asked for, where the kernel has one.
#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn cgroup_programs_have_an_order() {
    let attach = |place: &str| format!(r#"cgroup_skb = "/sys/fs/cgroup"{place}"#);
    let first = attach(r#", order = "first""#);
    if environment::lacking().contains(&"order at cgroups") {
        return lacking(&first, "cgroup_skb", "order at cgroups");
    }
    let chain = |id: &str, place: &str| {
        let host = format!(
            r#"{{ object = "hooks.o", program = "cgroup_skb_host", attach = {{ {} }} }}"#,
            attach(place)
        );
        Folder::new(&format!("name = \"{id}\"\nhost.{id} = {host}\n"))
    };
    let before = Snapshot::take();
    let folders = [
        chain("third", ""),
        chain("second", r#", before = "cgroup_skb_host""#),
        chain("fourth", r#", order = "last""#),
        chain("first", r#", order = "first""#),
    ];
    let chains = folders.each_ref().map(|folder| Live::json(&folder.chain()));
    assert!(datagram());
    let [third, second, fourth, first] = chains.map(|live| {
        let finished = live.end(Signal::INT);
        finished.assert_done();
        let events = events(&finished);
        // Of each packet the four see one after the other.
        events.first().unwrap_or_else(|| panic!("none: {finished:#?}"))["time_ns"].as_u64()
    });
    let order = [first, second, third, fourth];
    assert!(order.is_sorted(), "{order:?}");
    let gone = chain("gone", r#", after = "no_such_program""#);
    let finished = run(&gone.chain(), &["--", "true"]);
    finished.assert_failed(1, "FC0502");
    assert!(finished.stderr.contains("`no_such_program` is not attached"), "{}", finished.stderr);
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn perf_event() {
    let attach = r#"perf_event = "cpu-clock", frequency = 999"#;
    let before = Snapshot::take();
    let folder = Folder::new(&whole("perf_event", attach, 1));
    let live = Live::json(&folder.chain());
    let busy = || (0..2_000_000_u64).fold(0, |sum, number| sum ^ std::hint::black_box(number));
    assert!(eventually(|| {
        busy();
        live.stdout().contains(r#""node":"h""#)
    }));
    let finished = live.end(Signal::INT);
    finished.assert_done();
    before.assert_nothing_new();
    let events = events(&finished);
    assert!(whole_call(&events).is_some(), "{events:#?}");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_perf_event_of_one_process_is_of_that_alone() {
    let own = std::process::id();
    let folder = Folder::new(&whole(
        "perf_event",
        &format!(r#"perf_event = "page-faults", period = 1, pid = {own}"#),
        1,
    ));
    let before = Snapshot::take();
    let live = Live::json(&folder.chain());
    // Memory that nobody touched yet, and so much that it is the kernel's own and not used again: each
    // look at a page of it is a fault.
    let pages = vec![0_u8; 64 << 20];
    let touched = pages.iter().step_by(1 << 20).map(|byte| u64::from(std::hint::black_box(*byte)));
    assert_eq!(touched.sum::<u64>(), 0);
    output(&mut Command::new("true")).assert_done();
    let finished = live.end(Signal::INT);
    finished.assert_done();
    before.assert_nothing_new();
    let events = events(&finished);
    let hosts = of(&events, "h");
    assert!(!hosts.is_empty());
    assert!(hosts.iter().all(|event| event["pid"] == own), "{hosts:#?}");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn what_is_not_there_is_told_by_its_kind() {
    let before = Snapshot::take();
    for (name, attach, code, words) in [
        ("cgroup_skb", r#"cgroup_skb = "/sys/fs/cgroup/no""#, "FC0502", "not found"),
        ("cgroup_skb", r#"cgroup_skb = "/tmp""#, "FC0502", "is not a cgroup"),
        ("cgroup_skb", r#"cgroup_skb = "/proc/version""#, "FC0502", "is not a cgroup"),
        ("tcx", r#"tcx = "no0""#, "FC0502", "no0 not found"),
        ("perf_event", r#"perf_event = "cpu-clock", cpu = 4000"#, "FC0502", "CPU 4000"),
        ("perf_event", r#"perf_event = "cpu-clock", pid = 4000000"#, "FC0502", "process 4000000"),
    ] {
        if name == "tcx" && !since(6, 6) {
            continue;
        }
        let folder = Folder::new(&whole(name, attach, 1));
        let finished = run(&folder.chain(), &["--", "true"]);
        finished.assert_failed(1, code);
        assert!(finished.stderr.contains(words), "{attach}: {}", finished.stderr);
    }
    before.assert_nothing_new();
}
