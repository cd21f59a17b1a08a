//! Resources that this process or the machine has run out of: not a verdict on the chain or the
//! kernel.

use crate::diag::Code;

/// The exhausted resource that `errno` indicates, if it does: a code, a message and a remedy.
#[must_use]
pub fn short_of(errno: Option<i32>) -> Option<(Code, &'static str, &'static str)> {
    match errno? {
        libc::EMFILE => Some((
            Code::TooManyFiles,
            "limit on open files of this process reached",
            "Raise the limit as root (`ulimit -Hn` shows it), for a service with LimitNOFILE=, \
             for a container with --ulimit nofile=65536. A node needs two to four open files.",
        )),
        libc::ENFILE => Some((
            Code::TooManyFiles,
            "limit on open files of this machine reached",
            "Raise fs.file-max: sudo sysctl fs.file-max=1000000.",
        )),
        libc::ENOMEM => Some((
            Code::OutOfMemory,
            "out of kernel memory",
            "Free memory, raise the memory limit of the container or service, or reduce the size \
             of maps and event buffers: `freplace-compose plan` shows their sizes.",
        )),
        _ => None,
    }
}
