//! Detects files that other users can change, although root acts on their contents.

use std::{
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use freplace_compose::diag::{Code, Diagnostic, Severity};

/// What is wrong with who may change `files`, where this runs as root; an error when `strict`.
pub(super) fn untrusted(files: &[PathBuf], strict: bool) -> Vec<Diagnostic> {
    if !rustix::process::geteuid().is_root() {
        return Vec::new();
    }
    let ours = Ours::new();
    files.iter().filter_map(|file| Some(told(file, &ours.stranger(file)?, strict))).collect()
}

fn told(file: &Path, why: &str, strict: bool) -> Diagnostic {
    let message = format!("other users can modify {}", file.display());
    let mut found = Diagnostic::new(Code::UntrustedFile, message).note(why).help(
        "Change the owner and mode of the file and its folders: chown root and chmod go-w. The \
         file determines what is loaded into the kernel as root.",
    );
    if !strict {
        found.severity = Severity::Warning;
    }
    found
}

/// Who counts as root: root, and whoever became root by sudo to run this.
struct Ours {
    users: Vec<u32>,
    groups: Vec<u32>,
}

impl Ours {
    fn new() -> Self {
        let asked = |name| std::env::var(name).ok()?.parse().ok();
        let of = |name| [Some(0), asked(name)].into_iter().flatten().collect();
        Self { users: of("SUDO_UID"), groups: of("SUDO_GID") }
    }

    /// Who else may change `file`, in words. A folder that may be written to is a way, unless
    /// it keeps what is in it to its owner, as /tmp does.
    fn stranger(&self, file: &Path) -> Option<String> {
        let file = file.canonicalize().ok()?;
        file.ancestors().find_map(|path| {
            let found = path.metadata().ok()?;
            let (mode, what) = (found.mode(), path.display());
            let sticky = found.is_dir() && mode & 0o1000 != 0;
            if !self.users.contains(&found.uid()) {
                Some(format!("{what} is owned by user {}", found.uid()))
            } else if sticky {
                None
            } else if mode & 0o002 != 0 {
                Some(format!("{what} is writable by everybody (mode {:o})", mode & 0o7777))
            } else if mode & 0o020 != 0 && !self.groups.contains(&found.gid()) {
                Some(format!("{what} is writable by group {}", found.gid()))
            } else {
                None
            }
        })
    }
}
