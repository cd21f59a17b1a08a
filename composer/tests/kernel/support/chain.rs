//! Chain files: the recipes of the repository, and those a test writes for itself.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// The chain file of the recipe called `name`.
pub(crate) fn recipe(name: &str) -> PathBuf {
    let root = env::var_os("FREPLACE_COMPOSE_ROOT").expect("FREPLACE_COMPOSE_ROOT is set");
    Path::new(&root).join("chains").join(name).with_extension("toml")
}

/// A folder with a chain file and all test programs; it goes when dropped.
pub(crate) struct Folder {
    folder: tempfile::TempDir,
}

impl Folder {
    /// Writes `chain`, which names its objects as `NAME.o`.
    pub(crate) fn new(chain: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in freplace_compose_test_programs::names() {
            let object = freplace_compose_test_programs::object(name).expect("it was just named");
            fs::write(folder.path().join(format!("{name}.o")), object).expect("room in /tmp");
        }
        fs::write(folder.path().join("chain.toml"), chain).expect("room in /tmp");
        Self { folder }
    }

    /// The chain file.
    pub(crate) fn chain(&self) -> PathBuf {
        self.folder.path().join("chain.toml")
    }
}
