//! An entry of the cache: a folder with a file, its checksum in the format of `sha256sum`, and the
//! package that it comes from.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{self, ErrorKind, Read as _},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use super::{apt::Unpacked, error::VmError};

/// What an entry is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum EntryKind<'a> {
    /// The kernel of a series.
    Kernel(&'a str),
    /// The Debian package with the modules of the kernel in the cache that is of a series.
    Modules(&'a str),
    /// The guest's userland.
    Busybox,
}

/// An entry, or its place.
#[derive(Debug)]
pub(super) struct CacheEntry {
    folder: PathBuf,
    name: &'static str,
}

/// Why an entry cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Damage {
    /// The file is missing.
    Missing,
    /// Its checksum is not there, or is none.
    Unknown,
    /// It does not match the checksum.
    Other,
    /// It has no bytes.
    Empty,
}

impl Damage {
    /// As a verb behind the file's name.
    pub(super) const fn what(self) -> &'static str {
        match self {
            Self::Missing => "is missing",
            Self::Unknown => "has no checksum beside it",
            Self::Other => "does not match its checksum",
            Self::Empty => "is empty",
        }
    }
}

const CHECKSUM: &str = "sha256";
/// The configuration of a kernel; empty where its packages have none.
pub(super) const CONFIG: &str = "config";
const PACKAGE: &str = "package";
const VMLINUZ: &str = "vmlinuz";
/// What folders of kernels are called, before the series.
pub(super) const KERNEL: &str = "kernel-";
/// The same for their modules.
pub(super) const MODULES: &str = "modules-";
pub(super) const BUSYBOX: &str = "busybox";

impl CacheEntry {
    /// The place in `cache`.
    pub(super) fn of(cache: &Path, what: EntryKind<'_>) -> Self {
        let folder = match what {
            EntryKind::Kernel(series) => cache.join(format!("{KERNEL}{series}")),
            EntryKind::Modules(series) => cache.join(format!("{MODULES}{series}")),
            EntryKind::Busybox => cache.join(BUSYBOX),
        };
        Self::in_folder(folder, what)
    }

    /// The place `folder`.
    pub(super) fn in_folder(folder: PathBuf, what: EntryKind<'_>) -> Self {
        let name = match what {
            EntryKind::Kernel(_) => VMLINUZ,
            EntryKind::Modules(_) => "modules.deb",
            EntryKind::Busybox => "busybox",
        };
        Self { folder, name }
    }

    /// The file that is kept.
    pub(super) fn file(&self) -> PathBuf {
        self.folder.join(self.name)
    }

    /// Name and version of the package that it is of; `None` when that does not stand there.
    pub(super) fn package(&self) -> Option<(String, String)> {
        let text = fs::read_to_string(self.folder.join(PACKAGE)).ok()?;
        let (name, version) = text.trim_end().split_once(' ')?;
        Some((name.to_owned(), version.to_owned()))
    }

    pub(super) fn exists(&self) -> bool {
        self.folder.exists()
    }

    /// What is wrong with it; all of the file is read.
    pub(super) fn damage(&self) -> Result<Option<Damage>, VmError> {
        let path = self.file();
        let sum = match checksum(&path) {
            Ok(sum) => sum,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let damage = if self.exists() { Damage::Other } else { Damage::Missing };
                return Ok(Some(damage));
            }
            Err(error) => {
                return Err(VmError::host(format!("read {}", path.display()))(error));
            }
        };
        if path.metadata().is_ok_and(|meta| meta.len() == 0) {
            return Ok(Some(Damage::Empty));
        }
        // Entries that older versions of this program made have none.
        if self.name == VMLINUZ && !self.folder.join(CONFIG).exists() {
            return Ok(Some(Damage::Missing));
        }
        let kept = fs::read_to_string(self.folder.join(CHECKSUM)).unwrap_or_default();
        Ok(match kept.split_whitespace().next() {
            Some(kept) if kept == sum => None,
            Some(_) => Some(Damage::Other),
            None => Some(Damage::Unknown),
        })
    }

    /// Makes it of an unpacked package.
    pub(super) fn make(&self, what: EntryKind<'_>, unpacked: &Unpacked) -> io::Result<()> {
        fs::create_dir(&self.folder)?;
        let found = match what {
            EntryKind::Kernel(_) => vmlinuz(&unpacked.root)?,
            EntryKind::Modules(_) => Some(unpacked.archive.clone()),
            EntryKind::Busybox => busybox(&unpacked.root),
        };
        fs::rename(found.ok_or(ErrorKind::NotFound)?, self.file())?;
        if let EntryKind::Kernel(_) = what {
            let config = config(&unpacked.root)?.map(fs::read).transpose()?;
            fs::write(self.folder.join(CONFIG), config.unwrap_or_default())?;
        }
        let sum = checksum(&self.file())?;
        fs::write(self.folder.join(CHECKSUM), format!("{sum}  {}\n", self.name))?;
        let package = &unpacked.package;
        fs::write(self.folder.join(PACKAGE), format!("{} {}\n", package.name, package.version))
    }

    /// Removes it, if it is there.
    pub(super) fn remove(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Puts `made` here; what was here goes to `old`.
    pub(super) fn replace(&self, made: &Self, old: &Path) -> io::Result<()> {
        match fs::rename(&self.folder, old) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::rename(&made.folder, &self.folder)
    }
}

