//! How often each node ran and how long its calls took: a table, drawn again in its place on a terminal.

use std::fmt::Write as _;

use super::{Render, Totals};
use crate::{
    chain::Role,
    event::{Durations, Event, Paint, paint::pad, value},
    plan::PlannedNode,
    running::Runs,
};

/// Nanoseconds of the kernel's clock between two drawings.
const PERIOD: u64 = 500_000_000;

/// Counts events and calls, and shows no more than that.
#[derive(Debug)]
pub struct Stats {
    rows: Vec<StatsRow>,
    paint: Paint,
    /// Whether the text goes to a terminal, where the table can be drawn again.
    live: bool,
    /// When it was drawn last, and the lines that it had.
    drawn: Option<(u64, usize)>,
    /// Whether something came since.
    changed: bool,
}

/// What is known of a node.
#[derive(Debug)]
struct StatsRow {
    index: usize,
    id: String,
    label: &'static str,
    is_tracer: bool,
    events: u64,
    durations: Durations,
}

impl Stats {
    /// A renderer for events of the selected `nodes`; `live` draws the table while events come.
    #[must_use]
    pub fn new(nodes: &[PlannedNode], asked: &[bool], paint: Paint, live: bool) -> Self {
        // A stub has no program, and of what runs already nothing is counted.
        let rows = nodes.iter().zip(asked).enumerate().filter(|(_, (node, asked))| {
            **asked && node.role != Role::Stub && node.label != "running"
        });
        let rows = rows.map(|(index, (node, _))| StatsRow {
            index,
            id: node.id.clone(),
            label: node.label,
            is_tracer: node.role == Role::Tracer,
            events: 0,
            durations: Durations::default(),
        });
        Self { rows: rows.collect(), paint, live, drawn: None, changed: false }
    }

    /// Draws the table in the place of the last one.
    fn draw(&mut self, now: u64, totals: Option<&Totals<'_>>, out: &mut String) {
        if let Some((_, lines)) = self.drawn {
            // To its first line, and away with all below.
            let _ = write!(out, "\u{1b}[{lines}A\u{1b}[J"); // a String takes everything
        }
        let table = self.table(totals);
        out.push_str(&table);
        self.drawn = self.live.then(|| (now, table.lines().count()));
        self.changed = false;
    }

    /// What measuring costs, in words.
    fn cost(&self, totals: &Totals<'_>) -> String {
        let mut runs = Runs::default();
        let tracers = self.rows.iter().filter(|row| row.is_tracer);
        tracers.for_each(|row| runs += totals.accounting.runs_of(row.index));
        let Some(mean) = runs.mean() else {
            return "The kernel counts what the tracers take if kernel.bpf_stats_enabled is 1."
                .to_owned();
        };
        let mut text = "The programs of the tracers took ".to_owned();
        value::duration(mean, &mut text);
        let _ = write!(text, " a run, the mean of {}.", runs.count); // a String takes everything
        text
    }

    fn table(&self, totals: Option<&Totals<'_>>) -> String {
        let head = ["NODE", "", "EVENTS", "CALLS", "MEAN", "P50", "P99", "MAX"].map(str::to_owned);
        let mut cells = vec![head];
        for row in &self.rows {
            let durations = &row.durations;
            let time = |ns: Option<u64>| {
                let mut text = String::new();
                match ns {
                    Some(ns) => value::duration(ns, &mut text),
                    None => text.push('-'),
                }
                text
            };
            let calls = match durations.count() {
                0 => "-".to_owned(),
                count => count.to_string(),
            };
            cells.push([
                row.id.clone(),
                row.label.to_owned(),
                row.events.to_string(),
                calls,
                time(durations.mean()),
                time(durations.percentile(50)),
                time(durations.percentile(99)),
                time(durations.longest()),
            ]);
        }
        let width =
            |column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..8).map(width).collect();
        let mut out = String::new();
        for (number, row) in cells.iter().enumerate() {
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let length = cell.chars().count();
                let gap = if column == 0 { 0 } else { 2 };
                match (column, number.checked_sub(1).and_then(|number| self.rows.get(number))) {
                    (0, Some(row)) => {
                        self.paint.node(row.index, cell, &mut out);
                        pad(length, *width, &mut out);
                    }
                    (0 | 1, _) => {
                        pad(0, gap, &mut out);
                        self.paint.dimmed(cell, &mut out);
                        pad(length, *width, &mut out);
                    }
                    (_, of) => {
                        pad(length, width + gap, &mut out);
                        match of {
                            None => self.paint.dimmed(cell, &mut out),
                            Some(_) => out.push_str(cell),
                        }
                    }
                }
            }
            if let (Some(row), Some(totals)) =
                (number.checked_sub(1).and_then(|number| self.rows.get(number)), totals)
            {
                let lost = totals.accounting.of(row.index).lost;
                let skipped = totals.accounting.skips.of(row.index).unwrap_or_default();
                for (number, word) in [(lost, "lost"), (skipped, "skipped")] {
                    if number > 0 {
                        out.push_str("  ");
                        self.paint.warning(&format!("{number} {word}"), &mut out);
                    }
                }
            }
            let end = out.trim_end_matches(' ').len();
            out.truncate(end);
            out.push('\n');
        }
        out
    }
}

