//! A file of tests as a JSON schema (draft-07).

use serde_json::{Value, json};

use crate::syscalls::SYSCALLS;

/// The JSON schema of files of tests; of the `test` of a chain file, too.
#[must_use]
pub fn schema() -> Value {
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "freplace-compose tests",
        "description": "Tests of the programs of a chain.",
        "type": "object",
        "additionalProperties": false,
        "required": ["chain", "test"],
        "properties": {
            "chain": text("The chain file, relative to this file; or builtin:NAME for a recipe."),
            "test": { "type": "array", "items": { "$ref": "#/definitions/test" } },
        },
        "definitions": {
            "test": table("A test.", &["name"], &own_keys()),
            "mock": mock(),
            "entries": entries(),
            "count": count(),
            "expect": expect(),
            "value": value(),
        },
    })
}

type Property = (&'static str, Value);

fn table(description: &str, required: &[&str], properties: &[Property]) -> Value {
    let properties: serde_json::Map<String, Value> =
        properties.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    json!({
        "description": description,
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": properties,
    })
}

fn own_keys() -> Vec<Property> {
    let mut keys = vec![("name", text("Its name, unique in the file."))];
    keys.extend(case_keys());
    let cases = json!({
        "description": "A test for each: the keys of a case go before those of the test; of `expect`, those in it do.",
        "type": "array",
        "minItems": 1,
        "items": table("A case.", &[], &[vec![("name", text("Its name."))], case_keys()].concat()),
    });
    keys.push(("cases", cases));
    keys
}

fn case_keys() -> Vec<Property> {
    let any = |description: &str| json!({ "description": description });
    vec![
        ("requires", any("{ kernel = \">=6.6\" }: the kernels that the test is for.")),
        ("run", text("The id of a host that BPF_PROG_TEST_RUN runs; the only host if not given.")),
        ("repeat", json!({ "description": "How often it runs.", "type": "integer", "minimum": 1 })),
        (
            "packet",
            any(
                "What the host gets: layers by their fields, hexadecimal digits, or a capture file.",
            ),
        ),
        ("ctx", any("Fields of its context.")),
        (
            "traffic",
            json!({
                "description": "Packets over the loopback, with the hosts attached.",
                "anyOf": [
                    { "enum": ["tcp", "udp", "icmp"] },
                    { "type": "object", "minProperties": 1, "additionalProperties": {
                        "type": "integer", "minimum": 1 } },
                ],
            }),
        ),
        (
            "exec",
            json!({
                "description": "A command, with the hosts attached.",
                "type": "array", "minItems": 1, "items": { "type": "string" },
            }),
        ),
        ("syscall", syscall()),
        (
            "limit",
            json!({ "description": "Seconds that it may take.", "type": "integer", "minimum": 1 }),
        ),
        (
            "globals",
            named(
                "Values of global variables of the hosts.",
                &json!({ "$ref": "#/definitions/value" }),
            ),
        ),
        (
            "maps",
            named("Entries of maps before the test.", &json!({ "$ref": "#/definitions/entries" })),
        ),
        ("mock", named("What stands in for functions.", &json!({ "$ref": "#/definitions/mock" }))),
        ("expect", json!({ "$ref": "#/definitions/expect" })),
    ]
}

fn syscall() -> Value {
    let names: Vec<&str> = SYSCALLS.iter().map(|one| one.name).collect();
    json!({
        "description": "A system call that the program makes, with the hosts attached.",
        "anyOf": [
            { "enum": names },
            { "type": "object", "minProperties": 1, "maxProperties": 1,
              "propertyNames": { "enum": names },
              "additionalProperties": { "type": "integer", "minimum": 1 } },
        ],
    })
}

fn mock() -> Value {
    table(
        "What stands in for a function: results and writes, or a program.",
        &[],
        &[
            (
                "returns",
                json!({ "description": "What it returns: a value, a value for each call, or cases." }),
            ),
            (
                "writes",
                named(
                    "What it writes where its arguments point to.",
                    &json!({ "$ref": "#/definitions/value" }),
                ),
            ),
            ("object", text("An object, relative to this file.")),
            ("program", text("The program in it.")),
            (
                "globals",
                named("Values of its global variables.", &json!({ "$ref": "#/definitions/value" })),
            ),
        ],
    )
}

fn entries() -> Value {
    let entry = table(
        "An entry.",
        &["key"],
        &[
            ("key", json!({ "$ref": "#/definitions/value" })),
            ("value", json!({ "$ref": "#/definitions/value" })),
            (
                "absent",
                json!({ "description": "Whether there is no such entry.", "type": "boolean" }),
            ),
        ],
    );
    json!({ "type": "array", "items": entry })
}

fn count() -> Value {
    let number = json!({ "type": "integer", "minimum": 0 });
    json!({
        "description": "How often; at least once if not given.",
        "anyOf": [number, table("Bounds.", &[], &[("least", number.clone()), ("most", number.clone())])],
    })
}

fn expect() -> Value {
    let list = |items: Value| json!({ "type": "array", "items": items });
    let filter = text("Which of them count: comparisons combined with &&, || and !.");
    let counted = json!({ "$ref": "#/definitions/count" });
    let calls = table(
        "Calls of a function.",
        &["function"],
        &[
            ("function", text("The function; a mock is watched in its place.")),
            ("node", text("The node whose program has it.")),
            ("count", counted.clone()),
            ("where", filter.clone()),
        ],
    );
    let events = table(
        "Events of a node.",
        &["node"],
        &[("node", text("The node.")), ("count", counted), ("where", filter)],
    );
    table(
        "What has to hold afterwards.",
        &[],
        &[
            ("returns", json!({ "$ref": "#/definitions/value" })),
            (
                "packet",
                json!({ "description": "What it left of the packet: the fields that matter." }),
            ),
            ("ctx", json!({ "description": "What it left in its context." })),
            ("calls", list(calls)),
            ("order", list(json!({ "type": "string" }))),
            ("events", list(events)),
            ("maps", named("Entries of maps.", &json!({ "$ref": "#/definitions/entries" }))),
            (
                "globals",
                named("Values of global variables.", &json!({ "$ref": "#/definitions/value" })),
            ),
            ("arrived", json!({ "$ref": "#/definitions/count" })),
            (
                "exit",
                json!({
                    "description": "The exit code of the command of `exec`; 0 if not given.",
                    "type": "integer", "minimum": 0, "maximum": 255,
                }),
            ),
            ("errno", text("The error of the call of `syscall`: EPERM. It has none if not given.")),
            (
                "max_ns",
                json!({
                    "description": "Nanoseconds of a run that are worth a word when it takes longer.",
                    "type": "integer", "minimum": 1,
                }),
            ),
        ],
    )
}

fn value() -> Value {
    json!({
        "description": "A value, by its type in the object's BTF.",
        "anyOf": [
            { "type": "integer" },
            { "type": "boolean" },
            { "type": "string" },
            { "type": "array" },
            { "type": "object", "additionalProperties": {} },
        ],
    })
}

fn named(description: &str, values: &Value) -> Value {
    json!({ "description": description, "type": "object", "additionalProperties": values })
}

fn text(description: &str) -> Value {
    json!({ "description": description, "type": "string", "minLength": 1 })
}
