//! Measures the cost of the built-in tracer for its function, compared with an empty pair of
//! tracers, and with a hand-written pair that records the same.
//!
//! The kernel itself runs and times the host (`BPF_PROG_TEST_RUN`); the composer is idle meanwhile,
//! and there is room for every event.

use std::{ffi::OsString, path::PathBuf, process::Command};

use rustix::process::Signal;
use serde_json::Value;

use super::{
    Lab, compile,
    guest::{ATTACHED, Watched},
    sample::Sample,
};
use crate::{Result, shell};

const OBJECT: &str = "measured";
const HOST: &str = "host";
/// Number of runs whose events fit in the buffer.
pub(super) const REPEAT: &str = "2000";
/// Number of such measurements in each round.
const TIMES: usize = 8;

/// The tracers of the host's stub; `@` is replaced by the object.
const CASES: [(&str, &str); 6] = [
    ("no tracer", ""),
    (
        "empty pair",
        "[tracer.in]\nfentry = \"stub\"\n@\nprogram = \"empty_entry\"\n\
         [tracer.out]\nfexit = \"stub\"\n@\nprogram = \"empty_exit\"\n",
    ),
    (
        "by hand",
        "[tracer.in]\nfentry = \"stub\"\n@\nprogram = \"by_hand_entry\"\n\
         [tracer.out]\nfexit = \"stub\"\n@\nprogram = \"by_hand_exit\"\n",
    ),
    ("built in", "[tracer.out]\nfexit = \"stub\"\n"),
    (
        "by hand, filtered",
        "[tracer.in]\nfentry = \"stub\"\n@\nprogram = \"by_hand_entry\"\n\
         [tracer.out]\nfexit = \"stub\"\n@\nprogram = \"by_hand_filter\"\n",
    ),
    ("built in, filtered", "[tracer.out]\nfexit = \"stub\"\nwhere = \"len > 100000\"\n"),
];
/// The baseline of each, and the goal.
const AGAINST: [Option<(usize, &str)>; 6] =
    [None, None, None, Some((2, ", goal: at most 1.3")), None, Some((4, ""))];

pub(super) fn run(lab: &Lab<'_>) -> Result {
    let call = compile("call", &["-lbpf"])?;
    let object = lab.test_object(OBJECT)?;
    let from = format!("object = \"{OBJECT}.o\"");
    let mut bring = vec![call.clone(), object];
    let mut words: Vec<OsString> = vec!["tracer".into(), "--call".into(), call.into()];
    for (number, (_, tracers)) in CASES.iter().enumerate() {
        let chain = format!(
            "name = \"tracer\"\n[host.host]\n{from}\nprogram = \"{HOST}\"\n\
             attach = {{ xdp = \"lo\", mode = \"generic\" }}\n\
             [stub.stub]\nfunction = \"measured\"\nhosts = [\"host\"]\n{}",
            tracers.replace('@', &from)
        );
        let chain = lab.write_chain(&format!("tracer-{number}"), &chain)?;
        words.push(chain.clone().into());
        bring.push(chain);
    }
    let measured = lab.measure(&bring, &words)?;
    println!(
        "\none call of a traced stub, in the micro-VM, linux {}, {} times {REPEAT} calls of each",
        lab.kernel,
        lab.rounds as usize * TIMES
    );
    let times: Vec<f64> = CASES.iter().filter_map(|(name, _)| measured[*name].as_f64()).collect();
    if times.len() != CASES.len() {
        return Err(format!("no times in {measured}").into());
    }
    for (number, (name, _)) in CASES.iter().enumerate() {
        let more = times[number] - times[0];
        let mut line = format!("  {name:<18}  {:>6.0} ns", times[number]);
        if number > 0 {
            line += &format!("   {more:>6.0} ns more");
        }
        if let Some((other, goal)) = AGAINST[number] {
            let ratio = more / (times[other] - times[0]);
            line += &format!("   ratio {ratio:.2} to `{}`{goal}", CASES[other].0);
        }
        println!("{line}");
    }
    Ok(())
}

/// The part that runs in the guest.
#[derive(Debug, clap::Args)]
pub(super) struct TracerArgs {
    #[arg(long)]
    composer: PathBuf,
    #[arg(long)]
    rounds: usize,
    #[arg(long)]
    call: PathBuf,
    chains: Vec<PathBuf>,
}

pub(super) fn measure(arguments: &TracerArgs) -> Result<Value> {
    let count = arguments.chains.len();
    let mut times = vec![Vec::new(); count];
    for round in 0..=arguments.rounds {
        for number in (round..round + count).map(|number| number % count) {
            let took = calls(arguments, &arguments.chains[number])?;
            if round > 0 {
                times[number].extend(took);
            }
        }
    }
    let medians = times.into_iter().map(|times| Sample::of(times).median().into());
    let names = CASES.iter().map(|(name, _)| (*name).to_owned());
    Ok(Value::Object(names.zip(medians).collect()))
}

/// Brings `chain` up and calls its host; nanoseconds of one call, for each measurement.
fn calls(arguments: &TracerArgs, chain: &PathBuf) -> Result<Vec<f64>> {
    let mut command = Command::new(&arguments.composer);
    command.args(["--color=never", "up", "--view=count"]).arg(chain);
    let watched = Watched::start(command, ATTACHED)?;
    let mut times = Vec::new();
    for _ in 0..TIMES {
        watched.until_idle()?;
        watched.signal(Signal::STOP)?;
        let mut call = Command::new(&arguments.call);
        let said = shell::quietly(call.args([HOST, REPEAT]))?;
        times.push(said.trim().parse::<f64>()?);
        watched.signal(Signal::CONT)?;
    }
    watched.until_idle()?;
    watched.signal(Signal::INT)?;
    let said = watched.end()?;
    if !said.contains(" 0 lost") {
        return Err(format!("unexpected losses:\n{said}").into());
    }
    Ok(times)
}
