//! Installs missing packages, and prints which ones and why.
//!
//! It supports Debian and Ubuntu. On other systems, and without root, it lists what to install.

use std::{path::Path, process::Command};

use crate::{Result, shell};

/// A required package.
#[derive(Debug)]
pub(crate) struct Prerequisite {
    package: &'static str,
    why: &'static str,
    mark: Mark,
}

/// How to detect that it is installed.
#[derive(Debug, Clone, Copy)]
enum Mark {
    Program(&'static str),
    File(&'static str),
}

/// Required to build the product.
pub(crate) const BUILD: &[Prerequisite] = &[
    Prerequisite {
        package: "clang",
        why: "compiles the eBPF programs",
        mark: Mark::Program("clang"),
    },
    Prerequisite {
        package: "libbpf-dev",
        why: "the headers that eBPF programs include",
        mark: Mark::File("/usr/include/bpf/bpf_helpers.h"),
    },
];

/// Required to run chains on another kernel.
pub(crate) const VM: &[Prerequisite] = &[Prerequisite {
    package: "qemu-system-x86",
    why: "the micro-VM that chains are tried in",
    mark: Mark::Program("qemu-system-x86_64"),
}];

/// Objects and tools of other projects.
pub(crate) const OTHERS: &[Prerequisite] = &[
    Prerequisite {
        package: "libxdp1",
        why: "its dispatcher is a host with ten stubs",
        mark: Mark::File("/usr/lib/x86_64-linux-gnu/bpf/xdp-dispatcher.o"),
    },
    Prerequisite {
        package: "xdp-tools",
        why: "programs for the dispatcher, and a loader to compare with",
        mark: Mark::File("/usr/sbin/xdp-loader"),
    },
    Prerequisite {
        package: "iproute2",
        why: "tc and ip, which show what is at an interface",
        mark: Mark::Program("tc"),
    },
    Prerequisite {
        package: "systemd",
        why: "systemd-analyze, which judges exported units",
        mark: Mark::Program("systemd-analyze"),
    },
    Prerequisite {
        package: "bpftool",
        why: "a list of programs and links to compare with",
        mark: Mark::Program("bpftool"),
    },
];

/// The ones loaded by the tests.
pub(crate) const OBJECTS_OF_OTHERS: [&str; 8] = [
    "/usr/lib/x86_64-linux-gnu/bpf/xdp-dispatcher.o",
    "/usr/lib/x86_64-linux-gnu/bpf/xdpfilt_alw_eth.o",
    "/usr/lib/x86_64-linux-gnu/bpf/xdpfilt_alw_ip.o",
    "/usr/lib/x86_64-linux-gnu/bpf/xdpfilt_alw_tcp.o",
    "/usr/lib/x86_64-linux-gnu/bpf/xdpfilt_alw_udp.o",
    "/usr/lib/x86_64-linux-gnu/bpf/xdpfilt_dny_ip.o",
    "/usr/lib/x86_64-linux-gnu/bpf/xdpfilt_dny_udp.o",
    "/usr/lib/x86_64-linux-gnu/bpf/xdpdump_bpf.o",
];

/// Programs that the tests run in the guest, each in [`TOOLS_PLACE`].
pub(crate) const TOOLS_OF_OTHERS: [&str; 4] = ["ip", "tc", "bpftool", "xdp-loader"];

/// Away from those of busybox, which have the same names and do less.
pub(crate) const TOOLS_PLACE: &str = "/tools";

/// More objects: each tool of this package contains one.
pub(crate) const LIBBPF_TOOLS: &[Prerequisite] = &[Prerequisite {
    package: "libbpf-tools",
    why: "tools with some sixty eBPF objects in them",
    mark: Mark::File("/usr/sbin/opensnoop"),
}];

/// Required to open pictures and pages as people do.
pub(crate) const PICTURES: &[Prerequisite] = &[
    Prerequisite {
        package: "chromium",
        why: "opens pictures and pages",
        mark: Mark::Program("chromium"),
    },
    Prerequisite {
        package: "npm",
        why: "fetches the viewer of trace events",
        mark: Mark::Program("npm"),
    },
    Prerequisite {
        package: "fonts-dejavu-core",
        why: "the font of screenshots",
        mark: Mark::File("/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf"),
    },
];

/// Required to install our own package as others do.
pub(crate) const CLEAN_ROOT: &[Prerequisite] = &[Prerequisite {
    package: "debootstrap",
    why: "makes a Debian root to install the package in",
    mark: Mark::File("/usr/sbin/debootstrap"),
}];

/// Number of attempts: mirrors fail at times.
const TRIES: u32 = 3;

/// Installs the missing ones of `needs`.
pub(crate) fn ensure(needs: &[&[Prerequisite]]) -> Result {
    let missing: Vec<&Prerequisite> =
        needs.iter().copied().flatten().filter(|need| !need.is_there()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    let wanted = format!(
        "install what is missing first: {} (on Debian: apt-get install --no-install-recommends {})",
        missing.iter().map(|need| need.explained()).collect::<Vec<_>>().join("; "),
        packages.join(" ")
    );
    let Some(apt) = AptGet::find() else { return Err(wanted.into()) };
    for need in &missing {
        eprintln!("installing {}", need.explained());
    }
    apt.install(&packages).map_err(|error| format!("{error}\n{wanted}"))?;
    match missing.iter().find(|need| !need.is_there()) {
        Some(need) => {
            let (Mark::Program(mark) | Mark::File(mark)) = need.mark;
            Err(format!("{} is installed, but {mark} is missing", need.package).into())
        }
        None => Ok(()),
    }
}

impl Prerequisite {
    fn is_there(&self) -> bool {
        match self.mark {
            Mark::Program(name) => shell::on_path(name).is_some(),
            Mark::File(path) => Path::new(path).is_file(),
        }
    }

    fn explained(&self) -> String {
        format!("{}: {}", self.package, self.why)
    }
}

/// apt-get with the permission to install.
struct AptGet {
    sudo: bool,
}

impl AptGet {
    fn find() -> Option<Self> {
        shell::on_path("apt-get")?;
        let sudo = !rustix::process::geteuid().is_root();
        if sudo {
            shell::on_path("sudo")?;
        }
        Some(Self { sudo })
    }

    fn install(&self, packages: &[&str]) -> Result {
        let mut left = TRIES;
        loop {
            left -= 1;
            let tried = self.run(&["update"]).and_then(|()| {
                let words = ["install", "--yes", "--no-install-recommends"];
                self.run(&[&words, packages].concat())
            });
            match tried {
                Err(error) if left > 0 => eprintln!("{error}; retrying"),
                tried => return tried,
            }
        }
    }

    fn run(&self, words: &[&str]) -> Result {
        let mut command = Command::new(if self.sudo { "sudo" } else { "env" });
        if self.sudo {
            command.arg("env");
        }
        command
            .args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet"])
            // Another apt may be at work, as in the first minutes of a cloud machine.
            .args(["-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3"])
            .args(words);
        shell::quietly(&mut command).map(drop)
    }
}
