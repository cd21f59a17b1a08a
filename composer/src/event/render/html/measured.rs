//! The sections of a page with what was measured: durations, results, events over time.

use std::fmt::Write as _;

use super::{
    Gathered,
    activity::INTERVALS,
    page::{counted, duration, known, number},
};
use crate::{
    chain::Role,
    event::Durations,
    picture::{escaped, shortened},
};

pub(super) fn durations(gathered: &Gathered, out: &mut String) {
    out.push_str("<section id=\"durations\">\n<h2>Durations</h2>\n");
    let measured = gathered.plan.nodes.iter().zip(&gathered.nodes);
    let measured: Vec<_> = measured.filter(|(_, node)| node.durations.count() > 0).collect();
    if measured.is_empty() {
        out.push_str(
            "<p>No node measured how long a call took. A built-in tracer with <code>trace</code> or \
             <code>fexit</code> does.</p>\n",
        );
    }
    for (node, figures) in measured {
        let all = &figures.durations;
        let of = match node.role {
            Role::Tracer => node.place.function(),
            _ => &node.id,
        };
        let _ = writeln!(
            out,
            "<article>\n<h3><code>{}</code> <small>measured by <code>{}</code></small></h3>\n\
             <dl class=\"figures small\">",
            escaped(of),
            escaped(&node.id)
        );
        for (name, value) in [
            ("calls", number(all.count())),
            ("mean", known(all.mean())),
            ("median", known(all.percentile(50))),
            ("99 % within", known(all.percentile(99))),
            ("longest", known(all.longest())),
        ] {
            let _ = writeln!(out, "<div><dt>{name}</dt><dd>{value}</dd></div>");
        }
        out.push_str("</dl>\n");
        histogram(all, out);
        out.push_str("</article>\n");
    }
    out.push_str("</section>\n");
}

fn histogram(all: &Durations, out: &mut String) {
    let powers = powers(all);
    let most = powers.iter().map(|(_, count)| *count).max().unwrap_or(0);
    out.push_str("<table class=\"bars\">\n<tbody>\n");
    for (below, count) in powers {
        let from = if below == 1 { 0 } else { below.div_ceil(2) };
        let range = format!("{} to {}", duration(from), duration(below));
        bar(&range, count, most, all.count(), out);
    }
    out.push_str("</tbody>\n</table>\n");
}

/// How many took less than each power of two and no less than the one before, from the shortest to the
/// longest: pairs of that power and the count.
pub(super) fn powers(all: &Durations) -> Vec<(u64, u64)> {
    let mut found: Vec<(u64, u64)> = Vec::new();
    for (from, _, count) in all.buckets() {
        let digits = from.checked_ilog2().map_or(0, |power| power + 1);
        let power = 1_u64.checked_shl(digits).unwrap_or(u64::MAX);
        // Those between that nothing fell into have their line as well.
        while let Some((last, _)) = found.last()
            && *last < power
        {
            found.push((last.saturating_mul(2), 0));
        }
        match found.last_mut() {
            Some((_, sum)) => *sum += count,
            None => found.push((power, count)),
        }
    }
    found
}

/// A row with a bar: its length is what `count` is of `most`, its percentage what it is of `all`.
fn bar(name: &str, count: u64, most: u64, all: u64, out: &mut String) {
    let of =
        |whole: u64, scale: u64| u128::from(count) * u128::from(scale) / u128::from(whole.max(1));
    let percent = of(all, 1000);
    let width = of(most, 1000);
    let _ = writeln!(
        out,
        "<tr><th>{}</th><td class=\"number\">{}</td><td class=\"number soft\">{}.{} %</td>\
         <td class=\"bar\"><i style=\"width:{}.{}%\"></i></td></tr>",
        escaped(name),
        number(count),
        percent / 10,
        percent % 10,
        width / 10,
        width % 10
    );
}

