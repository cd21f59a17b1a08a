//! Measures what a call costs from rung to rung: a host that calls a function of its own, one that
//! calls a stub, the stub replaced, and the replacement traced, for some kinds of host; the same
//! programs brought up by hand with libbpf beside it.
//!
//! The kernel itself runs and times the hosts that it can run (`BPF_PROG_TEST_RUN`). The tracepoint is
//! timed as a system call, with what that takes.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{
    Lab, compile,
    guest::{ATTACHED, ATTACHED_PEER, Watched},
    sample::Sample,
    tracer,
};
use crate::{Result, shell};

const OBJECT: &str = "ladder";
/// Number of runs in a measurement where nobody writes events.
const REPEAT: &str = "100000";
/// Number of measurements each time that a chain is up.
const TIMES: usize = 4;

/// A kind of host.
struct LadderKind {
    name: &'static str,
    attach: &'static str,
    /// What the names of its programs begin with: the kernel keeps 15 letters of a name.
    prefix: &'static str,
}

const KINDS: [LadderKind; 4] = [
    LadderKind { name: "xdp", attach: r#"xdp = "lo", mode = "generic""#, prefix: "xdp" },
    LadderKind { name: "tcx", attach: r#"tcx = "lo""#, prefix: "tcx" },
    LadderKind { name: "cgroup_skb", attach: r#"cgroup_skb = "/sys/fs/cgroup""#, prefix: "skb" },
    LadderKind {
        name: "tracepoint",
        attach: r#"tracepoint = "syscalls/sys_enter_getpgid""#,
        prefix: "tp",
    },
];

/// A way to bring a host to its answer.
struct Rung {
    name: &'static str,
    /// The end of the name of the host's program.
    host: &'static str,
    is_replaced: bool,
    /// What is on the replacement, with the program of the tracer.
    tracers: &'static [(&'static str, &'static str)],
    is_built_in: bool,
}

const ENTRY: (&str, &str) = ("fentry", "ladder_entry");
const EXIT: (&str, &str) = ("fexit", "ladder_exit");

const fn rung(name: &'static str, tracers: &'static [(&'static str, &'static str)]) -> Rung {
    Rung { name, host: "host", is_replaced: true, tracers, is_built_in: false }
}

const RUNGS: [Rung; 6] = [
    Rung { host: "direct", is_replaced: false, ..rung("direct call", &[]) },
    Rung { is_replaced: false, ..rung("stub", &[]) },
    rung("replaced", &[]),
    rung("+ fentry", &[ENTRY]),
    rung("+ fexit", &[ENTRY, EXIT]),
    Rung { is_built_in: true, ..rung("+ built-in", &[]) },
];
/// The rung that the others are compared with.
const STUB: usize = 1;

impl Rung {
    /// The chain of this rung.
    fn chain(&self, kind: &LadderKind) -> String {
        let LadderKind { attach, prefix, .. } = kind;
        let from = format!("object = \"{OBJECT}.o\"");
        let mut text = format!(
            "name = \"ladder\"\n[host.host]\n{from}\nprogram = \"{prefix}_{}\"\n\
             attach = {{ {attach} }}\n",
            self.host
        );
        if self.is_replaced {
            text += &format!(
                "[stub.stub]\nfunction = \"{prefix}_stub\"\nhosts = [\"host\"]\n\
                 [replacement.new]\n{from}\nprogram = \"{prefix}_new\"\nstub = \"stub\"\n"
            );
        }
        for (point, program) in self.tracers {
            text +=
                &format!("[tracer.{point}]\n{point} = \"new\"\n{from}\nprogram = \"{program}\"\n");
        }
        if self.is_built_in {
            text += "[tracer.built_in]\ntrace = \"new\"\n";
        }
        text
    }

    /// The same as the arguments of the peer; none where it has no such thing.
    fn peer_arguments(&self, kind: &LadderKind) -> Option<Vec<String>> {
        let prefix = kind.prefix;
        let mut words = vec![prefix.to_owned(), format!("{prefix}_{}", self.host)];
        if self.is_replaced {
            words.push(format!("{prefix}_new"));
        }
        words.extend(self.tracers.iter().map(|(_, program)| (*program).to_owned()));
        (!self.is_built_in).then_some(words)
    }

    /// How often it runs in a measurement.
    fn repeat(&self) -> &'static str {
        if self.is_built_in { tracer::REPEAT } else { REPEAT }
    }
}

/// Who brings it up.
const CONTENDERS: [&str; 2] = ["freplace-compose", "libbpf, by hand"];

pub(super) fn run(lab: &Lab<'_>) -> Result {
    let call = compile("call", &["-lbpf"])?;
    let peer = compile("ladder", &["-lbpf"])?;
    let object = lab.test_object(OBJECT)?;
    let mut bring = vec![call.clone(), peer.clone(), object.clone()];
    let mut words: Vec<OsString> = vec!["hosts".into()];
    for (flag, path) in [("--call", call), ("--peer", peer), ("--object", object)] {
        words.extend([flag.into(), path.into()]);
    }
    for kind in &KINDS {
        for (number, rung) in RUNGS.iter().enumerate() {
            let name = format!("ladder-{}-{number}", kind.name);
            let chain = lab.write_chain(&name, &rung.chain(kind))?;
            words.push(chain.clone().into());
            bring.push(chain);
        }
    }
    let measured = lab.measure(&bring, &words)?;
    println!(
        "\none call of a host in ns, in the micro-VM, linux {}, medians of {} measurements; stub = 1.00",
        lab.kernel,
        lab.rounds as usize * TIMES
    );
    println!("  {:<28}{}", "", RUNGS.map(|rung| format!("{:>16}", rung.name)).concat());
    for (kind, times) in KINDS.iter().zip(measured.as_array().into_iter().flatten()) {
        let time = |rung: usize, contender: usize| times[rung][contender].as_f64();
        for (contender, name) in CONTENDERS.iter().enumerate() {
            let stub = time(STUB, contender).ok_or_else(|| format!("no times in {measured}"))?;
            let cell = |rung| {
                time(rung, contender)
                    .map_or_else(String::new, |time| format!("{time:>10.0}  {:.2}", time / stub))
            };
            let cells = (0..RUNGS.len()).map(|rung| format!("{:>16}", cell(rung)));
            println!("  {:<10}  {name:<16}{}", kind.name, cells.collect::<String>());
        }
        let ratio = |rung| Some(format!("{:.2}", time(rung, 0)? / time(rung, 1)?));
        let cells = (0..RUNGS.len()).map(|rung| format!("{:>16}", ratio(rung).unwrap_or_default()));
        println!("  {:<10}  {:<16}{}", "", "ratio, goal: 1.0", cells.collect::<String>());
    }
    Ok(())
}

/// The part that runs in the guest.
#[derive(Debug, clap::Args)]
pub(super) struct HostsArgs {
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
    /// By kinds of host, and in those by rungs.
    chains: Vec<PathBuf>,
}

/// Nanoseconds of a call by kind, rung and contender.
pub(super) fn measure(arguments: &HostsArgs) -> Result<Value> {
    let count = arguments.chains.len();
    let mut times = vec![[const { Vec::new() }; CONTENDERS.len()]; count];
    for round in 0..=arguments.rounds {
        // Another one begins each round, so that what a machine does meanwhile is shared out.
        for number in (round..round + count).map(|number| number % count) {
            let (kind, rung) = (&KINDS[number / RUNGS.len()], &RUNGS[number % RUNGS.len()]);
            let mut up = Command::new(&arguments.composer);
            up.args(["--color=never", "up", "--view=count"]).arg(&arguments.chains[number]);
            let mut contenders = vec![(up, ATTACHED)];
            if let Some(words) = rung.peer_arguments(kind) {
                let mut peer = Command::new(&arguments.peer);
                peer.arg(&arguments.object).args(words);
                contenders.push((peer, ATTACHED_PEER));
            }
            for (contender, (command, sign)) in contenders.into_iter().enumerate() {
                let took = calls(&arguments.call, command, sign, kind, rung)?;
                if round > 0 {
                    times[number][contender].extend(took);
                }
            }
        }
    }
    let median = |times: Vec<f64>| (!times.is_empty()).then(|| Sample::of(times).median());
    let medians: Vec<_> = times.into_iter().map(|times| times.map(median)).collect();
    Ok(medians.chunks(RUNGS.len()).map(|rungs| json!(rungs)).collect())
}

/// Has `command` bring up a rung, and calls its host; nanoseconds of one call, for each measurement.
fn calls(
    call: &Path,
    command: Command,
    sign: &str,
    kind: &LadderKind,
    rung: &Rung,
) -> Result<Vec<f64>> {
    let what = match kind.name {
        "tracepoint" => "getpgid".to_owned(),
        _ => format!("{}_{}", kind.prefix, rung.host),
    };
    let watched = Watched::start(command, sign)?;
    let mut times = Vec::new();
    for _ in 0..TIMES {
        watched.until_idle()?;
        watched.signal(Signal::STOP)?;
        let said = shell::quietly(Command::new(call).args([&what, rung.repeat()]))?;
        times.push(said.trim().parse::<f64>()?);
        watched.signal(Signal::CONT)?;
    }
    watched.until_idle()?;
    watched.signal(Signal::INT)?;
    watched.end()?;
    Ok(times)
}
