//! Recipes as files: what is packed, what is refused, what is kept and whose signature counts.

#[path = "../common/mod.rs"]
mod common;
mod hostile;
mod packing;
mod tars;
mod trusting;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use freplace_compose::{diag::Diagnostic, recipe::Packed};

/// A recipe.toml.
const MANIFEST: &str = "format = 1\nname = \"drop-udp\"\nversion = \"1.2.0\"\ndescription = \"drops UDP\"\nlicense = \"MIT\"\n";
/// A chain.toml of built-in programs.
const CHAIN: &str =
    "[host.one]\nobject = \"builtin:xdp\"\nprogram = \"xdp_host\"\nattach = { xdp = \"lo\" }\n";

/// The files of a small recipe.
fn files() -> Vec<(&'static str, &'static [u8])> {
    vec![("chain.toml", CHAIN.as_bytes()), ("recipe.toml", MANIFEST.as_bytes())]
}

/// Writes files below `folder`.
fn write(folder: &Path, files: &[(&str, &[u8])]) {
    for (path, bytes) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a new folder");
        fs::write(path, bytes).expect("a new file");
    }
}

/// A folder with the small recipe.
fn recipe() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path(), &files());
    folder
}

fn packed(folder: &Path) -> Packed {
    Packed::of_folder(folder).unwrap_or_else(|found| panic!("{found:#?}"))
}

/// Each code with its message.
fn told(found: &[Diagnostic]) -> String {
    let lines: Vec<_> = found.iter().map(|one| format!("{} {}", one.code, one.message)).collect();
    lines.join("\n")
}

/// The program with a home of its own, of which `home` is all that it may write to but `folder`.
fn at_home(home: &Path, folder: &Path, arguments: &[&str]) -> Output {
    let mut all = vec!["--color", "never"];
    all.extend(arguments);
    let mut command = common::program(folder, &all);
    command.env("XDG_CONFIG_HOME", home.join("settings"));
    command.env("FREPLACE_COMPOSE_CACHE", home.join("cache"));
    command.output().expect("it was built for this test")
}

/// All files below `folder` with their contents, sorted.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("it is readable").path();
        if path.symlink_metadata().is_ok_and(|meta| meta.is_dir()) {
            found.push((path.clone(), Vec::new()));
            found.extend(contents(&path));
        } else {
            found.push((path.clone(), fs::read(&path).unwrap_or_default()));
        }
    }
    found.sort();
    found
}
