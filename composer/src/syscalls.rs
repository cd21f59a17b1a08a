//! System calls that a test makes, so that programs run which are attached to them or to what they lead to.
//!
//! Each is made by this thread, with arguments that change nothing on the machine: of files in `/dev`, of sockets on
//! the loopback, of a folder of its own. What a call needs before it, such as an open file, is a call as well.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    os::fd::OwnedFd,
    path::PathBuf,
};

use rustix::{
    fs::{self, AtFlags, Mode, OFlags, StatxFlags},
    io::{self, Errno, Result},
    net::{self, AddressFamily, SendFlags, SocketType, sockopt},
    process, system, thread,
};

/// A system call that can be made.
#[derive(Clone, Copy)]
pub struct Syscall {
    /// Its name in the kernel.
    pub name: &'static str,
    make: fn() -> Result<()>,
}

impl fmt::Debug for Syscall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Syscall {
    /// The one with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        SYSCALLS.iter().find(|one| one.name == name).copied()
    }

    /// Makes it; the number of the error that it ended with, or 0.
    #[must_use]
    pub fn make(self) -> i32 {
        (self.make)().map_or_else(Errno::raw_os_error, |()| 0)
    }
}

/// All of them, by name.
pub const SYSCALLS: &[Syscall] = &[
    Syscall { name: "bind", make: || net::bind(&datagrams()?, &loopback(0)) },
    Syscall { name: "connect", make: || net::connect(&datagrams()?, &loopback(DISCARD)) },
    Syscall { name: "dup", make: || io::dup(null(OFlags::RDONLY)?).map(drop) },
    Syscall { name: "getpgid", make: || process::getpgid(None).map(drop) },
    Syscall {
        name: "getpid",
        make: || {
            let _ = process::getpid();
            Ok(())
        },
    },
    Syscall {
        name: "getppid",
        make: || {
            let _ = process::getppid();
            Ok(())
        },
    },
    Syscall { name: "getsockopt", make: || sockopt::socket_type(datagrams()?).map(drop) },
    Syscall {
        name: "gettid",
        make: || {
            let _ = thread::gettid();
            Ok(())
        },
    },
    Syscall {
        name: "getuid",
        make: || {
            let _ = process::getuid();
            Ok(())
        },
    },
    Syscall { name: "kill", make: || process::test_kill_process(process::getpid()) },
    Syscall { name: "listen", make: || net::listen(&bound(SocketType::STREAM)?, 1) },
    Syscall {
        name: "mkdirat",
        make: || {
            fs::mkdirat(fs::CWD, folder(), Mode::RWXU)?;
            fs::unlinkat(fs::CWD, folder(), AtFlags::REMOVEDIR)
        },
    },
    Syscall { name: "openat", make: || null(OFlags::RDONLY).map(drop) },
    Syscall { name: "read", make: || io::read(null(OFlags::RDONLY)?, &mut [0_u8; 1]).map(drop) },
    Syscall {
        name: "sched_yield",
        make: || {
            thread::sched_yield();
            Ok(())
        },
    },
    Syscall {
        name: "sendto",
        make: || {
            net::sendto(&datagrams()?, b"test", SendFlags::empty(), &loopback(DISCARD)).map(drop)
        },
    },
    Syscall { name: "setsockopt", make: || sockopt::set_socket_reuseaddr(datagrams()?, true) },
    Syscall { name: "socket", make: || datagrams().map(drop) },
    Syscall {
        name: "statx",
        make: || fs::statx(fs::CWD, "/", AtFlags::empty(), StatxFlags::TYPE).map(drop),
    },
    Syscall {
        name: "uname",
        make: || {
            let _ = system::uname();
            Ok(())
        },
    },
    Syscall {
        name: "unlinkat",
        make: || {
            match fs::mkdirat(fs::CWD, folder(), Mode::RWXU) {
                // It is still there where removing it was refused before.
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error),
            }
            fs::unlinkat(fs::CWD, folder(), AtFlags::REMOVEDIR)
        },
    },
    Syscall { name: "write", make: || io::write(null(OFlags::WRONLY)?, b"test").map(drop) },
];

/// The port of the service that throws away what comes; nobody has to listen.
const DISCARD: u16 = 9;

fn null(flags: OFlags) -> Result<OwnedFd> {
    fs::openat(fs::CWD, "/dev/null", flags | OFlags::CLOEXEC, Mode::empty())
}

fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

fn datagrams() -> Result<OwnedFd> {
    net::socket(AddressFamily::INET, SocketType::DGRAM, None)
}

fn bound(kind: SocketType) -> Result<OwnedFd> {
    let socket = net::socket(AddressFamily::INET, kind, None)?;
    net::bind(&socket, &loopback(0))?;
    Ok(socket)
}

/// A folder of this process alone.
fn folder() -> PathBuf {
    let number = process::getpid().as_raw_nonzero();
    std::env::temp_dir().join(format!("freplace-compose-test-{number}"))
}

#[cfg(test)]
mod tests {
    use super::{SYSCALLS, Syscall};

    #[test]
    fn each_can_be_made_again_and_again_and_leaves_nothing() {
        for one in SYSCALLS {
            assert_eq!((one.make(), one.make()), (0, 0), "{one:?}");
        }
        assert!(!super::folder().exists());
    }

    #[test]
    fn they_are_in_order_and_found_by_name() {
        assert!(SYSCALLS.is_sorted_by_key(|one| one.name), "{SYSCALLS:?}");
        assert!(Syscall::named("openat").is_some());
        assert!(Syscall::named("reboot").is_none());
    }
}
