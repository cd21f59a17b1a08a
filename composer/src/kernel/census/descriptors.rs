//! The descriptors that processes have open: `/proc/PID/fd`, and for those of eBPF `/proc/PID/fdinfo`.

use std::{collections::HashMap, fs, io, path::Path};

use crate::running::Process;

/// Who has what open, by the kernel's number for it.
#[derive(Debug, Default)]
pub(super) struct Descriptors {
    pub(super) programs: HashMap<u32, Vec<Process>>,
    pub(super) links: HashMap<u32, Vec<Process>>,
    /// Descriptors of perf events: programs may be attached to those.
    pub(super) perf_events: Vec<(Process, u32)>,
    /// Network namespaces, by inode, with one process that is in each.
    pub(super) namespaces: HashMap<u64, Process>,
}

/// What a descriptor of eBPF is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    Program(u32),
    Link(u32),
}

impl Descriptors {
    /// Looks at all processes. Those of which nothing may be seen are a gap.
    pub(super) fn look(gaps: &mut Vec<String>) -> Self {
        let mut found = Self::default();
        let mut refused = 0_u32;
        for (pid, folder) in processes() {
            // Kernel threads, and processes that are gone, have none.
            match found.look_at(pid, &folder) {
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => refused += 1,
                _ => {}
            }
        }
        if refused > 0 {
            let what = match refused {
                1 => "1 process".to_owned(),
                _ => format!("{refused} processes"),
            };
            gaps.push(format!("what {what} of other users have open"));
        }
        found
    }

    fn look_at(&mut self, pid: u32, folder: &Path) -> io::Result<()> {
        let mut process = None;
        let mut named =
            || process.get_or_insert_with(|| Process { pid, comm: comm(folder) }).clone();
        if let Some(inode) = namespace(folder) {
            self.namespaces.entry(inode).or_insert_with(&mut named);
        }
        for entry in fs::read_dir(folder.join("fd"))?.flatten() {
            let Ok(target) = fs::read_link(entry.path()) else { continue };
            let target = target.as_os_str().as_encoded_bytes();
            if target == b"anon_inode:[perf_event]" {
                let number = entry.file_name().to_str().and_then(|name| name.parse().ok());
                self.perf_events.extend(number.map(|number| (named(), number)));
            }
            if !target.starts_with(b"anon_inode:bpf") {
                continue;
            }
            let place = folder.join("fdinfo").join(entry.file_name());
            match fs::read_to_string(place).ok().as_deref().and_then(held) {
                Some(Held::Program(id)) => self.programs.entry(id).or_default().push(named()),
                Some(Held::Link(id)) => self.links.entry(id).or_default().push(named()),
                None => {}
            }
        }
        Ok(())
    }
}

/// What a file of fdinfo is about. That of a link has the number of its program too.
pub(super) fn held(text: &str) -> Option<Held> {
    let number = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        line.and_then(|number| number.trim().parse().ok())
    };
    number("link_id").map(Held::Link).or_else(|| number("prog_id").map(Held::Program))
}

/// The processes that have the link open, as far as this one may look.
pub(in crate::kernel) fn holders_of_link(link: u32) -> Vec<Process> {
    let found = Descriptors::look(&mut Vec::new());
    super::under(&found.links, link)
}

/// The processes that there are.
fn processes() -> impl Iterator<Item = (u32, std::path::PathBuf)> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
}

fn comm(folder: &Path) -> String {
    fs::read_to_string(folder.join("comm"))
        .map_or_else(|_| "?".to_owned(), |comm| comm.trim().to_owned())
}

/// The inode of the network namespace that a process is in: the link reads `net:[4026531840]`.
fn namespace(folder: &Path) -> Option<u64> {
    let target = fs::read_link(folder.join("ns/net")).ok()?;
    target.to_str()?.strip_prefix("net:[")?.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{Held, held};

    #[test]
    fn a_link_is_told_from_its_program() {
        let program = "pos:\t0\nflags:\t02000002\nprog_type:\t6\nprog_jited:\t1\nprog_id:\t41\n";
        assert_eq!(held(program), Some(Held::Program(41)));
        let link =
            "pos:\t0\nlink_type:\txdp\nlink_id:\t7\nprog_tag:\tab\nprog_id:\t41\nifindex:\t1\n";
        assert_eq!(held(link), Some(Held::Link(7)));
        assert_eq!(held("pos:\t0\nmap_type:\t1\nmap_id:\t3\n"), None);
        assert_eq!(held(""), None);
    }
}
