//! The page, section by section.

use std::fmt::{Display, Write as _};

use super::{Gathered, NodeFigures, measured};
use crate::{
    chain::Role,
    event::{render::Totals, value},
    picture::{escaped, svg_with_notes},
    plan::PlannedNode,
};

const STYLE: &str = include_str!("style.css");
/// With the policy of the page: nothing is loaded and nothing runs, whatever a name in it looks like.
const HEAD: &str = include_str!("head.html");

pub(super) fn page(gathered: &Gathered, totals: &Totals<'_>, out: &mut String) {
    let name = escaped(&gathered.chain.name);
    // A String takes everything, here and below.
    let _ = writeln!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n{HEAD}\
         <title>{name}: run</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>"
    );
    header(gathered, totals, out);
    let _ = writeln!(out, "<section id=\"chain\">\n<h2>Chain</h2>");
    let notes: Vec<_> = gathered.plan.nodes.iter().zip(&gathered.nodes).map(note).collect();
    let _ = writeln!(out, "<div class=\"wide\">{}</div>", svg_with_notes(&gathered.chain, &notes));
    for (_, node) in gathered.chain.graph.nodes().filter(|(_, node)| node.running().is_some()) {
        let _ = writeln!(
            out,
            "<p><code>{}</code> is a program that somebody else loaded. The chain used it and left it \
             as it was.</p>",
            escaped(&node.id.value)
        );
    }
    out.push_str("</section>\n");
    nodes(gathered, totals, out);
    measured::durations(gathered, out);
    measured::results(gathered, out);
    measured::over_time(gathered, out);
    calls(gathered, out);
    losses(gathered, totals, out);
    out.push_str("</main>\n</body>\n</html>\n");
}

/// In the box of a node: how many events it emitted.
fn note((node, figures): (&PlannedNode, &NodeFigures)) -> String {
    match eventless(node) {
        Some(_) => String::new(),
        None => counted(figures.events, "event"),
    }
}

/// Why a node emits no events, where none of its kind does.
fn eventless(node: &PlannedNode) -> Option<&'static str> {
    match (node.role, node.label) {
        (Role::Stub, _) => Some("has no program"),
        (Role::Host, "running") => Some("not counted: loaded by others"),
        _ => None,
    }
}

fn header(gathered: &Gathered, totals: &Totals<'_>, out: &mut String) {
    let _ = writeln!(out, "<header>\n<h1>{}</h1>", escaped(&gathered.chain.name));
    if let Some(description) = &gathered.chain.description {
        let _ = writeln!(out, "<p>{}</p>", escaped(description));
    }
    if let Some((from, to)) = gathered.activity.ends() {
        let [start, end] = [from, to].map(|time| {
            let mut text = String::new();
            gathered.clock.time_of_day(time, &mut text);
            text
        });
        let took = duration(to - from);
        let _ = writeln!(out, "<p class=\"soft\">{start} to {end}, {took}</p>");
    }
    let lost = totals.accounting.total().lost;
    let skipped = totals.accounting.skips.total();
    out.push_str("<dl class=\"figures\">\n");
    for (name, count) in [
        ("events", totals.shown),
        ("calls", gathered.calls.seen),
        ("lost", lost),
        ("skipped", skipped),
    ] {
        let class = if count > 0 && ["lost", "skipped"].contains(&name) { "warn" } else { "plain" };
        let _ =
            writeln!(out, "<div class=\"{class}\"><dt>{name}</dt><dd>{}</dd></div>", number(count));
    }
    out.push_str("</dl>\n</header>\n");
}

