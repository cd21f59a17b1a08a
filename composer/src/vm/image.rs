//! A kernel image on disk, verified to be one before it is started.

use std::{
    fs::File,
    io::ErrorKind,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use super::error::VmError;

/// A bootable x86-64 kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The bzImage.
    pub vmlinuz: PathBuf,
    /// The kernel's release as the image itself states it, for example `6.12.117+deb12-cloud-amd64`.
    pub release: String,
}

impl Image {
    /// Checks the boot protocol's magic and reads the release
    /// (<https://github.com/torvalds/linux/blob/v6.12/Documentation/arch/x86/boot.rst>: `HdrS` at 0x202, the offset of the
    /// version string less 0x200 at 0x20e).
    ///
    /// # Errors
    /// [`VmError::NoImage`] when there is no such file, [`VmError::NotAKernel`] when it is no bzImage, [`VmError::Host`] when it cannot be read.
    pub fn open(path: &Path) -> Result<Self, VmError> {
        let file = File::open(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => VmError::NoImage { path: path.to_owned() },
            _ => VmError::host(format!("read the kernel {}", path.display()))(error),
        })?;
        let not_a_kernel = |_| VmError::NotAKernel { path: path.to_owned() };
        let mut header = [0; 14];
        file.read_exact_at(&mut header, 0x202).map_err(not_a_kernel)?;
        if !header.starts_with(b"HdrS") {
            return Err(VmError::NotAKernel { path: path.to_owned() });
        }
        let mut version = [0; 128];
        let at = u64::from(u16::from_le_bytes([header[12], header[13]])) + 0x200;
        file.read_exact_at(&mut version, at).map_err(not_a_kernel)?;
        let word = version.split(|&b| b == b' ' || b == 0).next().unwrap_or_default();
        Ok(Self { vmlinuz: path.to_owned(), release: String::from_utf8_lossy(word).into_owned() })
    }
}

impl Image {
    /// Its configuration, where that is beside it under one of the usual names.
    #[must_use]
    pub fn config(&self) -> Option<Vec<u8>> {
        let names = [format!("config-{}", self.release), "config".to_owned()];
        let read = |name: &String| std::fs::read(self.vmlinuz.with_file_name(name)).ok();
        names.iter().find_map(read).filter(|text| !text.is_empty())
    }

    /// What its command line says so that programs at LSM hooks run: `lsm=...,bpf`. None where they do by
    /// themselves, and where the kernel has none.
    pub(super) fn lsm_option(&self) -> Option<String> {
        lsm_option(&String::from_utf8_lossy(&self.config()?))
    }
}

/// The same by a configuration.
fn lsm_option(config: &str) -> Option<String> {
    let value = |name: &str| {
        let mut values =
            config.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        values.next().map(|value| value.trim_matches('"'))
    };
    value("CONFIG_BPF_LSM").filter(|value| *value == "y")?;
    let modules = value("CONFIG_LSM").unwrap_or_default();
    let mut names: Vec<_> = modules.split(',').filter(|name| !name.is_empty()).collect();
    if names.contains(&"bpf") {
        return None;
    }
    names.push("bpf");
    Some(format!("lsm={}", names.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_at_lsm_hooks_run_where_the_kernel_has_them() {
        let option = |lines: &str| lsm_option(lines);
        let added = option("CONFIG_BPF_LSM=y\nCONFIG_LSM=\"landlock,yama\"\n");
        assert_eq!(added.as_deref(), Some("lsm=landlock,yama,bpf"));
        assert_eq!(option("CONFIG_BPF_LSM=y\n").as_deref(), Some("lsm=bpf"));
        assert_eq!(option("CONFIG_BPF_LSM=y\nCONFIG_LSM=\"landlock,bpf,ipe\"\n"), None);
        assert_eq!(option("# CONFIG_BPF_LSM is not set\nCONFIG_LSM=\"yama\"\n"), None);
    }

    #[test]
    fn an_image_states_its_release() -> std::io::Result<()> {
        let file = tempfile::NamedTempFile::new()?;
        let mut bytes = vec![0; 0x400];
        bytes[0x202..0x206].copy_from_slice(b"HdrS");
        bytes[0x20e..0x210].copy_from_slice(&0x100_u16.to_le_bytes());
        bytes[0x300..0x310].copy_from_slice(b"6.12.1-x (a@b) #");
        std::fs::write(file.path(), bytes)?;
        assert!(matches!(Image::open(file.path()), Ok(image) if image.release == "6.12.1-x"));
        Ok(())
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let opened = Image::open(Path::new("/no/such/vmlinuz"));
        assert!(matches!(opened, Err(VmError::NoImage { path }) if path.ends_with("vmlinuz")));
    }

    #[test]
    fn other_files_are_refused() -> std::io::Result<()> {
        let file = tempfile::NamedTempFile::new()?;
        assert!(matches!(Image::open(file.path()), Err(VmError::NotAKernel { .. })));
        std::fs::write(file.path(), vec![b'x'; 4096])?;
        assert!(matches!(Image::open(file.path()), Err(VmError::NotAKernel { .. })));
        Ok(())
    }
}
