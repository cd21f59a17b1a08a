//! The part of `bench` that runs in the guest: times the loaders, in turn, by the same clock and
//! the same sign: a line on stderr that is written when the last attachment is made.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::json;

use super::sample::Sample;
use crate::{Result, connect, shell};

/// The part of `bench` that runs in the guest.
#[derive(Debug, clap::Args)]
pub(crate) struct Guest {
    #[arg(long)]
    composer: PathBuf,
    #[arg(long)]
    chain: PathBuf,
    #[arg(long)]
    peer: PathBuf,
    #[arg(long)]
    rounds: usize,
    /// What the peer loads.
    objects: Vec<PathBuf>,
}

/// Runs of each before anything counts: pages come into memory, code is translated by QEMU.
const WARM_UP: usize = 3;
/// As many as give a few times the events that fit in the ring buffer.
const CONNECTIONS: usize = 4000;

pub(crate) fn run(arguments: &Guest) -> Result {
    const CONTENDERS: usize = 3;
    let mut times = [const { Vec::new() }; CONTENDERS];
    for round in 0..WARM_UP + arguments.rounds {
        // Each begins in turn, so that none of them always follows the same other one.
        for contender in (round..round + CONTENDERS).map(|number| number % CONTENDERS) {
            let took = match contender {
                0 => time(up(arguments, "1ms"), "  attach "),
                1 => time(peer(arguments, "same"), "attached"),
                _ => time(peer(arguments, "least"), "attached"),
            }?;
            if round >= WARM_UP {
                times[contender].push(took);
            }
        }
    }
    let [ours, same, least] = times.map(|times| Sample::new(&times));
    let measured = json!({
        "ours": ours.milliseconds(),
        "same": same.milliseconds(),
        "least": least.milliseconds(),
        "connections": CONNECTIONS,
        "peak_kib": peak(arguments)?,
    });
    println!("{measured}");
    Ok(())
}

fn up(arguments: &Guest, duration: &str) -> Command {
    let mut command = Command::new(&arguments.composer);
    command.args(["--color", "never", "up", "--duration", duration]).arg(&arguments.chain);
    command
}

fn peer(arguments: &Guest, work: &str) -> Command {
    let mut command = Command::new(&arguments.peer);
    command.arg(work).args(&arguments.objects);
    command
}

/// The time from the start of `command` to the line on stderr that begins with `sign`.
fn time(mut command: Command, sign: &str) -> Result<Duration> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let began = Instant::now();
    let mut child = command.spawn()?;
    let stderr = child.stderr.take().ok_or("no stderr")?;
    let mut stderr = BufReader::new(stderr);
    let mut said = String::new();
    let mut line_start = 0;
    while !said[line_start..].starts_with(sign) {
        line_start = said.len();
        if stderr.read_line(&mut said)? == 0 {
            eprint!("{said}");
            return Err(format!("`{}` did not say `{sign}`", shell::line(&command)).into());
        }
    }
    let took = began.elapsed();
    stderr.read_to_string(&mut said)?;
    let status = child.wait()?;
    if !status.success() {
        eprint!("{said}");
    }
    shell::succeeded(&command, status)?;
    Ok(took)
}

/// The most memory, in KiB, that `up` holds while it shows the events of many connections.
fn peak(arguments: &Guest) -> Result<u64> {
    let mut command = up(arguments, "5m");
    let count = CONNECTIONS.to_string();
    command.arg("--").arg(std::env::current_exe()?);
    command.args(["connect", "--parent-peak", "--count", &count]);
    let output = command.stdin(Stdio::null()).stdout(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        eprint!("{said}");
    }
    shell::succeeded(&command, output.status)?;
    let peak = said.lines().find_map(|line| line.strip_prefix(connect::PEAK));
    Ok(peak.ok_or("the workload did not say how much memory was used")?.parse()?)
}
