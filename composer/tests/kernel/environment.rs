//! What a machine lacks is said before anything is loaded; and what is not needed is not missed.

use std::{fs, os::unix::process::CommandExt as _};

use freplace_compose::profile;

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

/// What the profile of this kernel says that it lacks of what only hosts of some kinds need, as
/// `doctor` calls it.
pub(crate) fn lacking() -> Vec<&'static str> {
    const GET_COOKIE: u32 = 174; // bpf_get_attach_cookie
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let series: Vec<_> = release.split('.').take(2).collect();
    let profile = profile::named(&series.join(".")).expect("there is a profile of it");
    let features = profile.features;
    let of_some_hosts = [
        ("tcx links", features.tcx),
        ("netkit links", features.netkit),
        ("netfilter programs", !profile.lacks_program("netfilter")),
        ("kprobe multi links", features.kprobe_multi),
        ("LSM hooks of cgroups", features.lsm_cgroup),
        ("calls of Unix sockets at cgroups", features.cgroup_unix),
        ("order at cgroups", features.cgroup_order),
        ("cookies at functions", !profile.lacks_helper("tracing", GET_COOKIE)),
        ("cookies at raw tracepoints", !profile.lacks_helper("raw_tracepoint", GET_COOKIE)),
    ];
    of_some_hosts.into_iter().filter(|(_, present)| !present).map(|(name, _)| name).collect()
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn doctor_finds_all_and_leaves_nothing() {
    let before = Snapshot::take();
    let finished = output(binary().args(["doctor", "--format", "json"]));
    finished.assert_done();
    let found: serde_json::Value = serde_json::from_str(&finished.stdout).expect("JSON");
    let features = found["features"].as_array().expect("a list");
    let is_absent = |feature: &&serde_json::Value| feature["present"] != true;
    let absent = features.iter().filter(is_absent).filter_map(|one| one["feature"].as_str());
    assert_eq!(absent.collect::<Vec<_>>(), lacking(), "{found:#}");
    before.assert_nothing_new();
}
