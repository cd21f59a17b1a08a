//! What a machine lacks is said before anything is loaded; and what is not needed is not missed.

use std::{fs, os::unix::process::CommandExt as _};

use crate::support::{
    Finished, Snapshot,
    process::{binary, output},
    recipe,
};

/// Runs `script` in a mount namespace of its own, where `$BIN` and `$CHAIN` are set.
fn in_namespace(script: &str) -> Finished {
    let own = binary();
    let mut command = std::process::Command::new("unshare");
    command.args(["-m", "sh", "-c", script]);
    output(command.env("BIN", own.get_program()).env("CHAIN", recipe("tcp")))
}

/// The chain was refused with `diagnostic` alone, before anything of it was done.
#[track_caller]
fn assert_refused(finished: &Finished, diagnostic: &str, before: &Snapshot) {
    finished.assert_failed(4, diagnostic);
    assert!(!finished.stderr.contains("load "), "{}", finished.stderr);
    assert_eq!(finished.stdout, "");
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn without_the_right_to_use_ebpf_it_says_so() {
    const NOBODY: u32 = 65534;
    let before = Snapshot::take();
    let mut command = binary();
    command.arg("up").arg(recipe("tcp")).args(["--", "true"]).uid(NOBODY).gid(NOBODY);
    let finished = output(&mut command);
    assert_refused(&finished, "FC0401", &before);
    assert!(finished.stderr.contains("CAP_BPF"), "{}", finished.stderr);
    assert!(finished.stderr.contains("sudo"), "{}", finished.stderr);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn without_the_kernels_types_it_says_so() {
    let before = Snapshot::take();
    let finished =
        in_namespace("mount -t tmpfs none /sys/kernel/btf && exec \"$BIN\" up \"$CHAIN\" -- true");
    assert_refused(&finished, "FC0402", &before);
    assert!(finished.stderr.contains("/sys/kernel/btf/vmlinux"), "{}", finished.stderr);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn without_kprobes_it_says_so() {
    let before = Snapshot::take();
    let finished = in_namespace(
        "mount -t tmpfs none /sys/bus/event_source && exec \"$BIN\" up \"$CHAIN\" -- true",
    );
    assert_refused(&finished, "FC0404", &before);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn without_the_jit_it_says_so() {
    const SWITCH: &str = "/proc/sys/net/core/bpf_jit_enable";
    let before = Snapshot::take();
    fs::write(SWITCH, "0").expect("this kernel lets it be turned off");
    let finished = output(binary().arg("up").arg(recipe("tcp")).args(["--", "true"]));
    fs::write(SWITCH, "1").expect("it was writable");
    assert_refused(&finished, "FC0403", &before);
    assert!(finished.stderr.contains("Extension programs should be JITed"), "{}", finished.stderr);
    assert!(finished.stderr.contains("bpf_jit_enable=1"), "{}", finished.stderr);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn no_bpf_filesystem_is_needed() {
    let before = Snapshot::take();
    let finished = in_namespace("umount /sys/fs/bpf && exec \"$BIN\" up \"$CHAIN\" -- true");
    finished.assert_done();
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn no_debugfs_and_tracefs_are_needed_for_kprobes() {
    let before = Snapshot::take();
    let finished = in_namespace(
        "umount /sys/kernel/debug/tracing 2>/dev/null; umount /sys/kernel/tracing \
         /sys/kernel/debug && exec \"$BIN\" up \"$CHAIN\" -- true",
    );
    finished.assert_done();
    before.assert_nothing_new();
}

/// What only hosts of some kinds need, as `doctor` calls it.
pub(crate) const OF_SOME_HOSTS: [&str; 4] =
    ["tcx links", "netkit links", "netfilter programs", "kprobe multi links"];

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn doctor_finds_all_and_leaves_nothing() {
    let before = Snapshot::take();
    let finished = output(binary().args(["doctor", "--format", "json"]));
    finished.assert_done();
    let found: serde_json::Value = serde_json::from_str(&finished.stdout).expect("JSON");
    let features = found["features"].as_array().expect("a list");
    let is_lacking = |feature: &&serde_json::Value| feature["present"] != true;
    let lacking = features.iter().filter(is_lacking).map(|feature| feature["feature"].as_str());
    // Not every kernel has what only hosts of some kinds need.
    let of_some_hosts =
        lacking.into_iter().all(|name| OF_SOME_HOSTS.contains(&name.unwrap_or("?")));
    assert!(of_some_hosts, "{found:#}");
    before.assert_nothing_new();
}
