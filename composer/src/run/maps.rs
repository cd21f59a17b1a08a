//! Explains why a map cannot be created, pinned or filled, by the type of map.

use freplace_compose_common::{COUNTS_MAP, EVENTS_MAP, trace::TIMES_MAP};

use crate::{
    diag::Code,
    kernel::{COMPARE, KernelError},
    object::{MapDef, RedirectMap},
    plan::Filling,
    resolve::PinnedAt,
};

/// A map that was pinned already and is another, or that cannot be pinned.
pub(super) fn pin(map: &MapDef, pin: &PinnedAt, error: &KernelError) -> (Code, String, String) {
    let path = pin.path.display();
    if error.call == COMPARE {
        return (
            Code::PinnedMapDiffers,
            format!("pinned map at {path} differs from `{}`", map.name),
            format!(
                "{}. Pin the chain's map elsewhere, maps = {{ {} = {{ pin = \"another\" }} }} or \
                 pins = \"/sys/fs/bpf/mine\"; or, if no other program uses the pinned map, remove \
                 it: rm {path}",
                error.message, map.name
            ),
        );
    }
    let help = match error.errno {
        Some(libc::EPERM) => {
            "Mount a bpffs, mount -t bpf bpf /sys/fs/bpf, or set pin = false. A pin is a file in \
             a bpffs, created by root, with a name without a dot."
        }
        Some(libc::EEXIST) => "Try again. Another program has just created it.",
        Some(libc::EINVAL | libc::EACCES) => {
            "Choose another folder: pins = \"/sys/fs/bpf/mine\". The existing file is not a map, \
             or belongs to another user."
        }
        _ => "Choose another folder, pins = \"/sys/fs/bpf/mine\", or set pin = false.",
    };
    (Code::CannotPin, format!("`{}` cannot be pinned at {path}", map.name), help.to_owned())
}

/// `ENOTSUPP`, which is no error number of POSIX.
const ENOTSUPP: i32 = 524;

/// What may be wrong with a map that the kernel does not make.
pub(super) fn why(map: &MapDef, errno: i32) -> String {
    let attributes = format!(
        "The map is a {} with keys of {} and values of {} bytes, {} entries, flags {:#x}.",
        map.type_name(),
        map.key_size,
        map.value_size,
        map.max_entries,
        map.flags
    );
    let what = match errno {
        libc::E2BIG => match map.type_name() {
            name if name == RedirectMap::Cpumap.name() => {
                "A cpumap has at most as many entries as the kernel supports CPUs."
            }
            "percpu_array" | "percpu_hash" | "lru_percpu_hash" => {
                "A per-CPU value has at most 32 KiB."
            }
            _ => "It exceeds the kernel's size limit for this type.",
        },
        libc::ENOMEM => "Memory is insufficient: reduce the number of entries.",
        libc::EINVAL | ENOTSUPP => {
            "The kernel does not support these sizes or flags for this type, or the type itself."
        }
        libc::ENOENT => "The kernel lacks a requirement of the map's type.",
        _ => "Check what this kernel supports with `freplace-compose doctor`.",
    };
    match map.name.as_str() {
        EVENTS_MAP => {
            format!("{attributes} {what} Set its size with `buffer` at the top of the chain.")
        }
        COUNTS_MAP | TIMES_MAP => format!("{attributes} {what}"),
        name => format!(
            "{attributes} {what} Change it on a node: maps = {{ {name} = {{ max_entries = 1024 }} \
             }}"
        ),
    }
}

/// Something that the kernel does not put into a map.
pub(super) fn fill(
    table: &str,
    entry: u32,
    with: &Filling,
    error: &KernelError,
) -> (Code, String, String) {
    let what = match with {
        Filling::Map { inner } => format!("map `{inner}`"),
        Filling::Program { .. } => "the program".to_owned(),
    };
    let message = format!("{what} cannot be put at entry {entry} of `{table}`");
    let help = match (error.errno, with) {
        (Some(libc::E2BIG), _) => format!("`{table}` has fewer entries."),
        (Some(libc::EBUSY), _) => {
            "A program in a program array cannot have a replaced function.".to_owned()
        }
        (_, Filling::Program { .. }) => {
            "A program array holds programs of one type, that of the programs that use it."
                .to_owned()
        }
        (_, Filling::Map { .. }) => {
            "All inner maps need the same definition: type, sizes, flags, and entries of arrays."
                .to_owned()
        }
    };
    let code = match with {
        Filling::Program { .. } => Code::TailCall,
        Filling::Map { .. } => Code::Refused,
    };
    (code, message, help)
}
