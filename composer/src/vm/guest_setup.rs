//! Prepares a bare kernel for running programs: mounts, device links, limits, loopback.

use std::{fs, io, os::unix::fs::symlink, path::Path};

use rustix::{
    mount::{MountFlags, mount},
    process::{Resource, Rlimit, setrlimit},
    system::sethostname,
};

use super::guest_network;

/// Filesystem and place. Without the first three init itself cannot work.
const REQUIRED: [(&str, &str); 3] = [("devtmpfs", "/dev"), ("proc", "/proc"), ("sysfs", "/sys")];
/// A kernel may be built without these; a command that needs one says so itself. /tmp and /run are folders of the root
/// filesystem, which is in memory anyway: a mount would hide files that were brought there.
const OPTIONAL: [(&str, &str); 6] = [
    ("tracefs", "/sys/kernel/tracing"),
    ("debugfs", "/sys/kernel/debug"),
    ("bpf", "/sys/fs/bpf"),
    ("cgroup2", "/sys/fs/cgroup"),
    ("devpts", "/dev/pts"),
    ("tmpfs", "/dev/shm"),
];

/// Mounts what init needs. The error is a sentence for the console.
pub(super) fn mounts() -> Result<(), String> {
    for (kind, place) in REQUIRED {
        mount_at(kind, place)
            .map_err(|error| format!("cannot mount {kind} at {place}: {error}"))?;
    }
    for (kind, place) in OPTIONAL {
        if let Err(error) = mount_at(kind, place) {
            warn(&format!("no {kind} at {place}"), &error);
        }
    }
    for (target, link) in [
        ("fd", "/dev/fd"),
        ("fd/0", "/dev/stdin"),
        ("fd/1", "/dev/stdout"),
        ("fd/2", "/dev/stderr"),
    ] {
        if let Err(error) = symlink(Path::new("/proc/self").join(target), link) {
            warn(&format!("no {link}"), &error);
        }
    }
    Ok(())
}

fn mount_at(kind: &str, place: &str) -> io::Result<()> {
    if !Path::new(place).exists() {
        fs::create_dir(place)?;
    }
    Ok(mount(kind, place, kind, MountFlags::empty(), None)?)
}

/// Name, limits and loopback: a command can do without, so a failure is only said on the console.
pub(super) fn comforts() {
    if let Err(error) = sethostname(b"micro-vm") {
        warn("no hostname", &error);
    }
    // Before Linux 5.11 eBPF maps count against MEMLOCK; loaders hold a descriptor for each map, program and link.
    let unlimited = Rlimit { current: None, maximum: None };
    let files = Rlimit { current: Some(1 << 16), maximum: Some(1 << 16) };
    for (resource, limit) in [(Resource::Memlock, unlimited), (Resource::Nofile, files)] {
        if let Err(error) = setrlimit(resource, limit) {
            warn("limits stay as they are", &error);
        }
    }
    if let Err(error) = guest_network::up("lo") {
        warn("lo stays down", &error);
    }
}

fn warn(what: &str, why: &dyn std::fmt::Display) {
    eprintln!("init: {what}: {why}");
}
