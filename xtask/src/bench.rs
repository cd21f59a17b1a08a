//! `cargo xtask bench`: measures speed and memory against the goals.
//!
//! Parts without a kernel are measured on this machine, as whole runs of the executable. Parts with
//! a kernel are measured in the micro-VM, alternating between this project and others, by one
//! process with one clock. A guest without hardware virtualisation is several times slower than a
//! machine, so only the ratio of two such times is meaningful.

mod chain;
mod command;
pub(crate) mod guest;
mod hosts;
mod loaders;
mod programs;
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

/// Measure everything that has a goal, and compare with hand-written libbpf programs on a kernel.
/// Prints figures only: slow results are not failures.
#[derive(Debug, clap::Args)]
pub(crate) struct Bench {
    /// Run only this part.
    #[arg(value_name = "PART")]
    part: Option<BenchPart>,
    /// Kernel series.
    #[arg(long, value_name = "KERNEL", default_value = "6.12")]
    kernel: String,
    /// Number of measurements in the micro-VM.
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum BenchPart {
    /// Parts without a kernel: `validate`, and chains of 1,000 and 10,000 nodes
    Validate,
    /// Speed of formatting events, on this machine and in the micro-VM
    Text,
    /// Speed and memory of reading events from the kernel, in the micro-VM
    Stream,
    /// Time of `ps` where there are 1,000 programs, on this machine, as root
    Programs,
    /// Cost of the built-in tracer for a call, in the micro-VM
    Tracer,
    /// Cost of a stub, a replacement and tracers for a call, by kinds of host, in the micro-VM
    Hosts,
    /// Time until a chain is up, in the micro-VM
    Loaders,
    /// Time of the whole command compared with xdp-loader, in the micro-VM
    Command,
}

const CHAIN: &str = "chains/tcp.toml";
/// Time limit of a run in the guest, in seconds; it takes about 90.
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
    if asked(BenchPart::Programs) {
        programs::run(&lab)?;
    }
    if asked(BenchPart::Tracer) {
        tracer::run(&lab)?;
    }
    if asked(BenchPart::Hosts) {
        hosts::run(&lab)?;
    }
    if asked(BenchPart::Loaders) {
        loaders::run(&lab)?;
    }
    if asked(BenchPart::Command) {
        command::run(&lab)?;
    }
    Ok(())
}

/// Settings for measurements in the micro-VM.
struct Lab<'a> {
    built: &'a Built,
    composer: &'a Path,
    kernel: &'a str,
    rounds: u32,
}

impl Lab<'_> {
    /// Runs the guest part of `bench` with the given files, and returns its measurements.
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

/// The folder for generated benchmark files.
fn folder() -> Result<PathBuf> {
    let folder = shell::root().join("target/bench");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Speed of formatting events, here and in the guest: see composer/benches/events.rs.
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
