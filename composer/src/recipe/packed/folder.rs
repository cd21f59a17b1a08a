//! Reads the files of a recipe's folder.

use std::{collections::BTreeMap, fs, io, path::Path};

use super::{FILES, MOST, path::portable};
use crate::{
    diag::{Code, Diagnostic},
    files,
    recipe::{EXTENSION, SIGNATURE},
};

/// What becomes of hidden files, packed recipes and signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::recipe) enum Hidden {
    /// They are no part of the recipe.
    LeftOut,
    /// They are files like any other.
    Packed,
}

/// The files of `folder` by their paths. All that cannot be packed is reported in one run.
pub(super) fn read(
    folder: &Path,
    hidden: Hidden,
) -> Result<BTreeMap<String, Vec<u8>>, Vec<Diagnostic>> {
    let mut reading =
        FolderReading { root: folder, hidden, read: BTreeMap::new(), bytes: 0, found: Vec::new() };
    let whole = reading.folder(folder, "");
    if let Err(found) = whole {
        reading.found.push(*found);
    }
    if reading.found.is_empty() { Ok(reading.read) } else { Err(reading.found) }
}

struct FolderReading<'a> {
    root: &'a Path,
    hidden: Hidden,
    read: BTreeMap<String, Vec<u8>>,
    bytes: u64,
    found: Vec<Diagnostic>,
}

impl FolderReading<'_> {
    /// Reads a folder of the recipe; `prefix` is its path in it, with `/` behind it.
    fn folder(&mut self, folder: &Path, prefix: &str) -> Result<(), Box<Diagnostic>> {
        let unreadable = |path: &Path, error: &io::Error| {
            let message = format!("cannot read {}: {}", path.display(), files::plain(error));
            Box::new(Diagnostic::new(Code::FileUnreadable, message))
        };
        let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut entries = entries.map_err(|error| unreadable(folder, &error))?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            if self.hidden == Hidden::LeftOut && is_left_out(&name) {
                continue;
            }
            let inner = format!("{prefix}{name}");
            if let Err(why) = portable(&inner) {
                self.found.push(self.refused(
                    &path,
                    &format!("the path is not allowed: {why}"),
                    "Rename or remove it.",
                ));
                continue;
            }
            let kind = entry.file_type().map_err(|error| unreadable(&path, &error))?;
            if kind.is_dir() {
                self.folder(&path, &format!("{inner}/"))?;
                continue;
            }
            if kind.is_symlink() {
                let help = "Put the file itself there. A packed recipe has no links.";
                self.found.push(self.refused(&path, "it is a symbolic link", help));
                continue;
            }
            if self.read.len() == FILES {
                let why = format!("the folder has more than {FILES} files");
                return Err(Box::new(self.refused(
                    self.root,
                    &why,
                    "Remove what is no part of the recipe.",
                )));
            }
            let bytes = files::read(&path, MOST).map_err(|error| unreadable(&path, &error))?;
            self.bytes += bytes.len() as u64;
            if self.bytes > MOST {
                let why = format!("its files are larger than the limit of {} MiB", MOST >> 20);
                return Err(Box::new(self.refused(
                    self.root,
                    &why,
                    "Remove what is no part of the recipe.",
                )));
            }
            self.read.insert(inner, bytes);
        }
        Ok(())
    }

    fn refused(&self, path: &Path, why: &str, help: &str) -> Diagnostic {
        Diagnostic::new(Code::NotPackable, format!("cannot pack {}: {why}", path.display()))
            .help(help)
    }
}

fn is_left_out(name: &str) -> bool {
    let end = name.rsplit_once('.').map(|(_, end)| end);
    name.starts_with('.') || end == Some(EXTENSION) || end == Some(SIGNATURE)
}
