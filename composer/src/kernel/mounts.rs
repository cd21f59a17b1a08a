//! The file systems that are mounted here: `/proc/self/mountinfo`, proc_pid_mountinfo(5).

use std::{fs, os::unix::ffi::OsStringExt as _, path::PathBuf};

/// Where file systems of this type are mounted.
pub(super) fn of_type(kind: &str) -> Vec<PathBuf> {
    let text = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let found = text.lines().filter_map(|line| place(line, kind));
    let mut found: Vec<_> = found.collect();
    found.sort();
    found.dedup();
    found
}

/// Where the mount of a line is, when it is of this type.
fn place(line: &str, kind: &str) -> Option<PathBuf> {
    let (mount, source) = line.split_once(" - ")?;
    if source.split(' ').next() != Some(kind) {
        return None;
    }
    let path = mount.split(' ').nth(4)?;
    Some(PathBuf::from(std::ffi::OsString::from_vec(unescaped(path))))
}

/// Blanks, tabs, line ends and backslashes are written as octal numbers: `\040`.
fn unescaped(path: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        let number = (*first == b'\\').then(|| tail.get(..3)).flatten();
        let number = number.and_then(|digits| std::str::from_utf8(digits).ok());
        match number.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = &tail[3..];
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::place;

    #[test]
    fn a_place_with_a_blank_is_read() {
        let line = r"36 35 98:0 / /mnt/a\040b rw,noatime master:1 - bpf bpf rw";
        assert_eq!(place(line, "bpf").as_deref(), Some(Path::new("/mnt/a b")));
        assert_eq!(place(line, "cgroup2"), None);
        assert_eq!(place("", "bpf"), None);
        assert_eq!(
            place(r"1 2 3 / /odd\9 rw - bpf b rw", "bpf").as_deref(),
            Some(Path::new(r"/odd\9"))
        );
    }
}
