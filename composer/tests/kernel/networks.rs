//! Hosts at interfaces other than the loopback, in two network namespaces, and the filters of classic
//! tc, which are no links.

use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    hosts::{datagram, runs, since, whole},
    support::{
        Folder, Live, Snapshot,
        events::{events, of},
        eventually,
        process::output,
        run,
    },
};

/// `ip` and `tc` of iproute2, which go before busybox's own: those cannot do all of this.
const IPROUTE2: &str = r#"ip() { /tools/ip "$@"; }; tc() { /tools/tc "$@"; }"#;

/// Runs a line of shell with iproute2 that has to work, and what it printed.
#[track_caller]
pub(crate) fn shell(line: &str) -> String {
    let line = &format!("{IPROUTE2}; {line}");
    let finished = output(Command::new("sh").args(["-c", line]));
    assert_eq!(finished.status.code(), Some(0), "{line}: {finished:#?}");
    finished.stdout
}

/// The qdiscs and filters of an interface, as tc(8) prints them.
#[track_caller]
fn filters(interface: &str) -> String {
    shell(&format!(
        "tc qdisc show dev {interface}; tc filter show dev {interface} parent ffff:fff2; \
         tc filter show dev {interface} parent ffff:fff3"
    ))
}

/// A pair of devices, one end of it in a network namespace of its own.
pub(crate) struct TwoNamespaces {
    /// The process that the other namespace is of.
    other: Child,
}

impl TwoNamespaces {
    /// `near0` has 10.99.0.1 here, `far0` has 10.99.0.2 there.
    pub(crate) fn new() -> Self {
        let waits = Command::new("unshare").args(["-n", "cat"]).stdin(Stdio::piped()).spawn();
        let two = Self { other: waits.expect("busybox has it") };
        let own = std::fs::read_link("/proc/self/ns/net").expect("there are namespaces");
        let theirs = format!("/proc/{}/ns/net", two.other.id());
        let apart = || std::fs::read_link(&theirs).is_ok_and(|namespace| namespace != own);
        assert!(eventually(apart), "the namespace is made");
        let pid = two.other.id();
        shell(&format!(
            "ip link add near0 type veth peer name far0 && ip link set far0 netns {pid} && \
             ip addr add 10.99.0.1/24 dev near0 && ip link set near0 up && \
             nsenter -t {pid} -n /tools/ip addr add 10.99.0.2/24 dev far0 && \
             nsenter -t {pid} -n /tools/ip link set far0 up"
        ));
        two
    }

    /// Whether the other end is reached.
    fn pings(&self) -> bool {
        output(Command::new("ping").args(["-c", "1", "-W", "2", "10.99.0.2"])).status.success()
    }

    /// Whether this end is reached from the other.
    pub(crate) fn is_pinged(&self) -> bool {
        let pid = self.other.id().to_string();
        let words = ["-t", &pid, "-n", "ping", "-c", "1", "-W", "2", "10.99.0.1"];
        output(Command::new("nsenter").args(words)).status.success()
    }
}

