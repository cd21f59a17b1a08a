//! Turns the plan of a root filesystem into an initramfs, streamed in one pass.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufWriter, Write},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
};

use super::{
    cpio::CpioWriter,
    error::VmError,
    rootfs::{Rootfs, RootfsEntry},
};

impl Rootfs {
    /// Writes the initramfs. An error when it is more than a guest of `memory_mib` can unpack: the kernel holds the
    /// archive and its content at once, and gives the content at most half of the memory.
    pub(super) fn write(&self, to: impl Write, memory_mib: u32) -> Result<(), VmError> {
        let mut files: BTreeMap<(u64, u64), (u32, &Path, Vec<&Path>)> = BTreeMap::new();
        let mut bytes = 0;
        for (dest, node) in &self.nodes {
            let RootfsEntry::File(source) = node else { continue };
            let meta = fs::metadata(source)
                .map_err(VmError::host(format!("read {}", source.display())))?;
            let (_, _, names) = files.entry((meta.dev(), meta.ino())).or_insert_with(|| {
                bytes += meta.len();
                (meta.permissions().mode() & 0o7777, source.as_path(), Vec::new())
            });
            names.push(dest);
        }
        if bytes > u64::from(memory_mib) << 20 >> 2 {
            return Err(VmError::TooBig { bytes, memory_mib });
        }
        let mut archive = CpioWriter::new(BufWriter::with_capacity(1 << 20, to));
        let failed = || VmError::host("write the initramfs");
        for (path, node) in &self.nodes {
            match node {
                RootfsEntry::Directory(mode) => archive.directory(path, *mode).map_err(failed())?,
                RootfsEntry::Symlink(target) => archive.symlink(path, target).map_err(failed())?,
                RootfsEntry::Data(content) => {
                    archive.data(path, 0o644, content).map_err(failed())?;
                }
                RootfsEntry::File(_) => {}
            }
        }
        // After every folder, because the names of one file may lie in several.
        for (mode, source, names) in files.values() {
            let describe = || VmError::host(format!("bring {}", source.display()));
            let mut opened = File::open(source).map_err(describe())?;
            let size = opened.metadata().map_err(describe())?.len();
            let size =
                u32::try_from(size).map_err(|_| VmError::TooBig { bytes: size, memory_mib })?;
            archive.file(names, *mode, &mut opened, size).map_err(describe())?;
        }
        archive.finish().map_err(failed())?;
        Ok(())
    }
}
