//! The recipes that are part of this program: `builtin:NAME` in the place of a chain file.

use std::path::Path;

use freplace_compose_ebpf_programs as programs;
use serde_json::{Value, json};

use crate::diag::{Diagnostic, unknown_builtin};

/// What a name that refers to something in this program begins with.
const PREFIX: &str = "builtin:";

/// The name of the recipe that `path` stands for; none where it is a file's.
#[must_use]
pub fn recipe_name(path: &Path) -> Option<&str> {
    path.to_str()?.strip_prefix(PREFIX)
}

/// The names of the recipes, sorted.
pub fn recipes() -> impl Iterator<Item = &'static str> {
    programs::recipes()
}

/// The text of the recipe called `name`, a chain file.
///
/// # Errors
/// A diagnostic where there is none of this name.
pub fn recipe(name: &str) -> Result<&'static str, Box<Diagnostic>> {
    programs::recipe(name)
        .ok_or_else(|| Box::new(unknown_builtin("chain", name, &recipes().collect::<Vec<_>>())))
}

/// The JSON schema (draft-07) of the list that `chains --format json` writes.
#[must_use]
pub fn recipes_schema() -> Value {
    let text = |description: &str| json!({ "description": description, "type": "string" });
    let texts = |description: &str| json!({ "description": description, "type": "array", "items": { "type": "string" } });
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "freplace-compose recipes",
        "description": "The list that `freplace-compose chains --format json` writes, sorted by name.",
        "type": "array",
        "items": {
            "type": "object",
            "additionalProperties": false,
            "required": ["name", "chain", "hooks", "description", "kernel", "missing"],
            "properties": {
                "name": text("The recipe's name: its text is printed by `chains NAME`."),
                "chain": text("What takes the place of a chain file: builtin:NAME."),
                "hooks": texts("The kinds of its hosts, each once."),
                "description": text("The purpose of the chain."),
                "kernel": {
                    "description": "The oldest kernel series that accepts it: the one that it \
                                    requires, or of those that are known. Null if it is not \
                                    known, as where objects are missing.",
                    "anyOf": [{ "type": "string" }, { "type": "null" }],
                },
                "missing": texts("Objects of other packages that are not on this machine."),
            },
        },
    })
}
