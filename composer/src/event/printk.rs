//! Attributes lines of `bpf_printk` to nodes.
//!
//! The kernel does not record which program wrote a line, and other programs of the machine write
//! to the same trace. The format strings in the objects are known: a line belongs to the node of
//! the chain with the only format that matches. If several nodes match, or a node has a format that
//! cannot be read from its object, the line is shown with all possible writers.

use freplace_compose_common::Header;
use petgraph::graph::NodeIndex;

use super::{Event, Payload, format::FormatString, json};
use crate::{
    chain::Node,
    plan::PlannedNode,
    resolve::{NodeProgram, Resolved},
};

/// The nodes that print lines, and their formats.
#[derive(Debug, Default)]
pub struct Printk {
    speakers: Vec<Speaker>,
    /// The header of the line before, for one that goes on in the next.
    last: Option<(Header, PrintkLine, usize)>,
}

#[derive(Debug)]
struct Speaker {
    node: usize,
    planned: PlannedNode,
    /// The first keys of its events as JSON.
    json: String,
    formats: Vec<FormatString>,
    /// Whether it has formats that cannot be read.
    has_more: bool,
    /// Whether its lines are shown.
    wanted: bool,
    /// Whether the current task means something where it runs.
    has_task: bool,
}

/// A line and its possible writers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrintkLine {
    /// The line.
    pub text: String,
    /// Other nodes that may have written it.
    pub or: Vec<String>,
    /// Whether it fits a format of the chain; if not, any program of the machine may have written
    /// it.
    pub known: bool,
}

/// One thing in a trace.
#[derive(Debug, PartialEq, Eq)]
pub enum TraceLine<'a> {
    /// A line that a program wrote, where and when.
    Said(Header, &'a [u8]),
    /// More of the one before.
    More(&'a [u8]),
    /// This number of lines was overwritten.
    Lost(u64),
}

impl Printk {
    /// The nodes of a chain that print.
    #[must_use]
    pub fn new(resolved: &Resolved) -> Self {
        let speaker = |(index, node, of): (NodeIndex, &Node, &NodeProgram)| {
            // With it run the programs that its tables for tail calls hold.
            let programs = std::iter::once(of.program()).chain(of.leaves());
            let all: Vec<_> = programs
                .flat_map(|program| of.object().functions_of(program))
                .flat_map(|function| &function.formats)
                .collect();
            let planned = PlannedNode::of(node);
            (!all.is_empty()).then(|| Speaker {
                node: index.index(),
                json: json::keys_of(&planned),
                planned,
                formats: all
                    .iter()
                    .copied()
                    .flatten()
                    .map(|text| FormatString::new(text))
                    .collect(),
                has_more: all.iter().any(|format| format.is_none()),
                wanted: node.output.printk == Some(true),
                has_task: resolved[index].has_task(),
            })
        };
        Self { speakers: resolved.programs().filter_map(speaker).collect(), last: None }
    }

    /// Passes the line on as an event, if a node whose lines are shown may have written it.
    pub fn line(&mut self, line: &TraceLine<'_>, each: &mut dyn FnMut(&Event<'_>)) {
        match line {
            TraceLine::Said(header, text) => {
                self.last = self.attribute(*header, text);
                if text.is_empty() {
                    return; // a format that begins with a new line: what comes is what it says
                }
            }
            TraceLine::More(text) => match &mut self.last {
                Some((_, said, _)) if !text.is_empty() => {
                    said.text = String::from_utf8_lossy(text).into_owned();
                }
                _ => return,
            },
            TraceLine::Lost(_) => return,
        }
        let Some((header, said, speaker)) = &self.last else { return };
        let Some(speaker) = self.speakers.get(*speaker) else { return };
        each(&Event {
            index: speaker.node,
            node: &speaker.planned,
            json: &speaker.json,
            header: *header,
            payload: Payload::Line(said),
            bytes: said.text.as_bytes(),
        });
    }

    fn attribute(&self, header: Header, text: &[u8]) -> Option<(Header, PrintkLine, usize)> {
        let fits = |one: &&Speaker| one.formats.iter().any(|format| format.fits(text));
        let mut may: Vec<_> = self.speakers.iter().filter(fits).collect();
        let known = !may.is_empty();
        if !known {
            may = self.speakers.iter().filter(|one| one.has_more).collect();
        }
        let first = may.iter().position(|one| one.wanted)?;
        let first = may.remove(first);
        let or = may.iter().map(|one| one.planned.id.clone()).collect();
        let mut header = header;
        if !first.has_task {
            (header.pid, header.tid, header.comm) = (0, 0, [0; 16]);
        }
        let said = PrintkLine { text: String::from_utf8_lossy(text).into_owned(), or, known };
        let index = self.speakers.iter().position(|one| one.node == first.node)?;
        Some((header, said, index))
    }
}

