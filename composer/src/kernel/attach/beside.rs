//! The program that another one is to run before or after: where it is attached, by its id or its name.
//!
//! Each function returns the flags with which the kernel takes the id, and that.

use std::os::fd::{AsFd as _, OwnedFd};

use crate::kernel::{
    KernelError,
    census::whole_name,
    sys::{self, Numbered},
};

/// `BPF_F_ID`: what goes with it is an id, and no descriptor.
const ID: u32 = 1 << 5;
/// `BPF_F_LINK`: that of a link.
const LINK: u32 = 1 << 13;

/// A program at an interface.
pub(super) fn program(
    interface: u32,
    attach_type: u32,
    wanted: &str,
) -> Result<(u32, u32), KernelError> {
    const CALL: &str = "BPF_PROG_QUERY";
    let ids =
        sys::programs_at(interface, attach_type).map_err(|error| KernelError::os(CALL, &error))?;
    let found = ids.into_iter().find(|id| is_it(*id, wanted));
    found.map(|id| (ID, id)).ok_or_else(|| missing(CALL))
}

/// The link of a program at a cgroup: there the kernel puts links beside links alone.
pub(super) fn link(
    cgroup: &OwnedFd,
    attach_type: u32,
    wanted: &str,
) -> Result<(u32, u32), KernelError> {
    const CALL: &str = "find link";
    /// `BPF_LINK_TYPE_CGROUP`: the words of its information are the cgroup's id, which is the inode of
    /// its folder, and the attach type.
    const CGROUP: u32 = 3;
    let folder = rustix::fs::fstat(cgroup.as_fd());
    let folder = folder.map_err(|error| KernelError::os(CALL, &error.into()))?;
    let is_there = |link: &sys::LinkInfo| {
        link.link_type == CGROUP
            && sys::whole([link.words[0], link.words[1]]) == folder.st_ino
            && link.words[2] == attach_type
    };
    let links = sys::ids(Numbered::Link).unwrap_or_default().into_iter();
    let links = links.filter_map(|id| sys::link_info(id).ok());
    let found = links.filter(is_there).find(|link| is_it(link.program, wanted));
    found.map(|link| (ID | LINK, link.id)).ok_or_else(|| missing(CALL))
}

fn is_it(program: u32, wanted: &str) -> bool {
    wanted.parse() == Ok(program) || whole_name(program).is_some_and(|name| name == wanted)
}

fn missing(call: &'static str) -> KernelError {
    KernelError::with_errno(call, libc::ENOENT)
}
