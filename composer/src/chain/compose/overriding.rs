//! `override = { filter = { program = "other" } }`: what is otherwise of the nodes of an included file.

use std::borrow::Cow;

use toml::de::{DeTable, DeValue};

use super::ROLES;
use crate::{
    chain::table::{Diagnostics, wrong_type},
    diag::{Code, list, nearest},
};

/// Tables of a node that are changed entry by entry, not as a whole.
const BY_ENTRY: [&str; 3] = ["globals", "maps", "tail"];

/// Changes the nodes of `tree`, which is included as `name`. A node that is `false` is left out.
pub(super) fn apply<'t>(
    tree: &mut DeTable<'t>,
    name: &str,
    changes: &DeTable<'t>,
    report: &mut Diagnostics<'_>,
) {
    for (key, change) in changes {
        let id = format!("{name}.{}", key.get_ref());
        let has = |tree: &DeTable<'_>, role: &str| {
            let nodes = tree.get(role).and_then(|nodes| nodes.get_ref().as_table());
            nodes.is_some_and(|nodes| nodes.contains_key(id.as_str()))
        };
        let Some(role) = ROLES.iter().map(|role| role.name()).find(|role| has(tree, role)) else {
            let found = unknown(tree, name, key, report);
            report.push(found);
            continue;
        };
        let Some(DeValue::Table(nodes)) = tree.get_mut(role).map(toml::Spanned::get_mut) else {
            continue;
        };
        match change.get_ref() {
            DeValue::Boolean(false) => {
                nodes.remove(id.as_str());
            }
            DeValue::Table(keys) => {
                if let Some(DeValue::Table(node)) =
                    nodes.get_mut(id.as_str()).map(toml::Spanned::get_mut)
                {
                    for (key, value) in keys {
                        change_key(node, key, value);
                    }
                }
            }
            _ => {
                let wanted = "a table with keys of the node, or false to leave it out";
                wrong_type(&format!("`{}`", key.get_ref().escape_debug()), wanted, change, report);
            }
        }
    }
}

/// Sets a key of a node.
fn change_key<'t>(
    node: &mut DeTable<'t>,
    key: &toml::Spanned<Cow<'t, str>>,
    value: &toml::Spanned<DeValue<'t>>,
) {
    if BY_ENTRY.contains(&&**key.get_ref())
        && let Some(DeValue::Table(own)) =
            node.get_mut(&**key.get_ref()).map(toml::Spanned::get_mut)
        && let DeValue::Table(entries) = value.get_ref()
    {
        for (key, value) in entries {
            own.remove(&**key.get_ref());
            own.insert(key.clone(), value.clone());
        }
        return;
    }
    // So that the key is found where it is written.
    node.remove(&**key.get_ref());
    node.insert(key.clone(), value.clone());
}

fn unknown(
    tree: &DeTable<'_>,
    name: &str,
    key: &toml::Spanned<Cow<'_, str>>,
    report: &Diagnostics<'_>,
) -> crate::diag::Diagnostic {
    let nodes = ROLES.iter().filter_map(|role| tree.get(role.name())?.get_ref().as_table());
    let prefix = format!("{name}.");
    let ids = nodes.flat_map(|nodes| nodes.keys());
    let ids: Vec<_> = ids.filter_map(|id| id.get_ref().strip_prefix(prefix.as_str())).collect();
    let shown = key.get_ref().escape_debug();
    let message = format!("what is included as `{name}` has no node `{shown}`");
    let help = match nearest(key.get_ref(), ids.iter().copied()) {
        Some(near) => format!("Did you mean `{near}`?"),
        None => format!("Its nodes are: {}.", list(&ids)),
    };
    report.at(Code::UnknownNode, message, &report.span(key), "unknown node").help(help)
}
