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
    guest::{ATTACHED, ATTACHED_PEER, Watched},
    sample::Sample,
};
use crate::{Result, shell};

const OBJECT: &str = "measured";
const HOST: &str = "host";
/// Its function that is traced.
const STUB: &str = "measured";
/// The program of its own loader whose filter drops every call.
const WITHOUT_EVENTS: &str = "by_hand_one_filter";
/// Number of runs whose events fit in the buffer.
pub(super) const REPEAT: &str = "2000";
/// Number of such measurements in each round.
const TIMES: usize = 8;

/// What is on the host's stub.
struct TracerCase {
    name: &'static str,
    /// Tables of the chain; `@` is replaced by the object.
    tracers: &'static str,
    /// A program for both moments that is loaded by hand, on kernels that have such programs.
    one: Option<&'static str>,
    /// The cases that it is compared with, where they were measured.
    against: &'static [usize],
}

const fn case(name: &'static str, tracers: &'static str) -> TracerCase {
    TracerCase { name, tracers, one: None, against: &[] }
}

const fn one(name: &'static str, program: &'static str) -> TracerCase {
    TracerCase { one: Some(program), ..case(name, "") }
}

const CASES: [TracerCase; 9] = [
    case("no tracer", ""),
    case(
        "empty pair",
        "[tracer.in]\nfentry = \"stub\"\n@\nprogram = \"empty_entry\"\n\
         [tracer.out]\nfexit = \"stub\"\n@\nprogram = \"empty_exit\"\n",
    ),
    case(
        "by hand",
        "[tracer.in]\nfentry = \"stub\"\n@\nprogram = \"by_hand_entry\"\n\
         [tracer.out]\nfexit = \"stub\"\n@\nprogram = \"by_hand_exit\"\n",
    ),
    one("by hand, fsession", "by_hand_one"),
    TracerCase { against: &[2, 3], ..case("built in", "[tracer.out]\nfexit = \"stub\"\n") },
    case(
        "filtered at return",
        "[tracer.in]\nfentry = \"stub\"\n@\nprogram = \"by_hand_entry\"\n\
         [tracer.out]\nfexit = \"stub\"\n@\nprogram = \"by_hand_filter\"\n",
    ),
    case(
        "filtered at both",
        "[tracer.in]\nfentry = \"stub\"\n@\nprogram = \"by_hand_entry_filter\"\n\
         [tracer.out]\nfexit = \"stub\"\n@\nprogram = \"by_hand_filter\"\n",
    ),
    one("filtered, fsession", WITHOUT_EVENTS),
    TracerCase {
        against: &[5, 6, 7],
        ..case("built in, filtered", "[tracer.out]\nfexit = \"stub\"\nwhere = \"len > 100000\"\n")
    },
];
const GOAL: &str = "goal: at most 1.1";

