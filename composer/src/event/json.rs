//! The parts of an event as JSON, without braces around them.

use std::fmt::Write as _;

use super::{Event, Layout, Payload, PrintkLine, UserEventMap, value};
use crate::plan::PlannedNode;

/// The keys that all events of `node` begin with.
pub(super) fn keys_of(node: &PlannedNode) -> String {
    keys(&node.id, node.label)
}

/// The keys that events of `kind` of the node called `node` begin with.
pub(super) fn keys(node: &str, kind: &str) -> String {
    let mut out = "{\"record\":\"event\",\"node\":".to_owned();
    value::string(node, &mut out);
    out.push_str(",\"kind\":");
    value::string(kind, &mut out);
    out
}

/// The keys of an event's payload.
pub(super) fn payload(event: &Event<'_>, out: &mut String) {
    let bytes = event.bytes;
    match event.payload {
        Payload::Line(said) => printk(said, out),
        Payload::Written(line) => {
            out.push_str("\"output\":");
            value::string(line, out);
        }
        Payload::Returned(answer) => {
            let _ = write!(out, "\"returned\":{answer}");
        }
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
fn printk(said: &PrintkLine, out: &mut String) {
    out.push_str("\"printk\":");
    value::string(&said.text, out);
    list("or", &said.or, out);
    let _ = write!(out, ",\"known\":{}", said.known);
}

/// The keys that say where bytes came from and of which type they are.
fn source(map: Option<&UserEventMap>, layout: Option<&Layout>, out: &mut String) {
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
fn undecoded(map: Option<&UserEventMap>, layout: Option<&Layout>, bytes: &[u8], out: &mut String) {
    source(map, layout, out);
    out.push_str("\"bytes\":\"");
    value::hex(bytes, out);
    out.push('"');
}

/// A key with a list of texts; nothing when that is empty.
pub(super) fn list(key: &str, items: &[impl AsRef<str>], out: &mut String) {
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
