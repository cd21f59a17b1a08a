//! The number of events of each node, for people, when there are too many events to show.

use super::{Render, Totals};
use crate::{
    chain::Role,
    event::{Event, Paint, paint::pad},
    plan::PlannedNode,
};

/// Counts events, and shows no more than that.
#[derive(Debug)]
pub struct Count {
    nodes: Vec<PlannedNode>,
    /// The count of each node; `None` for a node that is not shown.
    counts: Vec<Option<u64>>,
    paint: Paint,
}

impl Count {
    /// A renderer for events of the selected `nodes`.
    #[must_use]
    pub fn new(nodes: &[PlannedNode], asked: &[bool], paint: Paint) -> Self {
        let counts = asked.iter().map(|asked| asked.then_some(0)).collect();
        Self { nodes: nodes.to_vec(), counts, paint }
    }
}

impl Render for Count {
    fn event(&mut self, event: &Event<'_>, _: &mut String) {
        if let Some(Some(count)) = self.counts.get_mut(event.index) {
            *count += 1;
        }
    }

    /// Writes a line for each node that has a program and is asked for, with what of it found no room
    /// and how often its program was not run.
    fn end(&mut self, totals: &Totals<'_>, out: &mut String) {
        // A stub has no program, so it emits nothing.
        let rows = self.nodes.iter().zip(&self.counts).enumerate();
        let rows = rows.filter(|(_, (node, _))| node.role != Role::Stub);
        let rows: Vec<_> = rows
            .filter_map(|(index, (node, count))| Some((index, node, (*count)?.to_string())))
            .collect();
        let id_width = rows.iter().map(|(_, node, ..)| node.id.chars().count()).max().unwrap_or(0);
        let width = rows.iter().map(|(.., count)| count.len()).max().unwrap_or(0);
        for (index, node, count) in rows {
            self.paint.node(index, &node.id, out);
            pad(node.id.chars().count(), id_width + 2, out);
            pad(count.len(), width, out);
            out.push_str(&count);
            out.push_str(if count == "1" { " event" } else { " events" });
            let mut gap = if count == "1" { "   " } else { "  " };
            let lost = totals.accounting.of(index).lost;
            let skipped = totals.accounting.skips.of(index).unwrap_or_default();
            for (number, word) in [(lost, "lost"), (skipped, "skipped")] {
                if number > 0 {
                    out.push_str(gap);
                    self.paint.warning(&format!("{number} {word}"), out);
                    gap = "  ";
                }
            }
            out.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Count, Paint, Render as _, Totals};
    use crate::event::{
        EventAccounting,
        tests::{Emitted, chain_of, with_events},
    };

    #[test]
    fn nodes_stand_in_columns_and_losses_behind_them() {
        let (_, plan) = chain_of(
            r#"
            host.fired = { object = "o", program = "p", attach = { kprobe = "x" } }
            stub.value = { function = "stub_value", hosts = ["fired"] }
            replacement.seven = { object = "o", program = "p", stub = "value" }
            tracer.in = { fentry = "seven", object = "o", program = "p" }
            "#,
        );
        let node = |id: &str| plan.nodes.iter().position(|node| node.id == id).expect("a node");
        let (fired, seven) = (node("fired"), node("seven"));
        let of = |node: usize| Emitted { node: node as u32, ..Emitted::default() };
        let emitted = [vec![of(fired); 12], vec![of(seven)]].concat();
        let asked = vec![true; plan.nodes.len()];
        let mut count = Count::new(&plan.nodes, &asked, Paint { colors: true });
        let mut out = String::new();
        with_events(&plan.nodes, &emitted, |event| count.event(event, &mut out));
        let mut accounting = EventAccounting::new(plan.nodes.len());
        accounting.counted(fired, 15, 3);
        accounting.skips.add(fired, Some(2));
        count.end(&Totals { accounting: &accounting, shown: 13 }, &mut out);
        let plain = anstream::adapter::strip_str(&out).to_string();
        assert_eq!(
            plain.lines().collect::<Vec<_>>(),
            ["fired  12 events  3 lost  2 skipped", "seven   1 event", "in      0 events"]
        );
    }
}
