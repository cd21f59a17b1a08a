//! The tables of nodes: hosts, stubs, replacements and tracers.

use serde_json::{Value, json};

use crate::running::REFERENCE_KEYS;

use super::{
    data::{globals, maps, own_events, tail},
    node, text,
};

pub(super) fn host() -> Value {
    let mut host = node(
        "A program at a kernel hook: one that the chain loads, or one that runs already.",
        &[],
        json!({
            "running": running(),
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
    );
    host["oneOf"] = json!([{ "required": ["object", "program"] }, { "required": ["running"] }]);
    // What somebody else loaded is as it is.
    let own = ["type", "attach", "events", "printk", "globals", "maps", "tail"];
    let own = own.map(|key| (key.to_owned(), json!(["object"])));
    host["dependencies"] = own.into_iter().collect::<serde_json::Map<_, _>>().into();
    host
}

fn running() -> Value {
    let keys = REFERENCE_KEYS.iter().map(|(key, what)| {
        let value = match *key {
            "id" | "pid" | "link" => {
                json!({ "description": what, "type": "integer", "minimum": 0 })
            }
            _ => text(what),
        };
        ((*key).to_owned(), value)
    });
    let mut properties: serde_json::Map<_, _> = keys.collect();
    let follow = "Whether the nodes on it are brought up anew on the program that takes its place, when it is \
                  detached; false if not given.";
    properties.insert("follow".to_owned(), json!({ "description": follow, "type": "boolean" }));
    let ways = REFERENCE_KEYS.iter().map(|(key, _)| match *key {
        // The kernel gives an id once.
        "id" => json!({ "required": [key], "properties": { "follow": { "enum": [false] } } }),
        _ => json!({ "required": [key] }),
    });
    json!({
        "description": "A program that somebody else loaded and attached, by one of these keys. Its \
                        functions can be replaced and traced; it is left as it was.",
        "type": "object",
        "additionalProperties": false,
        "oneOf": ways.collect::<Vec<_>>(),
        "properties": properties,
    })
}

pub(super) fn stub() -> Value {
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

pub(super) fn replacement() -> Value {
    let mut replacement = node(
        "A program that replaces a stub: one of an object, or one that is made from `returns` and `writes`.",
        &["stub"],
        json!({
            "returns": returns(),
            "writes": writes(),
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
    );
    replacement["oneOf"] = json!([
        { "required": ["object", "program"] },
        { "anyOf": [{ "required": ["returns"] }, { "required": ["writes"] }] },
    ]);
    let own = ["program", "type", "events", "printk", "globals", "maps", "tail"];
    let own = own.map(|key| (key.to_owned(), json!(["object"])));
    replacement["dependencies"] = own.into_iter().collect::<serde_json::Map<_, _>>().into();
    replacement
}

fn returns() -> Value {
    json!({
        "description": "Without an object: what the replacement returns, a number or the name of one. A list \
                        has a value for each call, the last one for all further calls; or cases, of which the \
                        first applies whose condition on the arguments holds.",
        "examples": ["XDP_DROP", [0, -2], [{ "where": "len > 100", "value": 1 }, { "value": 0 }]],
        "anyOf": [{ "$ref": "#/definitions/value" }],
    })
}

fn writes() -> Value {
    json!({
        "description": "Without an object: what the replacement writes where its arguments point to, by \
                        argument.",
        "examples": [{ "params": { "ifindex": 2, "smac": "02:00:00:00:00:01" } }],
        "type": "object",
        "minProperties": 1,
        "additionalProperties": { "$ref": "#/definitions/value" },
    })
}

pub(super) fn tracer() -> Value {
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
                "A function of the target's program, or several: a pattern with * and ?, or names \
                 with commas. Defaults to its entry function.",
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

pub(super) fn printk(description: &str) -> Value {
    json!({ "description": description, "type": "boolean" })
}

fn own_printk() -> Value {
    printk("Show the bpf_printk lines of this node.")
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
