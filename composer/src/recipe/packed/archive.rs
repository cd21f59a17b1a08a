//! Finds the files of a packed recipe, and refuses what is not one.

use std::collections::HashMap;

use super::{
    FILES, MOST, PackedFile,
    header::{self, BLOCK},
    path::{LONGEST, PathFault, portable},
};
use crate::inert;

/// Why bytes are not a packed recipe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ArchiveFault {
    #[error("it is empty")]
    Empty,
    #[error("it is larger than the limit of {} MiB", MOST >> 20)]
    TooLarge,
    #[error("it is compressed with {0}")]
    Compressed(&'static str),
    #[error("it does not begin as a tar does")]
    NoTar,
    #[error("it ends within {0}")]
    Truncated(String),
    #[error("the checksum of the header at byte {0} is wrong")]
    Checksum(usize),
    #[error("it is a tar of another format ({0})")]
    Format(&'static str),
    #[error("`{path}` is {kind}, not a regular file")]
    Kind { path: String, kind: &'static str },
    #[error("the path `{path}` is not allowed: {why}")]
    Path { path: String, why: PathFault },
    #[error("the path `{0}` is not UTF-8")]
    Encoding(String),
    #[error("the size of `{0}` is not a number")]
    Size(String),
    #[error("`{path}` is larger than the limit of {} MiB", MOST >> 20)]
    FileTooLarge { path: String },
    #[error("it has more than {FILES} files")]
    TooMany,
    #[error("the header of `{path}` has {what}")]
    Attribute { path: String, what: &'static str },
    #[error("`{0}` is there twice")]
    Twice(String),
    #[error("`{0}` and `{1}` are one on some file systems")]
    Case(String, String),
    #[error("`{0}` is a file and a folder")]
    FileAndFolder(String),
    #[error("`{0}` is not in its place: the files are sorted by path")]
    Order(String),
    #[error("there are bytes between `{0}` and the next header")]
    Padding(String),
    #[error("there are bytes behind its end")]
    Trailing,
    #[error("it has no {0}")]
    Without(String),
}

impl ArchiveFault {
    /// What to do about it.
    pub(super) fn help(&self) -> Option<String> {
        let text = match self {
            Self::Compressed(_) => "Decompress it. A packed recipe is an uncompressed tar.",
            Self::Truncated(_) | Self::Checksum(_) => "Fetch the file again.",
            Self::Without(_) => "A recipe has recipe.toml and chain.toml in its folder.",
            Self::Empty | Self::TooLarge => return None,
            _ => "Unpack it, look at it, and pack it with `freplace-compose recipe pack`.",
        };
        Some(text.to_owned())
    }
}

/// What compressed files begin with.
const COMPRESSED: [(&[u8], &str); 5] = [
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xfd7zXZ\0", "xz"),
    (b"BZh", "bzip2"),
    (b"PK\x03\x04", "zip"),
];

/// The files of `tar`, which is exactly what [`tar`](super::header::tar) writes for them.
pub(super) fn files(tar: &[u8]) -> Result<Vec<PackedFile>, ArchiveFault> {
    if tar.is_empty() {
        return Err(ArchiveFault::Empty);
    }
    if tar.len() as u64 > MOST {
        return Err(ArchiveFault::TooLarge);
    }
    if let Some((_, name)) = COMPRESSED.iter().find(|(magic, _)| tar.starts_with(magic)) {
        return Err(ArchiveFault::Compressed(name));
    }
    let mut found: Vec<PackedFile> = Vec::new();
    let mut names = NamesOnDisk::default();
    let mut at = 0;
    loop {
        let within = || match found.last() {
            Some(last) => ArchiveFault::Truncated(format!("what follows `{}`", last.path)),
            None => ArchiveFault::NoTar,
        };
        let block = tar.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>).ok_or_else(within)?;
        if block.iter().all(|byte| *byte == 0) {
            return match &tar[at..] {
                end if end.len() == 2 * BLOCK && end.iter().all(|byte| *byte == 0) => Ok(found),
                end if end.len() < 2 * BLOCK => Err(within()),
                _ => Err(ArchiveFault::Trailing),
            };
        }
        let (path, size) = entry(block, at)?;
        if found.len() == FILES {
            return Err(ArchiveFault::TooMany);
        }
        if let Some(last) = found.last() {
            match last.path.as_str().cmp(&path) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => return Err(ArchiveFault::Twice(path)),
                std::cmp::Ordering::Greater => return Err(ArchiveFault::Order(path)),
            }
        }
        names.add(&path)?;
        let begin = at + BLOCK;
        let end = begin + size;
        let next = begin + size.next_multiple_of(BLOCK);
        let padding =
            tar.get(end..next).ok_or_else(|| ArchiveFault::Truncated(format!("`{path}`")))?;
        if padding.iter().any(|byte| *byte != 0) {
            return Err(ArchiveFault::Padding(path));
        }
        found.push(PackedFile { path, bytes: begin..end });
        at = next;
    }
}

/// Path and size of the entry whose header is at byte `at`.
fn entry(block: &[u8; BLOCK], at: usize) -> Result<(String, usize), ArchiveFault> {
    let found = tar::Header::from_byte_slice(block);
    let sum: u32 = block
        .iter()
        .enumerate()
        .map(|(at, byte)| match at {
            148..156 => u32::from(b' '), // the sum itself counts as blanks
            _ => u32::from(*byte),
        })
        .sum();
    match found.cksum() {
        Ok(read) if read == sum => {}
        _ if at == 0 && found.as_ustar().is_none() && found.as_gnu().is_none() => {
            return Err(ArchiveFault::NoTar);
        }
        _ => return Err(ArchiveFault::Checksum(at)),
    }
    let name: &[u8] = &found.as_old().name;
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    let shown = inert::line(&String::from_utf8_lossy(name)).into_owned();
    if let Some(kind) = kind(found.entry_type()) {
        return Err(ArchiveFault::Kind { path: shown, kind });
    }
    if found.as_gnu().is_some() {
        return Err(ArchiveFault::Format("GNU"));
    }
    let Some(ustar) = found.as_ustar() else { return Err(ArchiveFault::Format("before POSIX")) };
    let path = str::from_utf8(name).map_err(|_| ArchiveFault::Encoding(shown.clone()))?;
    if ustar.prefix[0] != 0 {
        return Err(ArchiveFault::Path { path: shown, why: PathFault::Long });
    }
    portable(path).map_err(|why| ArchiveFault::Path { path: shown, why })?;
    let path = path.to_owned();
    let size = found.size().map_err(|_| ArchiveFault::Size(path.clone()))?;
    let size = usize::try_from(size).ok().filter(|size| *size as u64 <= MOST);
    let size = size.ok_or_else(|| ArchiveFault::FileTooLarge { path: path.clone() })?;
    if block != &header::of(&path, size) {
        let what = attribute(found);
        return Err(ArchiveFault::Attribute { path, what });
    }
    Ok((path, size))
}

/// What an entry is, if it is no regular file.
fn kind(kind: tar::EntryType) -> Option<&'static str> {
    use tar::EntryType;
    Some(match kind {
        EntryType::Regular => return None,
        EntryType::Link => "a hard link",
        EntryType::Symlink => "a symbolic link",
        EntryType::Char | EntryType::Block => "a device",
        EntryType::Directory => "a folder",
        EntryType::Fifo => "a pipe",
        EntryType::GNULongName | EntryType::GNULongLink => "a long name of GNU tar",
        EntryType::GNUSparse => "a sparse file",
        EntryType::XGlobalHeader | EntryType::XHeader => "a header of PAX",
        EntryType::Continuous => "a contiguous file",
        _ => "an entry of an unknown kind",
    })
}

