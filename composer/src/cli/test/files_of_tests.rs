//! The files that may hold tests, in folders.

use std::path::{Path, PathBuf};

use freplace_compose::{
    diag::{Code, Diagnostic},
    files::plain,
};

/// How deep folders are searched.
const DEPTH: usize = 8;

/// The files among `paths`, and those in folders that have the name of a chain file, in order. What is in them is
/// not looked at.
pub(super) fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Box<Diagnostic>> {
    let mut found = Vec::new();
    for path in paths {
        match path.is_dir() {
            true => search(path, DEPTH, &mut found).map_err(|error| {
                let message = format!("cannot read {}: {}", path.display(), plain(&error));
                Box::new(
                    Diagnostic::new(Code::FileUnreadable, message).help("Name a folder of yours."),
                )
            })?,
            false => found.push(path.clone()),
        }
    }
    Ok(found)
}

fn search(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut paths = Vec::new();
    for entry in folder.read_dir()? {
        paths.push(entry?.path());
    }
    paths.sort();
    for path in paths {
        let is_hidden =
            path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        // What a build leaves is no file of tests, and a link may lead round in a circle.
        if is_hidden || path.is_symlink() || path.file_name().is_some_and(|name| name == "target") {
            continue;
        }
        if path.is_dir() {
            if depth > 0 {
                search(&path, depth - 1, found)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "toml")
            && mentions_tests(&path)
        {
            found.push(path);
        }
    }
    Ok(())
}

/// Whether a file that was not named, but found, is one of tests: other programs have TOML, too.
fn mentions_tests(path: &Path) -> bool {
    std::fs::read_to_string(path).is_ok_and(|text| {
        let mut lines = text.lines().map(str::trim_start);
        lines.any(|line| line.starts_with("[[test]]") || line.starts_with("test = ["))
            && text.lines().any(|line| {
                let line = line.trim_start();
                line.starts_with("chain") || line.starts_with("[host") || line.starts_with("host")
            })
    })
}