fn nodes(gathered: &Gathered, totals: &Totals<'_>, out: &mut String) {
    out.push_str(
        "<section id=\"nodes\">\n<h2>Nodes</h2>\n<div class=\"wide\"><table>\n<thead><tr>",
    );
    for (class, name) in [
        ("", "node"),
        ("", "kind"),
        ("", "at"),
        ("number", "events"),
        ("number", "lost"),
        ("number", "skipped"),
    ] {
        let _ = write!(out, "<th class=\"{class}\">{name}</th>");
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for (index, (node, figures)) in gathered.plan.nodes.iter().zip(&gathered.nodes).enumerate() {
        let (id, label, at) = (escaped(&node.id), node.label, escaped(&node.place.to_string()));
        let _ =
            write!(out, "<tr><td><code>{id}</code></td><td>{label}</td><td><code>{at}</code></td>");
        if let Some(why) = eventless(node) {
            let _ = writeln!(out, "<td class=\"soft\" colspan=\"3\">{why}</td></tr>");
            continue;
        }
        cell(number(figures.events), out);
        cell(number(totals.accounting.of(index).lost), out);
        match totals.accounting.skips.of(index) {
            Some(count) => cell(number(count), out),
            None => cell("not counted", out),
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table></div>\n</section>\n");
}

fn cell(value: impl Display, out: &mut String) {
    let _ = write!(out, "<td class=\"number\">{value}</td>");
}

fn calls(gathered: &Gathered, out: &mut String) {
    let Gathered { calls, single, text, .. } = gathered;
    out.push_str("<section id=\"calls\">\n<h2>Calls</h2>\n");
    out.push_str(match (calls.seen, single.seen) {
        (0, 0) => "<p>No call was seen.</p>\n",
        (0, _) => "<p class=\"soft\">No event belongs to a call: each has a line.</p>\n",
        _ => {
            "<p class=\"soft\">Each line opens: the call as a tree, and its functions on a timeline. A \
             filled bar is from entry to return, an outlined one from the first event to the last; a \
             tick is an event.</p>\n"
        }
    });
    out.push_str(text);
    for (of, noun) in [(calls, "call"), (single, "single event")] {
        let more = of.seen - of.kept;
        if more > 0 {
            let _ = writeln!(
                out,
                "<p class=\"more\">{} counted above and not kept.</p>",
                match more {
                    1 => format!("1 more {noun} was"),
                    _ => format!("{} more {noun}s were", number(more)),
                }
            );
        }
    }
    out.push_str("</section>\n");
}

fn losses(gathered: &Gathered, totals: &Totals<'_>, out: &mut String) {
    let accounting = totals.accounting;
    let nodes = || gathered.plan.nodes.iter().enumerate();
    let total = accounting.total();
    let mut told = Vec::new();
    for (index, node) in nodes() {
        let id = escaped(&node.id);
        let (lost, skipped) = (accounting.of(index).lost, accounting.skips.of(index));
        if lost > 0 {
            let lost = counted(lost, "event");
            told.push(format!("{lost} of <code>{id}</code> lost: the buffer was full."));
        }
        match skipped {
            Some(0) => {}
            Some(times) => told.push(format!(
                "<code>{id}</code> was skipped {}: its event occurred while a program ran on the same \
                 CPU.",
                counted(times, "time")
            )),
            None => told.push(format!(
                "Skipped runs of <code>{id}</code> cannot be counted: the kernel counts them since \
                 Linux 6.7."
            )),
        }
        for map in accounting.uncounted_of(index) {
            told.push(format!(
                "Lost events of <code>{id}</code> cannot be counted: the kernel does not report drops \
                 for <code>{}</code>.",
                escaped(map)
            ));
        }
    }
    let of_nodes: u64 = nodes().map(|(index, _)| accounting.of(index).lost).sum();
    if total.lost > of_nodes {
        let lines = counted(total.lost - of_nodes, "line");
        told.push(format!("{lines} of bpf_printk lost, of this chain or of other programs."));
    }
    let hidden = total.delivered.saturating_sub(totals.shown);
    for (count, what) in [
        (hidden, "filtered out: neither counted nor shown here."),
        (accounting.undecoded, "could not be decoded."),
        (accounting.malformed, "malformed."),
    ] {
        if count > 0 {
            told.push(format!("{} {what}", counted(count, "event")));
        }
    }
    out.push_str("<section id=\"losses\">\n<h2>Losses and misses</h2>\n");
    if total.lost == 0 && accounting.skips.total() == 0 {
        told.insert(
            0,
            "No event was lost and no run of a program was skipped, as far as is counted.".into(),
        );
    }
    out.push_str("<ul>\n");
    for line in told {
        let _ = writeln!(out, "<li>{line}</li>");
    }
    out.push_str("</ul>\n</section>\n");
}

pub(super) fn duration(ns: u64) -> String {
    let mut out = String::new();
    value::duration(ns, &mut out);
    out
}

/// A duration, where there is one.
pub(super) fn known(ns: Option<u64>) -> String {
    ns.map_or_else(|| "unknown".to_owned(), duration)
}

/// `1 event`, `12,000 events`
pub(super) fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", number(count), if count == 1 { "" } else { "s" })
}

/// With a comma between thousands, from ten thousand on.
pub(super) fn number(count: u64) -> String {
    let digits = count.to_string();
    if count < 10_000 {
        return digits;
    }
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
