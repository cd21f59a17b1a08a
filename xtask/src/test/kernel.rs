//! The tests that load real programs: one executable, run as root in a micro-VM, with one boot per
//! kernel.

use std::{process::Command, time::Duration};

use super::counts::TestCounts;
use crate::{
    Result,
    build::Built,
    kernels::{self, TestedKernel},
    log::StepLog,
    setup, shell,
};

/// The integration test of the composer that contains them; each is `#[ignore]` otherwise.
const TARGET: &str = "kernel";
/// The tests of the micro-VM itself.
const MICRO_VM: &str = "micro_vm";
/// Tests that a landing runs on one kernel, by their modules or names: of what the program does whatever the kernel, and
/// the longest of those that compare many verdicts, which conformance does on all kernels. These run on the oldest,
/// which has the fewest features, and those on the newest.
const ON_THE_OLDEST: [&str; 10] = [
    "data::",
    "failure::",
    "flood::",
    "limits::",
    "mutants::",
    "prototypes::",
    "testing::a_command",
    "testing::a_mistake",
    "testing::what_is_not_as_expected",
    "views::",
];
const ON_THE_NEWEST: [&str; 8] = [
    "ending::",
    "export::",
    "printk::",
    "profile::a_folder",
    "profile::what_is_saved",
    "targets::results_at_every_lsm_hook",
    "testing::every_recipe_of_the_gallery_can_be_counted",
    "testing::programs_of_other_projects",
];

/// Tests that a landing runs on the kernels between the oldest and the newest, too: what differs from one kernel to the
/// next is the features that a profile lists, what the kernel's own tests expect, and machine code; and the gallery has to
/// work on each. Verdicts are compared on all of them by conformance.
const BETWEEN: [&str; 6] =
    ["gallery::", "machine_code::", "profile::", "selftests::", "testing::the_recipes", "xdp::"];

/// Time limit of a run after the boot, in seconds.
const BOUND: &str = "3600";
/// Time limit of a test in a guest: the longest takes a minute on an emulated core.
pub(crate) const ONE_TEST: Duration = Duration::from_secs(420);

/// Modules that tests of networks need: devices in pairs and of no use, the qdisc `clsact`, and its filters.
const NETWORK_MODULES: &str = "veth,dummy,sch_ingress,cls_bpf,cls_matchall,act_gact,act_bpf";

/// A micro-VM with `kernel` and those modules; the command is added by the caller.
pub(crate) fn vm(built: &Built, kernel: &TestedKernel) -> Result<Command> {
    let mut vm = Command::new(built.executable("freplace-compose")?);
    vm.current_dir(shell::root()).args(["vm", "--kernel", kernel.series, "--timeout", BOUND]);
    vm.args(["--module", NETWORK_MODULES]);
    Ok(vm)
}

/// Runs the tests on `kernel`, or those whose names contain `only`; unless it is to be the `whole`, without
/// those that another kernel is enough for.
pub(super) fn run(
    built: &Built,
    kernel: &TestedKernel,
    (only, whole): (Option<&str>, bool),
    log: &StepLog,
    counts: &mut TestCounts,
) -> Result {
    let (composer, tests) = (built.executable("freplace-compose")?, built.test(TARGET)?);
    let root = shell::root();
    let mut vm = vm(built, kernel)?;
    for path in [composer, tests, &root.join("chains")] {
        vm.arg("--add").arg(path);
    }
    // A shell whose lines are seen.
    vm.args(["--add", "/bin/bash"]);
    for path in setup::OBJECTS_OF_OTHERS {
        vm.arg("--add").arg(path);
    }
    for name in setup::TOOLS_OF_OTHERS {
        let tool = shell::on_path(name).ok_or_else(|| format!("{name} not found"))?;
        vm.arg("--add").arg(format!("{}:{}/{name}", tool.display(), setup::TOOLS_PLACE));
    }
    vm.args(["--", "env"]);
    vm.arg(format!("FREPLACE_COMPOSE_BIN={}", composer.display()));
    vm.arg(format!("FREPLACE_COMPOSE_ROOT={}", root.display()));
    vm.arg(tests).args(["--ignored", "--test-threads=1"]).args(only);
    let elsewhere =
        [(kernels::oldest(), &ON_THE_OLDEST[..]), (kernels::newest(), &ON_THE_NEWEST[..])];
    for (place, modules) in elsewhere {
        if !whole && place != Some(kernel) {
            vm.args(modules.iter().flat_map(|module| ["--skip", module]));
        }
    }
    if !whole && ![kernels::oldest(), kernels::newest()].contains(&Some(kernel)) {
        vm.args(BETWEEN);
    }
    ended(&mut vm, log, counts)
}

/// Runs the tests of the micro-VM, each of which boots one, as the current user.
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

/// Runs a command that runs all tests sequentially.
pub(super) fn ended(command: &mut Command, log: &StepLog, counts: &mut TestCounts) -> Result {
    let said = log.run(command, Some(ONE_TEST))?;
    *counts = TestCounts::of_libtest(&said.stdout);
    verdict(*counts).map_err(|why| format!("{why} ({})", said.status))?;
    shell::succeeded(command, said.status)
}

/// An exit code of 0 is not sufficient: all tests must have run.
fn verdict(counts: TestCounts) -> std::result::Result<(), String> {
    match counts {
        TestCounts { runs: 0, .. } => Err("the tests did not finish".to_owned()),
        TestCounts { failed: 0, ignored: 0, passed: 1.., .. } => Ok(()),
        TestCounts { failed: 0, ignored: 0, .. } => Err("no test ran".to_owned()),
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
