//! Brings up the chain of each group of tests, and runs these one by one.

mod tested_chain;

use std::{
    fmt,
    time::{Duration, Instant},
};

use super::{
    Correction, ProgramTest, TestFile,
    arrange::{ArrangedTest, TestGroup, arrange},
    conditions::unknown_fields,
};
use crate::{
    check::{self, HostUse, Kernels},
    diag::{Code, Diagnostic},
    event::Decoder,
    kernel::{KernelError, LinesRun, TestKernel, machine},
    plan::{self, Plan},
    resolve::Resolved,
    version::Version,
};
use tested_chain::TestedChain;

/// Runs a command, whose words these are, which has to end before the deadline; its exit code, or why it has none.
pub type TestCommand = dyn Fn(&[&str], Instant) -> Result<i32, String>;

/// What the runner asks of whoever runs it.
#[derive(Clone, Copy)]
pub struct TestSurroundings<'a> {
    /// Whether the rest is to be left.
    pub is_over: &'a dyn Fn() -> bool,
    /// Runs a command.
    pub exec: &'a TestCommand,
}

/// What came of a test.
#[derive(Debug)]
pub struct TestResult {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub verdict: TestVerdict,
    /// How long it took, without bringing up the chain that it shares with others.
    pub took: Duration,
    /// Nanoseconds of one run of the host, on average, where it was run.
    pub run_ns: Option<u32>,
    /// What is worth knowing and no failure.
    pub remarks: Vec<String>,
    /// What to write into the file so that it expects what came.
    pub corrections: Vec<Correction>,
    /// Which lines of each program ran, where that is counted.
    pub lines: Vec<LinesRun>,
}

/// How a test ended.
#[derive(Debug)]
pub enum TestVerdict {
    /// What was expected came.
    Passed,
    /// It did not, or the test could not be run on this kernel.
    Failed(Vec<Diagnostic>),
    /// It is not for this kernel.
    Skipped(String),
}

/// A file of tests in which nothing is wrong on all kernels.
#[derive(Debug)]
pub struct CheckedTests {
    /// The file.
    pub file: TestFile,
    /// Its chain.
    pub chain: Resolved,
    /// The plans that its tests are run by.
    pub plans: Vec<Plan>,
}

/// Looks for what is wrong with the tests of `file`, without loading anything.
///
/// # Errors
/// What is wrong with the chain or with the tests, on all kernels.
pub fn check(file: TestFile) -> Result<CheckedTests, Vec<Diagnostic>> {
    // Whether its hosts are attached each group decides.
    let checked = check::open_for(file.chain.clone(), &Kernels::default(), HostUse::Loaded)?;
    let chain = checked.resolved;
    let mut plans = Vec::new();
    for group in arrange(&file, &chain, &|_| true)? {
        plans.push(planned(&group)?.plan);
    }
    Ok(CheckedTests { file, chain, plans })
}

/// Runs those of `tests` that `wanted` takes, and hands each result to `each`, until it is over. Needs the
/// context of a tokio runtime.
///
/// # Errors
/// What is wrong with the tests: then nothing was loaded.
pub fn run<K: TestKernel>(
    kernel: &mut K,
    CheckedTests { file, chain, .. }: &CheckedTests,
    wanted: &dyn Fn(&ProgramTest) -> bool,
    around: TestSurroundings<'_>,
    each: &mut dyn FnMut(TestResult),
) -> Result<(), Vec<Diagnostic>> {
    let here = machine::version();
    let applies = |test: &ProgramTest| is_for(test, here);
    let skipped = file.tests.iter().filter(|test| wanted(test) && !applies(test));
    let skipped: Vec<&ProgramTest> = skipped.collect();
    let groups = arrange(file, chain, &|test| wanted(test) && applies(test))?;
    for test in skipped {
        let why = test.requires.as_ref().map(|one| one.value.to_string()).unwrap_or_default();
        each(TestResult::of(test, TestVerdict::Skipped(format!("requires Linux {why}"))));
    }
    for group in groups {
        if (around.is_over)() {
            break;
        }
        let tests: Vec<&ArrangedTest<'_>> = group.tests.iter().collect();
        run_group(kernel, &group, &tests, around, each);
    }
    Ok(())
}

