//! The tests that load real programs: one executable, run as root in a micro-VM, one boot for each
//! kernel.

use std::{process::Command, time::Duration};

use super::counts::Counts;
use crate::{Result, build::Built, kernels::Kernel, log::Log, shell};

/// The integration test of the composer that holds them; each is `#[ignore]` elsewhere.
const TARGET: &str = "kernel";
/// The tests of the micro-VM itself.
const MICRO_VM: &str = "micro_vm";
/// What one run may take after the boot, in seconds.
const BOUND: &str = "3600";
/// What one test in a guest may take: the longest takes a minute of an emulated core.
pub(crate) const ONE_TEST: Duration = Duration::from_secs(420);

/// A micro-VM with `kernel`, for a command that is still to be said.
pub(crate) fn vm(built: &Built, kernel: &Kernel) -> Result<Command> {
    let mut vm = Command::new(built.executable("freplace-compose")?);
    vm.current_dir(shell::root()).args(["vm", "--kernel", kernel.series, "--timeout", BOUND]);
    Ok(vm)
}

/// Runs the tests on `kernel`, or those whose name has `only` in it.
pub(super) fn run(
    built: &Built,
    kernel: &Kernel,
    only: Option<&str>,
    log: &Log,
    counts: &mut Counts,
) -> Result {
    let (composer, tests) = (built.executable("freplace-compose")?, built.test(TARGET)?);
    let root = shell::root();
    let mut vm = vm(built, kernel)?;
    for path in [composer, tests, &root.join("chains")] {
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
    log: &Log,
    counts: &mut Counts,
) -> Result {
    let mut tests = Command::new(built.test(MICRO_VM)?);
    tests.current_dir(shell::root()).args(["--ignored", "--test-threads=1"]).args(only);
    ended(&mut tests, log, counts)
}

/// Runs a command that runs tests one after the other, until all were run.
pub(super) fn ended(command: &mut Command, log: &Log, counts: &mut Counts) -> Result {
    let said = log.run(command, Some(ONE_TEST))?;
    *counts = Counts::of_libtest(&said.stdout);
    verdict(*counts).map_err(|why| format!("{why} ({})", said.status))?;
    shell::succeeded(command, said.status)
}

/// An exit code of 0 is not enough: the tests have to have been run, all of them.
fn verdict(counts: Counts) -> std::result::Result<(), String> {
    match counts {
        Counts { runs: 0, .. } => Err("the tests did not come to their end".to_owned()),
        Counts { failed: 0, ignored: 0, passed: 1.., .. } => Ok(()),
        Counts { failed: 0, ignored: 0, .. } => Err("no test was run".to_owned()),
        Counts { failed, ignored, .. } => Err(format!("{failed} failed, {ignored} not run")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Counts, verdict};

    #[test]
    fn only_tests_that_were_run_count() {
        assert!(verdict(Counts { passed: 1, runs: 1, ..Counts::default() }).is_ok());
        assert!(verdict(Counts::default()).is_err());
        assert!(verdict(Counts { runs: 1, ..Counts::default() }).is_err());
        assert!(verdict(Counts { passed: 1, ignored: 1, runs: 1, ..Counts::default() }).is_err());
    }
}
