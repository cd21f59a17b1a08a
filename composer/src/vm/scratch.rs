//! Temporary folders with an owner: a killed process leaves its folder, and the next process
//! removes it.
//!
//! The owner of a folder holds a lock on it, which the kernel releases with the process.

use std::{
    env,
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};

use super::error::VmError;

/// What the folders are called.
const PREFIX: &str = "freplace-vm-";
/// Where they are if the folder for temporary files has too long a name: a socket's path has at most 107 bytes.
const SHORT: &str = "/tmp";

/// A folder of our own, removed when this is dropped.
#[derive(Debug)]
pub(super) struct Scratch {
    folder: tempfile::TempDir,
    _lock: File,
}

impl Scratch {
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// A new folder; removes those that killed processes left beside it.
pub(super) fn folder() -> Result<Scratch, VmError> {
    let mut parent = env::temp_dir();
    if parent.as_os_str().len() > 60 {
        parent = PathBuf::from(SHORT);
    }
    sweep(&parent);
    folder_in(&parent).map_err(VmError::host(format!("make a folder in {}", parent.display())))
}

fn folder_in(parent: &Path) -> io::Result<Scratch> {
    loop {
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent)?;
        // Before it is locked, it looks like one that was left: then it may be gone by now.
        let lock = match File::open(folder.path()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            lock => lock?,
        };
        let locked = flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok();
        if locked && folder.path().exists() {
            return Ok(Scratch { folder, _lock: lock });
        }
    }
}

/// Removes what nobody owns. What cannot be removed is left to the next one.
fn sweep(parent: &Path) {
    let own = rustix::process::geteuid().as_raw();
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX)
            && entry.metadata().is_ok_and(|meta| meta.is_dir() && meta.uid() == own);
        if !ours {
            continue;
        }
        let Ok(folder) = File::open(entry.path()) else { continue };
        if flock(&folder, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_left_goes_and_what_is_owned_stays() -> io::Result<()> {
        let parent = tempfile::tempdir()?;
        let owned = folder_in(parent.path())?;
        fs::write(owned.path().join("initramfs"), "x")?;
        let left = parent.path().join(format!("{PREFIX}left"));
        fs::create_dir_all(left.join("below"))?;
        fs::write(left.join("below/initramfs"), "x")?;
        let (other, file) = (parent.path().join("other"), parent.path().join(PREFIX));
        fs::create_dir(&other)?;
        fs::write(&file, "a file of that name")?;
        sweep(parent.path());
        assert!(owned.path().join("initramfs").exists());
        assert!(!left.exists());
        assert!(other.exists() && file.exists());
        let path = owned.path().to_owned();
        drop(owned);
        assert!(!path.exists());
        Ok(())
    }
}