pub(super) fn run(lab: &Lab<'_>) -> Result {
    let call = compile("call", &["-lbpf"])?;
    let peer = compile("fsession", &["-lbpf"])?;
    let object = lab.test_object(OBJECT)?;
    let from = format!("object = \"{OBJECT}.o\"");
    let mut bring = vec![call.clone(), peer.clone(), object.clone()];
    let mut words: Vec<OsString> = vec!["tracer".into()];
    for (flag, path) in [("--call", call), ("--peer", peer), ("--object", object)] {
        words.extend([flag.into(), path.into()]);
    }
    for (number, case) in CASES.iter().enumerate() {
        let chain = format!(
            "name = \"tracer\"\n[host.host]\n{from}\nprogram = \"{HOST}\"\n\
             attach = {{ xdp = \"lo\", mode = \"generic\" }}\n\
             [stub.stub]\nfunction = \"{STUB}\"\nhosts = [\"host\"]\n{}",
            case.tracers.replace('@', &from)
        );
        let chain = lab.write_chain(&format!("tracer-{number}"), &chain)?;
        words.push(chain.clone().into());
        bring.push(chain);
    }
    let measured = lab.measure(&bring, &words)?;
    println!(
        "\none call of a traced stub, in the micro-VM, linux {}, {} times {REPEAT} calls of each; {GOAL}",
        lab.kernel,
        lab.rounds as usize * TIMES
    );
    let time = |case: &TracerCase| measured[case.name].as_f64();
    let none = time(&CASES[0]).ok_or_else(|| format!("no times in {measured}"))?;
    for case in &CASES {
        let Some(took) = time(case) else {
            println!("  {:<18}  this kernel has no fsession", case.name);
            continue;
        };
        let mut line =
            format!("  {:<18}  {took:>6.0} ns   {:>6.0} ns more", case.name, took - none);
        for other in case.against.iter().map(|other| &CASES[*other]) {
            if let Some(theirs) = time(other) {
                let ratio = (took - none) / (theirs - none);
                line += &format!("   {ratio:.2} of `{}`", other.name);
            }
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
    #[arg(long)]
    peer: PathBuf,
    #[arg(long)]
    object: PathBuf,
    chains: Vec<PathBuf>,
}

pub(super) fn measure(arguments: &TracerArgs) -> Result<Value> {
    let has_fsession = is_since_7()?;
    let is_there = |number: &usize| has_fsession || CASES[*number].one.is_none();
    let cases: Vec<_> = (0..CASES.len().min(arguments.chains.len())).filter(is_there).collect();
    let mut times = vec![Vec::new(); CASES.len()];
    for round in 0..=arguments.rounds {
        for turn in round..round + cases.len() {
            let number = cases[turn % cases.len()];
            let took = calls(arguments, number)?;
            if round > 0 {
                times[number].extend(took);
            }
        }
    }
    let medians = cases.into_iter().map(|number| {
        let median = Sample::of(std::mem::take(&mut times[number])).median();
        (CASES[number].name.to_owned(), median.into())
    });
    Ok(Value::Object(medians.collect()))
}

/// Whether the kernel is Linux 7.0 or later, which has programs for both moments.
fn is_since_7() -> Result<bool> {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let major = release.split('.').next().and_then(|major| major.parse::<u32>().ok());
    Ok(major.ok_or("no release")? >= 7)
}

/// Brings a case up and calls its host; nanoseconds of one call, for each measurement.
fn calls(arguments: &TracerArgs, number: usize) -> Result<Vec<f64>> {
    let mut command = Command::new(&arguments.composer);
    command.args(["--color=never", "up", "--view=count"]).arg(&arguments.chains[number]);
    let mut watched = vec![Watched::start(command, ATTACHED)?];
    if let Some(program) = CASES[number].one {
        let mut command = Command::new(&arguments.peer);
        command.arg(&arguments.object).args([program, HOST, STUB]);
        watched.push(Watched::start(command, ATTACHED_PEER)?);
    }
    let all = |signal| watched.iter().try_for_each(|one| one.signal(signal));
    let mut times = Vec::new();
    for _ in 0..TIMES {
        watched.iter().try_for_each(Watched::until_idle)?;
        all(Signal::STOP)?;
        let mut call = Command::new(&arguments.call);
        let said = shell::quietly(call.args([HOST, REPEAT]))?;
        times.push(said.trim().parse::<f64>()?);
        all(Signal::CONT)?;
    }
    watched.iter().try_for_each(Watched::until_idle)?;
    all(Signal::INT)?;
    for one in watched {
        let said = one.end()?;
        let is_right = match CASES[number].one {
            Some(program) if said.starts_with(ATTACHED_PEER) => {
                let repeat: usize = REPEAT.parse()?;
                let events = if program == WITHOUT_EVENTS { 0 } else { repeat * TIMES };
                said.contains(&format!("\n{events} events"))
            }
            _ => said.contains(" 0 lost"),
        };
        if !is_right {
            return Err(format!("unexpected losses:\n{said}").into());
        }
    }
    Ok(times)
}
