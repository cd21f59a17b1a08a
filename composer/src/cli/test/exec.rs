//! The command of a test.

use std::{
    os::unix::process::CommandExt as _,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};

use freplace_compose::files::plain;

/// Runs a command, which has to succeed before the deadline; why it did not.
pub(super) fn exec(words: &[&str], deadline: Instant) -> Result<(), String> {
    /// How often it is looked whether it ended: there is nothing to wait for that could also be given up.
    const LOOK: Duration = Duration::from_millis(2);
    let Some((program, arguments)) = words.split_first() else { return Ok(()) };
    let mut command = Command::new(program);
    command.args(arguments).process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn();
    let mut child = child.map_err(|error| format!("cannot run `{program}`: {}", plain(&error)))?;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("`{program}` failed: {status}")),
            Ok(None) if Instant::now() < deadline => thread::sleep(LOOK),
            Ok(None) => {
                let _ = kill_process_group(Pid::from_child(&child), Signal::KILL); // it may end just now
                let _ = child.wait();
                return Err(format!("`{program}` did not end in time"));
            }
            Err(error) => return Err(format!("cannot wait for the command: {}", plain(&error))),
        }
    }
}
