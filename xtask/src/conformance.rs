//! `cargo xtask conformance`: compares the validator with real kernels over a corpus of chains, and
//! generates the page on kernel support.

mod page;

use std::fs;

use serde::Deserialize;

use crate::{
    Result,
    build::{self, Built},
    kernels::{self, TestedKernel},
    log::{self, CASE_ENDS, CASES, StepLog},
    setup, shell,
    test::{
        TestCounts, cores,
        jobs::{self, StepJob},
        kernel::{ONE_TEST, vm},
    },
};

/// The integration test of the composer that contains the corpus.
const TARGET: &str = "conformance";
/// The generated page.
const PAGE: &str = "docs/kernel-support.md";

/// Compare the validator with real kernels over a corpus of chains.
#[derive(Debug, clap::Args)]
pub(crate) struct Conformance {
    /// Write the results to docs/kernel-support.md. Without this, the page must already contain
    /// them.
    #[arg(long)]
    update: bool,
    /// Use every kernel, not only those of every landing.
    #[arg(long)]
    all: bool,
}

/// The result of a case on one kernel.
#[derive(Debug, Deserialize)]
struct CaseResult {
    case: String,
    /// The rule under test.
    code: String,
    title: String,
    /// The errors reported by the validator.
    foreseen: Vec<ExpectedError>,
    /// The rejection by the kernel.
    refused: Option<StepRefusal>,
    /// Why the validator cannot predict the rejection.
    unknown: Option<String>,
    disagreement: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ExpectedError {
    code: String,
}

#[derive(Debug, Deserialize)]
struct StepRefusal {
    step: String,
    errno: String,
    text: Option<String>,
}

/// The results of one kernel, in the order of the corpus.
pub(crate) struct Corpus {
    kernel: &'static TestedKernel,
    outcomes: Vec<CaseResult>,
}

pub(crate) fn run(arguments: &Conformance) -> Result {
    setup::ensure(&[setup::BUILD, setup::VM])?;
    let built = build::for_tests()?;
    let corpora = std::sync::Mutex::new(Vec::new());
    let job = |kernel: &'static TestedKernel| {
        let (built, corpora) = (&built, &corpora);
        let work = move |log: &StepLog, counts: &mut TestCounts| {
            let corpus = judge(built, kernel, None, log, counts)?;
            corpora.lock().map_err(|error| error.to_string())?.push(corpus);
            Ok(())
        };
        StepJob {
            name: format!("conformance-{}", kernel.series),
            builds: false,
            work: Box::new(work),
        }
    };
    let rows =
        jobs::run(kernels::asked(arguments.all).map(job).collect(), cores(), &log::folder())?;
    let failed: Vec<_> = rows.iter().filter_map(|row| row.failure.as_deref()).collect();
    if !failed.is_empty() {
        return Err(failed.join("\n").into());
    }
    page(&corpora.into_inner()?, arguments.update)
}

/// Validates the corpus, or its chains whose names begin with `only`, and brings each chain up on
/// `kernel`. Each chain counts as one test.
pub(crate) fn judge(
    built: &Built,
    kernel: &'static TestedKernel,
    only: Option<&str>,
    log: &StepLog,
    counts: &mut TestCounts,
) -> Result<Corpus> {
    let (series, tests) = (kernel.series, built.test(TARGET)?);
    let mut vm = vm(built, kernel)?;
    vm.arg("--add").arg(tests).args(["--", "env"]);
    vm.arg(format!("CONFORMANCE_ONLY={}", only.unwrap_or_default()));
    let said = log.run(vm.arg(tests).args(["--ignored", "--nocapture"]), Some(ONE_TEST))?;
    let lines = said.stdout.lines().filter_map(|line| line.strip_prefix(CASE_ENDS));
    let outcomes = lines.map(serde_json::from_str).collect::<std::result::Result<Vec<_>, _>>()?;
    let corpus = Corpus { kernel, outcomes };
    // The guest's exit code tells of disagreements too; those are told here.
    let asked = said.stdout.lines().find_map(|line| line.strip_prefix(CASES)?.parse().ok());
    if corpus.outcomes.is_empty() || asked != Some(corpus.outcomes.len()) {
        return Err(format!("linux {series}: the corpus did not finish").into());
    }
    let refused = corpus.outcomes.iter().filter(|outcome| outcome.refused.is_some()).count();
    let wrong: Vec<_> =
        corpus.outcomes.iter().filter(|outcome| outcome.disagreement.is_some()).collect();
    let (all, differ) = (corpus.outcomes.len(), wrong.len());
    println!("linux {series:<5} {all} chains, {refused} refused, {differ} disagreements");
    counts.failed = differ as u64;
    counts.passed = (all - differ) as u64;
    log.set_failed(wrong.iter().map(|outcome| outcome.case.clone()).collect());
    if wrong.is_empty() {
        return Ok(corpus);
    }
    let mut told = format!("{differ} disagreements on linux {series}");
    for outcome in wrong {
        let why = outcome.disagreement.as_deref().unwrap_or_default();
        told += &format!("\n  {}: {why}", outcome.case);
    }
    Err(told.into())
}

/// Compares the page with the results, or writes it.
pub(crate) fn page(corpora: &[Corpus], update: bool) -> Result {
    let of = |kernel: &TestedKernel| corpora.iter().find(|corpus| corpus.kernel == kernel);
    let landing: Option<Vec<_>> = kernels::asked(false).map(of).collect();
    let Some(landing) = landing else {
        return Err("the page needs the results of every kernel".into());
    };
    let file = shell::root().join(PAGE);
    let old = fs::read_to_string(&file)?;
    // Of a kernel that was not asked this time stands what it said when it was.
    let agreement = kernels::asked(true).filter_map(|kernel| match of(kernel) {
        Some(corpus) => Some(page::agreement(corpus)),
        None => page::kept_agreement(&old, kernel.series),
    });
    let page = page::render(&landing, &agreement.collect::<Vec<_>>());
    if update {
        fs::write(&file, page)?;
    } else if old != page {
        return Err(format!("{PAGE} is out of date: run cargo xtask conformance --update").into());
    }
    Ok(())
}
