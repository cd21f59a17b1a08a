//! Prepares a bare kernel for running programs: mounts, device links, limits, loopback.

use std::{fs, io, mem::size_of, os::unix::fs::symlink, path::Path};

use rustix::{
    mount::{MountFlags, mount},
    net::{AddressFamily, SendFlags, SocketType, netlink::SocketAddrNetlink, sendto, socket},
    process::{Resource, Rlimit, setrlimit},
    system::sethostname,
};

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
    if let Err(error) = loopback_up() {
        warn("lo stays down", &error);
    }
}

/// `ip link set lo up`: one RTM_NEWLINK message, IFF_UP for interface 1, which lo is in every network namespace
/// (<https://github.com/torvalds/linux/blob/v6.12/include/net/net_namespace.h>, LOOPBACK_IFINDEX).
fn loopback_up() -> rustix::io::Result<()> {
    const RTM_NEWLINK: u16 = 16;
    const NLM_F_REQUEST: u16 = 1;
    const IFF_UP: u32 = 1;
    const LENGTH: usize = 2 * size_of::<[u32; 4]>();
    let mut message = Vec::with_capacity(LENGTH);
    // nlmsghdr: length, type, flags, sequence, port
    message.extend((LENGTH as u32).to_ne_bytes());
    message.extend([RTM_NEWLINK, NLM_F_REQUEST].map(u16::to_ne_bytes).as_flattened());
    message.extend([0; 8]);
    // ifinfomsg: family and type, index, flags, mask of the flags to change
    message.extend([0; 4]);
    message.extend([1, IFF_UP, IFF_UP].map(u32::to_ne_bytes).as_flattened());
    let socket = socket(AddressFamily::NETLINK, SocketType::RAW, None)?; // protocol 0 is NETLINK_ROUTE
    sendto(&socket, &message, SendFlags::empty(), &SocketAddrNetlink::new(0, 0)).map(drop)
}

fn warn(what: &str, why: &dyn std::fmt::Display) {
    eprintln!("init: {what}: {why}");
}
