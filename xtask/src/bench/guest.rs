//! Shared by the parts of `bench` that run in the guest: a watched process, and one clock.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, ChildStderr, Command, Stdio},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use super::{command, hosts, loaders, stream, tracer};
use crate::{Result, shell};

/// The part of `bench` that runs in the guest, and prints what it measured as JSON.
#[derive(Debug, clap::Args)]
pub(crate) struct GuestArgs {
    #[command(subcommand)]
    what: Measurement,
}

#[derive(Debug, clap::Subcommand)]
enum Measurement {
    Loaders(loaders::LoadersArgs),
    Stream(stream::StreamArgs),
    Tracer(tracer::TracerArgs),
    Hosts(hosts::HostsArgs),
    Command(command::CommandArgs),
}

pub(crate) fn run(arguments: &GuestArgs) -> Result {
    let measured = match &arguments.what {
        Measurement::Loaders(guest) => loaders::measure(guest)?,
        Measurement::Stream(guest) => stream::measure(guest)?,
        Measurement::Tracer(guest) => tracer::measure(guest)?,
        Measurement::Hosts(guest) => hosts::measure(guest)?,
        Measurement::Command(guest) => command::measure(guest)?,
    };
    println!("{measured}");
    Ok(())
}

/// The start of the line on stderr by which `up` reports that everything is attached.
pub(super) const ATTACHED: &str = "  attach ";
/// The start of this line for the other programs.
pub(super) const ATTACHED_PEER: &str = "attached";

/// Interval between two checks of a process: each one flushes the emulated CPU's TLB.
const PAUSE: Duration = Duration::from_millis(10);

/// A measured process.
pub(super) struct Watched {
    command: Command,
    child: Child,
    stderr: BufReader<ChildStderr>,
    said: String,
}

impl Watched {
    /// Starts `command` and waits until it writes a line to stderr that begins with `sign`.
    pub(super) fn start(mut command: Command, sign: &str) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let stderr = child.stderr.take().ok_or("no stderr")?;
        let mut watched =
            Self { command, child, stderr: BufReader::new(stderr), said: String::new() };
        let mut line_start = 0;
        while !watched.said[line_start..].starts_with(sign) {
            line_start = watched.said.len();
            if watched.stderr.read_line(&mut watched.said)? == 0 {
                eprint!("{}", watched.said);
                let line = shell::line(&watched.command);
                return Err(format!("`{line}` did not print `{sign}`").into());
            }
        }
        Ok(watched)
    }

    /// Sends it a signal.
    pub(super) fn signal(&self, signal: Signal) -> Result {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        Ok(kill_process(pid.ok_or("no process id")?, signal)?)
    }

    /// Waits until it succeeds; returns its stderr.
    pub(super) fn end(mut self) -> Result<String> {
        self.stderr.read_to_string(&mut self.said)?;
        let status = self.child.wait()?;
        if !status.success() {
            eprint!("{}", self.said);
        }
        shell::succeeded(&self.command, status)?;
        Ok(self.said)
    }

    /// Waits until all its threads sleep, so that no work is left.
    pub(super) fn until_idle(&self) -> Result {
        while !self.is_idle()? {
            thread::sleep(PAUSE);
        }
        Ok(())
    }

    fn is_idle(&self) -> Result<bool> {
        // After the name, which may have any character in it.
        let state = |stat: &str| stat.rsplit_once(')').map(|(_, rest)| rest.starts_with(" S"));
        let before = self.cpu()?;
        let asleep = self.threads("stat")?.iter().all(|stat| state(stat) == Some(true));
        // One thread may have been looked at before, and another after, the one woke the other.
        Ok(asleep && self.cpu()? == before)
    }

    /// The CPU time of all its threads, in user space and in the kernel.
    pub(super) fn cpu(&self) -> Result<Duration> {
        let mut sum = 0;
        for stat in self.threads("schedstat")? {
            let first = stat.split(' ').next().ok_or("no time in schedstat")?;
            sum += first.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(sum))
    }

    /// The file `name` of each thread.
    fn threads(&self, name: &str) -> Result<Vec<String>> {
        let mut texts = Vec::new();
        for thread in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            texts.push(fs::read_to_string(thread?.path().join(name))?);
        }
        Ok(texts)
    }

    /// Its peak memory so far, in KiB.
    pub(super) fn peak_kib(&self) -> Result<u64> {
        peak_kib(self.child.id())
    }
}

/// The peak memory of a process so far, in KiB.
pub(crate) fn peak_kib(process: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB")).ok_or("no VmHWM")?;
    Ok(number.parse()?)
}
