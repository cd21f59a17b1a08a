//! The JSON schemas of what the verbs for recipes write.

use serde_json::{Value, json};

use super::SeenVerdict;
use crate::json_schema::{list, nullable, object, text, whole};

/// The JSON schema (draft-07) of what `recipe show --format json` writes.
#[must_use]
pub fn schema() -> Value {
    let boolean = |description: &str| json!({ "description": description, "type": "boolean" });
    let verdicts = SeenVerdict::ALL.map(SeenVerdict::name);
    let change = object(&[
        ("what", text("What can be changed, as a noun in the plural.")),
        ("helpers", list("The helpers by which.", &json!({ "type": "string" }))),
    ]);
    let program = object(&[
        ("node", text("The id of its node in the chain.")),
        (
            "kind",
            text("The kind of its node: the hook of a host, freplace, fentry, fexit or trace."),
        ),
        ("place", text("Where it is attached, or which node or function it is about.")),
        ("program", text("Its name.")),
        ("object", text("The object that it is in, as the chain names it.")),
        ("changes", list("What it can change, by the helpers that it calls.", &change)),
    ]);
    let parameter = object(&[
        ("name", text("Its name.")),
        ("type", text("The type of its values: string, integer, boolean or list.")),
        (
            "default",
            nullable("Its value when none is given, as text; null where one has to be.", "string"),
        ),
        ("help", nullable("What it is for.", "string")),
    ]);
    let seen = object(&[
        ("kernel", text("The kernel's release.")),
        ("verdict", json!({ "description": "What became of it.", "enum": verdicts })),
        ("date", text("The day, as 2026-11-29.")),
        ("current", boolean("Whether it was tried with the files that it has now.")),
    ]);
    let file = object(&[("path", text("Its path in the recipe.")), ("bytes", whole("Its size."))]);
    let mut schema = object(&[
        ("name", text("The recipe's name.")),
        ("version", text("Its version.")),
        ("description", text("Its description.")),
        ("authors", list("Who made it.", &json!({ "type": "string" }))),
        ("license", text("An SPDX expression.")),
        ("source", text("Where it was fetched from, or its path.")),
        ("digest", text("The SHA-256 of the packed recipe: sha256: and 64 hexadecimal digits.")),
        ("key", nullable("The number of the key that its signature names.", "string")),
        (
            "trusted",
            boolean("Whether that key is trusted for the source, and the signature is one of it."),
        ),
        ("files", list("The files in it, sorted by path.", &file)),
        ("parameters", list("The parameters of its chain.", &parameter)),
        ("programs", list("Its programs, in the order of the chain.", &program)),
        ("seen", list("The kernels that its author tried it on.", &seen)),
    ]);
    described(
        &mut schema,
        "freplace-compose recipe",
        "A recipe, as `freplace-compose recipe show --format json` writes it.",
    );
    schema
}

/// The JSON schema (draft-07) of what `recipe list --format json` writes.
#[must_use]
pub fn list_schema() -> Value {
    let states = ["cached", "damaged", "missing"];
    let recipe = object(&[
        ("name", nullable("The recipe's name; null if it is damaged.", "string")),
        ("version", nullable("Its version.", "string")),
        ("description", nullable("Its description; null if it is not in the cache.", "string")),
        ("digest", text("The SHA-256 of the packed recipe: sha256: and 64 hexadecimal digits.")),
        (
            "source",
            nullable(
                "Where chain.lock says that it is from; null if it is not in there.",
                "string",
            ),
        ),
        (
            "state",
            json!({ "description": "Whether it is in the cache, and whole.", "enum": states }),
        ),
    ]);
    let mut schema = list("", &recipe);
    described(
        &mut schema,
        "freplace-compose recipes in chain.lock and in the cache",
        "The list that `freplace-compose recipe list --format json` writes: those of chain.lock, then those of the cache \
         alone.",
    );
    schema
}

fn described(schema: &mut Value, title: &str, description: &str) {
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!(title);
    schema["description"] = json!(description);
}
