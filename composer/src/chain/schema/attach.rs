//! The kernel hook of a host, from the table of host kinds.

use serde_json::{Map, Value, json};

use super::text;
use crate::hook::{HostKind, KINDS, KeySpec, Values};

/// One kind of host, with the keys that go with it.
pub(super) fn attach() -> Value {
    let mut properties = Map::new();
    let mut dependencies = Map::new();
    for kind in KINDS {
        properties.insert(kind.name.to_owned(), target(kind));
        for spec in kind.settings {
            properties.insert(spec.key.to_owned(), setting(spec));
            let having = HostKind::with_setting(spec.key).map(|kind| required(kind.name));
            let having: Vec<_> = having.collect();
            dependencies.insert(spec.key.to_owned(), json!({ "oneOf": having }));
        }
    }
    let names: Vec<_> = HostKind::names().collect();
    json!({
        "description": format!("The kernel hook of a host: one of {}.", names.join(", ")),
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
        "oneOf": HostKind::names().map(required).collect::<Vec<_>>(),
        "dependencies": dependencies,
    })
}

fn required(key: &str) -> Value {
    json!({ "required": [key] })
}

/// What a kind's own key holds.
fn target(kind: &HostKind) -> Value {
    let mut target = text(kind.summary);
    target["examples"] = json!([kind.target.example]);
    if let Some(pattern) = kind.target.pattern {
        target["pattern"] = pattern.into();
    }
    target
}

/// What a key beside it holds.
fn setting(spec: &KeySpec) -> Value {
    let mut setting = match spec.values {
        Values::Words(words) => json!({ "type": "string", "enum": words }),
        Values::Number(least, most) => {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        Values::Text => json!({ "type": "string", "minLength": 1 }),
    };
    setting["description"] = spec.doc.into();
    if let Some(default) = spec.values.default() {
        setting["default"] = json!(default);
    }
    setting
}
