//! Which lines of source ran in tests, and in how many of them, as lcov has it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use serde::{Deserialize, Serialize};

use crate::kernel::LinesRun;

/// The lines and functions that ran, of all tests so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// By the path of the source.
    files: BTreeMap<String, FileCoverage>,
    /// What is not counted, and why.
    uncounted: BTreeSet<String>,
}

/// The lines and functions of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct FileCoverage {
    /// In how many tests each line ran.
    lines: BTreeMap<u32, u64>,
    /// Its functions by name.
    functions: BTreeMap<String, FunctionCoverage>,
}

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct FunctionCoverage {
    /// Its first line.
    line: u32,
    /// In how many tests it was entered.
    count: u64,
}

impl FileCoverage {
    fn add_function(&mut self, name: String, line: u32, count: u64) {
        let known = self.functions.entry(name);
        known.or_insert(FunctionCoverage { line, count: 0 }).count += count;
    }
}

impl Coverage {
    /// Adds what ran in one test: a line counts once, however many programs have it.
    pub fn add_test(&mut self, programs: &[LinesRun]) {
        let (mut lines, mut functions) = (BTreeMap::new(), BTreeMap::new());
        for program in programs {
            for line in &program.lines {
                *lines.entry(&line.place).or_insert(false) |= line.ran;
            }
            for one in &program.functions {
                *functions.entry((&one.place, &one.name)).or_insert(false) |= one.ran;
            }
            self.uncounted.extend(program.uncounted.clone());
        }
        for (place, ran) in lines {
            let file = self.files.entry(place.file.to_string()).or_default();
            *file.lines.entry(place.line).or_default() += u64::from(ran);
        }
        for ((place, name), ran) in functions {
            let file = self.files.entry(place.file.to_string()).or_default();
            file.add_function(name.clone(), place.line, u64::from(ran));
        }
    }

    /// Adds what ran in other tests.
    pub fn merge(&mut self, other: Self) {
        for (path, other) in other.files {
            let file = self.files.entry(path).or_default();
            for (line, count) in other.lines {
                *file.lines.entry(line).or_default() += count;
            }
            for (name, FunctionCoverage { line, count }) in other.functions {
                file.add_function(name, line, count);
            }
        }
        self.uncounted.extend(other.uncounted);
    }

    /// How many lines ran in any test, and how many there are.
    #[must_use]
    pub fn lines(&self) -> (usize, usize) {
        let counts = || self.files.values().flat_map(|file| file.lines.values());
        (counts().filter(|count| **count > 0).count(), counts().count())
    }

    /// What is not counted, and why.
    pub fn uncounted(&self) -> impl Iterator<Item = &str> {
        self.uncounted.iter().map(String::as_str)
    }

    /// As lcov writes it: <https://manpages.debian.org/testing/lcov/geninfo.1.en.html#TRACEFILE_FORMAT>.
    #[must_use]
    pub fn lcov(&self) -> String {
        let mut out = String::new();
        // A String takes everything, here and below.
        for (path, file) in &self.files {
            let _ = writeln!(out, "TN:\nSF:{}", one_line(path));
            for (name, function) in &file.functions {
                let _ = writeln!(out, "FN:{},{}", function.line, one_line(name));
            }
            for (name, function) in &file.functions {
                let _ = writeln!(out, "FNDA:{},{}", function.count, one_line(name));
            }
            let hit = file.functions.values().filter(|one| one.count > 0).count();
            let _ = writeln!(out, "FNF:{}\nFNH:{hit}", file.functions.len());
            for (line, count) in &file.lines {
                let _ = writeln!(out, "DA:{line},{count}");
            }
            let hit = file.lines.values().filter(|count| **count > 0).count();
            let _ = writeln!(out, "LF:{}\nLH:{hit}\nend_of_record", file.lines.len());
        }
        out
    }
}

/// A text that stays on its line, whatever an object has in its place.
fn one_line(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::Coverage;
    use crate::kernel::{FunctionRun, LineRun, LinesRun, SourcePlace};

    /// A program with these lines of two files, and whether each ran.
    fn program(lines: [(u32, bool); 3]) -> LinesRun {
        let place = |file: &str, line| SourcePlace { file: file.into(), line };
        let [first, second, other] = lines;
        LinesRun {
            lines: vec![
                LineRun { place: place("/src/a.c", first.0), ran: first.1 },
                LineRun { place: place("/src/a.c", second.0), ran: second.1 },
                LineRun { place: place("/src/b.h", other.0), ran: other.1 },
            ],
            functions: vec![FunctionRun {
                name: "ingress".to_owned(),
                place: place("/src/a.c", first.0),
                ran: first.1,
            }],
            uncounted: None,
        }
    }

    fn two_tests() -> Coverage {
        let mut coverage = Coverage::default();
        // Both programs have line 10, which counts once.
        let programs = [
            program([(10, true), (11, false), (3, true)]),
            program([(10, true), (12, true), (3, false)]),
        ];
        coverage.add_test(&programs);
        coverage.add_test(&programs[..1]);
        coverage
    }

    #[test]
    fn a_line_counts_once_a_test() {
        assert_eq!(two_tests().lines(), (3, 4));
        let expected = "TN:\nSF:/src/a.c\nFN:10,ingress\nFNDA:2,ingress\nFNF:1\nFNH:1\n\
                        DA:10,2\nDA:11,0\nDA:12,1\nLF:3\nLH:2\nend_of_record\n\
                        TN:\nSF:/src/b.h\nFNF:0\nFNH:0\nDA:3,2\nLF:1\nLH:1\nend_of_record\n";
        assert_eq!(two_tests().lcov(), expected);
        // Whoever reads such files reads this one, and counts the same.
        let report = lcov::Report::from_reader(lcov::Reader::new(expected.as_bytes()));
        let report = report.expect("every record is known, and in its place");
        let lines = report.sections.values().flat_map(|section| section.lines.values());
        let ran = lines.clone().filter(|line| line.count > 0).count();
        assert_eq!((ran, lines.count()), (3, 4));
    }

    #[test]
    fn what_ran_on_several_kernels_is_added_up() {
        let mut coverage = two_tests();
        coverage.merge(two_tests());
        assert_eq!(coverage.lines(), (3, 4));
        assert!(coverage.lcov().contains("\nDA:10,4\nDA:11,0\nDA:12,2\n"), "{}", coverage.lcov());
        let text = serde_json::to_string(&coverage).expect("text and numbers");
        assert_eq!(serde_json::from_str::<Coverage>(&text).ok(), Some(coverage));
    }

    #[test]
    fn what_is_not_counted_is_kept() {
        let mut coverage = Coverage::default();
        let why = LinesRun { uncounted: Some("no lines".to_owned()), ..LinesRun::default() };
        coverage.add_test(&[why.clone(), why]);
        assert_eq!(coverage.uncounted().collect::<Vec<_>>(), ["no lines"]);
    }

    #[test]
    fn a_name_cannot_make_up_a_line() {
        let mut program = program([(1, true), (2, true), (3, true)]);
        program.lines[0].place.file = "/a\nDA:1,9".into();
        let mut coverage = Coverage::default();
        coverage.add_test(&[program]);
        assert!(coverage.lcov().contains("SF:/aDA:1,9\n"), "{}", coverage.lcov());
    }
}
