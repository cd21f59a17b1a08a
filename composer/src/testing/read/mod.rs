//! Text → tests. Continues after each error, as the reader of chain files does.

mod data;
mod trigger;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use toml::de::{DeTable, DeValue};

use super::{ProgramTest, TestExpectation, Trigger, expectation::expected};
use crate::{
    chain::{
        ChainInputs, SetValue, Spanned,
        reading::{Texts, fill_tests, globals, integer, values},
        recipe_name,
        table::{Diagnostics, Table, wrong_type},
    },
    diag::{Code, Diagnostic, Source, Sources, Span},
};
use data::mocks;
pub(super) use data::{condition, maps};
use trigger::{Packets, packets, trigger, with_packet};

/// What a file says.
pub(super) struct ReadTests {
    /// The chain file, if the tests are not in it.
    pub(super) chain: Option<Spanned<PathBuf>>,
    /// Values of that chain's parameters.
    pub(super) with: Vec<SetValue>,
    pub(super) tests: Vec<ProgramTest>,
    /// Capture files that packets are from.
    pub(super) captures: Vec<PathBuf>,
}

/// How long a test may take that says nothing of it.
const LIMIT: Duration = Duration::from_secs(10);

/// Reads the tests of a file; none when it has none.
pub(super) fn tests(
    source: &Arc<Source>,
    folder: &Path,
    inputs: &ChainInputs,
    found: &mut Vec<Diagnostic>,
) -> Option<ReadTests> {
    let (mut root, errors) = DeTable::parse_recoverable(&source.text);
    let mut slips = Vec::new();
    let sources = Sources::one(source);
    let mut report = Diagnostics { sources: &sources, diagnostics: found, slips: &mut slips };
    if !errors.is_empty() {
        crate::chain::reading::syntax(&errors, root.get_ref(), &mut report);
        return None;
    }
    let texts = Texts::default();
    fill_tests(root.get_mut(), &texts, inputs, &mut report);
    let mut top = report.table("the test file".to_owned(), report.bytes(0..0), root.get_ref());
    let tests = top.get("test").map(|(_, value)| value);
    // Of a chain file the rest is read with the chain.
    let is_chain = ["host", "include"].iter().any(|key| top.get(key).is_some());
    let mut with = Vec::new();
    let chain = match is_chain {
        true => None,
        false => {
            let chain = top.string("chain", &mut report);
            with = values(&mut top, &mut report);
            if tests.is_some() && chain.is_none() {
                top.missing(&["chain"], "\"../chain.toml\"");
            }
            if tests.is_some() || chain.is_some() {
                top.finish(&mut report);
            }
            chain.map(|Spanned { value, span }| {
                let path = PathBuf::from(&value);
                let path = if recipe_name(&path).is_some() { path } else { folder.join(path) };
                Spanned { value: path, span }
            })
        }
    };
    let items = tests?;
    let Some(items) = items.get_ref().as_array() else {
        wrong_type("`test`", "a list of tables: [[test]]", items, &mut report);
        return None;
    };
    let (mut read, mut captures) = (Vec::new(), Vec::new());
    for item in items {
        let Some(table) = item.get_ref().as_table() else {
            wrong_type("a test", "a table: [[test]]", item, &mut report);
            continue;
        };
        for (case, entries) in cases(table, &mut report) {
            let place = TestPlace { span: report.span(item), folder };
            read.extend(test(place, case, &entries, &mut captures, &mut report));
        }
    }
    found.append(&mut slips);
    each_name_once(&read, found);
    Some(ReadTests { chain, with, tests: read, captures })
}

fn each_name_once(tests: &[ProgramTest], found: &mut Vec<Diagnostic>) {
    let mut seen = std::collections::HashMap::new();
    for test in tests {
        let Some(first) = seen.insert(&test.name, &test.span) else { continue };
        let message = format!("two tests are called `{}`", test.name.escape_debug());
        let again = Diagnostic::new(Code::BadValue, message);
        let again = match first == &test.span {
            true => again.label(first, "two of its cases"),
            false => again.label(&test.span, "again here").label(first, "first here"),
        };
        found.push(again.help("Rename one of them. Results are reported by name."));
    }
}

/// Keys whose values are tables by name: in those of a case the names go before, not the table as a whole.
const BY_NAME: [&str; 5] = ["ctx", "expect", "globals", "maps", "mock"];

