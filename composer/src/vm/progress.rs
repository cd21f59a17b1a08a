//! Progress and result of a run.

use std::{path::PathBuf, time::Duration};

/// What a person waiting may want to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Another process is filling the cache; we wait for it.
    Waiting {
        /// The cache.
        cache: PathBuf,
    },
    /// Nothing can be put into the cache; what is fetched is there for this run only.
    NotKept {
        /// The cache.
        cache: PathBuf,
        /// Why.
        why: String,
    },
    /// A file of the cache is not what was put there; it is fetched again.
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, as a verb.
        damage: &'static str,
    },
    /// Apt fetches package lists.
    Updating {
        /// Which.
        what: String,
    },
    /// Apt fetches a package, which is kept. Told again and again, as it comes.
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
    /// What stands in the file to keep; empty when there is none.
    pub kept: String,
    /// The last process that the guest's kernel killed because its memory ran out.
    pub out_of_memory: Option<String>,
}
