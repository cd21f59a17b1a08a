//! The tests that load real programs: one executable, run as root in a micro-VM, one boot for each
//! kernel.

use std::process::Command;

use super::counts::Counts;
use crate::{Result, build, shell};

/// The integration test of the composer that holds them; each is `#[ignore]` elsewhere.
const TARGET: &str = "kernel";
/// What one run may take after the boot, in seconds.
const BOUND: &str = "1800";

/// Runs them on the kernel series `series`.
pub(super) fn run(series: &str, counts: &mut Counts) -> Result {
    let package = ["--package", "freplace-compose"];
    let built = build::cargo(&[&["build"][..], &package].concat())?;
    let composer = built.executable("freplace-compose")?;
    let tests = build::cargo(&[&["test", "--no-run", "--test", TARGET][..], &package].concat())?;
    let tests = tests.executable(TARGET)?;
    let root = shell::root();

    let mut vm = Command::new(composer);
    vm.current_dir(&root).args(["vm", "--kernel", series, "--timeout", BOUND]);
    for path in [composer, tests, &root.join("chains")] {
        vm.arg("--add").arg(path);
    }
    vm.args(["--", "env"]);
    vm.arg(format!("FREPLACE_COMPOSE_BIN={}", composer.display()));
    vm.arg(format!("FREPLACE_COMPOSE_ROOT={}", root.display()));
    vm.arg(tests).args(["--ignored", "--test-threads=1"]);
    let (status, said) = shell::tee_stdout(&mut vm)?;
    *counts = Counts::of_libtest(&said);
    verdict(*counts).map_err(|why| format!("{why} ({status})"))?;
    if status.success() { Ok(()) } else { Err(format!("the micro-VM failed: {status}").into()) }
}

/// Runs the tests of the micro-VM, which boot one each; on this machine, as whoever runs this.
pub(super) fn micro_vm(counts: &mut Counts) -> Result {
    let words = ["test", "--package", "freplace-compose", "--test", "micro_vm", "--"];
    let mut tests = shell::cargo(&[&words[..], &["--ignored", "--test-threads=1"]].concat());
    let (status, said) = shell::tee_stdout(&mut tests)?;
    *counts = Counts::of_libtest(&said);
    verdict(*counts).map_err(|why| format!("{why} ({status})"))?;
    shell::succeeded(&tests, status)
}

/// An exit code of 0 is not enough: the tests have to have been run, all of them.
fn verdict(counts: Counts) -> std::result::Result<(), String> {
    match counts {
        Counts { runs: 0, .. } => Err("the tests did not come to their end".to_owned()),
        Counts { passed: 0, .. } => Err("no test was run".to_owned()),
        Counts { failed: 0, ignored: 0, .. } => Ok(()),
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
