//! `cargo xtask test`: every check and every test there is, and what they came to.
//!
//! A step that could not do its work is a failure, and so is one that tested nothing. What is built
//! is built once; then as many steps run side by side as there are cores.

mod counts;
mod elsewhere;
mod host;
pub(crate) mod jobs;
pub(crate) mod kernel;
mod report;
mod step;

use std::{
    num::NonZero,
    sync::{Mutex, PoisonError},
    thread,
};

use crate::{
    Result,
    build::{self, Built},
    conformance::{self, Corpus},
    log::{self, StepLog},
    setup, shell,
};
pub(crate) use counts::TestCounts;
use jobs::{Job, JobResult};
use step::{Selection, Step};

/// Run every check and every test, those on real kernels included.
#[derive(Debug, clap::Args)]
pub(crate) struct Test {
    /// Only this step: format, clippy, tests, linux-6.1, conformance-6.1, micro-vm, elsewhere-user,
    /// elsewhere-root, docs, fuzz, clang-19, …; `linux` and `conformance` are those of every landing. May be repeated.
    #[arg(long, value_name = "STEP")]
    only: Vec<String>,
    /// Only tests with this in their names, of a step that `--only` names; of the conformance corpus,
    /// chains whose names begin so.
    #[arg(long, value_name = "NAME", requires = "only")]
    test: Option<String>,
    /// Without micro-VMs.
    #[arg(long, conflicts_with_all = ["all", "only"])]
    quick: bool,
    /// On every kernel and with every clang, not just those of every landing.
    #[arg(long)]
    all: bool,
}

pub(crate) fn run(arguments: &Test) -> Result {
    let Test { only, test, quick, all } = arguments;
    let asked = Selection { only, test: test.as_deref(), matrix: *all, quick: *quick };
    let mut steps = asked.steps()?;
    if only.is_empty() {
        steps.retain(|step| step.compiler().is_none_or(there));
    }
    let boots = steps.iter().any(|step| step.boots());
    setup::ensure(&[setup::BUILD, setup::OTHERS])?;
    if boots {
        setup::ensure(&[setup::VM])?;
    }
    let built = if steps.iter().any(|step| step.needs_build()) {
        build::for_tests()?
    } else {
        Built::default()
    };
    let cores = cores();
    // A guest takes a core; what is left is for the compiler and the tests beside them.
    let guests = steps.iter().filter(|step| step.boots()).count();
    let threads = if guests == 0 { cores } else { cores.saturating_sub(guests).max(1) };
    let run = Run { built, test: test.as_deref(), threads, corpora: Mutex::default() };
    let job = |step: Step| Job {
        name: step.name(),
        builds: step.builds(),
        work: Box::new({
            let run = &run;
            move |log: &StepLog, counts: &mut TestCounts| run.step(step, log, counts)
        }),
    };
    let (last, first): (Vec<_>, Vec<_>) = steps.into_iter().partition(|step| step.last());
    let mut rows = jobs::run(first.into_iter().map(job).collect(), cores, &log::folder())?;
    for step in last {
        rows.extend(jobs::run(vec![job(step)], cores, &log::folder())?);
    }
    report::report(&rows)
}

/// Whether a compiler is there; says so where it is not.
fn there(clang: &str) -> bool {
    let found = shell::on_path(clang).is_some();
    if !found {
        eprintln!("{clang} is left out: it is not installed (apt-get install {clang})");
    }
    found
}

/// How many steps there may be at a time.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// What the steps share.
struct Run<'a> {
    built: Built,
    /// Which tests.
    test: Option<&'a str>,
    /// For what builds or runs tests on this machine.
    threads: usize,
    corpora: Mutex<Vec<Corpus>>,
}

impl Run<'_> {
    /// Does a step; what was counted is in `counts` even when it failed.
    fn step(&self, step: Step, log: &StepLog, counts: &mut TestCounts) -> Result {
        let Self { built, test, threads, .. } = self;
        match step {
            Step::Format => host::cargo(&["fmt", "--all", "--check"], *threads, log).map(drop),
            Step::Clippy => {
                let what = ["--workspace", "--all-targets", "--profile", build::PROFILE];
                let words = [&["clippy"][..], &what, &["--", "-D", "warnings"]].concat();
                host::cargo(&words, *threads, log).map(drop)
            }
            Step::Tests => host::tests(*test, None, *threads, log, counts),
            Step::Linux(kernel) => kernel::run(built, kernel, *test, log, counts),
            Step::Conformance(kernel) => {
                let corpus = conformance::judge(built, kernel, *test, log, counts)?;
                self.corpora.lock().unwrap_or_else(PoisonError::into_inner).push(corpus);
                Ok(())
            }
            Step::MicroVm => kernel::micro_vm(built, *test, log, counts),
            Step::Elsewhere => elsewhere::run(built, *test, *threads, log, counts),
            Step::ElsewhereRoot(kernel) => elsewhere::as_root(built, kernel, *test, log, counts),
            Step::Docs => host::docs(*test, *threads, log, counts),
            Step::Fuzz => host::fuzz(built, *test, log, counts),
            Step::Page => {
                let corpora = self.corpora.lock().unwrap_or_else(PoisonError::into_inner);
                conformance::page(&corpora, false)
            }
            Step::Clang(clang) => host::tests(*test, Some(clang), cores(), log, counts),
        }
    }
}
