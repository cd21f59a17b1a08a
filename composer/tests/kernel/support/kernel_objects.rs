//! Every eBPF object there is in the kernel, by its id, and every pin: nothing of ours may stay.
#![allow(unsafe_code, reason = "aya lists no BTF, so all four kinds are listed by bpf(2) itself")]

use std::{collections::BTreeSet, fs, path::Path};

use super::eventually;

/// What a kernel holds, in words that name it: `program 12 drop_echo`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Snapshot(BTreeSet<String>);

/// The commands that walk over ids:
/// <https://github.com/torvalds/linux/blob/v6.12/include/uapi/linux/bpf.h>
const WALKS: [(&str, u32); 4] = [("program", 11), ("map", 12), ("btf", 23), ("link", 31)];

impl Snapshot {
    pub(crate) fn take() -> Self {
        let mut found = BTreeSet::new();
        for (kind, command) in WALKS {
            found.extend(ids(command).into_iter().map(|id| format!("{kind} {id}")));
        }
        pins(Path::new("/sys/fs/bpf"), &mut found);
        Self(found)
    }

    /// What is there now and was not when this was taken.
    pub(crate) fn new_since(&self) -> Vec<String> {
        Self::take().0.difference(&self.0).cloned().collect()
    }

    /// Waits until the same is there as when this was taken: nothing new, and nothing that is missing.
    #[track_caller]
    pub(crate) fn assert_as_it_was(&self) {
        self.assert_nothing_new();
        let missing: Vec<_> = self.0.difference(&Self::take().0).cloned().collect();
        assert!(missing.is_empty(), "gone from the kernel: {missing:?}");
    }

    /// Waits until no program and no link is left of what came after this was taken.
    #[track_caller]
    pub(crate) fn assert_programs_gone(&self) {
        let runs = |left: &String| left.starts_with("program") || left.starts_with("link");
        let gone = eventually(|| !self.new_since().iter().any(runs));
        assert!(gone, "left in the kernel: {:?}", self.new_since());
    }

    /// Waits until nothing is left of what came after this was taken. The kernel frees programs,
    /// maps and BTF after a grace period and in work queues, some time after the last reference.
    #[track_caller]
    pub(crate) fn assert_nothing_new(&self) {
        let gone = eventually(|| self.new_since().is_empty());
        assert!(gone, "left in the kernel: {:?}; programs: {:?}", self.new_since(), names());
    }
}

/// The beginning of `union bpf_attr` for the walks.
#[repr(C)]
struct IdAttributes {
    start: u32,
    next: u32,
    open_flags: u32,
}

fn ids(command: u32) -> Vec<u32> {
    let mut found = Vec::new();
    let mut walk = IdAttributes { start: 0, next: 0, open_flags: 0 };
    loop {
        let size = size_of::<IdAttributes>();
        // SAFETY: `walk` is a live struct of integers, of the size given.
        let done = unsafe { libc::syscall(libc::SYS_bpf, command, &raw mut walk, size) };
        if done != 0 {
            let error = std::io::Error::last_os_error();
            assert_eq!(error.raw_os_error(), Some(libc::ENOENT), "bpf({command}): {error}");
            return found;
        }
        found.push(walk.next);
        walk.start = walk.next;
    }
}

fn pins(folder: &Path, found: &mut BTreeSet<String>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        found.insert(format!("pin {}", entry.path().display()));
        // maps.debug and progs.debug are files; links are not followed.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            pins(&entry.path(), found);
        }
    }
}

/// The programs by name, for the message of a test that failed.
fn names() -> Vec<String> {
    let programs = aya::programs::loaded_programs().flatten();
    programs.map(|program| format!("{} {:?}", program.id(), program.name_as_str())).collect()
}
