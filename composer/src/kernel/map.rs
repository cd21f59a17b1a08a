//! Creates maps by their definitions, with the types of their object, pins and fills them.

use std::{
    ffi::CString,
    fs, io,
    os::{
        fd::{AsFd as _, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt as _,
    },
    path::{Path, PathBuf},
};

use super::{KernelError, sys};
use crate::object::{MapDef, PERF_EVENT_ARRAY};

/// The step in which a map that is pinned already is looked at.
pub(crate) const COMPARE: &str = "compare with the pinned map";
/// The step in which a map is pinned.
pub(crate) const PIN: &str = "BPF_OBJ_PIN";
const CREATE: &str = "BPF_MAP_CREATE";

/// The types of a map's keys and values, in the kernel.
pub(super) struct Types {
    pub(super) btf: OwnedFd,
    pub(super) key: u32,
    pub(super) value: u32,
}

/// A pin that was made here.
#[derive(Debug)]
pub(super) struct Pin {
    path: PathBuf,
    /// Folders that were made for it, the innermost last.
    folders: Vec<PathBuf>,
}

/// Makes the map `def`, with what `types` finds for it.
pub(super) fn create(
    def: &MapDef,
    types: &mut dyn FnMut(&MapDef) -> Result<Option<Types>, KernelError>,
) -> Result<OwnedFd, KernelError> {
    // What the map holds is like this one, which nobody needs afterwards.
    let inner = match &def.inner {
        Some(inner) => Some(create(inner, types)?),
        None => None,
    };
    let types = types(def)?;
    let types = types.as_ref();
    // In the kernel it has the name that its object gives it, whatever includes it is in.
    let name = def.name.rsplit('.').next().unwrap_or_default();
    let mut attributes = sys::MapCreate {
        map_type: def.map_type,
        key_size: def.key_size,
        value_size: def.value_size,
        max_entries: entries(def)?,
        flags: def.flags,
        inner_map_fd: inner.as_ref().map_or(0, sys::number_of),
        numa_node: def.numa_node,
        name: sys::name(name),
        btf_fd: types.map_or(0, |types| sys::number_of(&types.btf)),
        btf_key_type: types.map_or(0, |types| types.key),
        btf_value_type: types.map_or(0, |types| types.value),
        extra: def.extra,
        ..sys::MapCreate::default()
    };
    sys::map_create(&mut attributes).map_err(|error| KernelError::os(CREATE, &error))
}

/// How many entries the map has on this machine.
fn entries(def: &MapDef) -> Result<u32, KernelError> {
    if def.map_type != PERF_EVENT_ARRAY || def.max_entries != 0 {
        return Ok(def.max_entries);
    }
    // One for each CPU.
    let count = aya::util::nr_cpus().map_err(|(_, error)| KernelError::os("count CPUs", &error))?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// The map that is pinned at `path`, if there is one, when it is as `def` says.
pub(super) fn pinned(path: &Path, def: &MapDef) -> Result<Option<OwnedFd>, KernelError> {
    let map = match sys::object_get(&text(path)?) {
        Ok(map) => map,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(KernelError::os("BPF_OBJ_GET", &error)),
    };
    let info = sys::map_info(map.as_fd());
    let info = info.map_err(|error| KernelError::os("BPF_OBJ_GET_INFO_BY_FD", &error))?;
    let entries = entries(def)?;
    /// Flags that say who may write: a descriptor has its own.
    const ACCESS: u32 = 1 << 3 | 1 << 4;
    /// `BPF_F_RDONLY_PROG`, which maps of interfaces have whether they ask for it or not.
    const READ_ONLY: u32 = 1 << 7;
    let unasked = match def.type_name() {
        "devmap" | "devmap_hash" => ACCESS | READ_ONLY,
        _ => ACCESS,
    };
    let pairs = [
        ("type", def.map_type, info.map_type),
        ("key size", def.key_size, info.key_size),
        ("value size", def.value_size, info.value_size),
        ("entries", entries, info.max_entries),
        ("flags", def.flags & !unasked, info.flags & !unasked),
    ];
    let differing = pairs.iter().filter(|(_, wanted, there)| wanted != there);
    let differing: Vec<_> = differing
        .map(|(what, wanted, there)| match *what {
            "type" => {
                let name = |number| MapDef { map_type: number, ..MapDef::default() }.type_name();
                format!("type {} pinned, {} in the chain", name(*there), name(*wanted))
            }
            what => format!("{what} {there} pinned, {wanted} in the chain"),
        })
        .collect();
    match differing.is_empty() {
        true => Ok(Some(map)),
        false => Err(KernelError::here(COMPARE, differing.join("; "))),
    }
}

/// Pins `map` at `path`, in folders that are made when they are missing.
pub(super) fn pin(map: BorrowedFd<'_>, path: &Path) -> Result<Pin, KernelError> {
    let mut folders = Vec::new();
    let mut open: Vec<&Path> = Vec::new();
    let mut folder = path.parent();
    while let Some(missing) = folder.filter(|folder| !folder.exists()) {
        open.push(missing);
        folder = missing.parent();
    }
    let mut pin = Pin { path: path.to_owned(), folders: Vec::new() };
    // Only in a bpffs: elsewhere folders would be made that are then of no use.
    let made = folder.map_or(Ok(false), in_bpffs).and_then(|fits| match fits {
        true => open.iter().rev().try_for_each(|missing| {
            fs::create_dir(missing)?;
            folders.push(missing.to_path_buf());
            Ok(())
        }),
        false => Err(io::Error::from_raw_os_error(libc::EPERM)),
    });
    pin.folders = folders;
    let path = text(path)?;
    match made.and_then(|()| sys::object_pin(&path, map)) {
        Ok(()) => Ok(pin),
        Err(error) => {
            pin.remove_folders();
            Err(KernelError::os(PIN, &error))
        }
    }
}

impl Pin {
    /// Removes it, and the folders that were made for it and are empty.
    pub(super) fn remove(self) -> Result<(), KernelError> {
        let removed = fs::remove_file(&self.path);
        self.remove_folders();
        match removed {
            // Somebody else did.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.map_err(|error| KernelError::os("unlink pin", &error)),
        }
    }

    fn remove_folders(&self) {
        for folder in self.folders.iter().rev() {
            // One that others use now stays.
            if fs::remove_dir(folder).is_err() {
                return;
            }
        }
    }
}

/// Whether `folder` is in a file system for pins.
fn in_bpffs(folder: &Path) -> io::Result<bool> {
    const BPF_FS_MAGIC: u64 = 0xcafe_4a11;
    let found = rustix::fs::statfs(folder)?;
    Ok(found.f_type as u64 & 0xffff_ffff == BPF_FS_MAGIC)
}

fn text(path: &Path) -> Result<CString, KernelError> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| KernelError::here(PIN, "the path contains a NUL byte"))
}

/// Puts the descriptor `value` at `entry` of `map`, which holds maps or programs.
pub(super) fn put(
    map: BorrowedFd<'_>,
    key_size: u32,
    entry: u32,
    value: BorrowedFd<'_>,
) -> Result<(), KernelError> {
    let value = sys::number(value).to_ne_bytes();
    sys::map_put(map, &key(entry, key_size), &value)
        .map_err(|error| KernelError::os("BPF_MAP_UPDATE_ELEM", &error))
}

/// Takes out what is at `entry` of `map`.
pub(super) fn take(map: BorrowedFd<'_>, key_size: u32, entry: u32) -> Result<(), KernelError> {
    match sys::map_delete(map, &key(entry, key_size)) {
        // Somebody else took it out.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.map_err(|error| KernelError::os("BPF_MAP_DELETE_ELEM", &error)),
    }
}

/// The number of an entry as a key: of a table it has four bytes, of a hash as many as it says.
fn key(entry: u32, size: u32) -> Vec<u8> {
    let mut key = vec![0; (size as usize).max(4)];
    let at = if cfg!(target_endian = "big") { key.len() - 4 } else { 0 };
    key[at..at + 4].copy_from_slice(&entry.to_ne_bytes());
    key
}
