//! The records of `--format json` as a JSON schema (draft-07), one per line.

use serde_json::{Map, Value, json};

/// The JSON schema of a record.
#[must_use]
pub fn schema() -> Value {
    let records = [
        ("version", version()),
        ("node_up", node_up()),
        ("event", event()),
        ("lost", lost()),
        ("program_changed", program_changed()),
        ("node_down", node_down()),
        ("summary", summary()),
    ];
    let choices: Vec<_> = records
        .iter()
        .map(|(name, _)| json!({ "$ref": format!("#/definitions/{name}") }))
        .collect();
    let definitions: Map<_, _> =
        records.into_iter().map(|(name, record)| (name.to_owned(), record)).collect();
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "freplace-compose event record",
        "description": "One line of `freplace-compose up --format json`.",
        "oneOf": choices,
        "definitions": definitions,
    })
}

fn version() -> Value {
    record(
        "version",
        "The first record.",
        json!({
            "version": {
                "description": "Increased on changes that break readers.",
                "type": "integer", "enum": [super::render::VERSION],
            },
            "chain": text("The chain's name."),
        }),
    )
}

fn node_up() -> Value {
    record(
        "node_up",
        "A loaded program: one per node, or several if a node is loaded for several hosts.",
        json!({
            "node": node(),
            "kind": kind(),
            "place": text("The attach target: a hook, a stub, a node."),
            "program": count("The program's id in the kernel."),
        }),
    )
}

fn event() -> Value {
    let mut event = record(
        "event",
        "An event of a node.",
        json!({
            "node": node(),
            "kind": kind(),
            "time_ns": count("CLOCK_MONOTONIC, nanoseconds."),
            "call": count(
                "The same number for all nodes in one invocation of a host; 0 if unknown. It may \
                 exceed 2^53.",
            ),
        }),
    );
    let more = json!({
        "cpu": count("The CPU of the event, if known."),
        "pid": count("The process."),
        "tid": count("The thread."),
        "comm": text("The thread's name."),
        "type": text("The name of the event's struct."),
        "data": {
            "description": "Its fields by name.",
            "type": "object",
            "additionalProperties": {},
        },
        "bytes": {
            "description": "The payload in hexadecimal, if its type is unknown or larger than the \
                            payload.",
            "type": "string",
            "pattern": "^([0-9a-f]{2})*$",
        },
        "function": text("The function of a built-in tracer's event; `type` is call or return."),
        "args": {
            "description": "Its arguments by name, or the captured values.",
            "type": "object",
            "additionalProperties": {},
        },
        "ret": { "description": "The return value." },
        "ret_name": text("The name of the return value, if it has one: XDP_PASS."),
        "took_ns": {
            "description": "The duration in nanoseconds; null if the entry was not seen.",
            "oneOf": [{ "type": "integer", "minimum": 0 }, { "type": "null" }],
        },
        "map": text("The node's own event map, if it is not the composer's."),
        "text": text("The record formatted with the chain's `text`."),
        "printk": text("A line of bpf_printk."),
        "output": text("A line that an iterator wrote."),
        "returned": {
            "description": "What a program returned that ran once.",
            "type": "integer",
        },
        "or": {
            "description": "Other nodes that may have written the line.",
            "type": "array",
            "items": node(),
            "minItems": 1,
        },
        "known": {
            "description": "Whether the line fits a format of the chain. If not, any program of the \
                            machine may have written it.",
            "type": "boolean",
        },
    });
    if let (Some(known), Value::Object(more)) = (event["properties"].as_object_mut(), more) {
        known.extend(more);
    }
    event["dependencies"] = json!({
        "pid": ["tid", "comm"], "tid": ["pid"], "comm": ["pid"], "data": ["type"],
        "function": ["type", "args"], "args": ["function"], "ret": ["function"],
        "ret_name": ["ret"], "took_ns": ["function"], "text": ["map", "data"], "printk": ["known"],
        "known": ["printk"], "or": ["printk"],
    });
    let payloads = ["data", "bytes", "printk", "args", "output", "returned"];
    event["oneOf"] = payloads.iter().map(|key| json!({ "required": [key] })).collect();
    event
}

