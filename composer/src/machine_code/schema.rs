//! The JSON schema of the way of a call.

use serde_json::{Value, json};

use crate::json_schema::{list, object, or_null, text, whole};

/// The JSON schema (draft-07) of what `flow --format json` writes.
#[must_use]
pub fn schema() -> Value {
    let mut schema = object(&[
        (
            "routes",
            list("The way of a call of each host, or of each program that was named.", &route_of()),
        ),
        ("not_read", list("What could not be read, each in words.", &json!({ "type": "string" }))),
        ("verdict", or_null(&verdict())),
    ]);
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!("freplace-compose flow");
    schema["description"] = json!(
        "The way of calls through machine code, as `freplace-compose flow --format json` writes it."
    );
    schema["definitions"] = json!({ "route": route() });
    schema
}

/// What `--verify` adds; null without that.
fn verdict() -> Value {
    object(&[
        ("confirmed", whole("Functions whose machine code is as the links say.")),
        (
            "not_compared",
            list(
                "Functions that could not be compared, each in words.",
                &json!({ "type": "string" }),
            ),
        ),
        (
            "disagreements",
            list(
                "Functions of which links and machine code say different things.",
                &object(&[
                    ("program", whole("The id of its program.")),
                    ("function", text("Its name.")),
                    ("links", text("What the links say, in words.")),
                    ("code", text("What the machine code says, in words.")),
                ]),
            ),
        ),
    ])
}

fn route_of() -> Value {
    json!({ "$ref": "#/definitions/route" })
}

fn route() -> Value {
    let trampoline = object(&[
        ("kind", only("trampoline")),
        ("name", text("Its name in /proc/kallsyms.")),
        ("read", json!({ "description": "Whether its code could be read.", "type": "boolean" })),
    ]);
    let patched = object(&[
        (
            "address",
            address("Where they are: behind endbr64, where the function begins with that."),
        ),
        ("bytes", bytes("The bytes, as they are now.")),
        ("is_nop", json!({ "description": "Whether they do nothing.", "type": "boolean" })),
    ]);
    object(&[
        ("address", address("Where it begins.")),
        ("visit", json!({ "oneOf": [function("function"), trampoline] })),
        ("patched", or_null(&patched)),
        ("steps", list("The ways on from it, in the order of the code.", &step())),
    ])
}

fn step() -> Value {
    let line = object(&[
        ("file", text("The file, without its folder.")),
        ("line", json!({ "description": "Its number, from 1.", "type": "integer", "minimum": 1 })),
        ("text", text("Its text.")),
    ]);
    let named =
        |kind| object(&[("kind", only(kind)), ("name", text("Its name in /proc/kallsyms."))]);
    let places = [
        function("function"),
        function("behind the patched bytes"),
        named("trampoline"),
        named("kernel"),
        json!({ "type": "null" }),
    ];
    object(&[
        ("address", address("Where the instruction is.")),
        ("bytes", bytes("Its bytes.")),
        ("instruction", text("Its text, in the syntax of gas.")),
        ("kind", json!({ "description": "Whether it comes back.", "enum": ["call", "jump"] })),
        ("line", or_null(&line)),
        ("to", address("Where it leads to.")),
        (
            "place",
            json!({ "description": "What is there; null where that has no name.", "oneOf": places }),
        ),
        ("on", or_null(&route_of())),
    ])
}

/// A function of a program.
fn function(kind: &str) -> Value {
    object(&[
        ("kind", only(kind)),
        ("name", text("Its name.")),
        ("program", whole("The id of its program.")),
        ("program_name", text("The name of that.")),
        (
            "is_entry",
            json!({ "description": "Whether the program begins with it.", "type": "boolean" }),
        ),
    ])
}

fn only(kind: &str) -> Value {
    json!({ "description": "What it is.", "enum": [kind] })
}

fn address(description: &str) -> Value {
    json!({ "description": description, "type": "string", "pattern": "^0x[0-9a-f]+$" })
}

fn bytes(description: &str) -> Value {
    json!({ "description": description, "type": "string", "pattern": "^([0-9a-f]{2}( |$))*$" })
}
