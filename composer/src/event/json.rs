//! Events as NDJSON: one object a line, the first of them the version of the format.

use std::fmt::Write as _;

use super::{Event, value};
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
            ",\"kind\":\"{}\",\"time_ns\":{},\"call\":{},\"cpu\":{}",
            event.label(),
            header.time_ns,
            header.call,
            header.cpu
        );
        if header.pid != 0 || !header.comm().is_empty() {
            let _ = write!(out, ",\"pid\":{},\"tid\":{},\"comm\":", header.pid, header.tid);
            value::string(&String::from_utf8_lossy(header.comm()), out);
        }
        if let Some(traced) = event.traced {
            out.push(',');
            traced.json(event.payload, out);
            out.push_str("}\n");
            return;
        }
        match event.layout {
            Some(layout) => {
                out.push_str(",\"type\":");
                value::string(&layout.name, out);
                out.push_str(",\"data\":");
                value::object(&layout.fields, event.payload, out);
            }
            None => {
                out.push_str(",\"bytes\":\"");
                value::hex(event.payload, out);
                out.push('"');
            }
        }
        out.push_str("}\n");
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
