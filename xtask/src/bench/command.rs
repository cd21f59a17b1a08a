//! Measures the whole command that brings up two XDP programs behind libxdp's dispatcher and takes
//! them down again, compared with Debian's `xdp-loader load` and `xdp-loader unload` of the same
//! programs.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{Lab, sample::Sample};
use crate::{Result, setup, shell};

/// The paths in Debian's packages.
const DISPATCHER: &str = "/usr/lib/x86_64-linux-gnu/bpf/xdp-dispatcher.o";
const FILTER: &str = "/usr/lib/x86_64-linux-gnu/bpf/xdpfilt_alw_udp.o";
const LOADER: &str = "/usr/sbin/xdp-loader";
/// Warm-up runs of each.
const WARM_UP: usize = 2;
const GOAL: &str = "goal: at most 1.0";

/// The dispatcher passes a frame on to the next program when the one before answers `XDP_PASS`.
const CHAIN: &str = r#"
[host.dispatcher]
object = "/usr/lib/x86_64-linux-gnu/bpf/xdp-dispatcher.o"
program = "xdp_dispatcher"
attach = { xdp = "lo", mode = "generic" }

[host.dispatcher.globals]
"conf.num_progs_enabled" = 2
"conf.chain_call_actions[0]" = "1 << XDP_PASS"
"conf.chain_call_actions[1]" = "1 << XDP_PASS"

[stub.first]
function = "prog0"
hosts = ["dispatcher"]

[stub.second]
function = "prog1"
hosts = ["dispatcher"]

[replacement.filter]
object = "/usr/lib/x86_64-linux-gnu/bpf/xdpfilt_alw_udp.o"
program = "xdpfilt_alw_udp"
stub = "first"

[replacement.more]
object = "/usr/lib/x86_64-linux-gnu/bpf/xdpfilt_alw_udp.o"
program = "xdpfilt_alw_udp"
stub = "second"
"#;

pub(super) fn run(lab: &Lab<'_>) -> Result {
    setup::ensure(&[setup::OTHERS])?;
    let chain = lab.write_chain("command", CHAIN)?;
    let bring: Vec<PathBuf> = [Path::new(DISPATCHER), Path::new(FILTER), Path::new(LOADER), &chain]
        .map(Into::into)
        .into();
    let words = ["command".into(), "--chain".into(), chain.into()];
    let measured = lab.measure(&bring, &words)?;
    let sample = |name: &str| Sample::read(&measured[name]);
    let (ours, theirs) = (sample("ours")?, sample("theirs")?);
    println!(
        "\nthe whole command, two programs behind a dispatcher, in the micro-VM, linux {}, {} runs of \
         each",
        lab.kernel, lab.rounds
    );
    println!("  up … -- true              {ours}");
    println!(
        "  xdp-loader load, unload   {theirs}   ratio {:.2}, {GOAL}",
        ours.median() / theirs.median()
    );
    println!("  of that, --version        {}", sample("version")?);
    println!("  of that, validate         {}", sample("validate")?);
    Ok(())
}

/// The part that runs in the guest.
#[derive(Debug, clap::Args)]
pub(super) struct CommandArgs {
    #[arg(long)]
    composer: PathBuf,
    #[arg(long)]
    rounds: usize,
    #[arg(long)]
    chain: PathBuf,
}

/// Measures whole commands, in turn.
pub(super) fn measure(arguments: &CommandArgs) -> Result<Value> {
    // libxdp keeps its programs there.
    let mut mount = Command::new("mount");
    shell::quietly(mount.args(["-t", "bpf", "bpf", "/sys/fs/bpf"]))?;
    let composer = |words: &[&str]| {
        let mut command = Command::new(&arguments.composer);
        command.args(words);
        command
    };
    let mut times = [const { Vec::new() }; 4];
    for round in 0..WARM_UP + arguments.rounds {
        let took = [
            time(composer(&["up"]).arg(&arguments.chain).args(["--", "true"]))?,
            time(Command::new(LOADER).args(["load", "-m", "skb", "lo", FILTER, FILTER]))?
                + time(Command::new(LOADER).args(["unload", "lo", "--all"]))?,
            time(&mut composer(&["--version"]))?,
            time(composer(&["validate"]).arg(&arguments.chain))?,
        ];
        if round >= WARM_UP {
            for (times, took) in times.iter_mut().zip(took) {
                times.push(took);
            }
        }
    }
    let [ours, theirs, version, validate] = times.map(|times| Sample::new(&times));
    Ok(json!({
        "ours": ours.milliseconds(),
        "theirs": theirs.milliseconds(),
        "version": version.milliseconds(),
        "validate": validate.milliseconds(),
    }))
}

fn time(command: &mut Command) -> Result<Duration> {
    let began = Instant::now();
    let output = command.stdin(Stdio::null()).output()?;
    let took = began.elapsed();
    if !output.status.success() {
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
    }
    shell::succeeded(command, output.status)?;
    Ok(took)
}
