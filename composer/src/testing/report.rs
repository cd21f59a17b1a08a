//! Results of tests as text for machines: JUnit and TAP, from the records that the runner prints.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// A result as the runner prints it as JSON, a line each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestRecord {
    /// The test's name.
    pub name: String,
    /// The file it is in.
    pub file: String,
    /// The kernel's series.
    pub kernel: String,
    /// `passed`, `failed` or `skipped`.
    pub verdict: String,
    /// Milliseconds.
    pub ms: u64,
    /// Nanoseconds of a run of the host.
    pub run_ns: Option<u32>,
    /// What was not as expected, drawn; why it was skipped; remarks.
    pub text: Vec<String>,
    /// What to write into the file so that it expects what came.
    pub corrections: Vec<Correction>,
}

/// Text of a test file with what is to be there instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// Its first byte.
    pub start: usize,
    /// The byte behind it.
    pub end: usize,
    /// What is to be there.
    pub text: String,
}

/// How many tests ended how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// As expected.
    pub passed: usize,
    /// Not as expected.
    pub failed: usize,
    /// Not for the kernel.
    pub skipped: usize,
}

impl Tally {
    /// Of these results.
    #[must_use]
    pub fn of<'a>(results: impl IntoIterator<Item = &'a TestRecord>) -> Self {
        results.into_iter().fold(Self::default(), |mut tally, one| {
            match one.verdict.as_str() {
                "passed" => tally.passed += 1,
                "skipped" => tally.skipped += 1,
                _ => tally.failed += 1,
            }
            tally
        })
    }

    /// All of them.
    #[must_use]
    pub fn all(self) -> usize {
        self.passed + self.failed + self.skipped
    }
}