/// The configuration in a package of a kernel.
pub(super) fn config(root: &Path) -> io::Result<Option<PathBuf>> {
    let boot = files(&root.join("boot"))?.into_iter();
    let is_it = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("config-"))
    };
    if let Some(found) = boot.into_iter().find(is_it) {
        return Ok(Some(found));
    }
    let modules = files(&root.join("usr/lib/modules"))?.into_iter().map(|path| path.join(CONFIG));
    Ok(modules.into_iter().find(|path| path.is_file()))
}

/// The image in a package of a kernel: where distributions have it, and where they put it from 7.2 on.
fn vmlinuz(root: &Path) -> io::Result<Option<PathBuf>> {
    let mut folders = vec![root.join("boot")];
    for modules in ["usr/lib/modules", "lib/modules"] {
        folders.extend(files(&root.join(modules))?);
    }
    for folder in folders {
        let named = |path: &PathBuf| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz"))
        };
        if let Some(found) = files(&folder)?.into_iter().find(named) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Before and after Debian merged /bin into /usr/bin.
fn busybox(root: &Path) -> Option<PathBuf> {
    let mut places = ["bin/busybox", "usr/bin/busybox"].map(|place| root.join(place)).into_iter();
    places.find(|place| place.is_file())
}

/// SHA-256 in hexadecimal.
fn checksum(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let (mut hasher, mut chunk) = (Sha256::new(), vec![0; 1 << 18]);
    loop {
        match file.read(&mut chunk)? {
            0 => break,
            n => hasher.update(&chunk[..n]),
        }
    }
    let mut text = String::new();
    for byte in hasher.finalize() {
        let _ = write!(text, "{byte:02x}"); // a String takes everything
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::packages::Package;

    fn made(cache: &Path) -> io::Result<CacheEntry> {
        let root = tempfile::tempdir()?; // kept until the entry is made
        let folder = root.path().join("usr/lib/modules/7.3.4-cloud-amd64");
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("vmlinuz"), "image")?;
        let package = Package { name: "linux".to_owned(), version: "7.3.4".to_owned(), size: 5 };
        let entry = CacheEntry::of(cache, EntryKind::Kernel("7.3"));
        let unpacked = Unpacked { package, root: root.path().to_owned(), archive: PathBuf::new() };
        entry.make(EntryKind::Kernel("7.3"), &unpacked)?;
        Ok(entry)
    }

    #[test]
    fn an_entry_is_whole_until_a_byte_of_it_changes() -> Result<(), Box<dyn std::error::Error>> {
        let cache = tempfile::tempdir()?;
        let none = CacheEntry::of(cache.path(), EntryKind::Kernel("7.3"));
        assert_eq!(none.damage()?, Some(Damage::Missing));
        let entry = made(cache.path())?;
        assert_eq!(entry.damage()?, None);
        for (content, damage) in
            [("imagE", Damage::Other), ("imag", Damage::Other), ("", Damage::Empty)]
        {
            fs::write(entry.file(), content)?;
            assert_eq!(entry.damage()?, Some(damage), "{content:?}");
        }
        fs::write(entry.file(), "image")?;
        assert_eq!(entry.damage()?, None);
        fs::write(entry.folder.join(CHECKSUM), "")?;
        assert_eq!(entry.damage()?, Some(Damage::Unknown));
        fs::remove_file(entry.file())?;
        assert_eq!(entry.damage()?, Some(Damage::Other));
        Ok(())
    }

    #[test]
    fn the_checksum_is_one_that_sha256sum_knows() -> io::Result<()> {
        let cache = tempfile::tempdir()?;
        let entry = made(cache.path())?;
        let kept = fs::read_to_string(entry.folder.join(CHECKSUM))?;
        let of_image = "6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d";
        assert_eq!(kept, format!("{of_image}  vmlinuz\n"));
        Ok(())
    }
}
