//! Whether a recipe contains what its chain names.

use std::path::{Component, Path};

use super::path::portable;
use crate::{
    chain::{Chain, ObjectRef},
    diag::{Code, Diagnostic},
    recipe::Manifest,
};

/// Reports the objects of `chain` that are not among the files of its recipe.
pub(super) fn all_there(
    chain: &Chain,
    manifest: &Manifest,
    is_there: impl Fn(&str) -> bool,
) -> Result<(), Vec<Diagnostic>> {
    let mut found = Vec::new();
    for (_, node) in chain.graph.nodes() {
        let Some((object, _)) = node.program() else { continue };
        let ObjectRef::File(path) = object.value else { continue };
        let (message, help) = match inner(path) {
            Ok(path) if is_there(&path) => continue,
            Ok(path) if manifest.build.iter().any(|step| step.object.value == path) => (
                format!("object {path} is not in the recipe"),
                "Run `freplace-compose recipe build`, which makes it of its source.".to_owned(),
            ),
            Ok(path) => (
                format!("object {path} is not in the recipe"),
                format!(
                    "Put it there, or add a [[build]] table to recipe.toml with object = \"{path}\"."
                ),
            ),
            Err(why) => (
                format!("object {} is outside of the recipe: {why}", path.display()),
                "Copy it into the folder of the recipe. A packed recipe contains its objects."
                    .to_owned(),
            ),
        };
        found.push(
            Diagnostic::new(Code::NotPackable, message)
                .label(object.span, "this object")
                .help(help),
        );
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// The path in the recipe that `path` of a chain file means.
fn inner(path: &Path) -> Result<String, String> {
    let parts = path.components().filter(|part| *part != Component::CurDir);
    let inner = parts.collect::<std::path::PathBuf>();
    let inner = inner.to_str().ok_or("it is not UTF-8")?;
    portable(inner).map_err(|why| why.to_string())?;
    Ok(inner.to_owned())
}
