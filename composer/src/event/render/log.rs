//! Events for people: one line each, in aligned columns.

use super::Render;
use crate::{
    event::{Event, Paint, WallClock, human, paint::pad},
    plan::PlannedNode,
};

/// Writes events as lines in aligned columns.
#[derive(Debug)]
pub struct Log {
    clock: WallClock,
    paint: Paint,
    id_width: usize,
    label_width: usize,
    has_tasks: bool,
    /// The width of the widest task so far.
    task_width: usize,
    scratch: String,
}

impl Log {
    /// A renderer for events of `nodes`; `has_tasks` is set if any of them has a process.
    #[must_use]
    pub fn new(nodes: &[PlannedNode], clock: WallClock, has_tasks: bool, paint: Paint) -> Self {
        let ids = nodes.iter().map(|node| node.id.as_str());
        let labels = nodes.iter().flat_map(PlannedNode::event_labels);
        Self {
            clock,
            paint,
            id_width: ids.map(width).max().unwrap_or(0),
            label_width: labels.map(width).max().unwrap_or(0),
            has_tasks,
            task_width: 12,
            scratch: String::new(),
        }
    }
}

impl Render for Log {
    fn event(&mut self, event: &Event<'_>, out: &mut String) {
        self.scratch.clear();
        self.clock.time_of_day(event.header.time_ns, &mut self.scratch);
        self.paint.dimmed(&self.scratch, out);
        let (id, label) = (&event.node.id, event.label());
        out.push_str("  ");
        self.paint.node(event.index, id, out);
        pad(width(id), self.id_width + 2, out);
        self.paint.dimmed(label, out);
        pad(width(label), self.label_width, out);
        if self.has_tasks {
            self.scratch.clear();
            human::task(&event.header, &mut self.scratch);
            let width = width(&self.scratch);
            self.task_width = self.task_width.max(width);
            out.push_str("  ");
            out.push_str(&self.scratch);
            pad(width, self.task_width, out);
        }
        human::fields(event, self.paint, out);
        out.push('\n');
    }
}

/// The columns that `text` takes.
fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().count() }
}
