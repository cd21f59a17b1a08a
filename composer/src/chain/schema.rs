//! The chain file as a JSON schema (draft-07): editors complete and check with it.
//!
//! It says what [`read`](super::read) accepts as far as a schema can: what refers to what, and what
//! is in the objects, is left to `validate`. Tests hold the two together.

use serde_json::{Map, Value, json};

use super::buffer::sizes;
use crate::{
    hook::{HostKind, KINDS, KeySpec, Values},
    version::Requirement,
};

/// The JSON schema of chain files.
#[must_use]
pub fn schema() -> Value {
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "freplace-compose chain",
        "description": "A chain of eBPF programs: hosts at kernel hooks, stubs in them, \
                        replacements for the stubs, and tracers on any of them.",
        "type": "object",
        "additionalProperties": false,
        "required": ["host"],
        "properties": {
            "name": text("The chain's name. Defaults to the file name without its extension."),
            "description": text("The purpose of the chain."),
            "printk": printk("Show bpf_printk lines of every node that does not set `printk` \
                              itself."),
            "requires": requires(),
            "buffer": {
                "description": "Size of the event buffer: a larger buffer loses fewer events.",
                "enum": sizes().map(|(_, written)| written).collect::<Vec<_>>(),
            },
            "pins": pins(),
            "host": nodes("host", "Programs at kernel hooks: [host.ID].", 1),
            "stub": nodes("stub", "Functions of hosts that can be replaced: [stub.ID].", 0),
            "replacement": nodes(
                "replacement", "Programs that replace a stub: [replacement.ID].", 0,
            ),
            "tracer": nodes("tracer", "Programs that trace a function: [tracer.ID].", 0),
        },
        "definitions": {
            "host": host(),
            "stub": stub(),
            "replacement": replacement(),
            "tracer": tracer(),
            "attach": attach(),
            "events": events(),
            "value": value(),
        },
    })
}

fn requires() -> Value {
    let mut kernel = text(
        "Kernel series: comparisons (>=, >, <=, <, =) with versions, separated by commas, all of \
         which have to hold.",
    );
    kernel["pattern"] = Requirement::PATTERN.into();
    kernel["examples"] = json!([">=6.6", ">=6.1, <7"]);
    node("Requirements of the chain.", &["kernel"], json!({ "kernel": kernel }))
}

fn host() -> Value {
    node(
        "A program at a kernel hook.",
        &["object", "program"],
        json!({
            "object": object(),
            "program": program("the hook's SEC(\"...\")"),
            "type": section(),
            "attach": { "$ref": "#/definitions/attach" },
            "events": own_events(),
            "printk": own_printk(),
            "globals": globals(),
            "maps": maps(),
            "tail": tail(),
        }),
    )
}

fn stub() -> Value {
    node(
        "A function of one or more hosts that can be replaced.",
        &["function", "hosts"],
        json!({
            "function": text(
                "A global, noinline function that the hosts call; a program's own entry function \
                 works too.",
            ),
            "hosts": {
                "description": "Ids of the hosts whose objects define the function.",
                "type": "array",
                "items": text("The id of a host."),
                "minItems": 1,
                "uniqueItems": true,
            },
        }),
    )
}

fn replacement() -> Value {
    node(
        "A program that replaces a stub.",
        &["object", "program", "stub"],
        json!({
            "object": object(),
            "program": program("SEC(\"freplace\"), or a section of the host's own type"),
            "type": section(),
            "stub": text("The id of the stub; it is replaced in every one of its hosts."),
            "events": own_events(),
            "printk": own_printk(),
            "globals": globals(),
            "maps": maps(),
            "tail": tail(),
        }),
    )
}

fn tracer() -> Value {
    let target = "the id of the target, which is a host, a stub that is not replaced, a \
                  replacement, or a tracer.";
    let mut tracer = node(
        "A program that runs at the entry (fentry) or return (fexit) of a function.",
        &[],
        json!({
            "object": object(),
            "program": program("SEC(\"fentry\") or SEC(\"fexit\")"),
            "type": section(),
            "fentry": text(&format!("Runs at the entry of the target: {target}")),
            "fexit": text(&format!("Runs at the return of the target: {target}")),
            "trace": text(&format!("Built-in tracer: records entry and return of the target: \
                                    {target}")),
            "function": text(
                "A function of the target's program. Defaults to its entry function.",
            ),
            "capture": capture(),
            "where": filter(),
            "events": own_events(),
            "printk": own_printk(),
            "globals": globals(),
            "maps": maps(),
            "tail": tail(),
        }),
    );
    let moments = ["fentry", "fexit", "trace"].map(|key| json!({ "required": [key] }));
    tracer["oneOf"] = json!(moments);
    // Without an object it is the built-in tracer, and only that is asked for anything.
    let built_in = json!({ "not": { "required": ["object"] } });
    tracer["dependencies"] = json!({
        "object": ["program"],
        "program": ["object"],
        "type": ["object"],
        "globals": ["object"],
        "trace": built_in,
        "capture": built_in,
        "where": built_in,
    });
    tracer
}

fn section() -> Value {
    let mut section = text(
        "The program's type, as written in SEC(\"...\"). Needed only if the object's section name \
         does not give it.",
    );
    section["examples"] = json!(["xdp", "xdp.frags", "kprobe"]);
    section
}

fn capture() -> Value {
    json!({
        "description": "Built-in tracer: values to record of a call, besides result and duration. \
                        Defaults to all arguments.",
        "type": "array",
        "items": text("An argument, a field or a dereferenced pointer: len, pkt->proto, *count."),
        "examples": [["len", "pkt->proto"]],
    })
}

