//! What came of a test → what of it is not as expected.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::{
    Correction, ExpectedCount,
    arrange::{ArrangedTest, EncodedEntry, HostRun},
};
use crate::{
    chain::{Access, CompareOp, Constant, Filter, ValuePath},
    diag::{Code, Diagnostic, Span},
    event::Shape,
    kernel::{MapElement, TestRunOutput},
    object::btf::Btf,
    packet::dump,
    resolve::EncodedValue,
};

/// What came of a test.
pub(super) struct Came {
    pub(super) output: Option<TestRunOutput>,
    /// How much of the traffic arrived, where that can be known.
    pub(super) arrived: Option<u32>,
    /// Events as JSON, in the order in which they came.
    pub(super) events: Vec<Json>,
    /// Events that found no room.
    pub(super) lost: u64,
    /// The entries of each map that something is expected of.
    pub(super) maps: Vec<Vec<MapElement>>,
    /// The section of each variable that something is expected of.
    pub(super) variables: Vec<Option<Vec<u8>>>,
}

/// What is to be said of a test.
#[derive(Default)]
pub(super) struct Judgement {
    /// What is not as expected, with a label each; none when all is.
    pub(super) failure: Option<Diagnostic>,
    pub(super) remarks: Vec<String>,
    pub(super) corrections: Vec<Correction>,
}

/// Something that is not as expected.
struct UnmetExpectation {
    span: Span,
    got: String,
    note: Option<String>,
    /// What to write there instead, where that is known.
    instead: Option<String>,
}

/// Compares what came of a test with what was expected.
pub(super) fn verdict(arranged: &ArrangedTest<'_>, came: &Came) -> Judgement {
    let test = arranged.test;
    let mut judgement = Judgement::default();
    let mut wrong = Vec::new();
    if let (Some(run), Some(output)) = (&arranged.run, &came.output) {
        returned(arranged, run, output, &mut wrong);
        if let Some(expected) = &test.expect.packet {
            let differences = expected.differences(&output.data);
            let marked: Vec<_> = differences.iter().map(|one| one.bytes.clone()).collect();
            let last = differences.len().saturating_sub(1);
            wrong.extend(differences.into_iter().enumerate().map(|(number, one)| {
                UnmetExpectation {
                    got: format!("{} is {}, not {}", one.path, one.got, one.expected),
                    instead: Some(one.got).filter(|_| one.span != *expected.span()),
                    span: one.span,
                    note: (number == last).then(|| dump(&output.data, &marked)),
                }
            }));
        }
        if let (Some(expected), Some(context)) = (&run.expected_context, &test.expect.context) {
            for got in
                differing(arranged.object.as_deref().map(|one| &one.btf), expected, &output.context)
            {
                wrong.push(UnmetExpectation {
                    span: context.span.clone(),
                    got,
                    note: None,
                    instead: None,
                });
            }
        }
        if let Some(most) = &test.expect.max_ns
            && output.duration_ns > most.value
        {
            judgement
                .remarks
                .push(format!("a run took {} ns, more than {}", output.duration_ns, most.value));
        }
    }
    if let (Some(expected), Some(arrived)) = (&test.expect.arrived, came.arrived) {
        wrong.extend(counted(expected, arrived as usize, "arrived", &[]));
    }
    calls(arranged, came, &mut wrong);
    order(arranged, came, &mut wrong);
    for (expected, names) in test.expect.events.iter().zip(&arranged.names) {
        let of_node = came.events.iter().filter(|event| event["node"] == expected.node.value);
        let of_node: Vec<&Json> = of_node.collect();
        if let Some((text, filter)) = &expected.filter
            && let Some(got) = never_holds(filter, names, &of_node)
        {
            let note = of_node.first().map(|event| line(event));
            wrong.push(UnmetExpectation { span: text.span.clone(), got, note, instead: None });
            continue;
        }
        let filter = expected.filter.as_ref().map(|(_, filter)| filter);
        let (matching, others): (Vec<_>, Vec<_>) = of_node
            .into_iter()
            .partition(|event| filter.is_none_or(|filter| holds(filter, names, event)));
        let shown: Vec<&Json> = matching.iter().chain(&others).copied().collect();
        let what = format!("events of `{}`", expected.node.value);
        wrong.extend(counted(&expected.count, matching.len(), &what, &shown));
    }
    for ((name, entries), elements) in arranged.expected_maps.iter().zip(&came.maps) {
        map(arranged, name, entries, elements, &mut wrong);
    }
    for ((host, expected), bytes) in arranged.expected_globals.iter().zip(&came.variables) {
        let at = usize::try_from(expected.set.global.offset).unwrap_or(usize::MAX);
        let end = at.saturating_add(expected.set.global.bytes.len());
        let held = bytes.as_ref().and_then(|bytes| bytes.get(at..end)).unwrap_or_default();
        let value = EncodedValue {
            bytes: expected.set.global.bytes.clone(),
            parts: expected.set.parts.clone(),
        };
        for got in differing(expected.object.as_deref().map(|one| &one.btf), &value, held) {
            let got = format!("{got} in `{host}`");
            wrong.push(UnmetExpectation {
                span: expected.span.clone(),
                got,
                note: None,
                instead: None,
            });
        }
    }
    if came.lost > 0 && (!test.expect.calls.is_empty() || !test.expect.events.is_empty()) {
        let got = format!("{} events found no room, so counts are not known", came.lost);
        wrong.push(UnmetExpectation { span: test.span.clone(), got, note: None, instead: None });
    }
    if wrong.is_empty() {
        return judgement;
    }
    let mut found = Diagnostic::new(Code::TestFailed, format!("`{}` failed", test.name));
    for UnmetExpectation { span, got, note, instead } in wrong {
        let (start, end) = (span.start(), span.end());
        judgement.corrections.extend(instead.map(|text| Correction { start, end, text }));
        found = found.label(&span, got);
        found.notes.extend(note);
    }
    judgement.failure = Some(found);
    judgement
}

