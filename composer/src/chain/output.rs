//! The output of a node: events of maps other than the composer's, and lines of `bpf_printk`.

use toml::de::DeValue;

use super::{
    Spanned,
    layout::{self, Declared},
    table::{Diagnostics, Table, wrong_type},
    text::{self, FieldStep, TextPiece},
};
use crate::diag::{Code, Span};

/// The part of a program's output that is shown.
#[derive(Debug, Clone, Default)]
pub struct Output {
    /// How records of its event maps are decoded; those not named here are shown as bytes.
    pub events: Vec<EventMap>,
    /// Whether its lines of `bpf_printk` are shown; the chain's setting if not given.
    pub printk: Option<bool>,
}

/// How records of one map are decoded.
#[derive(Debug, Clone)]
pub struct EventMap {
    /// The map's name.
    pub map: Spanned<String>,
    /// The struct that its records are.
    pub record: Option<Spanned<String>>,
    /// The declarations of that struct, when they are in the chain.
    pub layout: Option<Declared>,
    /// How they are shown, when not field by field.
    pub text: Option<Vec<TextPiece>>,
    /// The field that holds the time, `CLOCK_MONOTONIC` in nanoseconds.
    pub time: Option<Vec<Spanned<FieldStep>>>,
}

/// Reads the keys of a node that has a program.
pub(super) fn output(table: &mut Table<'_>, report: &mut Diagnostics<'_>) -> Output {
    let printk = table.boolean("printk", report);
    let mut events = Vec::new();
    if let Some((_, value)) = table.get("events") {
        let items: Vec<_> = match value.get_ref() {
            DeValue::Array(items) => items.iter().collect(),
            _ => vec![value],
        };
        for item in items {
            let Some(entries) = item.get_ref().as_table() else {
                let wanted = "a table: { map = \"events\", type = \"struct event\" }";
                wrong_type("`events`", wanted, item, report);
                continue;
            };
            let mut table = report.table("`events`".to_owned(), report.span(item), entries);
            let found = event_map(&mut table, report);
            table.finish(report);
            events.extend(found);
        }
    }
    each_once(&events, report);
    Output { events, printk }
}

fn event_map(table: &mut Table<'_>, report: &mut Diagnostics<'_>) -> Option<EventMap> {
    let map = table.required(&["map"], "\"events\"", report);
    let record = table.string("type", report);
    let text = table.string("text", report);
    let time = table.string("time", report);
    let places = [table.get("type"), table.get("layout")].map(|found| Some(found?.0));
    let layout = table.string("layout", report);
    if let [Some(before), Some(again)] = &places {
        let message = "`type` and `layout` exclude each other";
        let found = report
            .at(Code::BadLayout, message, again, "again")
            .label(before, "first defined here")
            .help("Remove one of the two. Each of them defines the record.");
        report.push(found);
    }
    let layout = layout.and_then(|layout| layout::layout(&layout, report));
    if places == [None, None] && (text.is_some() || time.is_some()) {
        table.missing(&["type"], "\"struct event\"");
    }
    let text = text.map(|text| text::pieces(&text, report));
    let time = time.map(|time| {
        let path = text::path(&time);
        if path.is_none() {
            let message = format!("`{}` is not a valid field name", time.value.escape_debug());
            let found = report.at(Code::BadText, message, &time.span, "here");
            report.slip(found.help("Write a field of the type as in C: ts, header.ts."));
        }
        path
    });
    Some(EventMap { map: map?, record, layout, text: text.flatten(), time: time.flatten() })
}

/// Two ways to decode the records of one map are one too many.
fn each_once(events: &[EventMap], report: &mut Diagnostics<'_>) {
    let same = |one: &EventMap, other: &EventMap| one.map.value == other.map.value;
    for (number, one) in events.iter().enumerate() {
        let Some(first) = events[..number].iter().find(|first| same(first, one)) else { continue };
        let (again, before): (Span, Span) = (one.map.span.clone(), first.map.span.clone());
        let message = format!("duplicate map `{}` in `events`", one.map.value);
        let found = report
            .at(Code::BadValue, message, &again, "again")
            .label(&before, "first defined here")
            .help("Remove one of the two. All records of a map have the same type.");
        report.push(found);
    }
}