fn filter() -> Value {
    let mut filter = text(
        "Built-in tracer: condition for recording a call, evaluated in the kernel. Comparisons of \
         values with constants, combined with &&, || and !.",
    );
    filter["examples"] = json!(["len > 100 && ret != 2"]);
    filter
}

fn printk(description: &str) -> Value {
    json!({ "description": description, "type": "boolean" })
}

fn own_printk() -> Value {
    printk("Show the bpf_printk lines of this node.")
}

/// One map or several.
fn own_events() -> Value {
    let one = json!({ "$ref": "#/definitions/events" });
    json!({
        "description": "Decoding of records from the node's own event maps. Records of maps not \
                        listed here are shown as bytes.",
        "oneOf": [one, { "type": "array", "items": one }],
    })
}

fn events() -> Value {
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

fn pins() -> Value {
    let mut pins = text("The folder of pinned maps, in a bpffs. Defaults to /sys/fs/bpf.");
    pins["pattern"] = "^/".into();
    pins["examples"] = json!(["/sys/fs/bpf/mine"]);
    pins
}

/// What a variable may be set to, whatever its type in C.
fn globals() -> Value {
    json!({
        "description": "Global variables of the node's object, set before the program is loaded: by \
                        name, field and item. A string is text for characters, an expression for \
                        numbers.",
        "type": "object",
        "additionalProperties": { "$ref": "#/definitions/value" },
        "examples": [{ "limit": 5, "conf.used": 2, "conf.go_on[0]": "1 << XDP_PASS" }],
    })
}

fn value() -> Value {
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

fn maps() -> Value {
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

fn tail() -> Value {
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

/// One kind of host, with the keys that go with it.
fn attach() -> Value {
    let mut properties = Map::new();
    let mut dependencies = Map::new();
    for kind in KINDS {
        properties.insert(kind.name.to_owned(), target(kind));
        for spec in kind.settings {
            properties.insert(spec.key.to_owned(), setting(spec));
            dependencies.insert(spec.key.to_owned(), beside(spec));
        }
        if let Some(own) = own_words(kind) {
            dependencies.insert(kind.name.to_owned(), own);
        }
    }
    let names: Vec<_> = HostKind::names().collect();
    json!({
        "description": format!("The kernel hook of a host: one of {}.", names.join(", ")),
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
        "oneOf": HostKind::names().map(required).collect::<Vec<_>>(),
        "dependencies": dependencies,
    })
}

/// What has to be, and what must not be, in the table with a key beside a kind's own.
fn beside(spec: &KeySpec) -> Value {
    let having = HostKind::with_setting(spec.key).map(|kind| required(kind.name));
    let mut beside = json!({ "oneOf": having.collect::<Vec<_>>() });
    if !spec.excludes.is_empty() {
        let excluded: Vec<_> = spec.excludes.iter().map(|key| required(key)).collect();
        beside["not"] = json!({ "anyOf": excluded });
    }
    beside
}

/// The keys that have to stand beside a kind's own, with the words that are right for this kind.
fn own_words(kind: &HostKind) -> Option<Value> {
    let required: Vec<_> = kind.settings.iter().filter(|spec| spec.is_required()).collect();
    if required.is_empty() {
        return None;
    }
    let words = |spec: &&KeySpec| match spec.values {
        Values::Required(words) => Some((spec.key.to_owned(), json!({ "enum": words }))),
        _ => None,
    };
    let properties: Map<_, _> = required.iter().filter_map(words).collect();
    let keys: Vec<_> = required.iter().map(|spec| spec.key).collect();
    Some(json!({ "required": keys, "properties": properties }))
}

fn required(key: &str) -> Value {
    json!({ "required": [key] })
}

/// What a kind's own key holds.
fn target(kind: &HostKind) -> Value {
    let mut target = text(kind.summary);
    target["examples"] = json!([kind.target.example]);
    if let Some(pattern) = kind.target.pattern {
        target["pattern"] = pattern.into();
    }
    target
}

/// What a key beside it holds.
fn setting(spec: &KeySpec) -> Value {
    let mut setting = match spec.values {
        Values::Words(words) => json!({ "type": "string", "enum": words }),
        // Which words, its kind says: several kinds may have the key.
        Values::Required(_) => json!({ "type": "string", "minLength": 1 }),
        Values::Number(least, most) => {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        Values::Text => json!({ "type": "string", "minLength": 1 }),
    };
    setting["description"] = spec.doc.into();
    if let Some(default) = spec.values.default() {
        setting["default"] = json!(default);
    }
    setting
}

/// An id has no ASCII but letters, digits, `_`, `-` and `.`. Of the other scripts `validate` takes
/// letters and digits alone; the classes that would say so here are not in every editor's regex.
const ID: &str = "^[^\\x00-,/:-@\\[-\\^`{-\\u00a0]+$";

/// A table of nodes by their ids.
fn nodes(kind: &str, description: &str, least: u32) -> Value {
    json!({
        "description": description,
        "type": "object",
        "minProperties": least,
        "propertyNames": {
            "description": "An id, unique across all tables: letters, digits, `_`, `-` and `.`.",
            "pattern": ID,
        },
        "additionalProperties": { "$ref": format!("#/definitions/{kind}") },
    })
}

fn node(description: &str, required: &[&str], properties: Value) -> Value {
    let mut node = json!({
        "description": description,
        "type": "object",
        "additionalProperties": false,
        "required": required,
    });
    node["properties"] = properties;
    node
}

fn text(description: &str) -> Value {
    json!({ "description": description, "type": "string", "minLength": 1 })
}

fn object() -> Value {
    let mut object = text(
        "The compiled object: a path relative to this file, or builtin:NAME for an object \
         included in freplace-compose.",
    );
    object["examples"] = json!(["my.bpf.o", "builtin:tcp"]);
    object
}

fn program(section: &str) -> Value {
    text(&format!("The function with {section}."))
}