impl<'a> TraceLine<'a> {
    /// Reads a line of `trace_pipe`, without its end, as
    /// [`Instance`](crate::plan::Action::Listen) sets the trace up:
    ///
    /// ```text
    ///             wget-146     [001]  1234.567890: bpf_trace_printk: text
    /// ```
    ///
    /// <https://github.com/torvalds/linux/blob/v6.12/kernel/trace/trace_output.c>
    #[must_use]
    pub fn read(line: &'a [u8]) -> Self {
        lost(line).map(Self::Lost).or_else(|| said(line)).unwrap_or(Self::More(line))
    }
}

/// `CPU:1 [LOST 12 EVENTS]`; one at least, where the kernel does not know how many.
fn lost(line: &[u8]) -> Option<u64> {
    let rest = std::str::from_utf8(line).ok()?.strip_prefix("CPU:")?;
    let (cpu, rest) = rest.split_once(" [LOST ")?;
    cpu.parse::<u32>().ok()?;
    let count = rest.strip_suffix("EVENTS]")?.trim();
    if count.is_empty() { Some(1) } else { count.parse().ok() }
}

fn said(line: &[u8]) -> Option<TraceLine<'_>> {
    /// The name of the task is right-aligned in so many columns.
    const COMM: usize = 16;
    let (name, rest) = line.split_at_checked(COMM)?;
    let (pid, rest) = number(rest.strip_prefix(b"-")?)?;
    let rest = rest.trim_ascii_start().strip_prefix(b"[")?;
    let (cpu, rest) = number(rest)?;
    let (seconds, rest) = number(rest.strip_prefix(b"]")?.trim_ascii_start())?;
    let (micros, rest) = number(rest.strip_prefix(b".")?)?;
    let text = rest.strip_prefix(b": bpf_trace_printk: ")?;
    let name = name.trim_ascii_start();
    let mut comm = [0; COMM];
    comm.get_mut(..name.len())?.copy_from_slice(name);
    let thread = u32::try_from(pid).ok()?;
    let header = Header {
        time_ns: seconds.checked_mul(1_000_000_000)?.checked_add(micros.checked_mul(1000)?)?,
        cpu: u32::try_from(cpu).ok()?,
        pid: thread,
        tid: thread,
        comm,
        ..Header::default()
    };
    Some(TraceLine::Said(header, text))
}

fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(digits);
    Some((std::str::from_utf8(digits).ok()?.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::TraceLine;

    #[test]
    fn a_line_of_the_trace_is_taken_apart() {
        let line = b" we ird-1 [002]x-146     [001]  1234.567890: bpf_trace_printk: a: b";
        let TraceLine::Said(header, text) = TraceLine::read(line) else { panic!("not read") };
        assert_eq!(text, b"a: b");
        assert_eq!(header.comm(), b"we ird-1 [002]x");
        assert_eq!((header.tid, header.cpu, header.time_ns), (146, 1, 1_234_567_890_000));
    }

    #[test]
    fn what_is_no_line_is_more_of_the_one_before() {
        for line in ["", "second line", "CPU:x [LOST 1 EVENTS]", "     wget-1 [001] 1.2: other: x"]
        {
            assert_eq!(TraceLine::read(line.as_bytes()), TraceLine::More(line.as_bytes()));
        }
        assert_eq!(TraceLine::read(b"CPU:1 [LOST 12 EVENTS]"), TraceLine::Lost(12));
        assert_eq!(TraceLine::read(b"CPU:1 [LOST EVENTS]"), TraceLine::Lost(1));
    }
}