fn returned(
    arranged: &ArrangedTest<'_>,
    run: &HostRun,
    output: &TestRunOutput,
    wrong: &mut Vec<UnmetExpectation>,
) {
    let (Some(expected), Some(value)) = (run.returns, &arranged.test.expect.returns) else {
        return;
    };
    let answer = i64::from(output.answer.cast_signed());
    if answer != expected {
        let name = run.verdicts.iter().find(|(_, number)| *number == answer);
        let (shown, text) = match name {
            Some((name, _)) => ((*name).to_owned(), format!("\"{name}\"")),
            None => (answer.to_string(), answer.to_string()),
        };
        let got = format!("`{}` returned {shown}", run.host);
        wrong.push(UnmetExpectation {
            span: value.span.clone(),
            got,
            note: None,
            instead: Some(text),
        });
    }
}

/// The calls that a spy saw: one event each.
fn of_spy<'a>(came: &'a Came, spy: &str) -> Vec<&'a Json> {
    came.events.iter().filter(|event| event["node"] == spy).collect()
}

fn calls(arranged: &ArrangedTest<'_>, came: &Came, wrong: &mut Vec<UnmetExpectation>) {
    for (expected, spy) in arranged.test.expect.calls.iter().zip(&arranged.calls) {
        let seen = of_spy(came, spy);
        let what = format!("calls of `{}`", expected.function.value);
        wrong.extend(counted(&expected.count, seen.len(), &what, &seen));
    }
}

fn order(arranged: &ArrangedTest<'_>, came: &Came, wrong: &mut Vec<UnmetExpectation>) {
    let Some(expected) = &arranged.test.expect.order else { return };
    let mut seen: Vec<(u64, &str)> = Vec::new();
    let mut spies: Vec<(&String, &str)> = Vec::new();
    for (function, spy) in expected.value.iter().zip(&arranged.order) {
        if !spies.iter().any(|(known, _)| *known == spy) {
            spies.push((spy, &function.value));
        }
    }
    for (spy, function) in spies {
        let calls = of_spy(came, spy).into_iter();
        seen.extend(calls.map(|event| (event["time_ns"].as_u64().unwrap_or_default(), function)));
    }
    seen.sort_by_key(|(time, _)| *time);
    let seen: Vec<&str> = seen.into_iter().map(|(_, function)| function).collect();
    if !seen.iter().copied().eq(expected.value.iter().map(|function| function.value.as_str())) {
        let got = match seen.is_empty() {
            true => "none of them was called".to_owned(),
            false => format!("called: {}", in_short(&seen)),
        };
        wrong.push(UnmetExpectation {
            span: expected.span.clone(),
            got,
            note: None,
            instead: None,
        });
    }
}

