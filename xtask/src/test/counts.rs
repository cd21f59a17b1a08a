//! Counts passed and failed tests from the last lines of the test runners.

use std::fmt;

/// Test counts of one or more runs.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TestCounts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) ignored: u64,
    /// Summary lines: test executables that finished.
    pub(crate) runs: u64,
}

impl TestCounts {
    /// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; …`, a line for
    /// each test executable.
    pub(super) fn of_libtest(said: &str) -> Self {
        let mut counts = Self::default();
        for line in said.lines().filter_map(|line| line.strip_prefix("test result: ")) {
            counts.runs += 1;
            counts.add(line);
        }
        counts
    }

    /// `Summary [ 0.1s] 5 tests run: 4 passed (1 slow), 1 failed, 2 skipped`
    pub(super) fn of_nextest(said: &str) -> Self {
        let mut counts = Self::default();
        for line in said.lines().filter(|line| line.trim_start().starts_with("Summary [")) {
            counts.runs += 1;
            counts.add(line);
        }
        counts
    }

    /// Adds every `N word` of a line if the word is known.
    fn add(&mut self, line: &str) {
        let words: Vec<&str> =
            line.split([' ', ';', ',']).filter(|word| !word.is_empty()).collect();
        for pair in words.windows(2) {
            let Ok(number) = pair[0].parse::<u64>() else { continue };
            match pair[1] {
                "passed" => self.passed += number,
                // nextest tells a test that ran too long from one that failed
                "failed" | "timed" => self.failed += number,
                "ignored" | "skipped" => self.ignored += number,
                _ => {}
            }
        }
    }
}

impl std::ops::AddAssign for TestCounts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
        self.runs += other.runs;
    }
}

impl fmt::Display for TestCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::TestCounts;

    #[test]
    fn libtest_closes_each_executable_with_a_line() {
        let said = "running 2 tests\n\
            test a ... ok\n\
            test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.00s\n\
            test result: FAILED. 3 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
        let expected = TestCounts { passed: 5, failed: 4, ignored: 1, runs: 2 };
        assert_eq!(TestCounts::of_libtest(said), expected);
    }

    #[test]
    fn nextest_closes_with_a_summary() {
        let said = "     Summary [   0.012s] 8 tests run: 5 passed (1 slow), 2 failed, 1 timed out, 3 skipped\n";
        let expected = TestCounts { passed: 5, failed: 3, ignored: 3, runs: 1 };
        assert_eq!(TestCounts::of_nextest(said), expected);
    }
}