/// The table of each case of a test, with its name: that of the test, where the keys of the case go before.
/// A test without cases is one.
fn cases<'t>(
    table: &DeTable<'t>,
    report: &mut Diagnostics<'_>,
) -> Vec<(Option<String>, DeTable<'t>)> {
    let Some((_, list)) = entry(table, "cases") else { return vec![(None, table.clone())] };
    let Some(items) = list.get_ref().as_array().filter(|items| !items.is_empty()) else {
        wrong_type("`cases`", "a list of tables: [{ packet = { … } }]", list, report);
        return Vec::new();
    };
    // Without the cases themselves, of which there may be hundreds.
    let shared = table.iter().filter(|(key, _)| key.get_ref() != "cases");
    let base: DeTable<'t> = shared.map(|(key, value)| (key.clone(), value.clone())).collect();
    let mut found = Vec::new();
    for (number, item) in items.iter().enumerate() {
        let Some(own) = item.get_ref().as_table() else {
            wrong_type("a case", "a table: { packet = { … } }", item, report);
            continue;
        };
        let mut whole = base.clone();
        let mut name = format!("case {}", number + 1);
        for (key, value) in own {
            if key.get_ref() == "name" {
                match value.get_ref().as_str() {
                    Some(text) => text.clone_into(&mut name),
                    None => wrong_type("`name`", "a string", value, report),
                }
                continue;
            }
            let name = key.get_ref().as_ref();
            let own = value.get_ref().as_table().filter(|_| BY_NAME.contains(&name));
            let merged = own.and_then(|own| {
                let mut base = whole.get(name)?.get_ref().as_table()?.clone();
                for (key, value) in own {
                    base.remove(key.get_ref().as_ref());
                    base.insert(key.clone(), value.clone());
                }
                Some(toml::Spanned::new(value.span(), DeValue::Table(base)))
            });
            whole.remove(key.get_ref().as_ref());
            whole.insert(key.clone(), merged.unwrap_or_else(|| value.clone()));
        }
        found.push((Some(name), whole));
    }
    found
}

fn entry<'a, 't>(
    table: &'a DeTable<'t>,
    name: &str,
) -> Option<(&'a toml::Spanned<toml::de::DeString<'t>>, &'a toml::Spanned<DeValue<'t>>)> {
    table.iter().find(|(key, _)| key.get_ref() == name)
}

/// Where a test is.
struct TestPlace<'a> {
    span: Span,
    folder: &'a Path,
}

/// Reads a test; several when its packets are those of a capture.
fn test(
    TestPlace { span, folder }: TestPlace<'_>,
    case: Option<String>,
    entries: &DeTable<'_>,
    captures: &mut Vec<PathBuf>,
    report: &mut Diagnostics<'_>,
) -> Vec<ProgramTest> {
    let before = report.diagnostics.len();
    let mut table = report.table("the test".to_owned(), span.clone(), entries);
    let name = table.required(&["name"], "\"no route: dropped\"", report);
    let span = name.as_ref().map_or(span, |name| name.span.clone());
    let requires = crate::chain::reading::requires(&mut table, report);
    let limit = limit(&mut table, report);
    let packets = packets(&mut table, folder, captures, report);
    let trigger = trigger(&mut table, report);
    let globals = globals(&mut table, report);
    let maps = maps("maps", &mut table, report);
    let mocks = mocks(&mut table, folder, report);
    let expect = match table.get("expect") {
        Some((_, value)) => expected(value, report),
        None => Some(TestExpectation::default()),
    };
    table.get("cases");
    table.finish(report);
    let (Some(name), Some(packets), Some(trigger), Some(limit), Some(expect), true) =
        (name, packets, trigger, limit, expect, report.diagnostics.len() == before)
    else {
        return Vec::new();
    };
    let name = match case {
        Some(case) => format!("{}: {case}", name.value),
        None => name.value,
    };
    let test = ProgramTest { name, span, requires, trigger, limit, globals, maps, mocks, expect };
    match (packets, &test.trigger) {
        (Packets::None, _) => vec![test],
        (_, Trigger::Traffic(..) | Trigger::Exec(_) | Trigger::Syscall(..)) => {
            let found = Diagnostic::new(Code::BadTest, "a packet without `run`")
                .label(&test.span, "this test")
                .help("Remove `packet`. It is what BPF_PROG_TEST_RUN hands to a host.");
            report.push(found);
            Vec::new()
        }
        (Packets::One(packet), _) => vec![with_packet(test, None, packet)],
        (Packets::Captured(packets), _) => packets
            .into_iter()
            .map(|(number, packet)| with_packet(test.clone(), Some(number), packet))
            .collect(),
    }
}

