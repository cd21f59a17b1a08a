//! The chain file as a JSON schema (draft-07): editors complete and check with it.
//!
//! It describes what [`read`](super::read) accepts as far as a schema can: references between nodes and
//! the contents of objects are left to `validate`. Tests compare the two.

mod attach;
mod data;
mod nodes;

use serde_json::{Value, json};

use super::{ParameterKind, buffer::sizes};
use crate::version::Requirement;

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
        "anyOf": [{ "required": ["host"] }, { "required": ["include"] }],
        "properties": {
            "name": text("The chain's name. Defaults to the file name without its extension."),
            "description": text("The purpose of the chain."),
            "printk": nodes::printk("Show bpf_printk lines of every node that does not set `printk` \
                              itself."),
            "requires": requires(),
            "buffer": {
                "description": "Size of the event buffer: a larger buffer loses fewer events.",
                "enum": sizes().map(|(_, written)| written).collect::<Vec<_>>(),
            },
            "pins": data::pins(),
            "params": params(),
            "include": include(),
            "host": nodes("host", "Programs at kernel hooks: [host.ID].", 1),
            "stub": nodes("stub", "Functions of hosts that can be replaced: [stub.ID].", 0),
            "replacement": nodes(
                "replacement", "Programs that replace a stub: [replacement.ID].", 0,
            ),
            "tracer": nodes("tracer", "Programs that trace a function: [tracer.ID].", 0),
            "test": {
                "description": "Tests of the programs: [[test]]. Their keys are those of `schema tests`.",
                "type": "array",
                "items": { "type": "object", "additionalProperties": {} },
            },
        },
        "definitions": {
            "host": nodes::host(),
            "stub": nodes::stub(),
            "replacement": nodes::replacement(),
            "tracer": nodes::tracer(),
            "attach": attach::attach(),
            "events": data::events(),
            "value": data::value(),
        },
    })
}

/// The parameters of a chain.
fn params() -> Value {
    let value = json!({
        "description": "Its value when none is given.",
        "anyOf": [
            { "type": ["string", "integer", "boolean"] },
            { "type": "array", "items": { "type": ["string", "integer"] } },
        ],
    });
    let kinds = ParameterKind::ALL.map(ParameterKind::name);
    json!({
        "description": "Parameters of the chain: \"${NAME}\" in a value refers to one.",
        "type": "object",
        "propertyNames": { "pattern": "^[A-Za-z0-9_-]+$" },
        "additionalProperties": {
            "type": "object",
            "additionalProperties": false,
            "anyOf": [{ "required": ["type"] }, { "required": ["default"] }],
            "properties": {
                "type": {
                    "description": "The type of its values. Defaults to that of `default`.",
                    "enum": kinds,
                },
                "default": value,
                "help": text("What it is for."),
            },
        },
    })
}

/// The files that a chain includes.
fn include() -> Value {
    let item = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["recipe"],
        "properties": {
            "recipe": text("A chain file or the folder of a recipe, relative to this file; \
                            builtin:NAME; or a name or source of chain.lock."),
            "as": {
                "description": "What the ids of its nodes begin with, before a dot. Defaults to the \
                                name of the recipe.",
                "type": "string",
                "pattern": "^[^\\x00-,./:-@\\[-\\^`{-\\u00a0]+$",
            },
            "with": {
                "description": "Values of its parameters.",
                "type": "object",
                "additionalProperties": {
                    "anyOf": [
                        { "type": ["string", "integer", "boolean"] },
                        { "type": "array", "items": { "type": ["string", "integer"] } },
                    ],
                },
            },
            "override": {
                "description": "Nodes of it, by their ids in it: a table with the keys that are \
                                otherwise, or false to leave the node out.",
                "type": "object",
                "additionalProperties": {
                    "anyOf": [
                        { "type": "object", "additionalProperties": {} },
                        { "enum": [false] },
                    ],
                },
            },
        },
    });
    json!({
        "description": "Chains whose nodes become nodes of this one.",
        "type": "array",
        "items": item,
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
