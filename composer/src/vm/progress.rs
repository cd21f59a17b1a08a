//! Progress and result of a run.

use std::{path::PathBuf, time::Duration};

/// Progress messages for a waiting user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Another process is filling the cache; we wait for it.
    Waiting {
        /// The cache.
        cache: PathBuf,
    },
    /// The cache is not writable; downloads are used for this run only.
    NotKept {
        /// The cache.
        cache: PathBuf,
        /// Why.
        why: String,
    },
    /// A file in the cache is damaged; it is downloaded again.
    Damaged {
        /// The file.
        path: PathBuf,
        /// The damage, as a verb phrase.
        damage: &'static str,
    },
    /// Apt fetches package lists.
    Updating {
        /// Which.
        what: String,
    },
    /// Apt downloads a package, which is kept. Sent repeatedly during the download.
    Fetching {
        /// The package's name.
        package: String,
        /// Bytes that have arrived.
        there: u64,
        /// Its size.
        bytes: u64,
    },
    /// A package is here.
    Fetched {
        /// The package's name.
        package: String,
        /// Its size.
        bytes: u64,
    },
    /// QEMU starts.
    Booting {
        /// The release of the kernel, as its image states it.
        release: String,
        /// Whether the hardware runs the guest; if not it is emulated, several times slower.
        kvm: bool,
    },
    /// The command starts.
    Booted {
        /// The release of the kernel, as the guest states it.
        release: String,
        /// Since QEMU runs.
        boot: Duration,
    },
}

/// The end of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestExit {
    /// The command's exit code; 128 + n when signal n ended it.
    pub code: i32,
    /// From when QEMU runs to the start of the command.
    pub boot: Duration,
    /// From the start of the command until all of its output had arrived.
    pub run: Duration,
    /// The contents of the file to return; empty if it does not exist.
    pub kept: String,
    /// The last process that the guest's kernel killed because its memory ran out.
    pub out_of_memory: Option<String>,
}
