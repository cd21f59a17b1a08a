//! Parts of JSON schemas (draft-07) of what verbs write.

use serde_json::{Value, json};

/// An object with these keys, all of them required.
pub(crate) fn object(keys: &[(&str, Value)]) -> Value {
    let required: Vec<_> = keys.iter().map(|(key, _)| *key).collect();
    let properties: serde_json::Map<_, _> =
        keys.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": properties,
    })
}

/// A list of these.
pub(crate) fn list(description: &str, of: &Value) -> Value {
    json!({ "description": description, "type": "array", "items": of })
}

/// A text.
pub(crate) fn text(description: &str) -> Value {
    json!({ "description": description, "type": "string" })
}

/// A number of things, or of one.
pub(crate) fn whole(description: &str) -> Value {
    json!({ "description": description, "type": "integer", "minimum": 0 })
}

/// A value of this type of JSON, or null.
pub(crate) fn nullable(description: &str, kind: &str) -> Value {
    json!({ "description": description, "anyOf": [{ "type": kind }, { "type": "null" }] })
}

/// One of these, or null.
pub(crate) fn or_null(of: &Value) -> Value {
    json!({ "anyOf": [of, { "type": "null" }] })
}
