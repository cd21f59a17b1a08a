//! Nothing is wrong with what is shipped: every chain of `chains/` and `examples/`, with its objects.

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use common::workspace;
use freplace_compose::{
    chain::Chain,
    check::{self, Kernels},
    resolve::PartlyResolved,
};

/// What is found in the chain at `path`, as one text.
fn found(path: &Path) -> String {
    let chain = Chain::open(path).expect("it is well written");
    let names = PartlyResolved::open(chain);
    assert!(names.objects().iter().next().is_some(), "{} has objects", path.display());
    let found = check::check(&names, &Kernels::default());
    found.iter().map(|found| format!("{} {}\n", found.code, found.message)).collect()
}

/// The files below `folder` whose names end so, in order.
fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("it is part of the repository");
    let paths = entries.map(|entry| entry.expect("it is readable").path());
    let mut found: Vec<_> = paths.filter(|path| path.to_string_lossy().ends_with(end)).collect();
    found.sort();
    found
}

#[test]
fn nothing_is_wrong_with_a_recipe() {
    let chains = files(&workspace().join("chains"), ".toml");
    assert!(chains.len() >= common::CHAINS.len());
    for chain in chains {
        assert_eq!(found(&chain), "", "{}", chain.display());
    }
}

#[test]
fn nothing_is_wrong_with_an_example() {
    let examples = files(&workspace().join("examples"), "");
    assert!(!examples.is_empty());
    for example in examples.iter().filter(|path| path.is_dir()) {
        let name = example.file_name().expect("a folder has a name");
        let folder = common::scratch().join("examples").join(name);
        fs::create_dir_all(&folder).expect("the target folder is writable");
        let built = Command::new(example.join("build.sh")).arg(&folder).status();
        assert!(built.expect("there is a shell").success(), "{}", example.display());
        for chain in files(example, ".toml") {
            let copy = folder.join(chain.file_name().expect("a file has a name"));
            fs::copy(&chain, &copy).expect("the target folder is writable");
            assert_eq!(found(&copy), "", "{}", chain.display());
        }
    }
}
