//! The tests that load real programs: one executable, run as root in a micro-VM, one boot for each
//! kernel.

use std::{process::Command, time::Duration};

use super::counts::TestCounts;
use crate::{Result, build::Built, kernels::TestedKernel, log::StepLog, setup, shell};

/// The integration test of the composer that holds them; each is `#[ignore]` elsewhere.
const TARGET: &str = "kernel";
/// The tests of the micro-VM itself.
const MICRO_VM: &str = "micro_vm";
/// What one run may take after the boot, in seconds.
const BOUND: &str = "3600";
/// What one test in a guest may take: the longest takes a minute of an emulated core.
pub(crate) const ONE_TEST: Duration = Duration::from_secs(420);

/// A micro-VM with `kernel`, for a command that is still to be said.
pub(crate) fn vm(built: &Built, kernel: &TestedKernel) -> Result<Command> {
    let mut vm = Command::new(built.executable("freplace-compose")?);
    vm.current_dir(shell::root()).args(["vm", "--kernel", kernel.series, "--timeout", BOUND]);
    Ok(vm)
}

/// Runs the tests on `kernel`, or those whose name has `only` in it.
pub(super) fn run(
    built: &Built,
    kernel: &TestedKernel,
    only: Option<&str>,
    log: &StepLog,
    counts: &mut TestCounts,
) -> Result {
    let (composer, tests) = (built.executable("freplace-compose")?, built.test(TARGET)?);
    let root = shell::root();
    let mut vm = vm(built, kernel)?;
    for path in [composer, tests, &root.join("chains")] {
        vm.arg("--add").arg(path);
    }
    for path in setup::OBJECTS_OF_OTHERS {
        vm.arg("--add").arg(path);
    }
    vm.args(["--", "env"]);
    vm.arg(format!("FREPLACE_COMPOSE_BIN={}", composer.display()));
    vm.arg(format!("FREPLACE_COMPOSE_ROOT={}", root.display()));
    vm.arg(tests).args(["--ignored", "--test-threads=1"]).args(only);
    ended(&mut vm, log, counts)
}

/// Runs the tests of the micro-VM, which boot one each; on this machine, as whoever runs this.
pub(super) fn micro_vm(
    built: &Built,
    only: Option<&str>,
    log: &StepLog,
    counts: &mut TestCounts,
) -> Result {
    let mut tests = Command::new(built.test(MICRO_VM)?);
    tests.current_dir(shell::root()).args(["--ignored", "--test-threads=1"]).args(only);
    ended(&mut tests, log, counts)
}

/// Runs a command that runs tests one after the other, until all were run.
pub(super) fn ended(command: &mut Command, log: &StepLog, counts: &mut TestCounts) -> Result {
    let said = log.run(command, Some(ONE_TEST))?;
    *counts = TestCounts::of_libtest(&said.stdout);
    verdict(*counts).map_err(|why| format!("{why} ({})", said.status))?;
    shell::succeeded(command, said.status)
}

/// An exit code of 0 is not enough: the tests have to have been run, all of them.
fn verdict(counts: TestCounts) -> std::result::Result<(), String> {
    match counts {
        TestCounts { runs: 0, .. } => Err("the tests did not come to their end".to_owned()),
        TestCounts { failed: 0, ignored: 0, passed: 1.., .. } => Ok(()),
        TestCounts { failed: 0, ignored: 0, .. } => Err("no test was run".to_owned()),
        TestCounts { failed, ignored, .. } => Err(format!("{failed} failed, {ignored} not run")),
    }
}

#[cfg(test)]
mod tests {
    use super::{TestCounts, verdict};

    #[test]
    fn only_tests_that_were_run_count() {
        assert!(verdict(TestCounts { passed: 1, runs: 1, ..TestCounts::default() }).is_ok());
        assert!(verdict(TestCounts::default()).is_err());
        assert!(verdict(TestCounts { runs: 1, ..TestCounts::default() }).is_err());
        assert!(
            verdict(TestCounts { passed: 1, ignored: 1, runs: 1, ..TestCounts::default() })
                .is_err()
        );
    }
}
