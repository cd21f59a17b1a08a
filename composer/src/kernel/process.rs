//! System calls for this process itself and for a command that it runs.
#![allow(
    unsafe_code,
    reason = "a signal handler, a setting of glibc, and what a child does between fork and exec"
)]

use std::{io, os::unix::process::CommandExt as _, process::Command};

use rustix::process::{
    Pid, Resource, Rlimit, Signal, getpid, getppid, getrlimit, set_parent_process_death_signal,
    setrlimit,
};

/// The limits that this process was started with.
#[derive(Debug, Clone)]
pub struct Started {
    files: Rlimit,
}

/// Takes as many open files as this process may have: a node takes two to four, and the usual soft
/// limit of 1,024 is there for programs that use select(2). Returns what was before.
#[must_use]
pub fn raise_open_files() -> Started {
    let files = getrlimit(Resource::Nofile);
    // Where it is refused, it stays as it was, and what does not fit is told then.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files });
    Started { files }
}

/// Nanoseconds since the machine was started, as the kernel counts them for loaded programs.
#[must_use]
pub fn since_start() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(now.tv_nsec).unwrap_or(0))
}

/// Has a write to a file beyond `ulimit -f` be an error instead of the end of this process. What is
/// run from here has the default again.
pub fn outlive_file_limit() {
    extern "C" fn nothing(_: libc::c_int) {}
    let handler: extern "C" fn(libc::c_int) = nothing;
    // SAFETY: the handler does nothing, so it may run at any time. The number is that of a signal
    // that can be handled, so there is no failure to look at.
    unsafe { libc::signal(libc::SIGXFSZ, handler as libc::sighandler_t) };
}

/// Has names of hosts looked up in `/etc/hosts` and by DNS alone, in an executable that is linked statically.
/// `/etc/nsswitch.conf` may name modules besides, which are of the machine's own glibc: loading one into
/// another version ends the process.
pub fn look_up_names_without_modules() {
    #[cfg(all(target_env = "gnu", target_feature = "crt-static"))]
    {
        use std::ffi::{c_char, c_int};
        unsafe extern "C" {
            /// From <nss.h>.
            fn __nss_configure_lookup(database: *const c_char, services: *const c_char) -> c_int;
        }
        // SAFETY: both are strings with a NUL at their ends, which glibc copies. It is called before
        // there are other threads. It fails for unknown databases only.
        unsafe { __nss_configure_lookup(c"hosts".as_ptr(), c"files dns".as_ptr()) };
    }
}

/// Has `command` end when this process does, however that ends, and begin with the limits that this
/// process was `started` with. To be spawned by a thread that lives as long as the process: the
/// kernel watches the thread.
///
/// What the command starts itself is not watched, and a program with set-user-id or capabilities of
/// its own is not either: see `PR_SET_PDEATHSIG` in prctl(2).
pub fn bind(command: &mut Command, started: &Started) {
    let (parent, files) = (getpid(), started.files);
    // SAFETY: it makes system calls only, and neither allocates nor takes a lock.
    unsafe { command.pre_exec(move || before_exec(parent, files)) };
}

fn before_exec(parent: Pid, files: Rlimit) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // It may have ended before that was asked for.
    if getppid() != Some(parent) {
        return Err(io::ErrorKind::NotFound.into());
    }
    setrlimit(Resource::Nofile, files)?;
    Ok(())
}
