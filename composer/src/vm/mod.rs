//! The disposable micro-VM: runs one command as root under a kernel of the user's choice, on a host that gives us neither
//! root nor KVM nor a network.
//!
//! Responsible for: getting a kernel, making an initramfs of the host's own executables, booting it in QEMU, streaming the
//! command's output, forwarding signals, and the exit code. An outcome is either the command's own exit code or an error
//! that says why there is none.
//!
//! Must not know: chains, eBPF, or what the command is. It never touches the terminal.
//!
//! The guest's first process is this same program, see [`is_guest_init`]; both sides speak the protocol in `control`.

mod apt;
mod archive;
mod cache;
mod choice;
mod console;
mod control;
mod cpio;
mod entry;
mod error;
mod guest;
mod guest_network;
mod guest_setup;
mod image;
mod initramfs;
mod interpreters;
mod inventory;
mod job;
mod machine;
mod modules;
mod needs;
mod packages;
mod progress;
mod pump;
mod qemu;
mod rootfs;
#[cfg(test)]
mod rootfs_tests;
mod run;
mod scratch;
mod signals;
mod suites;

pub use choice::{BadKernelChoice, DEFAULT_SERIES, KernelChoice};
pub use error::{ConsoleTail, UnsearchedSuite, VmError};
pub use guest::{guest_main, is_guest_init, is_in_guest};
pub use image::Image;
pub use inventory::{Cached, Inventory, Newest, Removed, Series, prune};
pub use machine::{HostFile, Machine};
pub use progress::{GuestExit, Progress};
