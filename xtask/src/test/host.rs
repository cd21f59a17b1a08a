//! The checks and tests on this machine that do not need a kernel.

use std::process::Command;

use super::TestCounts;
use crate::{
    Result,
    build::{Built, PROFILE},
    log::StepLog,
    shell,
};

/// The package of the fuzzers, whose tests are a step of their own.
pub(super) const FUZZ: &str = "freplace-compose-fuzz";
/// Its tests.
pub(super) const CORPUS: &str = "corpus";

/// Runs a cargo command.
pub(super) fn cargo(words: &[&str], threads: usize, log: &StepLog) -> Result<String> {
    let mut command = shell::cargo(words);
    command.env("CARGO_BUILD_JOBS", threads.to_string()).env("CARGO_TERM_COLOR", "never");
    let said = log.run(&mut command, None)?;
    shell::succeeded(&command, said.status)?;
    Ok(said.stdout)
}

/// The tests that do not need a kernel, with programs compiled by `clang` if given. Those that need
/// one are marked `#[ignore]` and have their own steps.
pub(super) fn tests(
    only: Option<&str>,
    clang: Option<&str>,
    threads: usize,
    log: &StepLog,
    counts: &mut TestCounts,
) -> Result {
    let threads = threads.to_string();
    let with = |mut command: Command| {
        command.env("CARGO_BUILD_JOBS", &threads).env("CARGO_TERM_COLOR", "never");
        command.envs(clang.map(|clang| ("CLANG", clang)));
        command
    };
    if shell::on_path("cargo-nextest").is_some() {
        // The same packages as for every other step: others might be built with other features.
        let all = format!("not package({FUZZ})");
        let words = ["nextest", "run", "--workspace", "-E", &all, "--no-fail-fast"];
        let mut nextest = with(shell::cargo(&words));
        nextest.args(["--cargo-profile", PROFILE]);
        nextest.args(["--failure-output=final", "--test-threads", &threads]);
        let said = log.run(nextest.args(only), None)?;
        *counts = TestCounts::of_nextest(&said.stderr);
        shell::succeeded(&nextest, said.status)?;
    } else {
        let words = ["test", "--workspace", "--exclude", FUZZ, "--no-fail-fast"];
        let mut test = with(shell::cargo(&words));
        test.args(["--profile", PROFILE]);
        let said = log.run(test.args(["--lib", "--bins", "--tests"]).args(only), None)?;
        *counts = TestCounts::of_libtest(&said.stdout);
        shell::succeeded(&test, said.status)?;
    }
    some_passed(*counts)
}

/// The fuzzers' corpus.
pub(super) fn fuzz(
    built: &Built,
    only: Option<&str>,
    log: &StepLog,
    counts: &mut TestCounts,
) -> Result {
    let mut corpus = Command::new(built.test(CORPUS)?);
    let said = log.run(corpus.current_dir(shell::root()).args(only), None)?;
    *counts = TestCounts::of_libtest(&said.stdout);
    shell::succeeded(&corpus, said.status)?;
    some_passed(*counts)
}

/// The documentation: links and examples.
pub(super) fn docs(
    only: Option<&str>,
    threads: usize,
    log: &StepLog,
    counts: &mut TestCounts,
) -> Result {
    if only.is_none() {
        // Of private items too: what a link of theirs names may have another name by now.
        let what = ["--workspace", "--no-deps", "--document-private-items", "--profile", PROFILE];
        cargo(&[&["doc"][..], &what].concat(), threads, log)?;
    }
    let mut words = vec!["test", "--workspace", "--doc", "--no-fail-fast", "--profile", PROFILE];
    words.extend(only);
    *counts = TestCounts::of_libtest(&cargo(&words, threads, log)?);
    if only.is_some() { some_passed(*counts) } else { Ok(()) }
}

pub(super) fn some_passed(counts: TestCounts) -> Result {
    if counts.passed == 0 { Err("no test ran".into()) } else { Ok(()) }
}