fn limit(table: &mut Table<'_>, report: &mut Diagnostics<'_>) -> Option<Duration> {
    let Some((_, found)) = table.get("limit") else { return Some(LIMIT) };
    let seconds = integer("`limit`", found, report)?;
    match u64::try_from(seconds) {
        Ok(seconds @ 1..) => Some(Duration::from_secs(seconds)),
        _ => {
            let wrong = report
                .at(Code::BadValue, "`limit` must be positive", &report.span(found), "in seconds")
                .help("Write the longest that the test may take, in seconds: limit = 10");
            report.push(wrong);
            None
        }
    }
}

/// Reads a number from 0, or from 1, on.
pub(super) fn count(
    what: &str,
    least: u32,
    found: &toml::Spanned<DeValue<'_>>,
    report: &mut Diagnostics<'_>,
) -> Option<Spanned<u32>> {
    let number = integer(what, found, report)?;
    let span = report.span(found);
    match u32::try_from(number) {
        Ok(value) if value >= least => Some(Spanned { value, span }),
        _ => {
            let wrong = report
                .at(Code::BadValue, format!("{what} cannot be {number}"), &span, "out of range")
                .help(format!("Write a number from {least} to {}.", u32::MAX));
            report.push(wrong);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::testing::{MockProgram, ProgramTest, TestFile};

    fn tests(text: &str) -> Vec<ProgramTest> {
        let text = format!("chain = \"builtin:xdp\"\n[[test]]\nname = \"a\"\n{text}");
        TestFile::parse(Path::new("a.toml"), text, &crate::chain::ChainInputs::default())
            .expect("it is valid")
            .expect("it has tests")
            .tests
    }

    #[test]
    fn a_case_changes_what_it_names_and_leaves_the_rest() {
        let read = tests(
            "mock.one = { returns = 1 }\nmock.two = { returns = 2 }\nmaps.m = [{ key = 1, value = 1 }]\n\
             expect.returns = 1\n\
             cases = [{ mock.two = { returns = 3 }, maps.n = [], expect.order = [] }, { name = \"b\" }]",
        );
        let [changed, same] = read.as_slice() else { panic!("{read:#?}") };
        let mocked = |test: &ProgramTest| -> Vec<_> {
            test.mocks
                .iter()
                .map(|mock| (mock.function.value.clone(), mock.function.span.start()))
                .collect()
        };
        assert_eq!(mocked(changed)[0], mocked(same)[0]);
        assert_ne!(mocked(changed)[1], mocked(same)[1]);
        assert_eq!((changed.mocks.len(), same.mocks.len()), (2, 2));
        assert_eq!((changed.maps.len(), same.maps.len()), (2, 1));
        assert!(changed.expect.returns.is_some() && changed.expect.order.is_some());
        assert_eq!((&*changed.name, &*same.name), ("a: case 1", "a: b"));
    }

    #[test]
    fn names_of_cases_differ_and_counts_can_be() {
        let wrong = |text: &str| {
            let text = format!("chain = \"builtin:xdp\"\n[[test]]\nname = \"a\"\n{text}");
            let found =
                TestFile::parse(Path::new("a.toml"), text, &crate::chain::ChainInputs::default())
                    .expect_err("it is wrong");
            found.into_iter().map(|one| one.message).collect::<Vec<_>>()
        };
        assert_eq!(
            wrong("cases = [{ name = \"x\" }, { name = \"x\" }]"),
            ["two tests are called `a: x`"]
        );
        let count = "expect.events = [{ node = \"n\", count = { least = 2, most = 1 } }]";
        assert_eq!(wrong(count), ["`count` can never be so"]);
    }

    #[test]
    fn a_mock_that_is_a_program_has_variables() {
        let read =
            tests("mock.one = { object = \"builtin:x\", program = \"p\", globals = { port = 9 } }");
        let MockProgram::Own { globals, .. } = &read[0].mocks[0].by else { panic!("{read:#?}") };
        assert_eq!(globals[0].path.text.value, "port");
    }
}
