//! What is pinned in the bpffs that are mounted here.

use std::{
    ffi::CString,
    fs,
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::ffi::OsStrExt as _,
    },
    path::Path,
};

use super::{
    Pins,
    descriptors::{Held, held},
};
use crate::kernel::{mounts, sys};

/// How deep folders are followed: nobody nests pins deeper than some levels.
const DEPTH: usize = 32;

pub(super) fn look() -> Pins {
    let mut pins = Pins::default();
    for place in mounts::of_type("bpf") {
        walk(&place, DEPTH, &mut pins);
    }
    pins
}

fn walk(folder: &Path, left: usize, pins: &mut Pins) {
    let Some(left) = left.checked_sub(1) else { return };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            walk(&path, left, pins);
        } else if kind.is_file() {
            match open(&path).and_then(|pinned| what(&pinned)) {
                Some(Held::Program(id)) => pins.programs.entry(id).or_default().push(path),
                Some(Held::Link(id)) => pins.links.entry(id).or_default().push(path),
                None => {}
            }
        }
    }
}

/// What is pinned at a path.
fn open(path: &Path) -> Option<OwnedFd> {
    let path = CString::new(path.as_os_str().as_bytes()).ok()?;
    sys::object_get(&path).ok()
}

/// Whether a descriptor is a program or a link, and which.
fn what(pinned: &OwnedFd) -> Option<Held> {
    let text = fs::read_to_string(format!("/proc/self/fdinfo/{}", pinned.as_raw_fd())).ok()?;
    held(&text)
}
