//! The cgroups of version 2 that are mounted here, and the programs at each.

use std::{
    collections::HashMap,
    fs::{self, File},
    os::{fd::AsRawFd as _, linux::fs::MetadataExt as _},
    path::{Path, PathBuf},
};

use super::{
    attachments::{Spot, SpotKey},
    links,
};
use crate::{
    kernel::{mounts, sys},
    object::AttachType,
};

/// Folders of cgroups by their inodes, which are the kernel's numbers for them.
#[derive(Debug, Default)]
pub(super) struct Cgroups {
    folders: HashMap<u64, PathBuf>,
}

impl Cgroups {
    pub(super) fn look() -> Self {
        let mut found = Self::default();
        for mount in mounts::of_type("cgroup2") {
            found.walk(&mount);
        }
        found
    }

    fn walk(&mut self, top: &Path) {
        let mut open = vec![top.to_owned()];
        while let Some(folder) = open.pop() {
            let Ok(about) = fs::metadata(&folder) else { continue };
            // Mounted twice, it is one cgroup.
            if self.folders.contains_key(&about.st_ino()) {
                continue;
            }
            let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
            let is_folder =
                |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
            open.extend(entries.filter(is_folder).map(|entry| entry.path()));
            self.folders.insert(about.st_ino(), folder);
        }
    }

    /// The path of the cgroup with this number.
    pub(super) fn path(&self, inode: u64) -> Option<String> {
        self.folders.get(&inode).map(|path| path.display().to_string())
    }

    /// What is attached to each, and not to one above it.
    pub(super) fn spots(&self) -> Vec<Spot> {
        let kinds: Vec<_> = AttachType::ALL
            .iter()
            .map(|kind| (*kind as u32, kind.name()))
            .filter(|(_, name)| name.starts_with("cgroup_") || *name == "lsm_cgroup")
            .collect();
        let mut spots = Vec::new();
        for (inode, folder) in &self.folders {
            let Ok(open) = File::open(folder) else { continue };
            for (number, _) in &kinds {
                // A kernel without that type says so, and one may not ask for lsm_cgroup in this way.
                let Ok(programs) = sys::programs_at(open.as_raw_fd().cast_unsigned(), *number)
                else {
                    continue;
                };
                spots.extend(programs.into_iter().map(|program| Spot {
                    program,
                    key: SpotKey::Inode(*inode, *number),
                    kind: links::attach_type(*number),
                    at: folder.display().to_string(),
                    namespace: None,
                }));
            }
        }
        spots
    }
}
