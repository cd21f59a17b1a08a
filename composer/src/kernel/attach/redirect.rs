//! Programs in an entry of a map that XDP redirects frames to. The entry names the program and where the
//! frames go, and stays until it is deleted or the map is gone.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use super::interface_index;
use crate::{
    hook::Destination,
    kernel::{KernelError, holder, map, sys},
};

/// An entry that is there until it is deleted.
#[derive(Debug)]
pub(super) struct FilledEntry {
    map: OwnedFd,
    key: u32,
    /// The interface that it leads to, with which the kernel deletes it.
    interface: Option<u32>,
}

/// Puts `program` into an entry of `map`, unless that is used.
pub(super) fn fill(
    program: BorrowedFd<'_>,
    map: BorrowedFd<'_>,
    key: u32,
    to: Destination<'_>,
) -> Result<FilledEntry, KernelError> {
    const CALL: &str = "BPF_MAP_UPDATE_ELEM";
    let interface = match to {
        Destination::Interface(name) => Some(interface_index(name)?),
        Destination::Cpu(_) => None,
    };
    let size = match to {
        Destination::Cpu(size) => size,
        Destination::Interface(_) => 0,
    };
    // The kernel takes no flag for it.
    let mut present = [0; 8];
    if sys::map_lookup(map, key, &mut present).is_ok() {
        let [_, _, _, _, program @ ..] = present;
        let holder = holder::of_entry(u32::from_ne_bytes(program));
        let error = KernelError::with_errno(CALL, libc::EEXIST);
        return Err(KernelError { holder: holder.map(Box::new), ..error });
    }
    let failed = |error| KernelError::os(CALL, &error);
    let owned = map.try_clone_to_owned().map_err(failed)?;
    let mut value = [0; 8];
    value[..4].copy_from_slice(&interface.unwrap_or(size).to_ne_bytes());
    value[4..].copy_from_slice(&sys::number(program).to_ne_bytes());
    sys::map_update(map, key, &value).map_err(failed)?;
    Ok(FilledEntry { map: owned, key, interface })
}

impl FilledEntry {
    /// The index of the interface that it leads to.
    pub(super) fn interface(&self) -> Option<u32> {
        self.interface
    }

    /// Deletes it.
    pub(super) fn delete(self) -> Result<(), KernelError> {
        map::take(self.map.as_fd(), KEY_SIZE, self.key)
    }
}

/// Bytes of a key of such a map.
const KEY_SIZE: u32 = 4;
