//! Reads files named by a user, with a limit on size and without blocking forever.

use std::{
    fs::OpenOptions,
    io::{self, Read as _},
    os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _},
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

/// An I/O error without Rust's "(os error 2)".
#[must_use]
pub fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
