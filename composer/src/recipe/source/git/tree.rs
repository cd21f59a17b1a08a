//! What `git ls-tree -r -l -z` and `git cat-file --batch` print.

use std::collections::BTreeSet;

use crate::recipe::source::error::FetchErrorKind;

/// A regular file of a commit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TreeFile {
    /// The path in the folder, with `/`, without `.` and `..`.
    pub(super) path: String,
    /// The name that git knows its contents by.
    pub(super) object: String,
    /// In bytes.
    pub(super) size: u64,
}

/// The most files of a folder.
const FILES: usize = 4096;
/// The most bytes of all of them: what fits into a packed recipe.
const BYTES: u64 = crate::recipe::PACKED;

/// The files that are listed; an error where something is no regular file, or too much.
pub(super) fn read(listed: &[u8], server: &str) -> Result<Vec<TreeFile>, FetchErrorKind> {
    let refused = |path: &[u8], why| FetchErrorKind::InRepository {
        path: String::from_utf8_lossy(path).into_owned(),
        server: server.to_owned(),
        why,
    };
    let mut found = Vec::new();
    let (mut total, mut paths) = (0_u64, BTreeSet::new());
    for entry in listed.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()) {
        let unknown = || FetchErrorKind::Git("ls-tree printed what is not known".to_owned());
        let tab = entry.iter().position(|byte| *byte == b'\t').ok_or_else(unknown)?;
        let (facts, path) = (&entry[..tab], &entry[tab + 1..]);
        let facts = str::from_utf8(facts).map_err(|_| unknown())?;
        let mut facts = facts.split_ascii_whitespace();
        let mut next = || facts.next().ok_or_else(unknown);
        let (mode, _kind, object, size) = (next()?, next()?, next()?, next()?);
        match mode {
            "100644" | "100755" | "100664" => {}
            "120000" => return Err(refused(path, "is a symbolic link")),
            "160000" => return Err(refused(path, "is a submodule")),
            _ => return Err(refused(path, "is not a regular file")),
        }
        let text =
            str::from_utf8(path).map_err(|_| refused(path, "has a name that is not UTF-8"))?;
        let is_outside =
            |name: &str| ["", ".", ".."].contains(&name) || name.eq_ignore_ascii_case(".git");
        if text.split('/').any(is_outside) {
            return Err(refused(path, "leads out of its folder"));
        }
        let size: u64 = size.parse().map_err(|_| unknown())?;
        total = total.saturating_add(size);
        if total > BYTES || found.len() >= FILES {
            let what = format!("the folder in {server}");
            return Err(FetchErrorKind::TooLarge { what, limit: BYTES });
        }
        if !paths.insert(text) {
            return Err(refused(path, "is there twice"));
        }
        found.push(TreeFile { path: text.to_owned(), object: object.to_owned(), size });
    }
    Ok(found)
}

/// The contents of `file` at the start of `left`, which goes on to the next; none where something else is there.
pub(super) fn next<'a>(left: &mut &'a [u8], file: &TreeFile) -> Option<&'a [u8]> {
    let head = format!("{} blob {}\n", file.object, file.size);
    let rest = left.strip_prefix(head.as_bytes())?;
    let (bytes, rest) = rest.split_at_checked(usize::try_from(file.size).ok()?)?;
    *left = rest.strip_prefix(b"\n")?;
    Some(bytes)
}

/// Refuses what stands for a file that is elsewhere.
pub(super) fn check(file: &TreeFile, bytes: &[u8], server: &str) -> Result<(), FetchErrorKind> {
    if bytes.starts_with(b"version https://git-lfs.github.com/spec/") {
        return Err(FetchErrorKind::InRepository {
            path: file.path.clone(),
            server: server.to_owned(),
            why: "is kept by Git LFS, which is not used",
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{TreeFile, check, next, read};

    fn file(path: &str, size: u64) -> TreeFile {
        TreeFile { path: path.to_owned(), object: "ab".repeat(20), size }
    }

    fn entry(mode: &str, path: &str, size: &str) -> Vec<u8> {
        format!("{mode} blob {} {size:>7}\t{path}\0", "ab".repeat(20)).into_bytes()
    }

    #[test]
    fn regular_files_are_listed_with_their_sizes() {
        let listed = [entry("100644", "a b/c.o", "12"), entry("100755", "run", "0")].concat();
        assert_eq!(read(&listed, "x"), Ok(vec![file("a b/c.o", 12), file("run", 0)]));
        let object = "ab".repeat(20);
        let printed = format!("{object} blob 2\nhi\n{object} blob 0\n\n");
        let mut left = printed.as_bytes();
        assert_eq!(next(&mut left, &file("a", 2)), Some(b"hi".as_slice()));
        assert_eq!(next(&mut left, &file("b", 1)), None);
        assert_eq!(next(&mut left, &file("b", 0)), Some(b"".as_slice()));
        assert_eq!(next(&mut left, &file("c", 0)), None);
    }

    #[test]
    fn what_is_no_regular_file_of_the_folder_is_refused() {
        for (mode, path, size, why) in [
            ("120000", "link", "4", "is a symbolic link"),
            ("160000", "module", "-", "is a submodule"),
            ("100600", "odd", "4", "is not a regular file"),
            ("100644", "../out", "4", "leads out of its folder"),
            ("100644", "/etc/passwd", "4", "leads out of its folder"),
            ("100644", "a/./b", "4", "leads out of its folder"),
            ("100644", "a/.GIT/config", "4", "leads out of its folder"),
            ("100644", "large", "999999999999", "is larger than"),
            ("100644", "unknown", "-", "is not known"),
        ] {
            let error = read(&entry(mode, path, size), "x").expect_err(path).to_string();
            assert!(error.contains(why), "{path}: {error}");
        }
        let twice = [entry("100644", "a", "1"), entry("100644", "a", "1")].concat();
        assert!(read(&twice, "x").expect_err("twice").to_string().contains("is there twice"));
        let many: Vec<u8> =
            (0..5000).flat_map(|at| entry("100644", &at.to_string(), "0")).collect();
        assert!(read(&many, "x").is_err());
        assert!(read(b"nonsense\0", "x").is_err());
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n";
        assert!(check(&file("a.o", 57), pointer, "x").is_err());
    }
}
