//! `cargo xtask conformance`: the validator against real kernels, over a corpus of chains, and the
//! page on what kernels take that comes of it.

mod page;

use std::{fs, process::Command};

use serde::Deserialize;

use crate::{Result, build, setup, shell, test::Counts};

/// The integration test of the composer that holds the corpus.
const TARGET: &str = "conformance";
/// What stands in front of a result among its lines.
const MARK: &str = "conformance: ";
/// What one run may take after the boot, in seconds.
const BOUND: &str = "1800";
/// The kernels, as the micro-VM names them.
const KERNELS: [&str; 2] = ["6.1", "6.12"];
/// The page.
const PAGE: &str = "docs/kernel-support.md";

/// Hold the validator to what real kernels do with a corpus of chains.
#[derive(Debug, clap::Args)]
pub(crate) struct Conformance {
    /// Write what came out into docs/kernel-support.md, which otherwise has to say it already.
    #[arg(long)]
    update: bool,
}

/// What became of a case on one kernel.
#[derive(Debug, Deserialize)]
struct Outcome {
    case: String,
    /// The rule that the case is about.
    code: String,
    title: String,
    /// The validator's errors.
    foreseen: Vec<Foreseen>,
    /// The kernel's refusal.
    refused: Option<Refusal>,
    /// Why only the kernel can know that it refuses it.
    unknown: Option<String>,
    disagreement: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Foreseen {
    code: String,
}

#[derive(Debug, Deserialize)]
struct Refusal {
    step: String,
    errno: String,
    text: Option<String>,
}

/// The results of one kernel, in the order of the corpus.
struct Kernel {
    series: &'static str,
    outcomes: Vec<Outcome>,
}

pub(crate) fn run(arguments: &Conformance) -> Result {
    setup::ensure(&[setup::BUILD, setup::VM])?;
    compare(arguments.update, &mut Counts::default())
}

/// The same as a step of `cargo xtask test`; each chain on each kernel counts as one test.
pub(crate) fn test(counts: &mut Counts) -> Result {
    compare(false, counts)
}

fn compare(update: bool, counts: &mut Counts) -> Result {
    let kernels = KERNELS.map(of_kernel).into_iter().collect::<Result<Vec<_>>>()?;
    let mut wrong = Vec::new();
    for kernel in &kernels {
        let differ = kernel.outcomes.iter().filter(|outcome| outcome.disagreement.is_some());
        let differ = differ.count();
        let refused = kernel.outcomes.iter().filter(|outcome| outcome.refused.is_some()).count();
        println!(
            "linux {:<5} {} chains, {refused} refused, {differ} disagreements",
            kernel.series,
            kernel.outcomes.len(),
        );
        counts.failed += differ as u64;
        counts.passed += (kernel.outcomes.len() - differ) as u64;
        let told = kernel.outcomes.iter().filter_map(|outcome| {
            let why = outcome.disagreement.as_ref()?;
            Some(format!("linux {}: {}: {why}", kernel.series, outcome.case))
        });
        wrong.extend(told);
    }
    if !wrong.is_empty() {
        return Err(wrong.join("\n").into());
    }
    let file = shell::root().join(PAGE);
    let page = page::render(&kernels);
    if update {
        fs::write(&file, page)?;
    } else if fs::read_to_string(&file)? != page {
        return Err(format!("{PAGE} is not current: cargo xtask conformance --update").into());
    }
    Ok(())
}

fn of_kernel(series: &'static str) -> Result<Kernel> {
    let package = ["--package", "freplace-compose"];
    let built = build::cargo(&[&["build"][..], &package].concat())?;
    let composer = built.executable("freplace-compose")?;
    let tests = build::cargo(&[&["test", "--no-run", "--test", TARGET][..], &package].concat())?;
    let tests = tests.executable(TARGET)?;
    let mut vm = Command::new(composer);
    vm.current_dir(shell::root()).args(["vm", "--kernel", series, "--timeout", BOUND]);
    vm.arg("--add").arg(tests).arg("--").arg(tests).args(["--ignored", "--nocapture"]);
    let output = vm.stderr(std::process::Stdio::inherit()).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let lines = said.lines().filter_map(|line| line.strip_prefix(MARK));
    let outcomes = lines.map(serde_json::from_str).collect::<std::result::Result<Vec<_>, _>>()?;
    // The guest's exit code tells of disagreements too; those are told here, for both kernels.
    if !said.contains("test result: ") || outcomes.is_empty() {
        return Err(format!("linux {series}: the corpus did not come to its end").into());
    }
    Ok(Kernel { series, outcomes })
}
