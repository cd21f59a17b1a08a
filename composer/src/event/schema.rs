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
                "type": "integer", "enum": [super::json::VERSION],
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
            "cpu": count("The CPU it came from."),
        }),
    );
    let more = json!({
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
            "description": "The payload in hexadecimal, where its type is not known.",
            "type": "string",
            "pattern": "^([0-9a-f]{2})*$",
        },
    });
    if let (Some(known), Value::Object(more)) = (event["properties"].as_object_mut(), more) {
        known.extend(more);
    }
    event["dependencies"] = json!({
        "pid": ["tid", "comm"], "tid": ["pid"], "comm": ["pid"], "type": ["data"], "data": ["type"],
    });
    event["oneOf"] = json!([{ "required": ["data"] }, { "required": ["bytes"] }]);
    event
}

fn lost() -> Value {
    record(
        "lost",
        "Events of a node that found no room in the ring buffer, since the last such record.",
        json!({
            "node": node(),
            "count": {
                "description": "How many.",
                "type": "integer",
                "minimum": 1,
            },
        }),
    )
}

fn node_down() -> Value {
    record(
        "node_down",
        "A node that was detached, and what became of its events: produced = delivered + lost.",
        json!({
            "node": node(),
            "produced": count("Events that it emitted."),
            "delivered": count("Those that were read, shown or not."),
            "lost": count("Those that found no room."),
        }),
    )
}

fn summary() -> Value {
    record(
        "summary",
        "The last record.",
        json!({
            "events": count("How many event records there were."),
            "lost": count("How many events of all nodes found no room."),
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
