//! Events as lines for people: one each, in aligned columns.

use std::fmt::Write as _;

use freplace_compose_common::Header;
use owo_colors::{AnsiColors, OwoColorize as _};

use super::{Event, Origin, Shape, foreign};
use crate::plan::PlannedNode;

/// Colours of nodes, in turn; none of them alarms.
const COLORS: [AnsiColors; 7] = [
    AnsiColors::Cyan,
    AnsiColors::Green,
    AnsiColors::Yellow,
    AnsiColors::Magenta,
    AnsiColors::Blue,
    AnsiColors::BrightCyan,
    AnsiColors::BrightGreen,
];

/// The kernel's monotonic clock → the time of day.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// Nanoseconds from the monotonic clock's zero to midnight, local time, of some day.
    pub offset_ns: i128,
}

impl Clock {
    /// `12:28:46.001234`
    pub(super) fn time_of_day(self, time_ns: u64, out: &mut String) {
        let ns = (i128::from(time_ns) + self.offset_ns).rem_euclid(86_400_000_000_000);
        let seconds = ns / 1_000_000_000;
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        let micros = ns % 1_000_000_000 / 1_000;
        // Writing to a String cannot fail, here and below.
        let _ = write!(out, "{hours:02}:{minutes:02}:{:02}.{micros:06}", seconds % 60);
    }
}

/// Formats events; knows the widths of the columns.
#[derive(Debug)]
pub struct Human {
    clock: Clock,
    id_width: usize,
    label_width: usize,
    has_tasks: bool,
    /// As wide as the widest task so far.
    task_width: usize,
    scratch: String,
}

impl Human {
    /// For events of `nodes`; `has_tasks` tells whether any of them knows its process.
    #[must_use]
    pub fn new(nodes: &[PlannedNode], clock: Clock, has_tasks: bool) -> Self {
        let width = |text: fn(&PlannedNode) -> &str| {
            nodes.iter().map(|node| text(node).chars().count()).max().unwrap_or(0)
        };
        Self {
            clock,
            id_width: width(|node| &node.id),
            // A tracer of both moments writes the word for one.
            label_width: width(|node| if node.label == "trace" { "fentry" } else { node.label }),
            has_tasks,
            task_width: 12,
            scratch: String::new(),
        }
    }

    /// The colour of node number `index`.
    #[must_use]
    pub fn color(index: usize) -> AnsiColors {
        COLORS[index % COLORS.len()]
    }

    /// Writes one line with its end.
    pub fn line(&mut self, event: &Event<'_>, out: &mut String) {
        self.scratch.clear();
        self.clock.time_of_day(event.header.time_ns, &mut self.scratch);
        let _ = write!(out, "{}", self.scratch.dimmed());
        let (id, label) = (&event.node.id, event.label());
        let _ = write!(out, "  {:<1$}", id.color(Self::color(event.index)), self.id_width);
        let _ = write!(out, "  {:<1$}", label.dimmed(), self.label_width);
        if self.has_tasks {
            self.scratch.clear();
            task(&event.header, &mut self.scratch);
            self.task_width = self.task_width.max(self.scratch.chars().count());
            let _ = write!(out, "  {:<1$}", self.scratch, self.task_width);
        }
        fields(event, out);
        out.push('\n');
    }
}

/// `wget/146`; nothing where the hook has no current task.
pub(super) fn task(header: &Header, out: &mut String) {
    let comm = String::from_utf8_lossy(header.comm());
    if header.pid != 0 || !comm.is_empty() {
        let _ = write!(out, "{}/{}", comm.escape_debug(), header.pid);
    }
}

/// The payload, with two blanks before each part.
pub(super) fn fields(event: &Event<'_>, out: &mut String) {
    if let Origin::Map { map, .. } = event.origin
        && event.layout.is_some()
    {
        out.push_str("  ");
        if map.text(event.payload, out) {
            return;
        }
        out.truncate(out.len() - 2);
    }
    if let Origin::Printk(said) = event.origin {
        out.push_str("  ");
        escaped(&said.text, out);
        if !said.or.is_empty() {
            let _ = write!(out, "  {}", format_args!("(or {})", said.or.join(", ")).dimmed());
        }
        if !said.known {
            let _ = write!(out, "  {}", "(or a program outside of the chain)".dimmed());
        }
        return;
    }
    if let Some(traced) = event.traced {
        out.push_str("  ");
        return traced.human(event.payload, out);
    }
    if let Some(layout) = event.layout {
        for field in &layout.fields {
            let bytes = event.payload.get(field.offset..).unwrap_or_default();
            match (field.name.as_str(), &field.shape) {
                // A flow says what it is.
                (_, Shape::Flow) => out.push_str("  "),
                ("ret", _) => out.push_str("  = "),
                (name, _) => {
                    let _ = write!(out, "  {}", format_args!("{name}=").dimmed());
                }
            }
            field.shape.human(bytes, out);
        }
        return;
    }
    let length = event.payload.len();
    let _ = match (event.short, event.origin) {
        (Some(layout), _) => {
            write!(out, "  {length} bytes, shorter than the {} of {}  ", layout.size, layout.name)
        }
        (None, Origin::Composer | Origin::Printk(_)) => {
            write!(out, "  {length} bytes of unknown type  ")
        }
        (None, Origin::Map { map, .. }) => {
            write!(out, "  {}", format_args!("{}: {length} bytes  ", map.map).dimmed())
        }
    };
    foreign::dump(event.payload, out);
}

/// `text` without anything in it that a terminal would obey.
pub(super) fn escaped(text: &str, out: &mut String) {
    for letter in text.chars() {
        match letter.is_control() {
            true => out.extend(letter.escape_default()),
            false => out.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Clock;

    #[test]
    fn time_of_day_goes_round() {
        let mut out = String::new();
        Clock { offset_ns: -1_000 }.time_of_day(0, &mut out);
        assert_eq!(out, "23:59:59.999999");
    }
}
