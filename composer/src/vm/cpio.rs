//! Writes an initramfs: a cpio archive in the `newc` format, the only one Linux unpacks at boot
//! (<https://github.com/torvalds/linux/blob/v6.12/Documentation/driver-api/early-userspace/buffer-format.rst>).
//! Uncompressed: under emulation the guest would spend longer unpacking than it saves in loading.

use std::{
    fs::File,
    io::{self, Read as _, Write},
    os::unix::ffi::OsStrExt as _,
    path::Path,
};

/// File type bits of `st_mode`, as in `stat(2)`.
const DIRECTORY: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;
const SYMLINK: u32 = 0o120_000;

/// An archive under way. Everything in it belongs to root.
pub(super) struct CpioWriter<W> {
    to: W,
    next_inode: u32,
}

impl<W: Write> CpioWriter<W> {
    pub(super) fn new(to: W) -> Self {
        Self { to, next_inode: 1 }
    }

    pub(super) fn directory(&mut self, path: &Path, mode: u32) -> io::Result<()> {
        self.entry(path, DIRECTORY | mode, &[])
    }

    pub(super) fn symlink(&mut self, path: &Path, target: &Path) -> io::Result<()> {
        self.entry(path, SYMLINK | 0o777, target.as_os_str().as_bytes())
    }

    pub(super) fn data(&mut self, path: &Path, mode: u32, content: &[u8]) -> io::Result<()> {
        self.entry(path, REGULAR | mode, content)
    }

    /// One file under all its names. The first name carries the content; Linux links the others to it by inode number
    /// (<https://github.com/torvalds/linux/blob/v6.12/init/initramfs.c>).
    pub(super) fn file(
        &mut self,
        paths: &[&Path],
        mode: u32,
        source: &mut File,
        size: u32,
    ) -> io::Result<()> {
        let inode = self.inode();
        for (nth, path) in paths.iter().enumerate() {
            let body = if nth == 0 { size } else { 0 };
            self.header(path, inode, REGULAR | mode, paths.len(), body)?;
            if nth == 0 {
                // A file that shrinks while it is read would shift every later entry; one that grows is cut.
                if io::copy(&mut source.take(size.into()), &mut self.to)? != u64::from(size) {
                    return Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "file truncated while reading",
                    ));
                }
                self.pad(size as usize)?;
            }
        }
        Ok(())
    }

    /// Ends the archive and returns what it was written to.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.header(Path::new("/TRAILER!!!"), 0, 0, 1, 0)?;
        self.to.flush()?;
        Ok(self.to)
    }

    fn entry(&mut self, path: &Path, mode: u32, content: &[u8]) -> io::Result<()> {
        let size = u32::try_from(content.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let inode = self.inode();
        self.header(path, inode, mode, 1, size)?;
        self.to.write_all(content)?;
        self.pad(content.len())
    }

    fn inode(&mut self) -> u32 {
        self.next_inode += 1;
        self.next_inode - 1
    }

    fn header(
        &mut self,
        path: &Path,
        inode: u32,
        mode: u32,
        links: usize,
        size: u32,
    ) -> io::Result<()> {
        let name = path.strip_prefix("/").unwrap_or(path).as_os_str().as_bytes();
        // magic, ino, mode, uid, gid, nlink, mtime, filesize, devmajor/minor, rdevmajor/minor, namesize with its NUL, check
        write!(
            self.to,
            "070701{inode:08x}{mode:08x}{:08x}{:08x}{links:08x}{:08x}{size:08x}",
            0, 0, 0
        )?;
        write!(self.to, "{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}", 0, 0, 0, 0, name.len() + 1, 0)?;
        self.to.write_all(name)?;
        self.to.write_all(b"\0")?;
        self.pad(110 + name.len() + 1)
    }

    /// Header with name, and content, each end on a multiple of four bytes.
    fn pad(&mut self, written: usize) -> io::Result<()> {
        self.to.write_all(&[0; 3][..written.next_multiple_of(4) - written])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_a_hex_header_a_name_and_content_each_padded_to_four_bytes() -> io::Result<()> {
        let mut archive = CpioWriter::new(Vec::new());
        archive.data(Path::new("/a"), 0o644, b"hello")?;
        let bytes = archive.to;
        let header = "070701000000010000 81a4000000000000000000000001 00000000 00000005";
        assert!(bytes.starts_with(header.replace(' ', "").as_bytes()));
        assert_eq!(&bytes[110..], b"a\0hello\0\0\0");
        Ok(())
    }

    #[test]
    fn names_of_one_file_share_an_inode_and_the_content_comes_once() -> io::Result<()> {
        let mut file = tempfile::tempfile()?;
        file.write_all(b"once")?;
        io::Seek::rewind(&mut file)?;
        let mut archive = CpioWriter::new(Vec::new());
        archive.file(&[Path::new("/a"), Path::new("/b")], 0o755, &mut file, 4)?;
        let text = String::from_utf8_lossy(&archive.finish()?).into_owned();
        assert_eq!(text.matches("once").count(), 1);
        assert_eq!(text.matches("07070100000001000081ed").count(), 2);
        assert!(text.contains("TRAILER!!!"));
        Ok(())
    }

    #[test]
    fn a_file_that_shrank_is_an_error() -> io::Result<()> {
        let mut file = tempfile::tempfile()?;
        let mut archive = CpioWriter::new(Vec::new());
        assert!(archive.file(&[Path::new("/a")], 0o644, &mut file, 4).is_err());
        Ok(())
    }
}
