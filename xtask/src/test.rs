//! `cargo xtask test`: every check and every test there is, and what they came to.
//!
//! A step that could not do its work is a failure, and so is one that tested nothing.

mod counts;
mod kernel;

use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::{Result, conformance, setup, shell};
pub(crate) use counts::Counts;

/// Run every check and every test, those on real kernels included.
#[derive(Debug, clap::Args)]
pub(crate) struct Test {
    /// Only this step.
    #[arg(long, value_name = "STEP")]
    only: Option<Step>,
}

/// The package of the fuzzers, whose tests are a step of their own.
const FUZZ: &str = "freplace-compose-fuzz";

/// What is done, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Step {
    /// cargo fmt --check
    Format,
    /// cargo clippy, where a warning is a failure
    Clippy,
    /// The tests that need no kernel
    Tests,
    /// What fuzzers feed to the composer, over the corpus and a fixed number of mutations
    Fuzz,
    /// The examples in the documentation
    Docs,
    /// The micro-VM itself
    MicroVm,
    /// The tests on a kernel, in the micro-VM, with Linux 6.1
    #[value(name = "linux-6.1")]
    Linux6_1,
    /// The same with Linux 6.12
    #[value(name = "linux-6.12")]
    Linux6_12,
    /// The validator against both kernels, over the corpus of chains
    Conformance,
}

/// How a step went.
struct Row {
    step: Step,
    took: Duration,
    counts: Counts,
    /// Why it failed.
    failure: Option<String>,
}

pub(crate) fn run(arguments: &Test) -> Result {
    setup::ensure(&[setup::BUILD, setup::VM])?;
    let steps = Step::value_variants().iter().copied();
    let asked = steps.filter(|step| arguments.only.is_none_or(|only| only == *step));
    let rows: Vec<Row> = asked.map(Row::of).collect();
    report(&rows)
}

impl Step {
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Does it; what was counted is in `counts` even when it failed.
    fn run(self, counts: &mut Counts) -> Result {
        match self {
            Self::Format => shell::run(&mut shell::cargo(&["fmt", "--all", "--check"])),
            Self::Clippy => shell::run(&mut shell::cargo(&[
                "clippy",
                "--workspace",
                "--all-targets",
                "--",
                "-D",
                "warnings",
            ])),
            Self::Tests => tests(counts),
            Self::Docs => libtest(&["test", "--workspace", "--doc", "--no-fail-fast"], counts),
            Self::Fuzz => {
                libtest(&["test", "--package", FUZZ, "--test", "corpus"], counts)?;
                some_passed(*counts)
            }
            Self::MicroVm => kernel::micro_vm(counts),
            Self::Linux6_1 => kernel::run("6.1", counts),
            Self::Linux6_12 => kernel::run("6.12", counts),
            Self::Conformance => conformance::test(counts),
        }
    }
}

/// The tests that need no kernel. Those that do are marked `#[ignore]`, and have steps of their own.
fn tests(counts: &mut Counts) -> Result {
    if shell::on_path("cargo-nextest").is_some() {
        let words = ["nextest", "run", "--workspace", "--exclude", FUZZ, "--no-fail-fast"];
        let mut nextest = shell::cargo(&words);
        let (status, said) = shell::tee_stderr(nextest.env("NO_COLOR", "1"))?;
        *counts = Counts::of_nextest(&said);
        shell::succeeded(&nextest, status)?;
    } else {
        let words = ["test", "--workspace", "--exclude", FUZZ, "--no-fail-fast"];
        let kinds = ["--lib", "--bins", "--tests"];
        libtest(&[&words[..], &kinds].concat(), counts)?;
    }
    some_passed(*counts)
}

/// Runs cargo with `words`, whose tests say what they came to.
fn libtest(words: &[&str], counts: &mut Counts) -> Result {
    let mut test = shell::cargo(words);
    let (status, said) = shell::tee_stdout(&mut test)?;
    *counts = Counts::of_libtest(&said);
    shell::succeeded(&test, status)
}

fn some_passed(counts: Counts) -> Result {
    if counts.passed == 0 { Err("no test was run".into()) } else { Ok(()) }
}

impl Row {
    fn of(step: Step) -> Self {
        eprintln!("\n── {}", step.name());
        let began = Instant::now();
        let mut counts = Counts::default();
        let failure = step.run(&mut counts).err().map(|error| error.to_string());
        if let Some(failure) = &failure {
            eprintln!("{}: {failure}", step.name());
        }
        Self { step, took: began.elapsed(), counts, failure }
    }
}

fn report(rows: &[Row]) -> Result {
    println!();
    let mut sum = Counts::default();
    for row in rows {
        let verdict = if row.failure.is_some() { "FAILED" } else { "ok" };
        let counts = if row.counts == Counts::default() {
            String::new()
        } else {
            format!("   {}", row.counts)
        };
        println!(
            "{:<10}  {verdict:<6}  {:>6.1} s{counts}",
            row.step.name(),
            row.took.as_secs_f64()
        );
        sum.passed += row.counts.passed;
        // A step that failed before it could count counts as one.
        sum.failed += row.counts.failed.max(u64::from(row.failure.is_some()));
    }
    println!("{sum}");
    let failed: Vec<String> = rows
        .iter()
        .filter_map(|row| Some(format!("{}: {}", row.step.name(), row.failure.as_ref()?)))
        .collect();
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\nxtask: ").into()) }
}
