//! Measures the time to bring a chain up, compared with a hand-written libbpf loader.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    CHAIN, Lab, compile,
    guest::{ATTACHED, ATTACHED_PEER, Watched},
    mib,
    sample::Sample,
};
use crate::{Result, connect, shell};

/// The arguments of the other loader, in order.
const OBJECTS: [&str; 3] = ["tcp", "tcp-replacement", "tcp-tracer"];
/// Warm-up runs of each: pages are loaded into memory, and QEMU translates the code.
const WARM_UP: usize = 3;
/// Enough for several times the events that fit in the ring buffer.
const CONNECTIONS: usize = 4000;

const GOAL_RATIO: &str = "goal: at most 1.5";

pub(super) fn run(lab: &Lab<'_>) -> Result {
    let peer = compile("peer", &["-lbpf"])?;
    let mut bring: Vec<PathBuf> =
        OBJECTS.map(|name| lab.built.object(name)).into_iter().collect::<Result<_>>()?;
    let mut words = vec!["loaders".into(), "--chain".into(), CHAIN.into(), "--peer".into()];
    words.push(peer.clone().into());
    words.extend(bring.iter().map(Into::into));
    bring.extend([peer, CHAIN.into()]);
    let measured = lab.measure(&bring, &words)?;
    let sample = |name: &str| Sample::read(&measured[name]);
    let (ours, same, least) = (sample("ours")?, sample("same")?, sample("least")?);
    println!(
        "\nfrom exec to the last attachment of {CHAIN}, in the micro-VM, linux {}, {} runs of each",
        lab.kernel, lab.rounds
    );
    println!("  freplace-compose   {ours}");
    for (name, theirs, goal) in [
        ("libbpf, by hand ", &same, GOAL_RATIO),
        ("libbpf, the least", &least, "nodes not told apart"),
    ] {
        println!("  {name:<17}  {theirs}   ratio {:.2}, {goal}", ours.median() / theirs.median());
    }
    let number = |name: &str| measured[name].as_u64().ok_or_else(|| format!("no `{name}`"));
    println!("\nup {CHAIN}, in the micro-VM, showing {} connections", number("connections")?);
    println!("  peak memory        {}", mib(number("peak_kib")?));
    Ok(())
}

/// The part that runs in the guest.
#[derive(Debug, clap::Args)]
pub(super) struct LoadersArgs {
    #[arg(long)]
    composer: PathBuf,
    #[arg(long)]
    rounds: usize,
    #[arg(long)]
    chain: PathBuf,
    #[arg(long)]
    peer: PathBuf,
    /// The objects loaded by the peer.
    objects: Vec<PathBuf>,
}

/// Measures the loaders in turn, with the same clock until the same event: the line on stderr
/// written after the last attachment.
pub(super) fn measure(arguments: &LoadersArgs) -> Result<Value> {
    const CONTENDERS: usize = 3;
    let mut times = [const { Vec::new() }; CONTENDERS];
    for round in 0..WARM_UP + arguments.rounds {
        // Each begins in turn, so that none of them always follows the same other one.
        for contender in (round..round + CONTENDERS).map(|number| number % CONTENDERS) {
            let took = match contender {
                0 => time(up(arguments, "1ms"), ATTACHED),
                1 => time(peer(arguments, "same"), ATTACHED_PEER),
                _ => time(peer(arguments, "least"), ATTACHED_PEER),
            }?;
            if round >= WARM_UP {
                times[contender].push(took);
            }
        }
    }
    let [ours, same, least] = times.map(|times| Sample::new(&times));
    Ok(json!({
        "ours": ours.milliseconds(),
        "same": same.milliseconds(),
        "least": least.milliseconds(),
        "connections": CONNECTIONS,
        "peak_kib": peak(arguments)?,
    }))
}

fn up(arguments: &LoadersArgs, duration: &str) -> Command {
    let mut command = Command::new(&arguments.composer);
    command.args(["--color", "never", "up", "--duration", duration]).arg(&arguments.chain);
    command
}

fn peer(arguments: &LoadersArgs, work: &str) -> Command {
    let mut command = Command::new(&arguments.peer);
    command.arg(work).args(&arguments.objects);
    command
}

/// The time from the start of `command` to the line on stderr that begins with `sign`.
fn time(command: Command, sign: &str) -> Result<Duration> {
    let began = Instant::now();
    let watched = Watched::start(command, sign)?;
    let took = began.elapsed();
    watched.end()?;
    Ok(took)
}

/// The peak memory of `up` in KiB while it shows the events of many connections.
fn peak(arguments: &LoadersArgs) -> Result<u64> {
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
