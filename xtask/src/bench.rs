//! `cargo xtask bench`: how fast and how small, in figures that can be held against goals.
//!
//! What needs no kernel is measured on this machine, as whole runs of the executable. What needs one
//! is measured in the micro-VM, ours and the others in turn, by one process with one clock. A guest
//! without hardware virtualisation is several times slower than a machine, so only the ratio of two
//! such times means something.

mod chain;
pub(crate) mod guest;
mod sample;
mod validate;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use clap::ValueEnum;
use serde_json::Value;

use crate::{Result, build, build::Built, setup, shell};
use sample::Sample;

/// Measure `validate`, and `up` against a loader written by hand with libbpf. Figures only: slow is
/// no failure.
#[derive(Debug, clap::Args)]
pub(crate) struct Bench {
    /// Only this part.
    #[arg(value_name = "PART")]
    part: Option<Part>,
    /// The kernel to measure on.
    #[arg(long, value_name = "KERNEL", default_value = "6.12")]
    kernel: String,
    /// How many times each loader is timed.
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// What needs no kernel: `validate`, and chains of a thousand and ten thousand nodes
    Validate,
    /// Events as text, on this machine and in the micro-VM
    Events,
    /// What needs a kernel, in the micro-VM
    Loaders,
}

const CHAIN: &str = "chains/tcp.toml";
/// What the other loader is given, in this order.
const OBJECTS: [&str; 3] = ["tcp", "tcp-replacement", "tcp-tracer"];
/// What one run in the guest may take, in seconds: it takes about 40.
const BOUND: &str = "600";

const GOAL_RATIO: &str = "goal: at most 1.5";
const GOAL_WRITING: &str = "goal: 0.5 million as JSON";

pub(crate) fn run(arguments: &Bench) -> Result {
    let asked = |part| arguments.part.is_none_or(|only| only == part);
    setup::ensure(&[setup::BUILD])?;
    let built = build::cargo(&["build", "--release", "--package", "freplace-compose"])?;
    let composer = built.executable("freplace-compose")?;
    if asked(Part::Validate) {
        validate::run(composer)?;
    }
    if asked(Part::Events) {
        setup::ensure(&[setup::VM])?;
        writing(arguments, composer)?;
    }
    if asked(Part::Loaders) {
        setup::ensure(&[setup::VM])?;
        in_guest(arguments, &built)?;
    }
    Ok(())
}

/// How fast events become text, here and in the guest: see composer/benches/events.rs.
fn writing(arguments: &Bench, composer: &Path) -> Result {
    let words = ["bench", "--no-run", "--package", "freplace-compose", "--bench", "events"];
    let built = build::cargo(&words)?;
    let events = built.executable("events")?;
    println!("\nevents of {CHAIN} as text, on this machine, one core   {GOAL_WRITING}");
    shell::run(&mut Command::new(events))?;
    println!("\nthe same in the micro-VM, linux {}", arguments.kernel);
    let mut vm = Command::new(composer);
    vm.args(["vm", "--quiet", "--kernel", &arguments.kernel, "--timeout", BOUND, "--add"]);
    shell::run(vm.arg(events).arg("--").arg(events))
}

/// Compiles `xtask/bench/NAME.c`, with the compiler that Rust links with.
fn compile(name: &str, libraries: &[&str]) -> Result<PathBuf> {
    let folder = shell::root().join("target/bench");
    fs::create_dir_all(&folder)?;
    let executable = folder.join(name);
    let source = shell::root().join(format!("xtask/bench/{name}.c"));
    let mut cc = Command::new("cc");
    cc.args(["-O2", "-Wall", "-Wextra", "-Werror", "-o"])
        .arg(&executable)
        .arg(source)
        .args(libraries);
    shell::quietly(&mut cc)?;
    Ok(executable)
}

fn in_guest(arguments: &Bench, built: &Built) -> Result {
    let composer = built.executable("freplace-compose")?;
    let peer = compile("peer", &["-lbpf"])?;
    let objects: Vec<PathBuf> =
        OBJECTS.map(|name| built.object(name)).into_iter().collect::<Result<_>>()?;
    let mut vm = Command::new(composer);
    vm.current_dir(shell::root()).stderr(Stdio::inherit());
    vm.args(["vm", "--kernel", &arguments.kernel, "--timeout", BOUND]);
    for file in objects.iter().chain([&peer, &composer.to_owned(), &CHAIN.into()]) {
        vm.arg("--add").arg(file);
    }
    vm.arg("--").arg(env::current_exe()?).args([
        "bench-guest",
        "--rounds",
        &arguments.rounds.to_string(),
    ]);
    vm.arg("--composer")
        .arg(composer)
        .arg("--chain")
        .arg(CHAIN)
        .arg("--peer")
        .arg(peer)
        .args(objects);
    let output = vm.output()?;
    shell::succeeded(&vm, output.status)?;
    let measured: Value = serde_json::from_slice(&output.stdout)?;
    let sample = |name: &str| Sample::read(&measured[name]);
    let (ours, same, least) = (sample("ours")?, sample("same")?, sample("least")?);
    println!(
        "\nfrom exec to the last attachment of {CHAIN}, in the micro-VM, linux {}, {} runs of each",
        arguments.kernel, arguments.rounds
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

fn mib(kib: u64) -> String {
    format!("{:.1} MiB", kib as f64 / 1024.0)
}
