//! The JSON schema (draft-07) of what `inspect --format json` writes.

use serde_json::{Map, Value, json};

pub(in super::super) fn schema() -> Value {
    let mut whole = closed(
        "What `freplace-compose inspect --format json` writes: the contents of an object that a chain \
         can use.",
        json!({
            "license": or_null("The string in SEC(\"license\"); null without one.", "string"),
            "programs": list("The programs, in the order of the file.", program()),
            "functions": list("The functions, entry functions of programs included.", function()),
            "maps": list("The maps that SEC(\".maps\") defines.", reference("map")),
            "legacy_maps": list(
                "Maps that SEC(\"maps\") defines, which are not created.",
                closed("A legacy map.", json!({ "name": name(), "map_type": map_type() }), &[]),
            ),
            "globals": list("The global variables with a type.", global()),
            "events": list("The structs that programs write as events.", event()),
        }),
        &[],
    );
    whole["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    whole["title"] = json!("freplace-compose object");
    whole["definitions"] = json!({ "map": map() });
    whole
}

fn program() -> Value {
    let keys = json!({
        "name": name(),
        "section": text("Its section: kprobe/tcp_connect."),
        "kind": text("The type of program by the name of its section: kprobe, raw_tracepoint, other."),
        "prototype": text("Its entry function in C; NAME(?) if its types are unknown."),
    });
    closed("A program.", keys, &[])
}

fn function() -> Value {
    let keys = json!({
        "name": name(),
        "section": text("Its section."),
        "global": flag("Whether it is a global function: not static, not hidden."),
        "instructions": count("The number of its instructions."),
        "prototype": or_null("The function in C; null if its types are unknown.", "string"),
        "called_by": list(
            "The programs that call it, directly or indirectly.",
            text("The program's name."),
        ),
        "use": function_use(),
    });
    closed("A function.", keys, &[])
}

fn function_use() -> Value {
    let verdict = |description: &str| {
        let keys = json!({
            "possible": flag("Whether it can be done."),
            "why_not": or_null("The reason in a short phrase, if it cannot be done.", "string"),
            "write": or_null("What to write in the source instead, if that helps.", "string"),
        });
        closed(description, keys, &[])
    };
    let source = closed(
        "Its declaration in the source.",
        json!({
            "file": text("The file as the compiler was given it."),
            "line": { "description": "The line.", "type": "integer", "minimum": 1 },
        }),
        &[],
    );
    let keys = json!({
        "replace": verdict("Whether all known kernels can replace it, in each of its programs."),
        "trace": verdict("Whether all known kernels can trace it, in each of its programs."),
        "typed_arguments": flag("Whether tracers see its arguments by their types, not as numbers."),
        "source": nullable("Where it is declared; null if the object does not contain it.", source),
    });
    closed("What a chain can do with it.", keys, &[])
}

fn map() -> Value {
    let entry = json!({
        "description": "A number, and what is there: { \"map\": NAME } or { \"program\": NAME }.",
        "type": "array",
        "items": { "anyOf": [
            { "type": "integer", "minimum": 0 },
            { "type": "object", "minProperties": 1, "additionalProperties": false,
              "properties": { "map": name(), "program": name() } },
        ] },
        "minItems": 2,
    });
    let keys = json!({
        "name": text("Its name; empty for the definition of inner maps."),
        "map_type": map_type(),
        "key_size": count("The size of a key in bytes."),
        "value_size": count("The size of a value in bytes."),
        "max_entries": count("The number of entries; bytes for a ring buffer."),
        "flags": count("`BPF_F_...`."),
        "numa_node": count("The NUMA node of its memory."),
        "extra": count("The kernel's `map_extra`."),
        "pinned": flag("Whether the object requests a pin under the map's name."),
        "inner": reference("map"),
        "values": list("Its initial entries.", entry),
        "types": {
            "description": "The BTF ids of the types of its keys and values; 0 without a type.",
            "type": "array",
            "items": { "type": "integer", "minimum": 0 },
            "minItems": 2,
        },
    });
    let optional = ["numa_node", "extra", "pinned", "inner", "values", "types"];
    closed("A map, or the definition of its inner maps.", keys, &optional)
}

fn global() -> Value {
    let keys = json!({
        "name": name(),
        "section": text("Its section: .rodata, .data, .bss or one that begins so."),
        "offset": count("Its position in the section, in bytes."),
        "size": count("Its size in bytes."),
        "type": text("Its type in C."),
        "frozen": flag("Whether programs cannot change it."),
        "value": text("Its initial value as a chain file writes it; ? if it cannot be shown."),
    });
    closed("A global variable.", keys, &[])
}

fn event() -> Value {
    let keys = json!({
        "name": name(),
        "size": count("Its size in bytes."),
        "fields": list("The names of its fields.", text("A name.")),
    });
    closed("A struct.", keys, &[])
}

/// A closed object with `keys`, all of which are required but for `optional`.
#[expect(clippy::needless_pass_by_value, reason = "a literal is handed over")]
fn closed(description: &str, keys: Value, optional: &[&str]) -> Value {
    let properties: Map<_, _> = keys.as_object().cloned().unwrap_or_default();
    let is_required = |key: &&String| !optional.contains(&key.as_str());
    let required: Vec<_> = properties.keys().filter(is_required).cloned().collect();
    json!({
        "description": description,
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": properties,
    })
}

#[expect(clippy::needless_pass_by_value, reason = "a literal is handed over")]
fn list(description: &str, items: Value) -> Value {
    json!({ "description": description, "type": "array", "items": items })
}

fn text(description: &str) -> Value {
    json!({ "description": description, "type": "string" })
}

fn count(description: &str) -> Value {
    json!({ "description": description, "type": "integer", "minimum": 0 })
}

fn flag(description: &str) -> Value {
    json!({ "description": description, "type": "boolean" })
}

fn or_null(description: &str, of: &str) -> Value {
    nullable(description, json!({ "type": of }))
}

#[expect(clippy::needless_pass_by_value, reason = "a literal is handed over")]
fn nullable(description: &str, value: Value) -> Value {
    json!({ "description": description, "anyOf": [value, { "type": "null" }] })
}

fn reference(definition: &str) -> Value {
    json!({ "$ref": format!("#/definitions/{definition}") })
}

fn name() -> Value {
    text("Its name.")
}

fn map_type() -> Value {
    count("`enum bpf_map_type`.")
}
