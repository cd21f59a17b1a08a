//! What this process or the machine has run short of: no verdict on the chain or the kernel.

use crate::diag::Code;

/// What error number `errno` says was short, if it was that: a code, words and a remedy.
#[must_use]
pub fn short_of(errno: Option<i32>) -> Option<(Code, &'static str, &'static str)> {
    match errno? {
        libc::EMFILE => Some((
            Code::TooManyFiles,
            "this process may not open more files",
            "A node takes two to four open files. `ulimit -Hn` shows the limit, which root raises; for \
             a service LimitNOFILE=, for a container --ulimit nofile=65536 does.",
        )),
        libc::ENFILE => Some((
            Code::TooManyFiles,
            "this machine may not open more files",
            "All processes together have reached fs.file-max: sudo sysctl fs.file-max=1000000.",
        )),
        libc::ENOMEM => Some((
            Code::OutOfMemory,
            "the kernel has no memory for it",
            "Free some, raise the memory limit of the container or service, or make maps and event \
             buffers smaller: `freplace-compose plan` shows their sizes.",
        )),
        _ => None,
    }
}