/// The chain of a group of tests, and how it is brought up and read.
struct PlannedGroup {
    resolved: Resolved,
    plan: Plan,
    decoder: Decoder,
}

/// Plans the chain of `group`.
///
/// # Errors
/// What is wrong with it, or with the conditions of its tests.
fn planned(group: &TestGroup<'_>) -> Result<PlannedGroup, Vec<Diagnostic>> {
    let hosts = if group.attached { HostUse::Attached } else { HostUse::Loaded };
    let checked = check::open_for(group.chain.clone(), &Kernels::default(), hosts)?;
    let resolved = checked.resolved;
    let plan = plan::build(&resolved);
    let plan = if group.attached { plan } else { plan.without_hosts() };
    let decoder = Decoder::new(&resolved);
    let unknown = unknown_fields(group, &plan, &decoder);
    if unknown.is_empty() { Ok(PlannedGroup { resolved, plan, decoder }) } else { Err(unknown) }
}

/// Whether a test is for this kernel.
fn is_for(test: &ProgramTest, here: Option<Version>) -> bool {
    match (&test.requires, here) {
        (Some(requires), Some(here)) => requires.value.takes(here),
        _ => true,
    }
}

impl TestResult {
    /// Of a test that was not run.
    fn of(test: &ProgramTest, verdict: TestVerdict) -> Self {
        Self {
            name: test.name.clone(),
            verdict,
            took: Duration::ZERO,
            run_ns: None,
            remarks: Vec::new(),
            corrections: Vec::new(),
            lines: Vec::new(),
        }
    }
}

/// Runs `tests` on the chain of their group, if it comes up; each on a chain of its own where something of it lasts.
fn run_group<K: TestKernel>(
    kernel: &mut K,
    group: &TestGroup<'_>,
    tests: &[&ArrangedTest<'_>],
    around: TestSurroundings<'_>,
    each: &mut dyn FnMut(TestResult),
) {
    let mut up = match TestedChain::bring_up(kernel, group) {
        Ok(up) => up,
        // The spy of one test may be what the kernel refuses.
        Err(_) if tests.len() > 1 => {
            for test in tests.iter().take_while(|_| !(around.is_over)()) {
                run_group(kernel, &group.of_one(test), &[test], around, each);
            }
            return;
        }
        Err(found) => {
            for test in tests {
                each(TestResult::of(test.test, TestVerdict::Failed(found.clone())));
            }
            return;
        }
    };
    let (now, later) = match (up.state.is_lasting, tests) {
        (true, [first, rest @ ..]) => (std::slice::from_ref(first), rest),
        _ => (tests, &[][..]),
    };
    for test in now {
        if (around.is_over)() {
            break;
        }
        each(up.test(kernel, test, around));
    }
    up.take_down(kernel);
    if !later.is_empty() && !(around.is_over)() {
        run_group(kernel, group, later, around, each);
    }
}

fn kernel_said(what: &str, error: &KernelError) -> Diagnostic {
    Diagnostic::new(Code::TestFailed, format!("{what}: {error}"))
}

impl fmt::Display for TestVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::Skipped(_) => "skipped",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::check;
    use crate::{chain::ChainInputs, diag::Code, testing::TestFile};

    /// The codes of what is wrong with this test of two hosts at one interface.
    fn codes(test: &str) -> Vec<Code> {
        let host = |id| {
            format!(
                "[host.{id}]\nobject = \"builtin:xdp\"\nprogram = \"xdp_host\"\n\
                 attach = {{ xdp = \"lo\" }}\n"
            )
        };
        let text = format!("{}{}[[test]]\nname = \"a\"\n{test}\n", host("one"), host("two"));
        let file = TestFile::parse(Path::new("a.toml"), text, &ChainInputs::default())
            .expect("valid")
            .expect("a test");
        check(file).err().unwrap_or_default().into_iter().map(|one| one.code).collect()
    }

    #[test]
    fn hosts_that_are_only_run_may_have_one_place() {
        assert_eq!(codes("run = \"one\""), []);
        assert_eq!(codes("traffic = \"udp\""), [Code::HookTaken]);
    }
}