impl Render for Stats {
    fn event(&mut self, event: &Event<'_>, out: &mut String) {
        let Some(row) = self.rows.iter_mut().find(|row| row.index == event.index) else { return };
        row.events += 1;
        if let Some(took) = event.took() {
            row.durations.add(took);
        }
        self.changed = true;
        let now = event.header.time_ns;
        let due = self.drawn.is_none_or(|(last, _)| now.saturating_sub(last) >= PERIOD);
        if self.live && due {
            self.draw(now, None, out);
        }
    }

    fn pause(&mut self, out: &mut String) {
        if self.live && self.changed {
            let last = self.drawn.map_or(0, |(last, _)| last);
            self.draw(last, None, out);
        }
    }

    fn end(&mut self, totals: &Totals<'_>, out: &mut String) {
        self.draw(0, Some(totals), out);
        if self.rows.iter().any(|row| row.durations.count() > 0) {
            let line = "Times are of whole calls: they include the tracers of what is called, not \
                        the tracer itself.\n";
            self.paint.dimmed(line.trim_end(), out);
            out.push('\n');
            self.paint.dimmed(&self.cost(totals), out);
            out.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Durations, Paint, Runs, Stats};
    use crate::event::{
        EventAccounting, Render as _, Totals,
        tests::{Emitted, chain_of, with_events},
    };

    fn stats(live: bool) -> (Stats, String) {
        let (_, plan) = chain_of(
            r#"
            host.fired = { object = "o", program = "p", attach = { kprobe = "x" } }
            stub.value = { function = "stub_value", hosts = ["fired"] }
            replacement.seven = { object = "o", program = "p", stub = "value" }
            "#,
        );
        let node = |id: &str| plan.nodes.iter().position(|node| node.id == id).expect("a node");
        let fired = node("fired");
        let asked = vec![true; plan.nodes.len()];
        let mut stats = Stats::new(&plan.nodes, &asked, Paint { colors: false }, live);
        let mut out = String::new();
        let emitted = vec![Emitted { node: fired as u32, ..Emitted::default() }; 12];
        with_events(&plan.nodes, &emitted, |event| stats.event(event, &mut out));
        let row = stats.rows.iter_mut().find(|row| row.id == "seven").expect("a row");
        row.durations = Durations::default();
        [900, 1_000, 1_100].into_iter().for_each(|ns| row.durations.add(ns));
        let mut accounting = EventAccounting::new(plan.nodes.len());
        accounting.counted(fired, 15, 3);
        stats.end(&Totals { accounting: &accounting, shown: 12 }, &mut out);
        (stats, out)
    }

    #[test]
    fn the_table_has_a_row_for_each_node_and_losses_behind_it() {
        let (_, out) = stats(false);
        let lines: Vec<_> = out.lines().collect();
        assert_eq!(lines[0], "NODE             EVENTS  CALLS    MEAN     P50     P99     MAX");
        assert_eq!(
            lines[1],
            "fired  kprobe        12      -       -       -       -       -  3 lost"
        );
        assert_eq!(lines[2], "seven  freplace       0      3  1.0 µs  1.0 µs  1.1 µs  1.1 µs");
        assert!(lines[3].starts_with("Times are of whole calls"), "{out}");
        assert!(lines[4].starts_with("The kernel counts what the tracers take if"), "{out}");
        assert_eq!(lines.len(), 5);
    }

    #[test]
    fn what_measuring_costs_is_a_number_where_the_kernel_counts_it() {
        let (_, plan) = chain_of(
            r#"
            host.fired = { object = "o", program = "p", attach = { kprobe = "x" } }
            tracer.seen = { trace = "fired" }
            "#,
        );
        let stats = Stats::new(&plan.nodes, &[true, true], Paint { colors: false }, false);
        let mut accounting = EventAccounting::new(plan.nodes.len());
        accounting.ran(0, Runs { count: 9, nanoseconds: 90_000 });
        accounting.ran(1, Runs { count: 2, nanoseconds: 700 });
        accounting.ran(1, Runs { count: 2, nanoseconds: 500 });
        let text = stats.cost(&Totals { accounting: &accounting, shown: 4 });
        assert_eq!(text, "The programs of the tracers took 300 ns a run, the mean of 4.");
    }

    #[test]
    fn a_terminal_gets_the_table_again_in_its_place() {
        let (_, out) = stats(true);
        assert_eq!(out.matches("NODE").count(), 2, "at the first event and at the end: {out:?}");
        assert!(out.contains("\u{1b}[3A\u{1b}[J"), "{out:?}");
    }
}
