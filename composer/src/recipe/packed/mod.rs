//! A packed recipe: one file.
//!
//! It is a tar in which nothing is left to choice: regular files sorted by path, every header the same but for path
//! and size, nothing compressed. So there is one text of bytes for the files of a recipe, whoever packs them, and a
//! reader has nothing to decide: what is not exactly as [`Packed::of_folder`] writes it is refused (`archive`). What
//! tars are otherwise feared for (links, devices, absolute paths, sparse files, long names of GNU and PAX) has no
//! place in it.
//!
//! `path` says what files in it may be called, `header` writes a header, `archive` finds the files of a tar, `folder`
//! those of a folder, `objects` whether the chain has what it needs.

mod archive;
mod folder;
mod header;
mod objects;
mod path;

use std::{
    collections::BTreeMap, fs, io, ops::Range, os::unix::fs::OpenOptionsExt as _, path::Path,
};

use super::{CHAIN, MANIFEST, digest::Digest, file, manifest::Manifest};
use crate::{
    chain::Chain,
    diag::{Code, Diagnostic},
    files,
};
pub(super) use folder::Hidden;
pub(super) use path::portable;

/// The most bytes of a packed recipe.
pub(super) const MOST: u64 = 64 << 20;
/// The most files in it.
const FILES: usize = 1000;

/// A packed recipe: its bytes, which are those of a valid recipe.
#[derive(Debug, Clone)]
pub struct Packed {
    tar: Vec<u8>,
    digest: Digest,
    files: Vec<PackedFile>,
    manifest: Manifest,
}

/// A file in a packed recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
struct PackedFile {
    path: String,
    /// Its bytes among those of the tar.
    bytes: Range<usize>,
}

impl Packed {
    /// Packs the recipe in `folder`: all files but hidden ones, packed recipes and signatures.
    ///
    /// # Errors
    /// What stands in the way, at its place.
    pub fn of_folder(folder: &Path) -> Result<Self, Vec<Diagnostic>> {
        Self::of(folder, tar_of(folder, Hidden::LeftOut)?)
    }

    /// Packs `files`, by their paths; `place` is where messages say that they are.
    ///
    /// # Errors
    /// As [`Packed::of_bytes`].
    pub fn of_files(
        place: &Path,
        files: &BTreeMap<String, Vec<u8>>,
    ) -> Result<Self, Vec<Diagnostic>> {
        Self::of(place, tar_of_files(files))
    }

    /// Packs a folder of the cache, in which nothing is left out.
    pub(super) fn of_stored(folder: &Path) -> Result<Self, Vec<Diagnostic>> {
        Self::of(folder, tar_of(folder, Hidden::Packed)?)
    }

    /// Reads the packed recipe at `path`.
    ///
    /// # Errors
    /// As [`Packed::of_bytes`], or why the file cannot be read.
    pub fn open(path: &Path) -> Result<Self, Vec<Diagnostic>> {
        let bytes = files::read(path, MOST).map_err(|error| {
            let message = format!("cannot read {}: {}", path.display(), files::plain(&error));
            vec![Diagnostic::new(Code::FileUnreadable, message)]
        })?;
        Self::of_bytes(&path.display().to_string(), bytes)
    }

    /// Reads a packed recipe; `name` is what messages call it.
    ///
    /// # Errors
    /// Whatever differs from what [`Packed::of_folder`] writes, and all that is wrong with the recipe in it.
    pub fn of_bytes(name: &str, bytes: Vec<u8>) -> Result<Self, Vec<Diagnostic>> {
        Self::of(name.as_ref(), bytes)
    }

    /// `place` is where messages say that the files are.
    fn of(place: &Path, tar: Vec<u8>) -> Result<Self, Vec<Diagnostic>> {
        let refused = |fault: archive::ArchiveFault| {
            let message = format!("{} is not a packed recipe: {fault}", place.display());
            vec![Diagnostic::new(Code::NotARecipe, message).maybe_help(fault.help())]
        };
        let files = archive::files(&tar).map_err(refused)?;
        let text = |name: &str| {
            let file = files.iter().find(|file| file.path == name);
            let file =
                file.ok_or_else(|| refused(archive::ArchiveFault::Without(name.to_owned())))?;
            let bytes = tar.get(file.bytes.clone()).unwrap_or_default();
            file::text(&place.join(name), bytes.to_vec())
        };
        let manifest = Manifest::parse(&place.join(MANIFEST), text(MANIFEST)?);
        let chain = text(CHAIN).and_then(|text| Chain::parse(&place.join(CHAIN), text));
        // What is wrong with both is reported in one run.
        let (manifest, chain) = match (manifest, chain) {
            (Ok(manifest), Ok(chain)) => (manifest, chain),
            (manifest, chain) => {
                let mut found = manifest.err().unwrap_or_default();
                found.extend(chain.err().unwrap_or_default());
                return Err(found);
            }
        };
        let is_there = |path: &str| files.iter().any(|file| file.path == path);
        objects::all_there(&chain, &manifest, is_there)?;
        Ok(Self { digest: Digest::of(&tar), tar, files, manifest })
    }

    /// The bytes of the file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.tar
    }

    /// The digest of those.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What it says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Its files, sorted by path, with their bytes.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|file| {
            let bytes = self.tar.get(file.bytes.clone()).unwrap_or_default();
            (file.path.as_str(), bytes)
        })
    }

    /// The digest of all files but recipe.toml: what decides whether it loads. recipe.toml has the kernels that it
    /// was seen on, with this.
    #[must_use]
    pub fn tested_digest(&self) -> Digest {
        let tested = self.files().filter(|(path, _)| *path != MANIFEST);
        Digest::of(&header::tar(tested))
    }

    /// Writes its files into `folder`, which is empty.
    ///
    /// # Errors
    /// The first file or folder that cannot be written.
    pub fn unpack_into(&self, folder: &Path) -> io::Result<()> {
        for (path, bytes) in self.files() {
            let to = folder.join(path);
            if let Some(parent) = to.parent() {
                fs::create_dir_all(parent)?;
            }
            let options = fs::OpenOptions::new().write(true).create_new(true).mode(0o644).clone();
            io::Write::write_all(&mut options.open(&to)?, bytes)?;
        }
        Ok(())
    }
}

/// The files of `folder` as a tar.
fn tar_of(folder: &Path, hidden: Hidden) -> Result<Vec<u8>, Vec<Diagnostic>> {
    Ok(tar_of_files(&folder::read(folder, hidden)?))
}

fn tar_of_files(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    header::tar(files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())))
}

#[cfg(test)]
mod tests;
