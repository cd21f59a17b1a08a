//! One call as HTML: its tree as text, and its functions on a timeline.

use std::fmt::Write as _;

use crate::{
    chain::ProbePoint,
    event::{
        call_tree::{CallPart, CallPaths, Visit},
        calls::{BufferedEvent, Call},
        render::tree::TreeStyle,
        value,
    },
    picture::{escaped, shortened},
};

/// Pixels: a row, the names, the bars, and all of it.
const ROW: f64 = 22.0;
const NAMES: f64 = 230.0;
const BARS: f64 = 520.0;
const WIDTH: f64 = 840.0;

/// A function on the timeline, in nanoseconds.
#[derive(Debug, PartialEq, Eq)]
struct TimelineRow {
    name: String,
    depth: usize,
    from: u64,
    to: u64,
    /// Whether its beginning and end were seen; else it is from its first event to its last.
    whole: bool,
    events: Vec<u64>,
}

/// A call, closed at first.
pub(super) fn call(style: &mut TreeStyle, call: &Call) -> String {
    let mut text = String::new();
    style.call(call, &mut text);
    let text = text.trim_matches('\n');
    let (head, rest) = text.split_once('\n').unwrap_or((text, ""));
    let head = escaped(head.trim_end());
    if call.number == 0 || call.events.len() < 2 {
        return format!("<div class=\"alone\"><code>{head}</code></div>\n");
    }
    let rows = rows(style.paths(), call, &style.names(&style.paths().hosts(call)));
    let mut out = "<details><summary><code>".to_owned();
    out.push_str(&head);
    let from = rows.iter().map(|row| row.from).min().unwrap_or(0);
    let to = rows.iter().map(|row| row.to).max().unwrap_or(0);
    // A String takes everything, here and below.
    let _ = write!(out, "</code> <span>{} events, ", call.events.len());
    value::duration(to - from, &mut out);
    out.push_str("</span></summary>\n<pre>");
    for line in rest.lines() {
        out.push_str(&escaped(line.trim_end()));
        out.push('\n');
    }
    out.push_str("</pre>\n");
    timeline(&rows, (from, to), &mut out);
    out.push_str("</details>\n");
    out
}

fn rows(paths: &CallPaths, call: &Call, host: &str) -> Vec<TimelineRow> {
    let times = || call.events.iter().map(|event| event.time_ns);
    let mut rows = vec![TimelineRow {
        name: host.to_owned(),
        depth: 0,
        from: times().min().unwrap_or(0),
        to: times().max().unwrap_or(0),
        whole: false,
        events: Vec::new(),
    }];
    for part in paths.parts(&call.events) {
        match part {
            CallPart::Event(number) => {
                rows[0].events.extend(call.events.get(number).map(|event| event.time_ns));
            }
            CallPart::Span(span) => visit(paths, call, &span, 1, &mut rows),
        }
    }
    rows
}

fn visit(paths: &CallPaths, call: &Call, span: &Visit, depth: usize, rows: &mut Vec<TimelineRow>) {
    let own = || {
        span.parts.iter().filter_map(|part| match part {
            CallPart::Event(number) => call.events.get(*number),
            CallPart::Span(_) => None,
        })
    };
    let of = |point| own().filter(move |event| paths.point(event) == Some(point));
    let (entry, exit) = (of(ProbePoint::Fentry).next(), of(ProbePoint::Fexit).next_back());
    let began = exit.and_then(BufferedEvent::began);
    let began = began.or_else(|| entry.map(|entry| entry.time_ns));
    let at = rows.len();
    rows.push(TimelineRow {
        name: paths.places.get(span.place).map_or_else(String::new, |place| place.name.clone()),
        depth,
        from: 0,
        to: 0,
        whole: began.is_some() && exit.is_some(),
        events: own().map(|event| event.time_ns).collect(),
    });
    for part in &span.parts {
        if let CallPart::Span(inner) = part {
            visit(paths, call, inner, depth + 1, rows);
        }
    }
    let within = &rows[at + 1..];
    let times = || own().map(|event| event.time_ns);
    let first = times().chain(within.iter().map(|row| row.from)).min().unwrap_or(0);
    let last = times().chain(within.iter().map(|row| row.to)).max().unwrap_or(0);
    let row = &mut rows[at];
    (row.from, row.to) = match exit {
        Some(exit) if row.whole => (began.unwrap_or(first), exit.time_ns),
        _ => (first, last),
    };
}

fn timeline(rows: &[TimelineRow], (from, to): (u64, u64), out: &mut String) {
    let height = ROW * rows.len() as f64 + 24.0;
    let _ = writeln!(
        out,
        "<svg class=\"time\" role=\"img\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\"><title>Timeline of the call</title>"
    );
    let scale = BARS / (to - from).max(1) as f64;
    let at = |ns: u64| ((ns.saturating_sub(from) as f64 * scale + NAMES) * 10.0).round() / 10.0;
    for (number, row) in rows.iter().enumerate() {
        let y = ROW * number as f64;
        let indent = 12.0 * row.depth.min(8) as f64;
        let name = escaped(&shortened(&row.name, ((NAMES - indent - 8.0) / 7.0) as usize));
        let mut took = String::new();
        value::duration(row.to.saturating_sub(row.from), &mut took);
        let (x, width) = (at(row.from), (at(row.to) - at(row.from)).max(1.0));
        let class = if row.whole { "whole" } else { "partial" };
        let _ = writeln!(
            out,
            "<g><title>{} {took}</title><text x=\"{indent}\" y=\"{}\">{name}</text>\
             <rect class=\"{class}\" x=\"{x}\" y=\"{}\" width=\"{width:.1}\" height=\"12\"/>",
            escaped(&row.name),
            y + 15.0,
            y + 5.0
        );
        for event in &row.events {
            let x = at(*event);
            let _ = write!(out, "<path class=\"event\" d=\"M{x},{} v16\"/>", y + 3.0);
        }
        let _ = writeln!(
            out,
            "<text class=\"soft\" x=\"{}\" y=\"{}\">{took}</text></g>",
            NAMES + BARS + 12.0,
            y + 15.0
        );
    }
    let y = ROW * rows.len() as f64 + 6.0;
    let mut all = String::new();
    value::duration(to - from, &mut all);
    let (right, text) = (NAMES + BARS, y + 14.0);
    let _ = writeln!(
        out,
        "<path class=\"axis\" d=\"M{NAMES},{y} H{right}\"/>\
         <text class=\"soft\" x=\"{NAMES}\" y=\"{text}\">0</text>\
         <text class=\"soft right\" x=\"{right}\" y=\"{text}\">{all}</text></svg>"
    );
}
