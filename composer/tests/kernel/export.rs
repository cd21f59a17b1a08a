//! Exported chains: each comes up with the capabilities that its unit leaves it, and not with fewer.

use std::{path::Path, thread};

use rustix::thread::{CapabilitySet, remove_capability_from_bounding_set};

use crate::support::{
    Finished, Folder, Snapshot,
    process::{binary, output},
    recipe, run,
};

/// The capabilities that the unit of the chain at `path` names.
#[track_caller]
fn capabilities(path: &Path) -> CapabilitySet {
    let finished = output(binary().args(["export", "--systemd"]).arg(path));
    finished.assert_done();
    let line = finished.stdout.lines().find_map(|line| line.strip_prefix("CapabilityBoundingSet="));
    let names =
        line.expect("it is limited").split(' ').filter_map(|name| name.strip_prefix("CAP_"));
    names.map(|name| CapabilitySet::from_name(name).expect("a known one")).collect()
}

/// Brings the chain at `path` up for a moment, as root with `kept` alone.
fn brought_up(path: &Path, kept: CapabilitySet) -> Finished {
    // Each thread has capabilities of its own, and what it starts gets those.
    let limited = || {
        for capability in CapabilitySet::all().difference(kept).iter() {
            // One that this kernel does not know is not there to be taken away.
            let _ = remove_capability_from_bounding_set(capability);
        }
        run(path, &["--format", "json", "--", "true"])
    };
    thread::scope(|scope| scope.spawn(limited).join().expect("it does not panic"))
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_chain_comes_up_with_the_capabilities_of_its_unit_alone() {
    let before = Snapshot::take();
    for name in ["tcp", "xdp", "cgroup", "cpu", "tcp-states"] {
        let path = recipe(name);
        brought_up(&path, capabilities(&path)).assert_done();
    }
    let prints = r#"
        printk = true
        host.h = { object = "printers.o", program = "says_hello", attach = { tracepoint = "syscalls/sys_enter_getpgid" } }
    "#;
    let reads_an_address = r#"host.h = { object = "ksyms.o", program = "look", attach = { raw_tracepoint = "sys_enter" } }"#;
    let opens_a_socket = r#"host.h = { object = "hooks.o", program = "socket_filter_host", attach = { socket_filter = "lo" } }"#;
    let least = CapabilitySet::BPF | CapabilitySet::PERFMON | CapabilitySet::NET_ADMIN;
    for (chain, more) in [
        (prints, CapabilitySet::SYS_ADMIN),
        (reads_an_address, CapabilitySet::SYSLOG),
        (opens_a_socket, CapabilitySet::NET_RAW),
    ] {
        let folder = Folder::new(chain);
        let found = capabilities(&folder.chain());
        assert_eq!(found, least | more, "{chain}");
        brought_up(&folder.chain(), found).assert_done();
        let finished = brought_up(&folder.chain(), least);
        assert_eq!(finished.status.code(), Some(1), "{finished:#?}");
    }
    before.assert_nothing_new();
}
