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
            dependencies.insert(spec.key.to_owned(), beside(spec));
        }
        if let Some(own) = own_words(kind) {
            dependencies.insert(kind.name.to_owned(), own);
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

/// What has to be, and what must not be, in the table with a key beside a kind's own.
fn beside(spec: &KeySpec) -> Value {
    let having = HostKind::with_setting(spec.key).map(|kind| required(kind.name));
    let mut beside = json!({ "oneOf": having.collect::<Vec<_>>() });
    if !spec.excludes.is_empty() {
        let excluded: Vec<_> = spec.excludes.iter().map(|key| required(key)).collect();
        beside["not"] = json!({ "anyOf": excluded });
    }
    beside
}

/// The keys that have to stand beside a kind's own, with the words that are right for this kind.
fn own_words(kind: &HostKind) -> Option<Value> {
    let required: Vec<_> = kind.settings.iter().filter(|spec| spec.is_required()).collect();
    if required.is_empty() {
        return None;
    }
    let words = |spec: &&KeySpec| match spec.values {
        Values::Required(words) => Some((spec.key.to_owned(), json!({ "enum": words }))),
        _ => None,
    };
    let properties: Map<_, _> = required.iter().filter_map(words).collect();
    let keys: Vec<_> = required.iter().map(|spec| spec.key).collect();
    Some(json!({ "required": keys, "properties": properties }))
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
        // Which words, its kind says: several kinds may have the key.
        Values::Required(_) => json!({ "type": "string", "minLength": 1 }),
        Values::Number(least, most) | Values::RequiredNumber(least, most) => {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        Values::Numbers(least, most) => json!({
            "type": "object",
            "minProperties": 1,
            "additionalProperties": { "type": "integer", "minimum": least, "maximum": most },
        }),
        Values::Text => json!({ "type": "string", "minLength": 1 }),
        Values::RequiredText(example) => {
            json!({ "type": "string", "minLength": 1, "examples": [example] })
        }
    };
    setting["description"] = spec.doc.into();
    if let Some(default) = spec.values.default() {
        setting["default"] = json!(default);
    }
    setting
}
