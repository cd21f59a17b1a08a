//! Text → tests. Continues after each error, as the reader of chain files does.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use toml::de::{DeTable, DeValue};

use super::{
    MapContent, MapEntry, Mock, MockProgram, ProgramTest, TestExpectation, TestRunSpec, Trigger,
    expectation::expected,
};
use crate::{
    chain::{
        ObjectRef, Spanned,
        reading::{answer, filter, globals, integer, value},
        recipe_name,
        table::{Diagnostics, Table, string, strings, wrong_type},
    },
    diag::{Code, Diagnostic, Source, Span},
    files,
    packet::{Packet, PacketSource, PacketStart, captured},
    traffic::Protocol,
};

/// What a file says.
pub(super) struct ReadTests {
    /// The chain file, if the tests are not in it.
    pub(super) chain: Option<Spanned<PathBuf>>,
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
    found: &mut Vec<Diagnostic>,
) -> Option<ReadTests> {
    let (root, errors) = DeTable::parse_recoverable(&source.text);
    let mut slips = Vec::new();
    let mut report = Diagnostics { source, diagnostics: found, slips: &mut slips };
    if !errors.is_empty() {
        crate::chain::reading::syntax(&errors, root.get_ref(), &mut report);
        return None;
    }
    let mut top = Table::new("the test file".to_owned(), report.bytes(0..0), root.get_ref());
    let tests = top.get("test").map(|(_, value)| value);
    // Of a chain file the rest is read with the chain.
    let is_chain = top.get("host").is_some();
    let chain = match is_chain {
        true => None,
        false => {
            let chain = top.string("chain", &mut report);
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
    Some(ReadTests { chain, tests: read, captures })
}

fn each_name_once(tests: &[ProgramTest], found: &mut Vec<Diagnostic>) {
    let mut seen = std::collections::HashMap::new();
    for test in tests {
        if let Some(first) = seen.insert(&test.name, &test.span)
            && first != &test.span
        {
            let message = format!("two tests are called `{}`", test.name.escape_debug());
            let again = Diagnostic::new(Code::BadValue, message)
                .label(&test.span, "again here")
                .label(first, "first here")
                .help("Rename one of them. Results are reported by name.");
            found.push(again);
        }
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
    let mut found = Vec::new();
    for (number, item) in items.iter().enumerate() {
        let Some(own) = item.get_ref().as_table() else {
            wrong_type("a case", "a table: { packet = { … } }", item, report);
            continue;
        };
        let mut whole = table.clone();
        whole.remove("cases");
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
    let mut table = Table::new("the test".to_owned(), span.clone(), entries);
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
        (_, Trigger::Traffic(..) | Trigger::Exec(_)) => {
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

fn with_packet(
    mut test: ProgramTest,
    number: Option<String>,
    packet: Spanned<Packet>,
) -> ProgramTest {
    if let Trigger::Run(run) = &mut test.trigger {
        run.packet = Some(packet);
    }
    test.name.extend(number.map(|number| format!(": {number}")));
    test
}

/// What a test hands to a host.
enum Packets {
    None,
    One(Spanned<Packet>),
    Captured(Vec<(String, Spanned<Packet>)>),
}

fn packets(
    table: &mut Table<'_>,
    folder: &Path,
    captures: &mut Vec<PathBuf>,
    report: &mut Diagnostics<'_>,
) -> Option<Packets> {
    let Some((_, found)) = table.get("packet") else { return Some(Packets::None) };
    let span = report.span(found);
    match PacketSource::read(found, report.source, report.diagnostics)? {
        PacketSource::Packet(value) => Some(Packets::One(Spanned { value, span })),
        PacketSource::Capture(path) => {
            let file = folder.join(&path.value);
            let bytes = match files::read(&file, files::OBJECT) {
                Ok(bytes) => bytes,
                Err(error) => {
                    let message =
                        format!("cannot read {}: {}", file.display(), files::plain(&error));
                    let found = Diagnostic::new(Code::CaptureUnreadable, message)
                        .label(&path.span, "a capture file")
                        .help("Paths are relative to the test file.");
                    report.push(found);
                    return None;
                }
            };
            captures.push(file);
            match captured(&bytes) {
                Ok(packets) => Some(Packets::Captured(
                    packets
                        .into_iter()
                        .enumerate()
                        .map(|(number, packet)| {
                            let name = format!("{} #{}", path.value, number + 1);
                            let value = Packet::dissect(&packet.bytes, PacketStart::Ethernet);
                            (name, Spanned { value, span: span.clone() })
                        })
                        .collect(),
                )),
                Err(error) => {
                    report.push(error.at(&path));
                    None
                }
            }
        }
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

fn trigger(table: &mut Table<'_>, report: &mut Diagnostics<'_>) -> Option<Trigger> {
    let keys = ["run", "traffic", "exec"].map(|key| table.get(key));
    let repeat = table.get("repeat");
    let context = table.get("ctx");
    let given: Vec<_> = keys.iter().flatten().map(|(key, _)| key.clone()).collect();
    if let [first, second, ..] = given.as_slice() {
        let wrong = report
            .at(Code::BadValue, "a test with two triggers", first, "one")
            .label(second, "another one")
            .help("Write one of `run`, `traffic` and `exec`.");
        report.push(wrong);
        return None;
    }
    let [run, traffic, exec] = keys;
    if run.is_none() && !given.is_empty() {
        for (name, place) in [("repeat", &repeat), ("ctx", &context)] {
            let Some((key, _)) = place else { continue };
            let message = format!("`{name}` without `run`");
            let wrong = report
                .at(Code::BadValue, message, key, "only for BPF_PROG_TEST_RUN")
                .help("Remove it, or write run = \"HOST\".");
            report.push(wrong);
        }
    }
    if let Some((_, found)) = traffic {
        return self::traffic(found, report);
    }
    if let Some((_, found)) = exec {
        let words = strings("exec", found, report);
        if words.is_empty() {
            wrong_type("`exec`", "a command: [\"/bin/true\"]", found, report);
            return None;
        }
        return Some(Trigger::Exec(words));
    }
    let host = match run {
        Some((_, found)) => Some(string("`run`", found, report)?),
        None => None,
    };
    let repeat = match repeat {
        Some((_, found)) => count("`repeat`", 1, found, report)?,
        None => Spanned { value: 1, span: report.bytes(0..0) },
    };
    let context = match context {
        Some((_, found)) => Some(value("`ctx`", found, report)?),
        None => None,
    };
    Some(Trigger::Run(Box::new(TestRunSpec { host, repeat, packet: None, context })))
}

/// Reads `"udp"`, or `{ udp = 3 }`.
fn traffic(found: &toml::Spanned<DeValue<'_>>, report: &mut Diagnostics<'_>) -> Option<Trigger> {
    const PROTOCOLS: [(&str, Protocol); 3] =
        [("tcp", Protocol::Tcp), ("udp", Protocol::Udp), ("icmp", Protocol::Icmp)];
    let named = |name: &str| PROTOCOLS.iter().find(|(known, _)| *known == name);
    if let Some(text) = found.get_ref().as_str()
        && let Some((_, protocol)) = named(text)
    {
        return Some(Trigger::Traffic(*protocol, 1));
    }
    if let Some(table) = found.get_ref().as_table()
        && table.len() == 1
        && let Some((key, number)) = table.iter().next()
        && let Some((_, protocol)) = named(key.get_ref())
    {
        let number = count("a number of packets", 1, number, report)?;
        return Some(Trigger::Traffic(*protocol, number.value));
    }
    wrong_type("`traffic`", "\"tcp\", \"udp\", \"icmp\", or { udp = 3 }", found, report);
    None
}

/// Reads `maps.NAME = [{ key = 1, value = 2 }]` at `key`.
pub(super) fn maps(
    key: &'static str,
    table: &mut Table<'_>,
    report: &mut Diagnostics<'_>,
) -> Vec<MapContent> {
    let Some((_, found)) = table.get(key) else { return Vec::new() };
    const SHAPE: &str = "a table: maps.NAME = [{ key = 1, value = 2 }]";
    let Some(tables) = found.get_ref().as_table() else {
        wrong_type(&format!("`{key}`"), SHAPE, found, report);
        return Vec::new();
    };
    let mut read = Vec::new();
    for (name, list) in tables {
        let map = Spanned { value: name.get_ref().to_string(), span: report.span(name) };
        let Some(items) = list.get_ref().as_array() else {
            wrong_type(
                &format!("map `{}`", map.value),
                "a list of entries: [{ key = 1, value = 2 }]",
                list,
                report,
            );
            continue;
        };
        let entries = items.iter().filter_map(|item| map_entry(&map.value, item, report));
        let entries = entries.collect();
        read.push(MapContent { map, entries });
    }
    read.sort_by_key(|one| one.map.span.start());
    read
}

fn map_entry(
    map: &str,
    found: &toml::Spanned<DeValue<'_>>,
    report: &mut Diagnostics<'_>,
) -> Option<MapEntry> {
    let Some(entries) = found.get_ref().as_table() else {
        wrong_type(&format!("an entry of map `{map}`"), "{ key = 1, value = 2 }", found, report);
        return None;
    };
    let span = report.span(found);
    let mut table = Table::new(format!("an entry of map `{map}`"), span.clone(), entries);
    let mut get = |name: &'static str, table: &mut Table<'_>| {
        table.get(name).map(|(_, found)| value(&format!("`{name}`"), found, report))
    };
    let (key, content) = (get("key", &mut table), get("value", &mut table));
    let is_absent = table.boolean("absent", report).unwrap_or_default();
    if key.is_none() {
        table.missing(&["key"], "1");
    }
    if content.is_none() && !is_absent {
        table.missing(&["value", "absent"], "2");
    }
    table.finish(report);
    let value = match content {
        Some(content) => Some(content?),
        None => None,
    };
    if value.is_none() != is_absent {
        return None;
    }
    Some(MapEntry { key: key??, value, span })
}

/// Reads `mock.FUNCTION = { returns = -2 }`.
fn mocks(table: &mut Table<'_>, folder: &Path, report: &mut Diagnostics<'_>) -> Vec<Mock> {
    let Some((_, found)) = table.get("mock") else { return Vec::new() };
    let Some(tables) = found.get_ref().as_table() else {
        wrong_type("`mock`", "a table: mock.FUNCTION = { returns = -2 }", found, report);
        return Vec::new();
    };
    let mut read = Vec::new();
    for (name, found) in tables {
        let function = Spanned { value: name.get_ref().to_string(), span: report.span(name) };
        let title = format!("mock of `{}`", function.value);
        let Some(entries) = found.get_ref().as_table() else {
            wrong_type(&title, "a table: { returns = -2 }", found, report);
            continue;
        };
        let mut table = Table::new(title, function.span.clone(), entries);
        let by = match answer(&mut table, report) {
            Some((_, answer)) => answer.map(|answer| MockProgram::Made(Box::new(answer))),
            None => {
                let object = table.string("object", report);
                let program = table.string("program", report);
                let globals = globals(&mut table, report);
                if object.is_none() || program.is_none() {
                    table.missing(&["returns", "object"], "-2");
                }
                object.zip(program).map(|(object, program)| {
                    let Spanned { value, span } = object;
                    let value = match ObjectRef::new(&value) {
                        // Relative to the file of the tests, which need not be where the chain is.
                        ObjectRef::File(path) => {
                            let path = folder.join(path);
                            ObjectRef::File(std::path::absolute(&path).unwrap_or(path))
                        }
                        other => other,
                    };
                    let object = Spanned { value, span };
                    MockProgram::Own { object, program, globals }
                })
            }
        };
        table.finish(report);
        read.extend(by.map(|by| Mock { function, by }));
    }
    read.sort_by_key(|one| one.function.span.start());
    read
}

/// Reads the condition at `where`.
pub(super) fn condition(
    table: &mut Table<'_>,
    report: &mut Diagnostics<'_>,
) -> Option<Option<(Spanned<String>, crate::chain::Filter)>> {
    match table.get("where") {
        Some((_, found)) => filter(found, report).map(Some),
        None => Some(None),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::testing::{MockProgram, Test, TestFile};

    fn tests(text: &str) -> Vec<Test> {
        let text = format!("chain = \"builtin:xdp\"\n[[test]]\nname = \"a\"\n{text}");
        TestFile::parse(Path::new("a.toml"), text)
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
        let mocked = |test: &Test| -> Vec<_> {
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
    fn a_mock_that_is_a_program_has_variables() {
        let read =
            tests("mock.one = { object = \"builtin:x\", program = \"p\", globals = { port = 9 } }");
        let MockProgram::Own { globals, .. } = &read[0].mocks[0].by else { panic!("{read:#?}") };
        assert_eq!(globals[0].path.text.value, "port");
    }
}
