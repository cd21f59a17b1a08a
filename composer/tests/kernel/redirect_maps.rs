//! Hosts in an entry of a map that an XDP program of the chain redirects frames to.

use std::fs;

use rustix::process::Signal;

use crate::{
    hosts::{datagram, sees, stops, whole},
    networks::{TwoNamespaces, shell},
    support::{Folder, Live, Snapshot, run},
};

/// How many frames an interface has sent.
fn sent(interface: &str) -> u64 {
    let file = format!("/sys/class/net/{interface}/statistics/tx_packets");
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
    text.trim().parse().expect("it is a number")
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn cpumap() {
    const TO_CPU: &str = r#"
        host.x = { object = "hooks.o", program = "to_cpu", attach = { xdp = "lo", mode = "generic" } }
    "#;
    let attach = "cpumap = \"cpus\", cpu = 0, size = 64";
    sees(&(whole("cpumap", attach, 1) + TO_CPU), "cpumap", 1, datagram);
    stops(&(whole("cpumap", attach, 0) + TO_CPU), "cpumap", datagram);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn devmap() {
    const TO_PORT: &str = r#"
        host.x = { object = "hooks.o", program = "to_port", attach = { xdp = "near0", mode = "generic" } }
    "#;
    let two = TwoNamespaces::new();
    // Without addresses of IPv6, of which the kernel would ask who has them.
    shell(
        "ip link add dummy8 type dummy && echo 1 > /proc/sys/net/ipv6/conf/dummy8/disable_ipv6 && \
         ip link set dummy8 up",
    );
    let attach = r#"devmap = "ports", key = 1, interface = "dummy8""#;
    // What arrives is sent on and not answered.
    let passes = || {
        let before = sent("dummy8");
        two.is_pinged() || sent("dummy8") > before
    };
    assert!(two.is_pinged());
    sees(&(whole("devmap", attach, 1) + TO_PORT), "devmap", 1, passes);
    stops(&(whole("devmap", attach, 0) + TO_PORT), "devmap", passes);
    shell("ip link del dummy8");
}

/// A chain called `id` with a host in an entry of a pinned map.
fn at_entry(id: &str, key: u8) -> Folder {
    Folder::new(&format!(
        r#"
        name = "{id}"
        pins = "/sys/fs/bpf/fc-redirect-maps"
        [host.{id}]
        object = "hooks.o"
        program = "devmap_host"
        attach = {{ devmap = "ports", key = {key}, interface = "dummy9" }}
        maps = {{ ports = {{ pin = true, keep = false }} }}
        "#
    ))
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn an_entry_takes_one_program_and_goes_with_its_interface() {
    let before = Snapshot::take();
    shell("ip link add dummy9 type dummy");
    let (first, second, third) =
        (at_entry("first", 2), at_entry("second", 2), at_entry("third", 3));
    let live = Live::json(&first.chain());
    let finished = run(&second.chain(), &["--", "true"]);
    finished.assert_failed(1, "FC0503");
    for part in ["entry 2 of map `ports` is in use", "the xdp program `devmap_host`"] {
        assert!(finished.stderr.contains(part), "{part}: {}", finished.stderr);
    }
    run(&third.chain(), &["--", "true"]).assert_done();
    live.end(Signal::INT).assert_done();
    run(&second.chain(), &["--", "true"]).assert_done();
    let finished = run(&first.chain(), &["--", "ip", "link", "del", "dummy9"]);
    finished.assert_done();
    assert!(finished.stderr.contains("FC0515"), "{}", finished.stderr);
    let finished = run(&first.chain(), &["--", "true"]);
    finished.assert_failed(1, "FC0502");
    assert!(finished.stderr.contains("dummy9 not found"), "{}", finished.stderr);
    before.assert_nothing_new();
}
