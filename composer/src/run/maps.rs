//! Why a map is not made, pinned or filled, by what kind of map it is.

use freplace_compose_common::{COUNTS_MAP, EVENTS_MAP, trace::TIMES_MAP};

use crate::{
    diag::Code,
    kernel::{COMPARE, KernelError},
    object::MapDef,
    plan::Filling,
    resolve::PinnedAt,
};

/// A map that was pinned already and is another, or that cannot be pinned.
pub(super) fn pin(map: &MapDef, pin: &PinnedAt, error: &KernelError) -> (Code, String, String) {
    let path = pin.path.display();
    if error.call == COMPARE {
        return (
            Code::PinnedMapDiffers,
            format!("`{}` is pinned at {path}, and is another map", map.name),
            format!(
                "{}. Whoever uses that pin goes by its map. Pin the chain's elsewhere, maps = {{ {} = \
                 {{ pin = \"another\" }} }} or pins = \"/sys/fs/bpf/mine\"; or remove the old one: \
                 rm {path}",
                error.message, map.name
            ),
        );
    }
    let help = match error.errno {
        Some(libc::EPERM) => {
            "A pin is a file in a bpffs, with a name without a dot, made by root: mount -t bpf bpf \
             /sys/fs/bpf. With pin = false the map is not pinned."
        }
        Some(libc::EEXIST) => "Another program has just made it. Try again.",
        Some(libc::EINVAL | libc::EACCES) => {
            "What is at that place is no map, or belongs to another user. Choose another: pins = \
             \"/sys/fs/bpf/mine\"."
        }
        _ => {
            "Choose another place: pins = \"/sys/fs/bpf/mine\". With pin = false the map is not pinned."
        }
    };
    (Code::CannotPin, format!("`{}` cannot be pinned at {path}", map.name), help.to_owned())
}

/// `ENOTSUPP`, which is no error number of POSIX.
const ENOTSUPP: i32 = 524;

/// What may be wrong with a map that the kernel does not make.
pub(super) fn why(map: &MapDef, errno: i32) -> String {
    let attributes = format!(
        "It is a {} with keys of {} and values of {} bytes, {} entries, flags {:#x}.",
        map.type_name(),
        map.key_size,
        map.value_size,
        map.max_entries,
        map.flags
    );
    let what = match errno {
        libc::E2BIG => match map.type_name() {
            "cpumap" => "A cpumap has no more entries than the kernel is built for CPUs.",
            "percpu_array" | "percpu_hash" | "lru_percpu_hash" => {
                "A value that each CPU has for itself is at most 32 KiB large."
            }
            _ => "It is larger than the kernel makes maps of this type.",
        },
        libc::ENOMEM => "There is not enough memory for it. Write fewer entries.",
        libc::EINVAL | ENOTSUPP => {
            "The kernel does not take these sizes or flags for this type, or does not have the type."
        }
        libc::ENOENT => "The kernel does not have what the map's type needs.",
        _ => "`freplace-compose doctor` shows what this kernel offers.",
    };
    match map.name.as_str() {
        EVENTS_MAP => {
            format!("{attributes} {what} `buffer` at the top of the chain says how large.")
        }
        COUNTS_MAP | TIMES_MAP => format!("{attributes} {what}"),
        name => format!(
            "{attributes} {what} A node may say otherwise: maps = {{ {name} = {{ max_entries = 1024 \
             }} }}"
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
            "A program with a replaced function cannot be in a table for tail calls, or the other \
             way round."
                .to_owned()
        }
        (_, Filling::Program { .. }) => {
            "A table for tail calls holds programs of one type, that of the programs that use it."
                .to_owned()
        }
        (_, Filling::Map { .. }) => {
            "The maps in a map are all defined alike: type, sizes, flags, and entries of arrays."
                .to_owned()
        }
    };
    let code = match with {
        Filling::Program { .. } => Code::TailCall,
        Filling::Map { .. } => Code::Refused,
    };
    (code, message, help)
}
