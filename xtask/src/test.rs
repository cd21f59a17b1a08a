//! `cargo xtask test`: runs every check and every test, and summarises the results.
//!
//! A step that could not run is a failure, and so is one that tested nothing. Everything is built
//! once; then steps run in parallel, one per core.

mod counts;
mod elsewhere;
mod host;
pub(crate) mod jobs;
pub(crate) mod kernel;
mod packages;
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
    pictures, setup, shell,
};
pub(crate) use counts::TestCounts;
use jobs::{JobResult, StepJob};
use step::{Selection, Step};

/// Run every check and every test, including those on real kernels.
#[derive(Debug, clap::Args)]
pub(crate) struct Test {
    /// Run only this step: format, clippy, tests, linux-6.1, conformance-6.1, micro-vm,
    /// elsewhere-user, elsewhere-root, docs, fuzz, clang-19, …; `linux` and `conformance` select
    /// those of every landing. Can be repeated.
    #[arg(long, value_name = "STEP")]
    only: Vec<String>,
    /// Run only tests whose names contain NAME, in a step selected by `--only`; in the conformance
    /// corpus, only chains whose names begin with NAME.
    #[arg(long, value_name = "NAME", requires = "only")]
    test: Option<String>,
    /// Skip all steps that boot a micro-VM.
    #[arg(long, conflicts_with_all = ["all", "only"])]
    quick: bool,
    /// Use every kernel and every clang, not only those of every landing, a browser, and a clean Debian root.
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
    // What is asked for by name is whole, too.
    let whole = *all || !only.is_empty();
    let run = Run { built, test: test.as_deref(), whole, threads, corpora: Mutex::default() };
    let job = |step: Step| StepJob {
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

/// Whether a compiler is installed; prints a note if it is not.
fn there(clang: &str) -> bool {
    let found = shell::on_path(clang).is_some();
    if !found {
        eprintln!("skipping {clang}: not installed (apt-get install {clang})");
    }
    found
}

/// The maximum number of steps at a time.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Shared state of the steps.
struct Run<'a> {
    built: Built,
    /// Selects tests by name.
    test: Option<&'a str>,
    /// Whether every kernel gets every test.
    whole: bool,
    /// Threads for building and running tests on this machine.
    threads: usize,
    corpora: Mutex<Vec<Corpus>>,
}

impl Run<'_> {
    /// Runs a step; `counts` is filled in even if it fails.
    fn step(&self, step: Step, log: &StepLog, counts: &mut TestCounts) -> Result {
        let Self { built, test, threads, whole, .. } = self;
        match step {
            Step::Format => host::cargo(&["fmt", "--all", "--check"], *threads, log).map(drop),
            Step::Clippy => {
                let what = ["--workspace", "--all-targets", "--profile", build::PROFILE];
                let words = [&["clippy"][..], &what, &["--", "-D", "warnings"]].concat();
                host::cargo(&words, *threads, log).map(drop)
            }
            Step::Tests => host::tests(*test, None, *threads, log, counts),
            Step::Linux(kernel) => kernel::run(built, kernel, (*test, *whole), log, counts),
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
            Step::Pictures => pictures::open(built.executable("freplace-compose")?).map(drop),
            Step::Packages => packages::install(log),
            Step::Page => {
                let corpora = self.corpora.lock().unwrap_or_else(PoisonError::into_inner);
                conformance::page(&corpora, false)
            }
            Step::Clang(clang) => host::tests(*test, Some(clang), cores(), log, counts),
        }
    }
}
