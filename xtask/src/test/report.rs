//! The summary of all steps: results, failures, and the commands that repeat them.

use super::{JobResult, TestCounts};
use crate::{Result, log};

/// Maximum number of failed tests listed per step.
const NAMED: usize = 20;

/// Prints the summary; an error if a step failed.
pub(super) fn report(rows: &[JobResult]) -> Result {
    println!();
    let mut sum = TestCounts::default();
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    for JobResult { name, took, counts, failure, .. } in rows {
        let verdict = if failure.is_some() { "FAILED" } else { "ok" };
        let told =
            if *counts == TestCounts::default() { String::new() } else { format!("   {counts}") };
        println!("{name:<width$}  {verdict:<6}  {:>6.1} s{told}", took.as_secs_f64());
        sum.passed += counts.passed;
        // A step that failed before it could count counts as one.
        sum.failed += counts.failed.max(u64::from(failure.is_some()));
    }
    println!("{sum}");
    let failed: Vec<_> = rows.iter().filter_map(again).collect();
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\nxtask: ").into()) }
}

/// The failed tests of a step, and the command that runs only those.
fn again(row: &JobResult) -> Option<String> {
    let JobResult { name, failure, failed, .. } = row;
    // What follows was shown when the step ended.
    let why = failure.as_ref()?.lines().next().unwrap_or_default();
    let mut text = format!("{name}: {why}");
    let step = format!("cargo xtask test --only {name}");
    for test in failed.iter().take(NAMED) {
        let quoted = if test.contains([' ', '`', '<', '&', '(']) {
            format!("'{test}'")
        } else {
            test.clone()
        };
        text += &format!("\n  {test}\n    {step} --test {quoted}");
    }
    if failed.len() > NAMED {
        text += &format!("\n  and {} more", failed.len() - NAMED);
    }
    if failed.is_empty() {
        text += &format!("\n  {step}");
    }
    Some(text + &format!("\n  its log: {}", log::path(name).display()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{JobResult, TestCounts, again};

    #[test]
    fn what_failed_is_named_with_the_command_that_runs_it() {
        let mut row = JobResult {
            name: "linux-6.1".to_owned(),
            took: Duration::ZERO,
            counts: TestCounts::default(),
            failure: Some("1 failed, 0 not run\nand why".to_owned()),
            failed: vec!["xdp::ping".to_owned()],
        };
        let told = "linux-6.1: 1 failed, 0 not run\n  xdp::ping\n    \
                    cargo xtask test --only linux-6.1 --test xdp::ping\n  \
                    its log: target/test/linux-6.1.log";
        assert_eq!(again(&row).as_deref(), Some(told));
        row.failure = None;
        assert_eq!(again(&row), None);
    }
}
