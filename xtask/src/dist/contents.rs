//! The files that an installation has.

use std::{fs, path::Path, process::Command};

use super::packed;
use crate::{Result, shell};

/// The files that an installation has.
#[derive(Debug, Clone, Default)]
pub(super) struct InstalledFiles {
    pub(super) executable: Vec<u8>,
    /// The manual page, packed.
    pub(super) manual: Vec<u8>,
    /// Completions, with the paths that the shells look at in Debian.
    pub(super) completions: Vec<(&'static str, Vec<u8>)>,
    /// The changelog, packed.
    pub(super) changelog: Vec<u8>,
    pub(super) copyright: Vec<u8>,
}

/// The shells, each with the place of its completions.
const SHELLS: [(&str, &str); 3] = [
    ("bash", "usr/share/bash-completion/completions/freplace-compose"),
    ("fish", "usr/share/fish/vendor_completions.d/freplace-compose.fish"),
    ("zsh", "usr/share/zsh/vendor-completions/_freplace-compose"),
];

/// Who may do what with it: the programs in C also come under the GPL, which the kernel asks for.
const COPYRIGHT: &str = "\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: freplace-compose
Source: https://github.com/freplace-compose/freplace-compose

Files: *
Copyright: the contributors of freplace-compose
License: MIT or Apache-2.0
Comment:
 The eBPF programs in the executable also come under GPL-2.0-only. The executable contains
 parts of Rust's standard library (MIT or Apache-2.0), of the crates of its Cargo.lock, and of
 the GNU C library (LGPL-2.1-or-later); with the source it can be linked with another version.
 .
 The texts of the licences follow.
";
const LICENCES: [&str; 3] = ["LICENSE-MIT", "LICENSE-APACHE", "LICENSE-GPL-2.0"];

impl InstalledFiles {
    /// What `executable` prints of itself, and texts of the repository.
    pub(super) fn of(executable: &Path) -> Result<Self> {
        let own = |words: &[&str]| {
            let said =
                shell::quietly(Command::new(executable).args(["--color", "never"]).args(words));
            said.map(String::into_bytes)
        };
        let text = |name: &str| fs::read(shell::root().join(name));
        let mut copyright = COPYRIGHT.as_bytes().to_owned();
        for licence in LICENCES {
            copyright.extend(format!("\n----- {licence}\n\n").bytes());
            copyright.extend(text(licence)?);
        }
        let mut completions = Vec::new();
        for (shell, path) in SHELLS {
            completions.push((path, own(&["completions", shell])?));
        }
        Ok(Self {
            executable: fs::read(executable)?,
            manual: packed(&own(&["man"])?)?,
            completions,
            changelog: packed(&text("CHANGELOG.md")?)?,
            copyright,
        })
    }

    /// Each with its path below the root, and its rights.
    pub(super) fn files(&self) -> impl Iterator<Item = (&str, &[u8], u32)> {
        let plain = [
            ("usr/share/man/man1/freplace-compose.1.gz", self.manual.as_slice()),
            ("usr/share/doc/freplace-compose/changelog.gz", &self.changelog),
            ("usr/share/doc/freplace-compose/copyright", &self.copyright),
        ];
        let completions = self.completions.iter().map(|(path, text)| (*path, text.as_slice()));
        let plain = plain.into_iter().chain(completions).map(|(path, bytes)| (path, bytes, 0o644));
        [("usr/bin/freplace-compose", self.executable.as_slice(), 0o755)].into_iter().chain(plain)
    }
}
