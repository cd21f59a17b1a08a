//! One link at many functions of the kernel.

use std::{ffi::CString, fs, os::fd::BorrowedFd, path::Path};

use super::{Link, c_string, tracefs};
use crate::{
    kernel::{
        KernelError,
        sys::{self, LinkTarget},
    },
    object::AttachType,
    pattern::NamePattern,
};

pub(super) fn link(
    program: BorrowedFd<'_>,
    pattern: &str,
    at_return: bool,
    cookie: impl Fn(&str) -> u64,
) -> Result<Link, KernelError> {
    const RETURN: u32 = 1; // BPF_F_KPROBE_MULTI_RETURN
    let names = functions(pattern)?;
    let cookies: Vec<_> = names.iter().map(|name| cookie(&name.to_string_lossy())).collect();
    let target = LinkTarget::Functions(&names, if at_return { RETURN } else { 0 }, &cookies);
    let link = sys::link_create(program, AttachType::TraceKprobeMulti as u32, target)
        .map_err(|error| KernelError::os("BPF_LINK_CREATE", &error))?;
    Ok(Link::alone(link))
}

/// The functions that can be traced and that a pattern names: with `*` and `?`, several with commas
/// between them.
pub(super) fn functions(pattern: &str) -> Result<Vec<CString>, KernelError> {
    const CALL: &str = "read available_filter_functions";
    let root = tracefs().ok_or_else(|| KernelError::here(CALL, "tracefs is not mounted"))?;
    let all = fs::read_to_string(Path::new(root).join("available_filter_functions"))
        .map_err(|error| KernelError::os(CALL, &error))?;
    let pattern = NamePattern::new(pattern);
    let names = all.lines().filter_map(|line| line.split_ascii_whitespace().next());
    let mut names: Vec<&str> = names.filter(|name| pattern.matches(name)).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return Err(KernelError::with_errno(CALL, libc::ENOENT));
    }
    names.into_iter().map(c_string).collect()
}