/// The results as JUnit XML, a suite for each kernel and file, by the schema of the readers:
/// <https://github.com/jenkinsci/xunit-plugin/blob/master/src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd/junit-10.xsd>.
#[must_use]
pub fn junit(results: &[TestRecord]) -> String {
    let mut suites: Vec<(String, Vec<&TestRecord>)> = Vec::new();
    for one in results {
        let suite = format!("{} on Linux {}", one.file, one.kernel);
        match suites.iter_mut().find(|(name, _)| *name == suite) {
            Some((_, tests)) => tests.push(one),
            None => suites.push((suite, vec![one])),
        }
    }
    let seconds = |ms: u64| format!("{}.{:03}", ms / 1000, ms % 1000);
    let time = |tests: &[&TestRecord]| seconds(tests.iter().map(|one| one.ms).sum());
    let counts = |tests: &[&TestRecord]| {
        let tally = Tally::of(tests.iter().copied());
        // `errors` are tests that could not be run; here those failed, too.
        format!(
            "tests=\"{}\" failures=\"{}\" errors=\"0\" time=\"{}\"",
            tally.all(),
            tally.failed,
            time(tests)
        )
    };
    let all: Vec<&TestRecord> = results.iter().collect();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // A String takes everything, here and below.
    let _ = writeln!(out, "<testsuites name=\"freplace-compose\" {}>", counts(&all));
    for (name, tests) in &suites {
        let (name, skipped) = (escape_xml(name), Tally::of(tests.iter().copied()).skipped);
        let counts = counts(tests);
        let _ = writeln!(out, "  <testsuite name=\"{name}\" {counts} skipped=\"{skipped}\">");
        for one in tests {
            let _ = write!(
                out,
                "    <testcase name=\"{}\" classname=\"{}\" time=\"{}\"",
                escape_xml(&one.name),
                escape_xml(&one.file),
                seconds(one.ms)
            );
            let text = escape_xml(&one.text.join("\n"));
            let _ = match one.verdict.as_str() {
                "passed" => writeln!(out, "/>"),
                "skipped" => {
                    writeln!(out, ">\n      <skipped message=\"{text}\"/>\n    </testcase>")
                }
                _ => writeln!(
                    out,
                    ">\n      <failure message=\"not as expected\" type=\"FC0803\">{text}</failure>\n    \
                     </testcase>"
                ),
            };
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

/// The results as TAP, version 14.
#[must_use]
pub fn tap(results: &[TestRecord]) -> String {
    let mut out = format!("TAP version 14\n1..{}\n", results.len());
    for (number, one) in (1..).zip(results) {
        // A `#` begins a directive.
        let plain = |text: &str| text.replace('\\', "\\\\").replace('#', "\\#").replace('\n', " ");
        let name = plain(&format!("{}: {} (Linux {})", one.file, one.name, one.kernel));
        let _ = match one.verdict.as_str() {
            "passed" => writeln!(out, "ok {number} - {name}"),
            "skipped" => {
                writeln!(out, "ok {number} - {name} # SKIP {}", plain(&one.text.join(" ")))
            }
            _ => writeln!(out, "not ok {number} - {name}"),
        };
        if one.verdict == "failed" {
            out.push_str("  ---\n  message: |\n");
            for line in one.text.iter().flat_map(|text| text.lines()) {
                let _ = writeln!(out, "    {line}");
            }
            out.push_str("  ...\n");
        }
    }
    out
}

/// A text within XML, without what XML cannot hold.
fn escape_xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push(' '),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {}
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Tally, TestRecord, junit, tap};

    fn record(name: &str, verdict: &str) -> TestRecord {
        TestRecord {
            name: name.to_owned(),
            file: "tests/a&b.toml".to_owned(),
            kernel: "6.12".to_owned(),
            verdict: verdict.to_owned(),
            ms: 1234,
            run_ns: Some(80),
            corrections: Vec::new(),
            text: vec!["\u{1b}[1mwhy <it> did\nnot\u{0} work #1".to_owned()],
        }
    }

    fn all() -> Vec<TestRecord> {
        let names = [("a \"b\" # c", "passed"), ("d", "failed"), ("e", "skipped")];
        names.map(|(name, verdict)| record(name, verdict)).to_vec()
    }

    #[test]
    fn results_are_counted() {
        assert_eq!(Tally::of(&all()), Tally { passed: 1, failed: 1, skipped: 1 });
        assert_eq!(Tally::of(&all()).all(), 3);
    }

    #[test]
    fn junit_is_xml_whatever_the_names() {
        insta::assert_snapshot!(junit(&all()));
    }

    /// An element, the attributes that it must and may have, and what may be in it.
    type SchemaElement = (&'static str, SchemaNames, SchemaNames, SchemaNames);
    type SchemaNames = &'static [&'static str];

    /// The elements of the schema that are written: their attributes, those that are required first, and what may
    /// be in them.
    const SCHEMA: [SchemaElement; 5] = [
        (
            "testsuites",
            &[],
            &["name", "time", "tests", "failures", "disabled", "errors"],
            &["testsuite"],
        ),
        (
            "testsuite",
            &["name", "tests"],
            &[
                "failures",
                "errors",
                "time",
                "disabled",
                "skipped",
                "timestamp",
                "hostname",
                "id",
                "package",
            ],
            &["properties", "testcase", "system-out", "system-err"],
        ),
        (
            "testcase",
            &["name"],
            &["assertions", "time", "classname", "status"],
            &["skipped", "error", "failure", "system-out", "system-err"],
        ),
        ("failure", &[], &["type", "message"], &[]),
        ("skipped", &[], &["type", "message"], &[]),
    ];

    #[test]
    fn junit_is_by_its_schema_and_says_what_the_records_do() {
        let records = all();
        let text = junit(&records);
        let document = roxmltree::Document::parse(&text).expect("it is XML");
        assert_eq!(document.root_element().tag_name().name(), "testsuites");
        for node in document.descendants().filter(roxmltree::Node::is_element) {
            let name = node.tag_name().name();
            let row = SCHEMA.iter().find(|(known, ..)| *known == name);
            let (_, required, others, children) = row.unwrap_or_else(|| panic!("{name}"));
            assert!(required.iter().all(|key| node.has_attribute(*key)), "{node:?}");
            for attribute in node.attributes() {
                let key = attribute.name();
                assert!(required.contains(&key) || others.contains(&key), "{name} {key}");
                if ["tests", "failures", "errors", "skipped"].contains(&key) {
                    assert!(attribute.value().parse::<u32>().is_ok(), "{name} {key}");
                }
                if key == "time" {
                    assert!(attribute.value().parse::<f64>().is_ok(), "{name} {key}");
                }
            }
            for child in node.children().filter(roxmltree::Node::is_element) {
                assert!(children.contains(&child.tag_name().name()), "{child:?}");
            }
        }
        let cases = document.descendants().filter(|node| node.has_tag_name("testcase"));
        let names: Vec<_> = cases.filter_map(|case| case.attribute("name")).collect();
        let expected: Vec<_> = records.iter().map(|record| record.name.as_str()).collect();
        assert_eq!(names, expected);
        let failure = document.descendants().find(|node| node.has_tag_name("failure"));
        let text = failure.and_then(|failure| failure.text()).expect("it says why");
        assert!(text.contains("why <it> did\nnot work"), "{text}");
    }

    #[test]
    fn tap_has_a_line_for_each() {
        insta::assert_snapshot!(tap(&all()));
    }
}
