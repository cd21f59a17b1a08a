//! Writes the tar of a recipe.

/// Bytes of a block, of which tars are made.
pub(super) const BLOCK: usize = 512;

/// The header of a file, of which there is one for each path and size; the path is a [`portable`](super::portable)
/// one.
pub(super) fn of(path: &str, size: usize) -> [u8; BLOCK] {
    let mut header = tar::Header::new_ustar();
    let name = &mut header.as_old_mut().name;
    // A portable path is not longer than the field.
    name.iter_mut().zip(path.bytes()).for_each(|(to, from)| *to = from);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size as u64);
    if let Some(ustar) = header.as_ustar_mut() {
        // As GNU tar and libarchive write them for regular files, too.
        ustar.set_device_major(0);
        ustar.set_device_minor(0);
    }
    header.set_cksum();
    if let Ok(sum) = header.cksum() {
        // The form that POSIX tars have: six digits, NUL, blank.
        let digits = format!("{sum:06o}\0 ");
        header.as_old_mut().cksum.iter_mut().zip(digits.bytes()).for_each(|(to, from)| *to = from);
    }
    *header.as_bytes()
}

/// The tar of files in the order of their paths.
pub(super) fn tar<'a>(files: impl Iterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let mut out = Vec::new();
    for (path, bytes) in files {
        out.extend_from_slice(&of(path, bytes.len()));
        out.extend_from_slice(bytes);
        out.resize(out.len().next_multiple_of(BLOCK), 0);
    }
    // The end of a tar.
    out.resize(out.len() + 2 * BLOCK, 0);
    out
}