/// Names in their order, one that comes several times in a row once, and no more than can be read.
fn in_short(names: &[&str]) -> String {
    const SHOWN: usize = 8;
    let runs: Vec<&[&str]> = names.chunk_by(|one, next| one == next).collect();
    let run = |run: &&[&str]| match run {
        [one] => (*one).to_owned(),
        several => format!("{} ×{}", several[0], several.len()),
    };
    let mut shown: Vec<String> = runs.iter().take(SHOWN).map(run).collect();
    if runs.len() > SHOWN {
        shown.push(format!("and {} more", runs.len() - SHOWN));
    }
    shown.join(", ")
}

/// What is wrong with a count, with the events that were seen.
fn counted(
    expected: &ExpectedCount,
    count: usize,
    what: &str,
    events: &[&Json],
) -> Option<UnmetExpectation> {
    /// Nobody reads more.
    const SHOWN: usize = 5;
    let count = count as u64;
    if (expected.least..=expected.most).contains(&count) {
        return None;
    }
    let mut lines: Vec<String> = events.iter().take(SHOWN).map(|event| line(event)).collect();
    if events.len() > SHOWN {
        lines.push(format!("and {} more", events.len() - SHOWN));
    }
    let note = (!lines.is_empty()).then(|| lines.join("\n"));
    // Where a number is written, another one can be.
    let is_number = expected.span.text().parse::<u64>().is_ok();
    let instead = is_number.then(|| count.to_string());
    let wanted = match (expected.least, expected.most) {
        (least, most) if least == most => format!("not {least}"),
        (least, u64::MAX) => format!("not at least {least}"),
        (0, most) => format!("not at most {most}"),
        (least, most) => format!("not {least} to {most}"),
    };
    let got = format!("{what}: {count}, {wanted}");
    Some(UnmetExpectation { span: expected.span.clone(), got, note, instead })
}

/// An event in a line: what was called with which arguments, or the fields of a record.
fn line(event: &Json) -> String {
    let fields = |object: &Json| -> String {
        let fields = object.as_object().into_iter().flatten();
        let fields: Vec<_> =
            fields.map(|(name, value)| format!("{name}={}", plain(value))).collect();
        fields.join(" ")
    };
    let name = event["function"].as_str().or(event["node"].as_str()).unwrap_or_default();
    let mut line = match event.get("args") {
        Some(arguments) => format!("{name}({})", fields(arguments)),
        None => format!("{name}  {}", fields(&event["data"])),
    };
    if let Some(result) = event.get("ret").filter(|result| !result.is_null()) {
        line += &format!(" = {}", plain(result));
    }
    line
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// Whether an event is one of those that `filter` takes: of the fields of its record, or of the arguments of the
/// call. `names` has the numbers of names.
fn holds(filter: &Filter, names: &Names, event: &Json) -> bool {
    match filter {
        Filter::Not(inner) => !holds(inner, names, event),
        Filter::And(left, right) => holds(left, names, event) && holds(right, names, event),
        Filter::Or(left, right) => holds(left, names, event) || holds(right, names, event),
        Filter::Test(test) => {
            let Some(value) = at(&test.path, event) else { return false };
            let to = test.to.as_ref().map(|(relation, to)| (*relation, &to.value));
            compares(value, to, names)
        }
    }
}

/// Numbers of names.
type Names = HashMap<String, i128>;

/// The value of an event that `path` leads to.
fn at<'e>(path: &ValuePath, event: &'e Json) -> Option<&'e Json> {
    let within = |name: &str| ["data", "args"].iter().find_map(|key| event[*key].get(name));
    // What a tracer captures has the whole expression as its name.
    if let Some(value) = within(&path.text.value) {
        return Some(value);
    }
    let first = path.first.value.as_str();
    let mut value = within(first).or_else(|| event.get(first.trim_start_matches('$')))?;
    for step in &path.fields {
        value = match step.way {
            Access::Item(index) => value.get(index as usize),
            _ => value.get(&step.name.value),
        }?;
    }
    Some(value)
}

/// Why none of `events` can be one that `filter` takes, whatever came: a field that none of them has, or a name
/// that is no number where all of them have one.
fn never_holds(filter: &Filter, names: &Names, events: &[&Json]) -> Option<String> {
    match filter {
        Filter::Not(inner) => never_holds(inner, names, events),
        Filter::And(left, right) | Filter::Or(left, right) => {
            never_holds(left, names, events).or_else(|| never_holds(right, names, events))
        }
        Filter::Test(test) => {
            if events.is_empty() {
                return None;
            }
            let path = &test.path.text.value;
            let values: Vec<&Json> =
                events.iter().filter_map(|event| at(&test.path, event)).collect();
            if values.is_empty() {
                return Some(format!("no event has `{path}`"));
            }
            let Some((_, to)) = &test.to else { return None };
            match &to.value {
                Constant::Name(name)
                    if !matches!(name.as_str(), "true" | "false" | "NULL")
                        && !names.contains_key(name)
                        && values.iter().all(|value| value.is_number()) =>
                {
                    Some(format!("`{path}` is a number, and `{name}` is none that is known"))
                }
                Constant::Number(_) | Constant::Duration(_) => {
                    let name = values[0]
                        .as_str()
                        .filter(|_| values.iter().all(|one| number(one).is_none()))?;
                    Some(format!("`{path}` is no number, but a name: `{name}`"))
                }
                _ => None,
            }
        }
    }
}