fn lost() -> Value {
    let mut lost = record(
        "lost",
        "Events lost since the last such record of the node.",
        json!({
            "count": {
                "description": "The number of events.",
                "type": "integer",
                "minimum": 1,
            },
        }),
    );
    if let Some(known) = lost["properties"].as_object_mut() {
        known.insert("node".to_owned(), node());
        let printk = json!({
            "description": "In place of a node: lines of bpf_printk, of the chain or of others.",
            "type": "boolean",
            "enum": [true],
        });
        known.insert("printk".to_owned(), printk);
    }
    lost["oneOf"] = json!([{ "required": ["node"] }, { "required": ["printk"] }]);
    lost
}

fn program_changed() -> Value {
    record(
        "program_changed",
        "The program of a host that somebody else loaded was detached, or is attached again.",
        json!({
            "node": node(),
            "program": count("The id of the program that the chain is on."),
            "now": {
                "description": "The id of the program that the chain's name for the host stands for now: the same \
                                one when it is attached again; null if there is none, or more than one.",
                "oneOf": [{ "type": "integer", "minimum": 0 }, { "type": "null" }],
            },
            "followed": {
                "description": "Whether the chain was brought up on that program in the place of the old one, as \
                                `follow` asks for; its nodes have new `node_up` records then.",
                "type": "boolean",
            },
        }),
    )
}

fn node_down() -> Value {
    let mut down = record(
        "node_down",
        "A detached node and its event counts: produced = delivered + lost.",
        json!({
            "node": node(),
            "produced": count("Events emitted."),
            "delivered": count("Events read, shown or not."),
            "lost": count("Events lost."),
            "skipped": {
                "description": "The number of runs skipped by the kernel because a program ran on \
                                the same CPU; null if the kernel does not count them. Not \
                                included in the other counts: a skipped run emits nothing.",
                "oneOf": [{ "type": "integer", "minimum": 0 }, { "type": "null" }],
            },
        }),
    );
    if let Some(known) = down["properties"].as_object_mut() {
        let uncounted = json!({
            "description": "Maps whose losses the kernel does not report: they are not included \
                            in `produced` and `lost`.",
            "type": "array",
            "items": text("The map's name."),
            "minItems": 1,
        });
        known.insert("uncounted".to_owned(), uncounted);
    }
    down
}

fn summary() -> Value {
    record(
        "summary",
        "The last record.",
        json!({
            "events": count("The number of event records."),
            "lost": count("The number of lost events of all nodes."),
            "skipped": count("The number of skipped runs, as far as the kernel counts them."),
            "undecoded": count(
                "The number of events shorter than their type, or of unknown type.",
            ),
        }),
    )
}

/// A closed object with `record` and `keys`, all of which are required.
#[expect(clippy::needless_pass_by_value, reason = "a literal is handed over")]
fn record(name: &str, description: &str, keys: Value) -> Value {
    let mut properties = Map::new();
    properties.insert(
        "record".to_owned(),
        json!({ "description": "The kind of record.", "type": "string", "enum": [name] }),
    );
    properties.extend(keys.as_object().cloned().unwrap_or_default());
    let required: Vec<_> = properties.keys().cloned().collect();
    json!({
        "description": description,
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": properties,
    })
}

fn text(description: &str) -> Value {
    json!({ "description": description, "type": "string" })
}

fn count(description: &str) -> Value {
    json!({ "description": description, "type": "integer", "minimum": 0 })
}

fn node() -> Value {
    json!({ "description": "The node's id in the chain file.", "type": "string", "minLength": 1 })
}

fn kind() -> Value {
    json!({
        "description": "The kernel's word for its program: kprobe, freplace, fentry, ...",
        "type": "string",
        "minLength": 1,
    })
}
