//! A folder of a git repository at a revision, through the git program.
//!
//! git fetches one commit into a repository of ours without a work tree, and its files are read from
//! there: nothing is checked out, so no hook, filter (such as Git LFS) or submodule comes into play, and
//! sizes are known before a byte is read. git is started without a shell, a terminal or a prompt.

mod program;
mod tree;

use std::{fs, path::Path};

use super::{GitSource, address::is_commit, error::FetchErrorKind, http::ServerSettings};
use program::Git;

/// The folder of `source` at its revision in `into`, which is empty; and the commit.
pub(super) fn fetch(
    source: &GitSource,
    connection: &ServerSettings,
    into: &Path,
) -> Result<String, FetchErrorKind> {
    let scratch = tempfile::tempdir().map_err(|error| no_room(&error))?;
    let git = Git::new(scratch.path(), source, connection);
    git.run(&["init", "--quiet", "--bare", "--template="])?;
    let revision = source.revision.as_deref().unwrap_or("HEAD");
    let commit = match git.fetch(&["--depth=1", "--", &source.url, revision]) {
        Ok(()) => git.word(&["rev-parse", "--verify", "--quiet", "FETCH_HEAD^{commit}"])?,
        // Some servers give out commits by the branches and tags that have them only.
        Err(FetchErrorKind::Absent { server, what }) if is_commit(revision) => {
            let all = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
            git.fetch(&["--", &source.url, all[0], all[1]])?;
            let wanted = format!("{revision}^{{commit}}");
            git.word(&["rev-parse", "--verify", "--quiet", &wanted])
                .map_err(|_| FetchErrorKind::Absent { server, what })?
        }
        Err(error) => return Err(error),
    };
    let treeish = match &source.folder {
        Some(folder) => format!("{commit}:{folder}"),
        None => commit.clone(),
    };
    let listed = git.run(&["ls-tree", "-r", "-l", "-z", "--full-tree", &treeish]);
    let listed = listed.map_err(|error| match (error, &source.folder) {
        (FetchErrorKind::Git(_), Some(folder)) => FetchErrorKind::Absent {
            server: source.url.clone(),
            what: format!("folder `{folder}` at {revision}"),
        },
        (error, _) => error,
    })?;
    let files = tree::read(&listed, &source.url)?;
    let names: String = files.iter().map(|file| format!("{}\n", file.object)).collect();
    let contents = git.run_with(&["cat-file", "--batch"], names.as_bytes())?;
    let mut left = contents.as_slice();
    for file in &files {
        let bytes = tree::next(&mut left, file).ok_or_else(|| {
            FetchErrorKind::Git(format!("cat-file did not print {}", file.object))
        })?;
        tree::check(file, bytes, &source.url)?;
        write(&into.join(&file.path), bytes).map_err(|error| no_room(&error))?;
    }
    Ok(commit)
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, bytes)
}

/// A folder for temporary files that cannot be written.
fn no_room(error: &std::io::Error) -> FetchErrorKind {
    FetchErrorKind::File { path: std::env::temp_dir(), why: crate::files::plain(error) }
}
