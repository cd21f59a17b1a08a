//! The recipes that are part of this program: `builtin:NAME` in the place of a chain file.

use std::path::Path;

use freplace_compose_ebpf_programs as programs;

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
