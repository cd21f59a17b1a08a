//! Operations on trees of values.

use std::{borrow::Cow, path::Path};

use toml::de::{DeTable, DeValue};

use super::ROLES;

type TreeEntry<'t> = (toml::Spanned<Cow<'t, str>>, toml::Spanned<DeValue<'t>>);

/// An entry with its positions moved by `base`.
pub(super) fn moved((key, value): TreeEntry<'_>, base: usize) -> TreeEntry<'_> {
    let range = key.span();
    let key = toml::Spanned::new(range.start + base..range.end + base, key.into_inner());
    (key, moved_value(value, base))
}

fn moved_value(value: toml::Spanned<DeValue<'_>>, base: usize) -> toml::Spanned<DeValue<'_>> {
    let range = value.span();
    let inner = match value.into_inner() {
        DeValue::Array(items) => {
            DeValue::Array(items.into_iter().map(|item| moved_value(item, base)).collect())
        }
        DeValue::Table(entries) => {
            DeValue::Table(entries.into_iter().map(|entry| moved(entry, base)).collect())
        }
        other => other,
    };
    toml::Spanned::new(range.start + base..range.end + base, inner)
}

/// Names the nodes of `tree` as who includes it as `name` does, and its objects as seen from there: the file is
/// in the folder `within`.
pub(super) fn qualify(tree: &mut DeTable<'_>, name: &str, within: &Path) {
    for role in ROLES {
        let Some(DeValue::Table(nodes)) = tree.get_mut(role.name()).map(toml::Spanned::get_mut)
        else {
            continue;
        };
        let old = std::mem::take(nodes);
        *nodes = old
            .into_iter()
            .map(|(id, mut node)| {
                let span = id.span();
                let id = Cow::from(format!("{name}.{}", id.into_inner()));
                if let DeValue::Table(keys) = node.get_mut() {
                    qualify_node(keys, name, within);
                }
                (toml::Spanned::new(span, id), node)
            })
            .collect();
    }
}

/// The keys of a node that name one other node, or several.
const REFERENCES: [&str; 5] = ["hosts", "stub", "fentry", "fexit", "trace"];

fn qualify_node(keys: &mut DeTable<'_>, name: &str, within: &Path) {
    for (key, value) in keys.iter_mut() {
        match (&**key.get_ref(), value.get_mut()) {
            ("object", DeValue::String(path)) if is_relative(path) => {
                *path = within.join(&**path).to_string_lossy().into_owned().into();
            }
            ("tail", DeValue::Table(tables)) => {
                for (_, entries) in tables.iter_mut() {
                    let DeValue::Table(entries) = entries.get_mut() else { continue };
                    entries.iter_mut().for_each(|(_, node)| qualify_id(node.get_mut(), name));
                }
            }
            (key, value) if REFERENCES.contains(&key) => match value {
                DeValue::Array(items) => {
                    items.iter_mut().for_each(|item| qualify_id(item.get_mut(), name));
                }
                value => qualify_id(value, name),
            },
            _ => {}
        }
    }
}

fn qualify_id(value: &mut DeValue<'_>, name: &str) {
    if let DeValue::String(id) = value
        && !id.is_empty()
    {
        *id = format!("{name}.{id}").into();
    }
}

/// Whether an object is a file that is looked for from where the chain's file is.
fn is_relative(object: &str) -> bool {
    let elsewhere = object.is_empty() || object.starts_with("builtin:") || object.contains("://");
    !elsewhere && Path::new(object).is_relative()
}

/// A value as text, to be compared.
pub(super) fn text(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.to_string(),
        other => format!("{other:?}"),
    }
}
