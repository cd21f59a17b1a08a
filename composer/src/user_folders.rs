//! The folders of the user who runs this: where files are kept that can be made again, and where settings are.

use std::{env, path::PathBuf};

/// What the folders of this program are called.
const NAME: &str = "freplace-compose";

/// `$FREPLACE_COMPOSE_CACHE`, else `$XDG_CACHE_HOME/freplace-compose`, else `~/.cache/freplace-compose`; none
/// without a home.
pub(crate) fn cache() -> Option<PathBuf> {
    let own = env::var_os("FREPLACE_COMPOSE_CACHE").filter(|value| !value.is_empty());
    own.map(|own| env::current_dir().unwrap_or_default().join(own))
        .or_else(|| Some(absolute("XDG_CACHE_HOME")?.join(NAME)))
        .or_else(|| Some(absolute("HOME")?.join(".cache").join(NAME)))
}

fn absolute(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
}