pub(super) fn results(gathered: &Gathered, out: &mut String) {
    let nodes = gathered.plan.nodes.iter().zip(&gathered.nodes);
    let nodes: Vec<_> = nodes.filter(|(_, figures)| !figures.results.is_empty()).collect();
    out.push_str("<section id=\"results\">\n<h2>Results</h2>\n");
    if nodes.is_empty() {
        out.push_str("<p>No event has a result.</p>\n");
    }
    for (node, figures) in nodes {
        let of = match node.role {
            Role::Tracer => node.place.function(),
            _ => &node.id,
        };
        let _ = writeln!(
            out,
            "<article>\n<h3><code>{}</code> <small>seen by <code>{}</code></small></h3>\n\
             <table class=\"bars\">\n<tbody>",
            escaped(of),
            escaped(&node.id)
        );
        let mut rows: Vec<_> =
            figures.results.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        rows.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        rows.extend((figures.other_results > 0).then_some(("others", figures.other_results)));
        let all: u64 = rows.iter().map(|(_, count)| count).sum();
        let most = rows.iter().map(|(_, count)| *count).max().unwrap_or(0);
        for (name, count) in rows {
            bar(&shortened(name, 40), count, most, all, out);
        }
        out.push_str("</tbody>\n</table>\n</article>\n");
    }
    out.push_str("</section>\n");
}

/// A row for each node that emitted events, with a bar for each interval.
pub(super) fn over_time(gathered: &Gathered, out: &mut String) {
    const NAMES: f64 = 230.0;
    const BARS: f64 = 520.0;
    const ROW: f64 = 34.0;
    let Some((start, last)) = gathered.activity.ends() else { return };
    let nodes = gathered.plan.nodes.iter().enumerate();
    let rows: Vec<_> = nodes
        .map(|(index, node)| (node, gathered.activity.of(index)))
        .filter(|(_, row)| row.iter().any(|count| *count > 0))
        .collect();
    let height = ROW * rows.len() as f64 + 30.0;
    let _ = writeln!(
        out,
        "<section id=\"time\">\n<h2>Events over time</h2>\n<div class=\"wide\">\
         <svg class=\"time\" role=\"img\" viewBox=\"0 0 840 {height}\" width=\"840\" \
         height=\"{height}\"><title>Events over time</title>"
    );
    let used = gathered.activity.used().clamp(1, INTERVALS);
    let width = BARS / used as f64;
    for (number, (node, row)) in rows.iter().enumerate() {
        let bottom = ROW * (number + 1) as f64;
        let most = row.iter().copied().max().unwrap_or(1).max(1);
        let all: u64 = row.iter().sum();
        let _ = writeln!(
            out,
            "<g><title>{} {}</title><text x=\"0\" y=\"{}\">{}</text>\
             <path class=\"axis\" d=\"M{NAMES},{bottom} h{BARS}\"/>",
            escaped(&node.id),
            counted(all, "event"),
            bottom - 4.0,
            escaped(&shortened(&node.id, 31))
        );
        for (interval, count) in row.iter().enumerate().take(used).filter(|(_, it)| **it > 0) {
            let tall = (26.0 * *count as f64 / most as f64).max(2.0);
            let x = NAMES + interval as f64 * width;
            let _ = write!(
                out,
                "<rect class=\"whole\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{tall:.1}\"/>",
                bottom - tall,
                (width - 1.0).max(1.0)
            );
        }
        let _ = writeln!(
            out,
            "<text class=\"soft\" x=\"{}\" y=\"{}\">max {}</text></g>",
            NAMES + BARS + 12.0,
            bottom - 4.0,
            super::page::number(most)
        );
    }
    let below = height - 12.0;
    let _ = writeln!(
        out,
        "<text class=\"soft\" x=\"{NAMES}\" y=\"{below}\">0</text>\
         <text class=\"soft right\" x=\"{}\" y=\"{below}\">{}</text></svg></div>\n\
         <p class=\"soft\">Each bar is {}; <em>max</em> is the number of events of the highest bar of a \
         row.</p>\n</section>",
        NAMES + BARS,
        duration(last - start),
        duration(gathered.activity.length())
    );
}
