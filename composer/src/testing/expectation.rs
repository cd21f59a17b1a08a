//! `[test.expect]`: what has to hold after a test.

use toml::de::DeValue;

use super::{
    ExpectedCalls, ExpectedCount, ExpectedEvents, TestExpectation,
    read::{condition, count, maps},
};
use crate::{
    chain::{
        Spanned,
        reading::{globals, value},
        table::{Diagnostics, Table, string, strings, wrong_type},
    },
    diag::{Code, nearest},
    errno::{errno_names, errno_number},
    packet::ExpectedPacket,
};

/// Reads the table; none when something is wrong with it.
pub(super) fn expected(
    found: &toml::Spanned<DeValue<'_>>,
    report: &mut Diagnostics<'_>,
) -> Option<TestExpectation> {
    let Some(entries) = found.get_ref().as_table() else {
        wrong_type("`expect`", "a table: { returns = \"XDP_DROP\" }", found, report);
        return None;
    };
    let mut table = report.table("`expect`".to_owned(), report.span(found), entries);
    let mut good = true;
    let mut optional = |key: &'static str, table: &mut Table<'_>, report: &mut Diagnostics<'_>| {
        let (_, found) = table.get(key)?;
        let read = value(&format!("`{key}`"), found, report);
        good &= read.is_some();
        read
    };
    let returns = optional("returns", &mut table, report);
    let context = optional("ctx", &mut table, report);
    let packet = match table.get("packet") {
        Some((_, found)) => {
            let read = ExpectedPacket::read(found, report.sources, report.diagnostics);
            good &= read.is_some();
            read
        }
        None => None,
    };
    let calls = list("calls", &mut table, report, calls);
    let events = list("events", &mut table, report, events);
    let order = table.get("order").map(|(_, found)| Spanned {
        value: strings("order", found, report),
        span: report.span(found),
    });
    let maps = maps("maps", &mut table, report);
    let globals = globals(&mut table, report);
    let arrived = match table.get("arrived") {
        Some((_, found)) => {
            let read = bounds("`arrived`", found, report);
            good &= read.is_some();
            read
        }
        None => None,
    };
    let exit = match table.get("exit") {
        Some((_, found)) => {
            let read = count("`exit`", 0, found, report);
            good &= read.is_some();
            read
        }
        None => None,
    };
    let errno = match table.get("errno") {
        Some((_, found)) => {
            let read = errno(found, report);
            good &= read.is_some();
            read
        }
        None => None,
    };
    let max_ns = match table.get("max_ns") {
        Some((_, found)) => count("`max_ns`", 1, found, report),
        None => None,
    };
    table.finish(report);
    let (calls, events) = calls.zip(events)?;
    good.then_some(TestExpectation {
        returns,
        packet,
        context,
        calls,
        order,
        events,
        maps,
        globals,
        arrived,
        exit,
        errno,
        max_ns,
    })
}

/// Reads the name of an error number.
fn errno(found: &toml::Spanned<DeValue<'_>>, report: &mut Diagnostics<'_>) -> Option<Spanned<i32>> {
    let name = string("`errno`", found, report)?;
    if let Some(value) = errno_number(&name.value) {
        return Some(Spanned { value, span: name.span });
    }
    let known: Vec<&str> = errno_names().collect();
    let help = match nearest(&name.value, known.iter().copied()) {
        Some(near) => format!("Did you mean `{near}`?"),
        None => format!("Write one of: {}.", known.join(", ")),
    };
    let message = format!("unknown error number `{}`", name.value.escape_debug());
    let wrong = report.at(Code::BadValue, message, &name.span, "unknown name").help(help);
    report.push(wrong);
    None
}

/// Reads the list of tables at `key`; none when something is wrong with it.
fn list<T>(
    key: &'static str,
    table: &mut Table<'_>,
    report: &mut Diagnostics<'_>,
    read: impl Fn(&mut Table<'_>, &mut Diagnostics<'_>) -> Option<T>,
) -> Option<Vec<T>> {
    let Some((_, found)) = table.get(key) else { return Some(Vec::new()) };
    let Some(items) = found.get_ref().as_array() else {
        wrong_type(&format!("`{key}`"), "a list of tables", found, report);
        return None;
    };
    let mut all = Some(Vec::new());
    for item in items {
        let one = match item.get_ref().as_table() {
            Some(entries) => {
                let span = report.span(item);
                let mut table = report.table(format!("an item of `{key}`"), span, entries);
                let one = read(&mut table, report);
                table.finish(report);
                one
            }
            None => {
                wrong_type(&format!("an item of `{key}`"), "a table", item, report);
                None
            }
        };
        all = all.zip(one).map(|(mut all, one)| {
            all.push(one);
            all
        });
    }
    all
}

fn calls(table: &mut Table<'_>, report: &mut Diagnostics<'_>) -> Option<ExpectedCalls> {
    let function = table.required(&["function"], "\"lookup_route\"", report);
    let node = table.string("node", report);
    let filter = condition(table, report);
    let count = how_often(table, report, function.as_ref());
    Some(ExpectedCalls { function: function?, node, count: count?, filter: filter? })
}

fn events(table: &mut Table<'_>, report: &mut Diagnostics<'_>) -> Option<ExpectedEvents> {
    let node = table.required(&["node"], "\"ingress\"", report);
    let filter = condition(table, report);
    let count = how_often(table, report, node.as_ref());
    Some(ExpectedEvents { node: node?, count: count?, filter: filter? })
}

/// Reads `count = 1` or `count = { least = 1, most = 3 }`; at least once if not given.
fn how_often(
    table: &mut Table<'_>,
    report: &mut Diagnostics<'_>,
    of: Option<&Spanned<String>>,
) -> Option<ExpectedCount> {
    let Some((_, found)) = table.get("count") else {
        return Some(ExpectedCount { least: 1, most: u64::MAX, span: of?.span.clone() });
    };
    bounds("`count`", found, report)
}

/// Reads `1` or `{ least = 1, most = 3 }`; `what` is its name in messages.
fn bounds(
    what: &str,
    found: &toml::Spanned<DeValue<'_>>,
    report: &mut Diagnostics<'_>,
) -> Option<ExpectedCount> {
    let span = report.span(found);
    let Some(entries) = found.get_ref().as_table() else {
        let number = count(what, 0, found, report)?.value.into();
        return Some(ExpectedCount { least: number, most: number, span });
    };
    let mut table = report.table(what.to_owned(), span.clone(), entries);
    let mut bound = |key: &'static str, otherwise: u64| match table.get(key) {
        Some((_, found)) => count(&format!("`{key}`"), 0, found, report).map(|n| n.value.into()),
        None => Some(otherwise),
    };
    let (least, most) = (bound("least", 0), bound("most", u64::MAX));
    table.finish(report);
    let (least, most) = (least?, most?);
    if least > most {
        let label = format!("{least} is more than {most}");
        let wrong = report
            .at(Code::BadValue, format!("{what} can never be so"), &span, label)
            .help("Write at most as much for `least` as for `most`.");
        report.push(wrong);
        return None;
    }
    Some(ExpectedCount { least, most, span })
}
