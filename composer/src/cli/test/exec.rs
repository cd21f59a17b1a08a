//! The command of a test.

use std::{
    io,
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    process::{Child, Command, ExitStatus, Stdio},
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
    let ended = wait(&mut child, deadline);
    if !matches!(ended, Ok(Some(_))) {
        let _ = kill_process_group(Pid::from_child(&child), Signal::KILL); // it may end just now
        let _ = child.wait();
    }
    match ended {
        Ok(Some(status)) => match status.signal() {
            Some(signal) => Err(format!("`{program}` was ended by signal {signal}")),
            None => Ok(status.code().unwrap_or_default()),
        },
        Ok(None) => Err(format!("`{program}` did not end in time")),
        Err(error) => Err(format!("cannot wait for `{program}`: {}", plain(&error))),
    }
}

/// Waits until it ends; none when that takes until the deadline.
fn wait(child: &mut Child, deadline: Instant) -> io::Result<Option<ExitStatus>> {
    let process = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec {
            tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        match poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&left)) {
            Ok(0) => return Ok(None),
            Ok(_) => return child.wait().map(Some),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
