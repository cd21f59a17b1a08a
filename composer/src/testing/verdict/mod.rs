//! What came of a test → what of it is not as expected.

mod contents;
mod events;

use std::collections::HashMap;

use serde_json::Value as Json;

use super::{
    Correction, Trigger,
    arrange::{ArrangedTest, HostRun},
};
use crate::{
    diag::{Code, Diagnostic, Span},
    errno::errno_name,
    kernel::{MapElement, TestRunOutput},
    packet::dump,
    resolve::EncodedValue,
};
use contents::{differing, map};
use events::{counted, holds, in_short, line, never_holds, of_spy};

/// What came of a test.
pub(super) struct Came {
    pub(super) output: Option<TestRunOutput>,
    /// How much of the traffic arrived, where that can be known.
    pub(super) arrived: Option<u32>,
    /// The exit code of the command.
    pub(super) exit: Option<i32>,
    /// The error of the system call, where one was made: none if it had none.
    pub(super) errno: Option<Option<i32>>,
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
                    // What is written there is what was expected, and not the name of a layer.
                    instead: Some(one.got).filter(|_| one.span.text() == one.expected),
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
    exited(arranged, came, &mut wrong);
    ended(arranged, came, &mut wrong);
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
    for (expected, elements) in arranged.expected_maps.iter().zip(&came.maps) {
        map(expected, elements, &mut wrong);
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
    let counts_events = !test.expect.calls.is_empty() || !test.expect.events.is_empty();
    if came.lost > 0 && (counts_events || test.expect.order.is_some()) {
        let got = format!("{} events found no room, so counts and order are not known", came.lost);
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

fn exited(arranged: &ArrangedTest<'_>, came: &Came, wrong: &mut Vec<UnmetExpectation>) {
    let (Trigger::Exec(words), Some(code)) = (&arranged.test.trigger, came.exit) else { return };
    let expected = &arranged.test.expect.exit;
    let wanted = expected.as_ref().map_or(0, |exit| exit.value);
    if i64::from(code) != i64::from(wanted) {
        wrong.push(UnmetExpectation {
            span: expected.as_ref().map_or(&words[0].span, |exit| &exit.span).clone(),
            got: format!("`{}` ended with exit code {code}, not {wanted}", words[0].value),
            note: None,
            instead: expected.is_some().then(|| code.to_string()),
        });
    }
}

fn ended(arranged: &ArrangedTest<'_>, came: &Came, wrong: &mut Vec<UnmetExpectation>) {
    let (Trigger::Syscall(syscall, _), Some(errno)) = (&arranged.test.trigger, came.errno) else {
        return;
    };
    let expected = &arranged.test.expect.errno;
    let wanted = expected.as_ref().map(|errno| errno.value);
    if errno != wanted {
        let said = |errno: Option<i32>| errno.map_or("no error", errno_name);
        let name = syscall.name;
        wrong.push(UnmetExpectation {
            span: expected.as_ref().map_or(&arranged.test.span, |errno| &errno.span).clone(),
            got: format!("`{name}` ended with {}, not {}", said(errno), said(wanted)),
            note: None,
            instead: errno
                .filter(|_| wanted.is_some())
                .map(|errno| format!("\"{}\"", errno_name(errno))),
        });
    }
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

/// Numbers of names.
type NumberNames = HashMap<String, i128>;