/// What in a header differs from that of a packed recipe, when path and size do not.
fn attribute(header: &tar::Header) -> &'static str {
    let old = header.as_old();
    if header.mode().ok() != Some(0o644) {
        return "another mode than 644";
    }
    let ids = (header.uid().ok(), header.gid().ok());
    let names = [header.username_bytes(), header.groupname_bytes()];
    if ids != (Some(0), Some(0))
        || names.iter().any(|name| name.is_some_and(|name| !name.is_empty()))
    {
        return "an owner";
    }
    if header.mtime().ok() != Some(0) {
        return "a time";
    }
    if old.linkname.iter().any(|byte| *byte != 0) {
        return "the target of a link";
    }
    "fields in another form"
}

/// The names so far, as file systems that do not know case see them.
#[derive(Default)]
struct NamesOnDisk {
    /// The path of each, and whether it is a folder.
    seen: HashMap<String, (String, bool)>,
}

impl NamesOnDisk {
    fn add(&mut self, path: &str) -> Result<(), ArchiveFault> {
        let folders = path.match_indices('/').map(|(end, _)| (&path[..end], true));
        for (name, is_folder) in folders.chain([(path, false)]) {
            let entry = self.seen.entry(name.to_ascii_lowercase());
            let (first, was_folder) = entry.or_insert_with(|| (name.to_owned(), is_folder));
            if first != name {
                return Err(ArchiveFault::Case(first.clone(), name.to_owned()));
            }
            if *was_folder != is_folder {
                return Err(ArchiveFault::FileAndFolder(first.clone()));
            }
        }
        Ok(())
    }
}

const _: () = assert!(LONGEST == 100, "the name field of a header");
