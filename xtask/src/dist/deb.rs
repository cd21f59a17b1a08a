//! The Debian package: a folder with the files and a control file, packed by dpkg-deb.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{NAME, VERSION, contents::InstalledFiles, put};
use crate::{Result, shell};

/// Debian's name for what is built for.
const ARCHITECTURE: &str = "amd64";

/// Makes the package in `folder`.
pub(super) fn make(contents: &InstalledFiles, folder: &Path, epoch: u64) -> Result<PathBuf> {
    let name = format!("{NAME}_{VERSION}_{ARCHITECTURE}");
    let stage = folder.join(&name);
    let mut size = 0;
    for (path, bytes, mode) in contents.files() {
        put(&stage, path, bytes, mode)?;
        size += bytes.len().div_ceil(1024);
    }
    put(&stage, "DEBIAN/control", control(size).as_bytes(), 0o644)?;
    let deb = folder.join(format!("{name}.deb"));
    let mut dpkg = Command::new("dpkg-deb");
    // Times are those of the files, if they are not later than this; these files were just made.
    dpkg.env("SOURCE_DATE_EPOCH", epoch.to_string());
    dpkg.args(["--root-owner-group", "-Zxz", "--build"]).args([&stage, &deb]);
    shell::quietly(&mut dpkg)?;
    fs::remove_dir_all(stage)?;
    Ok(deb)
}

/// What the package is; it depends on nothing, and `--vm` uses the recommended ones. `size` is in KiB.
fn control(size: usize) -> String {
    format!(
        "\
Package: {NAME}
Version: {VERSION}
Architecture: {ARCHITECTURE}
Maintainer: freplace-compose contributors <freplace-compose@users.noreply.github.com>
Installed-Size: {size}
Recommends: qemu-system-x86
Suggests: clang, libbpf-dev
Section: admin
Priority: optional
Homepage: https://github.com/freplace-compose/freplace-compose
Description: docker compose for chains of eBPF programs
 A chain is a TOML file: hosts at kernel hooks, stubs in them, replacements
 (freplace) for the stubs, tracers (fentry, fexit) on any of them. It is checked
 without root and without a kernel, loaded and attached in the right order, shown
 event by event, and removed again.
"
    )
}

#[cfg(test)]
mod tests {
    use std::{env, fs, path::PathBuf, process::Command};

    use super::{InstalledFiles, make};
    use crate::shell;

    /// A folder of its own for each test; removed at its end.
    struct TestFolder(PathBuf);

    impl TestFolder {
        fn new(name: &str) -> Self {
            let folder = env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
            fs::create_dir(&folder).expect("a new folder");
            Self(folder)
        }
    }

    impl Drop for TestFolder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_package_has_all_files_belongs_to_root_and_is_the_same_each_time() {
        let (one, two) = (TestFolder::new("deb-one"), TestFolder::new("deb-two"));
        let contents =
            InstalledFiles { executable: b"#!/bin/sh\n".to_vec(), ..InstalledFiles::default() };
        let made = [&one, &two].map(|folder| {
            let deb =
                make(&contents, &folder.0, 1_000_000_000).expect("dpkg-deb is part of Debian");
            (fs::read(&deb).expect("it was made"), deb)
        });
        assert!(made[0].0 == made[1].0, "the same bytes");
        let said = |word: &str| {
            shell::quietly(Command::new("dpkg-deb").arg(word).arg(&made[0].1)).expect("it is one")
        };
        assert!(said("--info").contains("Recommends: qemu-system-x86"));
        let files = said("--contents");
        let program = files.lines().find(|line| line.ends_with("./usr/bin/freplace-compose"));
        let program = program.expect("it is in it");
        assert!(program.starts_with("-rwxr-xr-x root/root"), "{program}");
        assert!(files.lines().all(|line| line.contains(" 2001-09-0")), "{files}");
    }
}
