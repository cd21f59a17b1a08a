//! What a run tells on its way and at its end.

use std::{path::PathBuf, time::Duration};

/// What a person waiting may want to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Another process is filling the cache; we wait for it.
    Waiting {
        /// The cache.
        cache: PathBuf,
    },
    /// Apt fetches package lists, because the system's do not do.
    Updating,
    /// Apt fetches a package. Once only: it is kept.
    Fetching {
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
pub struct Exit {
    /// The command's exit code; 128 + n when signal n ended it.
    pub code: i32,
    /// From when QEMU runs to the start of the command.
    pub boot: Duration,
    /// From the start of the command until all of its output had arrived.
    pub run: Duration,
    /// What stands in the file to keep; empty when there is none.
    pub kept: String,
}
