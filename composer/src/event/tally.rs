//! How many events there were of each node, for people: what there is to see when all events are
//! too many.

use super::{Event, Paint, paint::pad};
use crate::{chain::Role, plan::PlannedNode};

/// Counts events, and shows no more than that.
#[derive(Debug)]
pub struct Tally {
    /// Of each node; none for one that is not asked for.
    counts: Vec<Option<u64>>,
    paint: Paint,
}

impl Tally {
    /// For events of those nodes that are asked for.
    #[must_use]
    pub fn new(asked: &[bool], paint: Paint) -> Self {
        Self { counts: asked.iter().map(|asked| asked.then_some(0)).collect(), paint }
    }

    /// Counts one event.
    #[inline]
    pub fn event(&mut self, event: &Event<'_>) {
        if let Some(Some(count)) = self.counts.get_mut(event.index) {
            *count += 1;
        }
    }

    /// Writes a line for each of `nodes` that has a program and is asked for; `lost` are events of it that found no
    /// room, `skipped` how often its program was not run.
    pub fn end(
        &self,
        nodes: &[PlannedNode],
        lost: impl Fn(usize) -> u64,
        skipped: impl Fn(usize) -> u64,
        out: &mut String,
    ) {
        // A stub has no program, so it emits nothing.
        let rows = nodes.iter().zip(&self.counts).enumerate();
        let rows = rows.filter(|(_, (node, _))| node.role != Role::Stub);
        let rows: Vec<_> = rows
            .filter_map(|(index, (node, count))| {
                Some((index, node, (*count)?.to_string(), lost(index)))
            })
            .collect();
        let id_width = rows.iter().map(|(_, node, ..)| node.id.chars().count()).max().unwrap_or(0);
        let width = rows.iter().map(|(.., count, _)| count.len()).max().unwrap_or(0);
        for (index, node, count, lost) in rows {
            self.paint.node(index, &node.id, out);
            pad(node.id.chars().count(), id_width + 2, out);
            pad(count.len(), width, out);
            out.push_str(&count);
            out.push_str(if count == "1" { " event" } else { " events" });
            let mut gap = if count == "1" { "   " } else { "  " };
            for (number, word) in [(lost, "lost"), (skipped(index), "skipped")] {
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
    use super::{Paint, Tally};
    use crate::event::tests::{Emitted, chain_of, with_events};

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
        let mut tally = Tally::new(&vec![true; plan.nodes.len()], Paint { colors: true });
        with_events(&plan.nodes, &emitted, |event| tally.event(event));
        let mut out = String::new();
        let of_fired = |number| move |index| if index == fired { number } else { 0 };
        tally.end(&plan.nodes, of_fired(3), of_fired(2), &mut out);
        let plain = anstream::adapter::strip_str(&out).to_string();
        assert_eq!(
            plain.lines().collect::<Vec<_>>(),
            ["fired  12 events  3 lost  2 skipped", "seven   1 event", "in      0 events"]
        );
    }
}
