//! The records of `--format json` as a JSON schema (draft-07): each line is one of them.

use serde_json::{Map, Value, json};

/// The JSON schema of a record.
#[must_use]
pub fn schema() -> Value {
    let records = [
        ("version", version()),
        ("node_up", node_up()),
        ("event", event()),
        ("lost", lost()),
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
                "description": "Raised when a reader would have to change.",
                "type": "integer", "enum": [super::render::VERSION],
            },
            "chain": text("The chain's name."),
        }),
    )
}

fn node_up() -> Value {
    record(
        "node_up",
        "A program that was loaded: one for each node, more where a node is loaded for several.",
        json!({
            "node": node(),
            "kind": kind(),
            "place": text("Where it is attached: a hook, a stub, a node."),
            "program": count("The kernel's id of the program."),
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
                "The same for all nodes passed in one invocation of a host; 0 for none. It may be \
                 larger than 2^53.",
            ),
        }),
    );
    let more = json!({
        "cpu": count("The CPU it came from, where that is known."),
        "pid": count("The process."),
        "tid": count("The thread."),
        "comm": text("The thread's name."),
        "type": text("The name of the author's struct."),
        "data": {
            "description": "Its fields by name.",
            "type": "object",
            "additionalProperties": {},
        },
        "bytes": {
            "description": "The payload in hexadecimal, where its type is not known, or is longer.",
            "type": "string",
            "pattern": "^([0-9a-f]{2})*$",
        },
        "function": text("The function that a built-in tracer tells of; `type` is call or return."),
        "args": {
            "description": "Its arguments by name, or what was asked for of them.",
            "type": "object",
            "additionalProperties": {},
        },
        "ret": { "description": "What it returned." },
        "ret_name": text("The name of that, where it has one: XDP_PASS."),
        "took_ns": {
            "description": "How long it took, nanoseconds; null where its entry was not seen.",
            "oneOf": [{ "type": "integer", "minimum": 0 }, { "type": "null" }],
        },
        "map": text("The map it came through, where that is not the composer's."),
        "text": text("It as the chain's text says."),
        "printk": text("A line of bpf_printk."),
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
    let payloads = ["data", "bytes", "printk", "args"];
    event["oneOf"] = payloads.iter().map(|key| json!({ "required": [key] })).collect();
    event
}

fn lost() -> Value {
    let mut lost = record(
        "lost",
        "Events that found no room, since the last such record of that node.",
        json!({
            "count": {
                "description": "How many.",
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

fn node_down() -> Value {
    let mut down = record(
        "node_down",
        "A node that was detached, and what became of its events: produced = delivered + lost.",
        json!({
            "node": node(),
            "produced": count("Events that it emitted."),
            "delivered": count("Those that were read, shown or not."),
            "lost": count("Those that found no room."),
            "skipped": {
                "description": "How often the kernel did not run its program though its event came, \
                                because a program ran on the same CPU; null from a kernel that does \
                                not count that. Not among the others: such a call emits nothing.",
                "oneOf": [{ "type": "integer", "minimum": 0 }, { "type": "null" }],
            },
        }),
    );
    if let Some(known) = down["properties"].as_object_mut() {
        let uncounted = json!({
            "description": "Maps of which only the program sees what finds no room: losses there \
                            are not among `produced` and `lost`.",
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
            "events": count("How many event records there were."),
            "lost": count("How many events of all nodes found no room."),
            "skipped": count("How often programs were not run, as far as the kernel counts that."),
            "undecoded": count(
                "How many events were shorter than their type, or of a type that is not known.",
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
        json!({ "description": "What it is.", "type": "string", "enum": [name] }),
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
