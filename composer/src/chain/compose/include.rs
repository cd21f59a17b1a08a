//! `include = [{ recipe = "dispatcher", as = "d", with = { iface = "eth0" } }]`: the files to include.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use crate::{
    chain::{
        Spanned,
        inputs::CHAIN_FILE,
        recipe_name,
        table::{Diagnostics, wrong_type},
    },
    diag::Code,
};

/// A file to include.
pub(super) struct Include<'v, 't> {
    /// What it is: a file, a folder, `builtin:NAME`, or what a recipe is known by.
    pub(super) recipe: Spanned<String>,
    /// What the ids of its nodes begin with.
    pub(super) name: Spanned<String>,
    /// The values of its parameters.
    pub(super) with: Option<&'v DeTable<'t>>,
    /// What is otherwise of its nodes, by their ids in it.
    pub(super) overriding: Option<&'v DeTable<'t>>,
}

const EXAMPLE: &str = "a list of tables: [{ recipe = \"builtin:xdp\", as = \"x\" }]";

/// Reads the list.
pub(super) fn includes<'v, 't>(
    value: &'v toml::Spanned<DeValue<'t>>,
    report: &mut Diagnostics<'_>,
) -> Vec<Include<'v, 't>> {
    let Some(items) = value.get_ref().as_array() else {
        wrong_type("`include`", EXAMPLE, value, report);
        return Vec::new();
    };
    let mut found: Vec<Include<'_, '_>> = Vec::new();
    for item in items {
        let Some(entries) = item.get_ref().as_table() else {
            let wanted = "a table: { recipe = \"builtin:xdp\", as = \"x\" }";
            wrong_type("an item of `include`", wanted, item, report);
            continue;
        };
        let Some(include) = include(item, entries, report) else { continue };
        let name = &include.name;
        if let Some(first) = found.iter().find(|first| first.name.value == name.value) {
            let message = format!("two files are included as `{}`", name.value);
            let again = report
                .at(Code::DuplicateId, message, &name.span, "again")
                .label(&first.name.span, "first included here")
                .help("Give one of them another name: as = \"…\".");
            report.push(again);
            continue;
        }
        found.push(include);
    }
    found
}

fn include<'v, 't>(
    item: &toml::Spanned<DeValue<'_>>,
    entries: &'v DeTable<'t>,
    report: &mut Diagnostics<'_>,
) -> Option<Include<'v, 't>> {
    let mut table = report.table("the include".to_owned(), report.span(item), entries);
    let recipe = table.required(&["recipe"], "\"builtin:xdp\"", report);
    let name = table.string("as", report);
    for key in ["with", "override"] {
        if let Some((_, value)) = table.get(key)
            && !value.get_ref().is_table()
        {
            wrong_type(&format!("`{key}`"), "a table", value, report);
        }
    }
    table.finish(report);
    let recipe = recipe?;
    let name = name.unwrap_or_else(|| Spanned {
        value: default_name(&recipe.value),
        span: recipe.span.clone(),
    });
    let is_letter = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-');
    if name.value.is_empty() || !name.value.chars().all(is_letter) {
        let shown = name.value.escape_debug();
        let message = format!("`{shown}` is no name for what is included");
        let found = report
            .at(Code::BadValue, message, &name.span, "invalid name")
            .help("Write as = \"NAME\" with letters, digits, `_` and `-`.");
        report.push(found);
        return None;
    }
    let within = |key: &str| entries.get(key).and_then(|value| value.get_ref().as_table());
    Some(Include { recipe, name, with: within("with"), overriding: within("override") })
}

/// The name of what is included when the file gives none: that of the recipe.
fn default_name(reference: &str) -> String {
    let path = Path::new(reference);
    if let Some(name) = recipe_name(path) {
        return name.to_owned();
    }
    let reference = reference.split(['?', '@', '#']).next().unwrap_or_default();
    let path = Path::new(reference.trim_end_matches('/'));
    let path = if path.ends_with(CHAIN_FILE) { path.parent().unwrap_or(path) } else { path };
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    // An image's tag is no part of its name.
    name.unwrap_or_default().split(':').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::default_name;

    #[test]
    fn what_is_included_has_the_name_of_its_recipe() {
        for (reference, name) in [
            ("builtin:xdp", "xdp"),
            ("../lib/meter.toml", "meter"),
            ("recipes/meter", "meter"),
            ("recipes/meter/", "meter"),
            ("recipes/meter/chain.toml", "meter"),
            ("meter.fcr", "meter"),
            ("meter", "meter"),
            ("oci://host:5000/team/meter:1.2@sha256:00", "meter"),
            ("git+https://host/meter.git?rev=1", "meter"),
            (".", ""),
        ] {
            assert_eq!(default_name(reference), name, "{reference}");
        }
    }
}
