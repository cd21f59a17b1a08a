//! Events as NDJSON: one object a line, the first of them the version of the format.

use std::fmt::Write as _;

use super::{Event, Foreign, Layout, NO_CPU, Payload, Said, digits::decimal, value};
use crate::plan::{Plan, PlannedNode};

/// The version of the stream; raised when a reader would have to change.
pub(super) const VERSION: u32 = 1;

/// What became of the events of a node: `produced` is `delivered` and `lost`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NodeBooks {
    /// The node emitted so many.
    pub produced: u64,
    /// They were read from the kernel, shown or not.
    pub delivered: u64,
    /// They found no room.
    pub lost: u64,
}

/// Formats the records of a stream.
#[derive(Debug, Clone, Default)]
pub struct Json {
    /// Where the last event happened, and the keys that say so: many events in a row have the same.
    last: Option<Where>,
    keys: String,
}

/// Where an event happened; none for what is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Where {
    cpu: Option<u32>,
    /// Process, thread and the name of that.
    task: Option<(u32, u32, [u8; 16])>,
}

impl Json {
    /// The first record.
    pub fn version(plan: &Plan, out: &mut String) {
        out.push_str("{\"record\":\"version\",\"version\":");
        let _ = write!(out, "{VERSION},\"chain\":"); // a String takes everything, here and below
        value::string(&plan.chain, out);
        out.push_str("}\n");
    }

    /// A node whose program was loaded under the kernel's id `program`.
    pub fn node_up(plan: &Plan, node: usize, program: u32, out: &mut String) {
        let node = &plan.nodes[node];
        out.push_str("{\"record\":\"node_up\",\"node\":");
        value::string(&node.id, out);
        let _ = write!(out, ",\"kind\":\"{}\",\"place\":", node.label);
        value::string(&node.place, out);
        let _ = writeln!(out, ",\"program\":{program}}}");
    }

    /// The keys that all events of `node` begin with.
    pub(super) fn keys_of(node: &PlannedNode) -> String {
        Self::keys(&node.id, node.label)
    }

    /// The keys that events of `kind` of the node called `node` begin with.
    pub(super) fn keys(node: &str, kind: &str) -> String {
        let mut out = "{\"record\":\"event\",\"node\":".to_owned();
        value::string(node, &mut out);
        out.push_str(",\"kind\":");
        value::string(kind, &mut out);
        out
    }

    /// An event.
    pub fn event(&mut self, event: &Event<'_>, out: &mut String) {
        let header = &event.header;
        out.push_str(event.json);
        out.push_str(",\"time_ns\":");
        decimal(header.time_ns, out);
        out.push_str(",\"call\":");
        decimal(header.call, out);
        let has_task = header.pid != 0 || header.comm[0] != 0;
        let place = Where {
            cpu: Some(header.cpu).filter(|cpu| *cpu != NO_CPU),
            task: has_task.then_some((header.pid, header.tid, header.comm)),
        };
        if self.last != Some(place) {
            self.last = Some(place);
            self.keys.clear();
            place.keys(header.comm(), &mut self.keys);
        }
        out.push_str(&self.keys);
        out.push(',');
        Self::payload(event, out);
        out.push_str("}\n");
    }

    /// The keys of an event's payload.
    pub(super) fn payload(event: &Event<'_>, out: &mut String) {
        let bytes = event.bytes;
        match event.payload {
            Payload::Line(said) => Self::printk(said, out),
            Payload::Call(call) => call.json(bytes, out),
            Payload::Struct(layout, map) => {
                source(map, Some(layout), out);
                out.push_str("\"data\":");
                value::object(&layout.fields, bytes, out);
                if let Some(map) = map.filter(|map| map.has_text()) {
                    let mut text = String::new();
                    map.text(bytes, &mut text);
                    out.push_str(",\"text\":");
                    value::string(&text, out);
                }
            }
            Payload::Truncated(layout, map) => undecoded(map, Some(layout), bytes, out),
            Payload::Unknown(map) => undecoded(map, None, bytes, out),
        }
    }