/// The number that a value is, or is the text of.
fn number(value: &Json) -> Option<i128> {
    match value {
        Json::Bool(boolean) => Some(i128::from(*boolean)),
        Json::Number(number) => {
            number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
        }
        Json::String(text) => {
            let digits =
                text.strip_prefix("0x").map(|digits| i128::from_str_radix(digits, 16).ok());
            digits.unwrap_or_else(|| text.parse().ok())
        }
        _ => None,
    }
}

fn compares(value: &Json, to: Option<(CompareOp, &Constant)>, names: &Names) -> bool {
    let Some((relation, constant)) = to else {
        return number(value).is_none_or(|number| number != 0);
    };
    let constant = match constant {
        Constant::Number(number) | Constant::Duration(number) => *number,
        Constant::Name(name) => match name.as_str() {
            "true" => 1,
            "false" | "NULL" => 0,
            name => match (value.as_str(), names.get(name)) {
                (None, Some(number)) => *number,
                (text, _) => {
                    return match relation {
                        CompareOp::Equal => text == Some(name),
                        CompareOp::NotEqual => text != Some(name),
                        _ => false,
                    };
                }
            },
        },
    };
    let Some(number) = number(value) else { return false };
    match relation {
        CompareOp::Equal => number == constant,
        CompareOp::NotEqual => number != constant,
        CompareOp::Less => number < constant,
        CompareOp::AtMost => number <= constant,
        CompareOp::Greater => number > constant,
        CompareOp::AtLeast => number >= constant,
    }
}

fn map(
    arranged: &ArrangedTest<'_>,
    name: &str,
    expected: &[EncodedEntry],
    elements: &[MapElement],
    wrong: &mut Vec<UnmetExpectation>,
) {
    let btf = arranged.map_types.get(name).and_then(Option::as_deref).map(|one| &one.btf);
    for entry in expected {
        let found = elements.iter().find(|(key, _)| *key == entry.key.bytes);
        match (&entry.value, found) {
            (None, None) => {}
            (None, Some(_)) => wrong.push(UnmetExpectation {
                span: entry.span.clone(),
                got: format!("`{name}` has an entry of this key"),
                note: None,
                instead: None,
            }),
            (Some(_), None) => {
                let got = match elements.len() {
                    0 => format!("`{name}` is empty"),
                    count => format!("`{name}` has no entry of this key, but {count} others"),
                };
                wrong.push(UnmetExpectation {
                    span: entry.span.clone(),
                    got,
                    note: None,
                    instead: None,
                });
            }
            (Some(value), Some((_, held))) => {
                let held = over_all_cpus(btf, value, held);
                // A single number can be written as it came.
                let number = match (value.parts.as_slice(), btf) {
                    ([part], Some(btf)) if part.of != 0 => {
                        Some(Shape::of(btf, part.of).text(&held))
                    }
                    _ => None,
                };
                let number = number.filter(|text| text.parse::<i64>().is_ok());
                let span = entry.value_span.as_ref().unwrap_or(&entry.span);
                for got in differing(btf, value, &held) {
                    let (span, instead) = (span.clone(), number.clone());
                    wrong.push(UnmetExpectation { span, got, note: None, instead });
                }
            }
        }
    }
    if expected.is_empty() && !elements.is_empty() {
        let span = arranged.map_span(name);
        let got = format!("`{name}` has {} entries", elements.len());
        wrong.push(UnmetExpectation { span, got, note: None, instead: None });
    }
}

