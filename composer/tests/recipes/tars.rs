//! Packed recipes that the tests write themselves.

use tar::{EntryType, Header};

pub(crate) const BLOCK: usize = 512;

/// A header as `recipe pack` writes it.
pub(crate) fn header(path: &[u8], size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.as_old_mut().name[..path.len()].copy_from_slice(path);
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    let ustar = header.as_ustar_mut().expect("it is one");
    ustar.set_device_major(0);
    ustar.set_device_minor(0);
    header
}

/// Makes the checksum that of the header, in the form that `recipe pack` writes.
pub(crate) fn summed(mut header: Header) -> Header {
    header.set_cksum();
    let sum = format!("{:06o}\0 ", header.cksum().expect("it was set"));
    header.as_old_mut().cksum.copy_from_slice(sum.as_bytes());
    header
}

/// The tar of files that are sorted by path.
pub(crate) fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (path, bytes) in files {
        out.extend_from_slice(summed(header(path.as_bytes(), bytes.len() as u64)).as_bytes());
        out.extend_from_slice(bytes);
        out.resize(out.len().next_multiple_of(BLOCK), 0);
    }
    out.resize(out.len() + 2 * BLOCK, 0);
    out
}
