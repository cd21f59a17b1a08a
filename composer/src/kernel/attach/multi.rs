//! One link at many functions of the kernel.

use std::{ffi::CString, fs, io, os::fd::BorrowedFd, path::Path};

use super::{Link, c_string, tracefs};
use crate::{
    kernel::{
        KernelError,
        sys::{self, LinkTarget},
    },
    object::AttachType,
};

pub(super) fn link(
    program: BorrowedFd<'_>,
    pattern: &str,
    at_return: bool,
) -> Result<Link, KernelError> {
    const RETURN: u32 = 1; // BPF_F_KPROBE_MULTI_RETURN
    let names = functions(pattern)?;
    let target = LinkTarget::Functions(&names, if at_return { RETURN } else { 0 });
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
    let patterns: Vec<&str> = pattern.split(',').map(str::trim).collect();
    let names = all.lines().filter_map(|line| line.split_ascii_whitespace().next());
    let mut names: Vec<&str> = names
        .filter(|name| patterns.iter().any(|pattern| matches(pattern.as_bytes(), name.as_bytes())))
        .collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return Err(KernelError::os(CALL, &io::Error::from_raw_os_error(libc::ENOENT)));
    }
    names.into_iter().map(c_string).collect()
}

/// Whether `name` is what `pattern` says: `*` is any number of letters, `?` is one.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut in_name) = (0, 0);
    // Where to go on when a `*` takes one letter more.
    let mut star = None;
    while in_name < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at + 1, in_name));
                at += 1;
            }
            Some(letter) if *letter == b'?' || *letter == name[in_name] => {
                at += 1;
                in_name += 1;
            }
            _ => {
                let Some((behind, taken)) = star else { return false };
                star = Some((behind, taken + 1));
                (at, in_name) = (behind, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(|letter| *letter == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_pattern_is_a_name_with_stars_and_question_marks() {
        let is = |pattern: &str, name: &str| matches(pattern.as_bytes(), name.as_bytes());
        assert!(is("tcp_*", "tcp_connect") && is("*", "x") && is("tcp_connect", "tcp_connect"));
        assert!(is("*_c?nnect", "tcp_v4_connect") && is("a*b*c", "a-b-b-c"));
        assert!(!is("tcp_*", "udp_send") && !is("tcp", "tcp_") && !is("t?", "t"));
    }
}
