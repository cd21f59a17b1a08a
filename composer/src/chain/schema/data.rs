//! The data of nodes: events, global variables, maps and pins.

use serde_json::{Value, json};

use super::{node, text};

/// One map or several.
pub(super) fn own_events() -> Value {
    let one = json!({ "$ref": "#/definitions/events" });
    json!({
        "description": "Decoding of records from the node's own event maps. Records of maps not \
                        listed here are shown as bytes.",
        "oneOf": [one, { "type": "array", "items": one }],
    })
}

pub(super) fn events() -> Value {
    let mut text_of = text(
        "Format string for a record, with fields in braces: {saddr:ipv4}:{sport:be16}. Formats: \
         ipv4, ipv6, be16, be32, be64, mac, hex, str, ns, errno, enum NAME.",
    );
    text_of["examples"] = json!(["{saddr:ipv4}:{sport:be16} → {daddr:ipv4}:{dport:be16}"]);
    let mut layout = text(
        "The struct of the records if it is not in BTF: C declarations of integers and arrays of \
         integers; without gaps if `packed` is the first word.",
    );
    layout["examples"] = json!(["u32 saddr; __be16 port; char comm[16]; u64 pad[2]"]);
    let mut events = node(
        "Records of one event map.",
        &["map"],
        json!({
            "map": text("A ring buffer or perf event array of the node's object."),
            "type": text("The struct of the records, by its name in the object's BTF."),
            "layout": layout,
            "text": text_of,
            "time": text("The field with the result of bpf_ktime_get_ns()."),
        }),
    );
    let decoded = json!({ "oneOf": [{ "required": ["type"] }, { "required": ["layout"] }] });
    events["dependencies"] = json!({
        "text": decoded,
        "time": decoded,
        "layout": { "not": { "required": ["type"] } },
    });
    events
}

pub(super) fn pins() -> Value {
    let mut pins = text("The folder of pinned maps, in a bpffs. Defaults to /sys/fs/bpf.");
    pins["pattern"] = "^/".into();
    pins["examples"] = json!(["/sys/fs/bpf/mine"]);
    pins
}

/// What a variable may be set to, whatever its type in C.
pub(super) fn globals() -> Value {
    json!({
        "description": "Global variables of the node's object, set before the program is loaded: by \
                        name, field and item. A string is text for characters, an expression for \
                        numbers.",
        "type": "object",
        "additionalProperties": { "$ref": "#/definitions/value" },
        "examples": [{ "limit": 5, "conf.used": 2, "conf.go_on[0]": "1 << XDP_PASS" }],
    })
}

pub(super) fn value() -> Value {
    let own = json!({ "$ref": "#/definitions/value" });
    json!({
        "description": "An integer, a boolean, a string or an expression, a list for an array, a \
                        table for a struct.",
        "oneOf": [
            { "type": "integer" },
            { "type": "boolean" },
            { "type": "string" },
            { "type": "array", "items": own },
            { "type": "object", "additionalProperties": own },
        ],
    })
}

pub(super) fn maps() -> Value {
    let number = |description: &str| json!({ "description": description, "type": "integer", "minimum": 0, "maximum": u32::MAX });
    let pin = json!({
        "description": "Whether the map is pinned, and where: true (under its name in `pins`), \
                        false, a name in `pins`, or a path.",
        "oneOf": [{ "type": "boolean" }, { "type": "string", "minLength": 1 }],
    });
    let keep = json!({
        "description": "Whether the pin is left in place when the chain goes down.",
        "type": "boolean",
        "default": true,
    });
    let map = node(
        "Changes to a map.",
        &[],
        json!({
            "max_entries": number("Number of entries; for a ring buffer, its size in bytes."),
            "flags": number("BPF_F_... flags, instead of those of the object."),
            "pin": pin,
            "keep": keep,
        }),
    );
    json!({
        "description": "Changes to maps of the node's object, by map name.",
        "type": "object",
        "additionalProperties": map,
    })
}

pub(super) fn tail() -> Value {
    json!({
        "description": "Programs put into program arrays (BPF_MAP_TYPE_PROG_ARRAY) of the node's \
                        object: the id of a host, by map name and index.",
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "propertyNames": { "pattern": "^[0-9]+$" },
            "additionalProperties": text("The id of a host."),
        },
        "examples": [{ "jumps": { "1": "my_node" } }],
    })
}
