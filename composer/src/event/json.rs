//! Events as NDJSON: one object a line, the first of them the version of the format.

use std::fmt::Write as _;

use super::{Event, Origin, Said, value};
use crate::plan::Plan;

/// The version of the stream; raised when a reader would have to change.
const VERSION: u32 = 1;

/// Formats the records of a stream.
#[derive(Debug, Clone, Copy)]
pub struct Json;

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

    /// An event.
    pub fn event(event: &Event<'_>, out: &mut String) {
        let header = &event.header;
        out.push_str("{\"record\":\"event\",\"node\":");
        value::string(&event.node.id, out);
        let _ = write!(
            out,
            ",\"kind\":\"{}\",\"time_ns\":{},\"call\":{}",
            event.node.label, header.time_ns, header.call
        );
        if !matches!(event.origin, Origin::Map { cpu: None, .. }) {
            let _ = write!(out, ",\"cpu\":{}", header.cpu);
        }
        if header.pid != 0 || !header.comm().is_empty() {
            let _ = write!(out, ",\"pid\":{},\"tid\":{},\"comm\":", header.pid, header.tid);
            value::string(&String::from_utf8_lossy(header.comm()), out);
        }
        out.push(',');
        Self::payload(event, out);
        out.push_str("}\n");
    }

    /// The keys of an event's payload.
    pub(super) fn payload(event: &Event<'_>, out: &mut String) {
        if let Origin::Printk(said) = event.origin {
            return Self::printk(said, out);
        }
        if let Origin::Map { map, .. } = event.origin {
            out.push_str("\"map\":");
            value::string(&map.map, out);
            out.push(',');
        }
        if let Some(layout) = event.layout.or(event.short) {
            out.push_str("\"type\":");
            value::string(&layout.name, out);
            out.push(',');
        }
        match event.layout {
            Some(layout) => {
                out.push_str("\"data\":");
                value::object(&layout.fields, event.payload, out);
            }
            None => {
                out.push_str("\"bytes\":\"");
                value::hex(event.payload, out);
                out.push('"');
            }
        }
        let mut text = String::new();
        if let (Origin::Map { map, .. }, Some(_)) = (event.origin, event.layout)
            && map.text(event.payload, &mut text)
        {
            out.push_str(",\"text\":");
            value::string(&text, out);
        }
    }

    /// A line of `bpf_printk`.
    fn printk(said: &Said, out: &mut String) {
        out.push_str("\"printk\":");
        value::string(&said.text, out);
        for (number, node) in said.or.iter().enumerate() {
            out.push_str(if number == 0 { ",\"or\":[" } else { "," });
            value::string(node, out);
        }
        if !said.or.is_empty() {
            out.push(']');
        }
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

    /// The last record.
    pub fn summary(events: u64, lost: u64, out: &mut String) {
        let _ = writeln!(out, "{{\"record\":\"summary\",\"events\":{events},\"lost\":{lost}}}");
    }
}
