//! `cargo xtask bench`: how fast and how small, in figures that can be held against goals.
//!
//! What needs no kernel is measured on this machine, as whole runs of the executable. What needs one
//! is measured in the micro-VM, ours and the others in turn, by one process with one clock. A guest
//! without hardware virtualisation is several times slower than a machine, so only the ratio of two
//! such times means something.

mod chain;
mod command;
pub(crate) mod guest;
mod loaders;
mod sample;
mod stream;
mod tracer;
mod validate;

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use clap::ValueEnum;
use serde_json::Value;

use crate::{Result, build, build::Built, setup, shell};

/// Measure all that has a goal, what needs a kernel against what is written by hand with libbpf.
/// Figures only: slow is no failure.
#[derive(Debug, clap::Args)]
pub(crate) struct Bench {
    /// Only this part.
    #[arg(value_name = "PART")]
    part: Option<BenchPart>,
    /// The kernel to measure on.
    #[arg(long, value_name = "KERNEL", default_value = "6.12")]
    kernel: String,
    /// How many times each is measured in the micro-VM.
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum BenchPart {
    /// What needs no kernel: `validate`, and chains of a thousand and ten thousand nodes
    Validate,
    /// How fast events become text, on this machine and in the micro-VM
    Text,
    /// How fast events are read from the kernel, and how much memory that takes, in the micro-VM
    Stream,
    /// What the built-in tracer costs a call, in the micro-VM
    Tracer,
    /// How long a chain takes to be up, in the micro-VM
    Loaders,
    /// How long the whole command takes, against xdp-loader, in the micro-VM
    Command,
}

const CHAIN: &str = "chains/tcp.toml";
/// What one run in the guest may take, in seconds: it takes about 90.
const BOUND: &str = "900";

const GOAL_WRITING: &str = "goal: 0.5 million as JSON";

pub(crate) fn run(arguments: &Bench) -> Result {
    let asked = |part| arguments.part.is_none_or(|only| only == part);
    setup::ensure(&[setup::BUILD])?;
    let packages = ["--package", "freplace-compose", "--package", "freplace-compose-test-programs"];
    let built = build::cargo(&[&["build", "--release"][..], &packages].concat())?;
    let composer = built.executable("freplace-compose")?;
    if asked(BenchPart::Validate) {
        validate::run(composer)?;
    }
    if arguments.part != Some(BenchPart::Validate) {
        setup::ensure(&[setup::VM])?;
    }
    let Bench { kernel, rounds, .. } = arguments;
    let lab = Lab { built: &built, composer, kernel, rounds: *rounds };
    if asked(BenchPart::Text) {
        text(arguments, composer)?;
    }
    if asked(BenchPart::Stream) {
        stream::run(&lab)?;
    }
    if asked(BenchPart::Tracer) {
        tracer::run(&lab)?;
    }
    if asked(BenchPart::Loaders) {
        loaders::run(&lab)?;
    }
    if asked(BenchPart::Command) {
        command::run(&lab)?;
    }
    Ok(())
}

/// What is measured in the micro-VM, and how.
struct Lab<'a> {
    built: &'a Built,
    composer: &'a Path,
    kernel: &'a str,
    rounds: u32,
}

impl Lab<'_> {
    /// Runs the part of `bench` that runs in the guest, with files to bring along; what it measured.
    fn measure(&self, bring: &[PathBuf], words: &[OsString]) -> Result<Value> {
        let mut vm = Command::new(self.composer);
        vm.current_dir(shell::root()).stderr(Stdio::inherit());
        vm.args(["vm", "--kernel", self.kernel, "--timeout", BOUND]);
        vm.arg("--add").arg(self.composer);
        for file in bring {
            vm.arg("--add").arg(file);
        }
        vm.arg("--").arg(env::current_exe()?).arg("bench-guest").args(words);
        vm.arg("--composer").arg(self.composer);
        let output = vm.arg("--rounds").arg(self.rounds.to_string()).output()?;
        shell::succeeded(&vm, output.status)?;
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// The object `name` of the tests' programs, in the folder of the benchmark.
    fn test_object(&self, name: &str) -> Result<PathBuf> {
        let object = folder()?.join(format!("{name}.o"));
        fs::copy(self.built.object(name)?, &object)?;
        Ok(object)
    }

    /// Writes the chain `name`, next to such objects.
    fn write_chain(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = folder()?.join(format!("{name}.toml"));
        fs::write(&path, text)?;
        Ok(path)
    }
}

/// Where all is that is made for the benchmark.
fn folder() -> Result<PathBuf> {
    let folder = shell::root().join("target/bench");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// How fast events become text, here and in the guest: see composer/benches/events.rs.
fn text(arguments: &Bench, composer: &Path) -> Result {
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
    let executable = folder()?.join(name);
    let source = shell::root().join(format!("xtask/bench/{name}.c"));
    let mut cc = Command::new("cc");
    cc.args(["-O2", "-Wall", "-Wextra", "-Werror", "-o"])
        .arg(&executable)
        .arg(source)
        .args(libraries);
    shell::quietly(&mut cc)?;
    Ok(executable)
}

fn mib(kib: u64) -> String {
    format!("{:.1} MiB", kib as f64 / 1024.0)
}
