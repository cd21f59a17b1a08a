//! Programs at a map of sockets. From Linux 6.10 on these are links; before, the map itself holds the
//! program, until that is detached or the last user of the map, a process or a pin, is gone.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use super::{Installed, Link};
use crate::kernel::{
    KernelError, holder,
    sys::{self, LinkTarget},
};

/// A program that a map holds without a link.
#[derive(Debug)]
pub(super) struct HeldByMap {
    map: OwnedFd,
    program: OwnedFd,
    attach_type: u32,
}

/// Attaches `program` to `map`, unless it has one. The kernel compares only with links: without one, a
/// program takes the place of another.
pub(super) fn attach(
    program: BorrowedFd<'_>,
    map: BorrowedFd<'_>,
    attach_type: u32,
) -> Result<Link, KernelError> {
    const LINK: &str = "BPF_LINK_CREATE";
    // Linux before 5.17 cannot be asked.
    let present = sys::programs_at(sys::number(map), attach_type).unwrap_or_default();
    if let [other, ..] = present.as_slice() {
        let error = KernelError::with_errno(LINK, libc::EBUSY);
        return Err(KernelError { holder: Some(Box::new(holder::of_map(map, *other))), ..error });
    }
    match sys::link_create(program, attach_type, LinkTarget::Map(map)) {
        Ok(link) => Ok(Link::alone(link)),
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
            let held = HeldByMap::attach(program, map, attach_type)?;
            Ok(Link::installed(Installed::Held(held)))
        }
        Err(error) => Err(KernelError::os(LINK, &error)),
    }
}

impl HeldByMap {
    fn attach(
        program: BorrowedFd<'_>,
        map: BorrowedFd<'_>,
        attach_type: u32,
    ) -> Result<Self, KernelError> {
        const CALL: &str = "BPF_PROG_ATTACH";
        let failed = |error| KernelError::os(CALL, &error);
        let held = Self {
            map: map.try_clone_to_owned().map_err(failed)?,
            program: program.try_clone_to_owned().map_err(failed)?,
            attach_type,
        };
        sys::program_attach(map, program, attach_type).map_err(failed)?;
        Ok(held)
    }

    /// Detaches it. Another process may have done so, or put a program of its own there.
    pub(super) fn detach(self) -> Result<(), KernelError> {
        let Self { map, program, attach_type } = self;
        match sys::program_detach(map.as_fd(), program.as_fd(), attach_type) {
            Err(error) if error.raw_os_error() != Some(libc::ENOENT) => {
                Err(KernelError::os("BPF_PROG_DETACH", &error))
            }
            _ => Ok(()),
        }
    }
}