/// A value of a map; where each CPU has its own, the sum of each number that is expected.
fn over_all_cpus(btf: Option<&Btf>, expected: &EncodedValue, held: &[u8]) -> Vec<u8> {
    let size = expected.bytes.len();
    let step = size.next_multiple_of(8).max(1);
    if held.len() <= size || btf.is_none() && held.len() == size {
        return held.to_vec();
    }
    let mut sum = held.get(..size).unwrap_or_default().to_vec();
    for part in &expected.parts {
        let bits = part.bits.end - part.bits.start;
        if !part.bits.start.is_multiple_of(8) || bits > 64 {
            continue;
        }
        let at = (part.bits.start / 8) as usize;
        let bytes = (bits / 8) as usize;
        let total = held.chunks(step).filter_map(|one| one.get(at..at + bytes)).fold(
            0_u64,
            |total, one| {
                let mut whole = [0; 8];
                whole[..bytes].copy_from_slice(one);
                total.wrapping_add(u64::from_le_bytes(whole))
            },
        );
        if let Some(place) = sum.get_mut(at..at + bytes) {
            place.copy_from_slice(&total.to_le_bytes()[..bytes]);
        }
    }
    sum
}

/// The parts of `expected` that `held` has otherwise, in words.
fn differing(btf: Option<&Btf>, expected: &EncodedValue, held: &[u8]) -> Vec<String> {
    let bit = |bytes: &[u8], at: u64| {
        let byte = bytes.get(usize::try_from(at / 8).unwrap_or(usize::MAX)).copied();
        byte.map(|byte| byte >> (at % 8) & 1)
    };
    let differs = |part: &&crate::resolve::EncodedPart| {
        part.bits.clone().any(|at| bit(&expected.bytes, at) != bit(held, at))
    };
    let shown = |part: &crate::resolve::EncodedPart, bytes: &[u8]| {
        let (start, end) = ((part.bits.start / 8) as usize, part.bits.end.div_ceil(8) as usize);
        let Some(bytes) = bytes.get(start..end) else { return "not there".to_owned() };
        match btf.filter(|_| part.bits.start.is_multiple_of(8) && part.of != 0) {
            Some(btf) => Shape::of(btf, part.of).text(bytes),
            None => bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" "),
        }
    };
    let parts = expected.parts.iter().filter(differs);
    parts
        .map(|part| {
            format!("{} is {}, not {}", part.name, shown(part, held), shown(part, &expected.bytes))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::{Names, holds, never_holds};
    use crate::{chain::Filter, testing::TestFile};

    /// A condition on the events of a node.
    fn condition(text: &str) -> Filter {
        let text = format!(
            "chain = \"builtin:xdp\"\n[[test]]\nname = \"a\"\n\
             expect.events = [{{ node = \"ingress\", where = '{text}' }}]\n"
        );
        let file = TestFile::parse(Path::new("a.toml"), text)
            .expect("it is valid")
            .expect("it has a test");
        file.tests[0].expect.events[0].filter.clone().expect("it has a condition").1
    }

    fn names() -> Names {
        [("XDP_DROP".to_owned(), 1)].into()
    }

    #[test]
    fn a_name_is_compared_with_names_and_with_numbers() {
        let (number, name) = (json!({ "ret": 1 }), json!({ "data": { "ret": "XDP_DROP" } }));
        for event in [&number, &name] {
            assert!(holds(&condition("ret == XDP_DROP"), &names(), event), "{event}");
            assert!(!holds(&condition("ret != XDP_DROP"), &names(), event), "{event}");
            assert!(!holds(&condition("ret == XDP_PASS"), &names(), event), "{event}");
        }
    }

    #[test]
    fn what_is_captured_is_found_by_its_expression() {
        let event = json!({ "args": { "change->to": "TCP_CLOSE", "flow": { "port": 9 } } });
        assert!(holds(&condition("change->to == TCP_CLOSE && flow.port == 9"), &names(), &event));
    }

    #[test]
    fn a_condition_that_never_holds_is_told() {
        let events = [&json!({ "data": { "length": 42, "to": "TCP_CLOSE" }, "ret": 2 })];
        let told = |text| never_holds(&condition(text), &names(), &events);
        assert_eq!(told("length == 42 || ret == XDP_DROP"), None);
        assert_eq!(told("!(to == TCP_LISTEN)"), None);
        let lenght = told("length == 42 || lenght == 42");
        assert_eq!(lenght.as_deref(), Some("no event has `lenght`"));
        let name = told("ret == XDP_DORP");
        assert_eq!(
            name.as_deref(),
            Some("`ret` is a number, and `XDP_DORP` is none that is known")
        );
        let number = told("to == 7");
        assert_eq!(number.as_deref(), Some("`to` is no number, but a name: `TCP_CLOSE`"));
    }
}
