//! `returns` and `writes` of a replacement without a program of its own: what it answers.

use toml::de::DeValue;

use super::{
    Spanned, Value,
    expression::Filter,
    globals::value,
    table::{Diagnostics, Table, string, wrong_type},
    tracer::condition,
};
use crate::diag::{Code, Span};

/// What a replacement does that the composer makes: which values it returns, and what it writes through
/// the pointers that it is given.
#[derive(Debug, Clone)]
pub struct GeneratedAnswer {
    /// What it returns.
    pub results: Results,
    /// What it writes: a parameter that is a pointer, and the value of what that points to.
    pub writes: Vec<(Spanned<String>, Spanned<Value>)>,
}

/// What a made replacement returns.
#[derive(Debug, Clone)]
pub enum Results {
    /// Nothing, since its stub does not either.
    Nothing,
    /// The values by the number of the call; the last one for all further calls.
    InOrder(Vec<Spanned<Value>>),
    /// The value of the first case that applies.
    ByArguments(Vec<ResultCase>),
}

/// A value to return.
#[derive(Debug, Clone)]
pub struct ResultCase {
    /// The condition, as text and parsed; none in the last case.
    pub filter: Option<(Spanned<String>, Filter)>,
    /// The value.
    pub value: Spanned<Value>,
}

/// What `table` says of the answer, with the place where it does; none when it says nothing.
pub(crate) fn answer(
    table: &mut Table<'_>,
    report: &mut Diagnostics<'_>,
) -> Option<(Span, Option<GeneratedAnswer>)> {
    let (returns, writes) = (table.get("returns"), table.get("writes"));
    let place = [&returns, &writes].into_iter().flatten().map(|(key, _)| key.clone()).next()?;
    let results = match returns {
        Some((_, value)) => results(value, report),
        None => Some(Results::Nothing),
    };
    let writes = match writes {
        Some((_, value)) => self::writes(value, report),
        None => Some(Vec::new()),
    };
    let answer = results.zip(writes).map(|(results, writes)| GeneratedAnswer { results, writes });
    Some((place, answer))
}

fn results(found: &toml::Spanned<DeValue<'_>>, report: &mut Diagnostics<'_>) -> Option<Results> {
    const WHAT: &str = "`returns`";
    let Some(items) = found.get_ref().as_array() else {
        return value(WHAT, found, report).map(|one| Results::InOrder(vec![one]));
    };
    if items.is_empty() {
        let empty = report
            .at(Code::BadValue, "`returns` is empty", &report.span(found), "no value")
            .help("Write a value, or a list of values, one for each call.");
        report.push(empty);
        return None;
    }
    if items.iter().all(|item| !item.get_ref().is_table()) {
        let values: Vec<_> = items.iter().map(|item| value(WHAT, item, report)).collect();
        return values.into_iter().collect::<Option<_>>().map(Results::InOrder);
    }
    let last = items.len() - 1;
    let cases = items.iter().enumerate().map(|(number, item)| case(item, number == last, report));
    let cases: Vec<_> = cases.collect();
    cases.into_iter().collect::<Option<_>>().map(Results::ByArguments)
}

/// Reads `{ where = "len > 100", value = 2 }`.
fn case(
    found: &toml::Spanned<DeValue<'_>>,
    is_last: bool,
    report: &mut Diagnostics<'_>,
) -> Option<ResultCase> {
    let Some(entries) = found.get_ref().as_table() else {
        wrong_type("a case of `returns`", "{ where = \"len > 100\", value = 2 }", found, report);
        return None;
    };
    let span = report.span(found);
    let mut table = report.table("a case of `returns`".to_owned(), span.clone(), entries);
    let filter = table.get("where").map(|(_, text)| filter(text, report));
    let result = match table.get("value") {
        Some((_, found)) => value("`value`", found, report),
        None => {
            table.missing(&["value"], "2");
            None
        }
    };
    table.finish(report);
    if filter.is_some() == is_last {
        let (message, help) = match is_last {
            true => (
                "the last case of `returns` has a condition",
                "Add a case without `where`: what is returned otherwise.",
            ),
            false => (
                "a case of `returns` without a condition is followed by others",
                "Move it to the end. It applies to all calls that are left.",
            ),
        };
        let found = report.at(Code::BadValue, message, &span, "this case").help(help);
        report.push(found);
        return None;
    }
    let filter = match filter {
        Some(read) => Some(read?),
        None => None,
    };
    Some(ResultCase { filter, value: result? })
}

/// Reads the condition `found`.
pub(crate) fn filter(
    found: &toml::Spanned<DeValue<'_>>,
    report: &mut Diagnostics<'_>,
) -> Option<(Spanned<String>, Filter)> {
    condition(&string("`where`", found, report)?, report)
}

fn writes(
    found: &toml::Spanned<DeValue<'_>>,
    report: &mut Diagnostics<'_>,
) -> Option<Vec<(Spanned<String>, Spanned<Value>)>> {
    let Some(entries) = found.get_ref().as_table() else {
        wrong_type("`writes`", "a table: { params = { ifindex = 2 } }", found, report);
        return None;
    };
    let mut read = Vec::new();
    for (key, found) in entries {
        let name = Spanned { value: key.get_ref().to_string(), span: report.span(key) };
        read.push((name, value("a value of `writes`", found, report)?));
    }
    read.sort_by(|(one, _), (other, _)| one.span.cmp(&other.span));
    Some(read)
}
