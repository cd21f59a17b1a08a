//! The command of a test.

use std::{
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    process::{Command, Stdio},
    time::Instant,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open},
};

use freplace_compose::files::plain;

/// Runs a command, which has to end before the deadline; its exit code, or why it has none.
pub(super) fn exec(words: &[&str], deadline: Instant) -> Result<i32, String> {
    let Some((program, arguments)) = words.split_first() else { return Ok(0) };
    let mut command = Command::new(program);
    command.args(arguments).process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn();
    let mut child = child.map_err(|error| format!("cannot run `{program}`: {}", plain(&error)))?;
    let pid = Pid::from_child(&child);
    let ended = ends_before(pid, deadline);
    if !matches!(ended, Ok(true)) {
        let _ = kill_process_group(pid, Signal::KILL); // it may end just now
        let _ = child.wait();
        return Err(match ended {
            Ok(_) => format!("`{program}` did not end in time"),
            Err(error) => format!("cannot wait for `{program}`: {}", plain(&error.into())),
        });
    }
    match child.wait() {
        Ok(status) => match status.signal() {
            Some(signal) => Err(format!("`{program}` was ended by signal {signal}")),
            None => Ok(status.code().unwrap_or_default()),
        },
        Err(error) => Err(format!("cannot wait for the command: {}", plain(&error))),
    }
}

/// Waits for the end of a child until `deadline`; whether it came.
fn ends_before(child: Pid, deadline: Instant) -> rustix::io::Result<bool> {
    let child = pidfd_open(child, PidfdFlags::empty())?;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).ok();
        match poll(&mut [PollFd::new(&child, PollFlags::IN)], left.as_ref()) {
            Err(Errno::INTR) => {}
            done => return done.map(|ready| ready > 0),
        }
    }
}