    /// A line of `bpf_printk`.
    fn printk(said: &Said, out: &mut String) {
        out.push_str("\"printk\":");
        value::string(&said.text, out);
        list("or", &said.or, out);
        let _ = write!(out, ",\"known\":{}", said.known);
    }

    /// Lines of `bpf_printk`, of the chain or of other programs, that were overwritten before they
    /// were read.
    pub fn lost_lines(count: u64, out: &mut String) {
        let _ = writeln!(out, "{{\"record\":\"lost\",\"printk\":true,\"count\":{count}}}");
    }

    /// Events of a node that found no room, since the last such record.
    pub fn lost(node: &str, count: u64, out: &mut String) {
        out.push_str("{\"record\":\"lost\",\"node\":");
        value::string(node, out);
        let _ = writeln!(out, ",\"count\":{count}}}");
    }

    /// A node that was detached, with what became of all its events; of what found no room in its
    /// maps `unknown` nobody knows. `skipped` is how often its program was not run, where that is
    /// known.
    pub fn node_down(
        node: &str,
        books: &NodeBooks,
        skipped: Option<u64>,
        unknown: &[&str],
        out: &mut String,
    ) {
        let NodeBooks { produced, delivered, lost } = books;
        out.push_str("{\"record\":\"node_down\",\"node\":");
        value::string(node, out);
        let _ = write!(out, ",\"produced\":{produced},\"delivered\":{delivered},\"lost\":{lost}");
        let _ = match skipped {
            Some(skipped) => write!(out, ",\"skipped\":{skipped}"),
            None => write!(out, ",\"skipped\":null"),
        };
        list("uncounted", unknown, out);
        out.push_str("}\n");
    }

    /// The last record.
    pub fn summary(events: u64, lost: u64, skipped: u64, undecoded: u64, out: &mut String) {
        let _ = writeln!(
            out,
            "{{\"record\":\"summary\",\"events\":{events},\"lost\":{lost},\
             \"skipped\":{skipped},\"undecoded\":{undecoded}}}"
        );
    }
}

impl Where {
    fn keys(self, comm: &[u8], out: &mut String) {
        let mut number = |key, number: u32| {
            out.push_str(key);
            decimal(number.into(), out);
        };
        if let Some(cpu) = self.cpu {
            number(",\"cpu\":", cpu);
        }
        if let Some((pid, tid, _)) = self.task {
            number(",\"pid\":", pid);
            number(",\"tid\":", tid);
            out.push_str(",\"comm\":");
            value::string(&String::from_utf8_lossy(comm), out);
        }
    }
}

/// The keys that say where bytes came from and of which type they are.
fn source(map: Option<&Foreign>, layout: Option<&Layout>, out: &mut String) {
    if let Some(map) = map {
        out.push_str("\"map\":");
        value::string(&map.map, out);
        out.push(',');
    }
    if let Some(layout) = layout {
        out.push_str("\"type\":");
        value::string(&layout.name, out);
        out.push(',');
    }
}

/// The keys of bytes that do not fit their type, or have none.
fn undecoded(map: Option<&Foreign>, layout: Option<&Layout>, bytes: &[u8], out: &mut String) {
    source(map, layout, out);
    out.push_str("\"bytes\":\"");
    value::hex(bytes, out);
    out.push('"');
}

/// A key with a list of texts; nothing when that is empty.
fn list(key: &str, items: &[impl AsRef<str>], out: &mut String) {
    for (number, item) in items.iter().enumerate() {
        match number {
            0 => {
                let _ = write!(out, ",\"{key}\":[");
            }
            _ => out.push(','),
        }
        value::string(item.as_ref(), out);
    }
    if !items.is_empty() {
        out.push(']');
    }
}