impl Drop for TwoNamespaces {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.other), Signal::KILL); // a test may have failed
        let _ = self.other.wait();
        let _ = Command::new("ip").args(["link", "del", "near0"]).status();
    }
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn tc() {
    let before = filters("lo");
    assert!(!before.contains("clsact"), "{before}");
    for direction in ["ingress", "egress"] {
        runs("tc", &format!(r#"tc = "lo", direction = "{direction}""#), 1, datagram);
        assert_eq!(filters("lo"), before, "its filter and the qdisc are gone");
    }
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_filter_that_drops_is_obeyed_on_both_ways_between_two_namespaces() {
    let two = TwoNamespaces::new();
    let before = (Snapshot::take(), filters("near0"));
    assert!(two.pings() && two.is_pinged());
    for (direction, answer) in [("ingress", 1), ("ingress", 0), ("egress", 1), ("egress", 0)] {
        let attach = format!(r#"tc = "near0", direction = "{direction}""#);
        let folder = Folder::new(&whole("tc_drop", &attach, answer));
        let live = Live::json(&folder.chain());
        assert_eq!((two.pings(), two.is_pinged()), (answer == 0, answer == 0), "{direction}");
        let finished = live.end(Signal::INT);
        finished.assert_done();
        assert!(!of(&events(&finished), "h").is_empty(), "{direction}: {finished:#?}");
        assert_eq!(filters("near0"), before.1);
    }
    assert!(two.pings() && two.is_pinged(), "as before");
    before.0.assert_nothing_new();
}

/// A chain called `id` with a filter of nothing but a host.
fn filter_chain(id: &str, attach: &str) -> Folder {
    let host = format!(r#"{{ object = "hooks.o", program = "tc_host", attach = {{ {attach} }} }}"#);
    Folder::new(&format!("name = \"{id}\"\nhost.{id} = {host}\n"))
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn filters_have_priorities_and_a_qdisc_that_was_there_stays() {
    shell("tc qdisc add dev lo clsact");
    let before = (Snapshot::take(), filters("lo"));
    let late = filter_chain("late", r#"tc = "lo", priority = 20"#);
    let early = filter_chain("early", r#"tc = "lo", priority = 10"#);
    let beside = filter_chain("beside", r#"tc = "lo", priority = 20"#);
    let chains = [&late, &early, &beside].map(|folder| Live::json(&folder.chain()));
    let there = filters("lo");
    for part in ["pref 10 bpf", "pref 20 bpf"] {
        assert!(there.contains(part), "{part}: {there}");
    }
    assert!(datagram());
    let [late, early, beside] = chains.map(|live| {
        let finished = live.end(Signal::INT);
        finished.assert_done();
        let events = events(&finished);
        events.first().unwrap_or_else(|| panic!("none: {finished:#?}"))["time_ns"].as_u64()
    });
    assert!(early < late && early < beside, "{late:?} {early:?} {beside:?}");
    assert_eq!(filters("lo"), before.1, "the qdisc of another stays");
    before.0.assert_nothing_new();
    shell("tc qdisc del dev lo clsact");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn what_stands_in_the_way_of_a_filter_is_told() {
    shell("ip link add dummy7 type dummy && tc qdisc add dev dummy7 ingress");
    let folder = filter_chain("blocked", r#"tc = "dummy7", direction = "egress""#);
    let finished = run(&folder.chain(), &["--", "true"]);
    finished.assert_failed(1, "FC0503");
    assert!(finished.stderr.contains("ingress qdisc"), "{}", finished.stderr);
    let folder = filter_chain("beside", r#"tc = "dummy7""#);
    run(&folder.chain(), &["--", "true"]).assert_done();
    shell(
        "tc filter show dev dummy7 ingress | wc -l | grep -qx 0 && tc qdisc del dev dummy7 ingress && \
         tc qdisc add dev dummy7 clsact && tc filter add dev dummy7 ingress pref 3 matchall action drop",
    );
    let folder = filter_chain("other", r#"tc = "dummy7", priority = 3"#);
    let finished = run(&folder.chain(), &["--", "true"]);
    finished.assert_failed(1, "FC0503");
    assert!(finished.stderr.contains("another kind of filter"), "{}", finished.stderr);
    let folder = filter_chain("missing", r#"tc = "no0""#);
    let finished = run(&folder.chain(), &["--", "true"]);
    finished.assert_failed(1, "FC0502");
    assert!(finished.stderr.contains("no0 not found"), "{}", finished.stderr);
    // The interface goes while the chain is up.
    let folder = filter_chain("gone", r#"tc = "dummy7""#);
    let finished = run(&folder.chain(), &["--", "ip", "link", "del", "dummy7"]);
    finished.assert_done();
    assert!(finished.stderr.contains("FC0515"), "{}", finished.stderr);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn the_last_filter_of_several_chains_takes_the_qdisc_with_it() {
    let before = (Snapshot::take(), filters("lo"));
    let first = filter_chain("first", r#"tc = "lo""#);
    let second = filter_chain("second", r#"tc = "lo", direction = "egress""#);
    let chains = [&first, &second].map(|folder| Live::json(&folder.chain()));
    for live in chains {
        assert!(filters("lo").contains("clsact"), "{}", filters("lo"));
        live.end(Signal::INT).assert_done();
    }
    assert_eq!(filters("lo"), before.1);
    before.0.assert_nothing_new();
}

/// No descriptor stands for a filter, so that it survives the process.
#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_filter_that_a_killed_process_left_goes_with_the_next() {
    let before = (Snapshot::take(), filters("lo"));
    let killed = filter_chain("killed", r#"tc = "lo", priority = 7"#);
    let running = filter_chain("running", r#"tc = "lo", priority = 9"#);
    let next = filter_chain("next", r#"tc = "lo", direction = "egress""#);
    Live::json(&killed.chain()).end(Signal::KILL);
    assert!(filters("lo").contains("pref 7 bpf"), "{}", filters("lo"));
    let live = Live::json(&running.chain());
    let there = filters("lo");
    assert!(!there.contains("pref 7 ") && there.contains("pref 9 bpf"), "{there}");
    run(&next.chain(), &["--", "true"]).assert_done();
    assert!(filters("lo").contains("pref 9 bpf"), "of a process that runs: {}", filters("lo"));
    live.end(Signal::INT).assert_done();
    assert_eq!(filters("lo"), before.1, "the qdisc of the killed one is gone, too");
    before.0.assert_nothing_new();
}

/// A pair of netkit devices: `kit0` has 10.98.0.1 here, its peer 10.98.0.2 in the namespace of `two`.
fn netkit_pair(two: &TwoNamespaces) {
    let pid = two.other.id();
    // The kernel names the peer, by the first number that is free.
    shell(&format!(
        "ip link add kit0 type netkit && ip link set nk0 netns {pid} && \
         ip addr add 10.98.0.1/24 dev kit0 && ip link set kit0 up && \
         nsenter -t {pid} -n /tools/ip addr add 10.98.0.2/24 dev nk0 && \
         nsenter -t {pid} -n /tools/ip link set nk0 up"
    ));
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn netkit() {
    if !since(6, 7) {
        return;
    }
    let two = TwoNamespaces::new();
    netkit_pair(&two);
    let pings =
        || output(Command::new("ping").args(["-c", "1", "-W", "2", "10.98.0.2"])).status.success();
    for end in ["primary", "peer"] {
        let attach = format!(r#"netkit = "kit0", end = "{end}""#);
        // Both answers of the stub let packets pass; a drop is what the host returns for 1.
        runs("netkit", &attach, 0, pings);
        let folder = Folder::new(&whole("netkit_drop", &attach, 1));
        let before = Snapshot::take();
        let live = Live::json(&folder.chain());
        assert!(!pings(), "{end}");
        live.end(Signal::INT).assert_done();
        assert!(pings(), "{end}: as before");
        before.assert_nothing_new();
    }
    let folder = filter_chain("none", r#"netkit = "lo""#);
    let finished = run(&folder.chain(), &["--", "true"]);
    finished.assert_failed(1, "FC0502");
    assert!(finished.stderr.contains("lo is not a netkit device"), "{}", finished.stderr);
    shell("ip link del kit0");
}
