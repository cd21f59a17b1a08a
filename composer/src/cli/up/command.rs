//! CMD: the command that runs while the chain is up.

use std::{
    ffi::OsString,
    io::{self, IsTerminal as _},
    process::ExitStatus,
};

use rustix::process::{Pid, Signal, getpgid, kill_process, kill_process_group};
use tokio::process::Child;

use freplace_compose::{kernel::process, session::Command};

/// A command that was started.
pub(super) struct Cmd {
    child: Child,
    pid: Option<Pid>,
}

impl Cmd {
    /// Starts `command`, when one was given. Its output goes to stderr where stdout is the events'
    /// alone.
    pub(super) fn start(
        command: &[OsString],
        started: &process::Started,
        events_have_stdout: bool,
    ) -> io::Result<Option<Self>> {
        let Some((program, words)) = command.split_first() else { return Ok(None) };
        let mut command = tokio::process::Command::new(program);
        command.args(words).kill_on_drop(true);
        process::bind(command.as_std_mut(), started);
        if !io::stdin().is_terminal() {
            // A group of its own, so that what it starts can be ended with it. On a terminal it has
            // to stay in ours, or it could not read from there.
            command.process_group(0);
        }
        if events_have_stdout {
            command.stdout(io::stderr());
        }
        let child = command.spawn()?;
        let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        Ok(Some(Self { child, pid }))
    }

    /// Sends `signal` to the command and all it started, where it has a group of its own.
    fn send(&self, signal: Signal) {
        let Some(pid) = self.pid else { return };
        // Either may be gone by now.
        let _ = match getpgid(Some(pid)) {
            Ok(group) if group == pid => kill_process_group(group, signal),
            Ok(_) => kill_process(pid, signal),
            // The command is gone; its group is not, while anything in it lives.
            Err(_) => kill_process_group(pid, signal),
        };
    }
}

impl Command for Cmd {
    async fn ended(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    fn terminate(&mut self) {
        self.send(Signal::TERM);
    }

    async fn kill(&mut self) {
        self.send(Signal::KILL);
        let _ = self.child.kill().await; // it may have ended by itself just now
    }
}
