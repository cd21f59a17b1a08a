//! Reads files named by a user, with a limit on size and without blocking forever, and writes files whole or not at
//! all.

use std::{
    fs::{OpenOptions, Permissions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

/// The most bytes of a chain file.
pub const CHAIN: u64 = 16 << 20;
/// The most bytes of an object, or of another binary file.
pub const OBJECT: u64 = 1 << 30;

/// Reads the file at `path`, which has at most `most` bytes, a whole number of MiB.
///
/// # Errors
/// As `std::fs::read`; and when it is no regular file, which may never end, or is larger.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    // A pipe that nobody writes to is opened at once, too.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    let found = file.metadata()?;
    let kind = found.file_type();
    if kind.is_dir() {
        return Err(io::Error::from_raw_os_error(libc::EISDIR));
    }
    if !kind.is_file() {
        let what = match kind {
            kind if kind.is_fifo() => "a pipe",
            kind if kind.is_socket() => "a socket",
            _ => "a device",
        };
        return Err(io::Error::other(format!("it is {what}, not a regular file")));
    }
    let too_large =
        || io::Error::other(format!("it is larger than the limit of {} MiB", most >> 20));
    if found.len() > most {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    // It may grow meanwhile, and files of /proc have no length.
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(too_large()) } else { Ok(bytes) }
}

/// The text that `bytes` are.
///
/// # Errors
/// Where they are none, in words.
pub fn utf8(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()]; // valid up to there
        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("invalid UTF-8 in line {line}")
    })
}

/// Writes the file at `path` whole or not at all, with `permissions`, or those of a new file.
///
/// # Errors
/// As `std::fs::write`.
pub fn write_whole(path: &Path, bytes: &[u8], permissions: Option<Permissions>) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::Builder::new()
        .prefix(".write-")
        .permissions(Permissions::from_mode(0o666)) // less what the umask takes
        .tempfile_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(bytes)?;
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// An I/O error without Rust's "(os error 2)".
#[must_use]
pub fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
