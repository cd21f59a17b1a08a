//! Tables whose entries are programs: for tail calls, and for packets that go to a device or a CPU.

use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};

use super::{
    ByProgram,
    attachments::{Spot, SpotKey},
    kernel_functions::KernelFunctions,
    links, programs, struct_ops,
};
use crate::{
    kernel::sys::{self, MapInfo, Numbered},
    object::AttachType,
    running::{RunningMap, TableEntry},
};

/// Entries that are looked at in one table: a table may have millions, and each is a system call.
const MOST: u32 = 1 << 16;

/// A type of map, its name, and where in a value the program's id is.
const KINDS: [(u32, &str, usize); 4] = [
    (3, "prog_array", 0),            // BPF_MAP_TYPE_PROG_ARRAY
    (14, "devmap", 4),               // struct bpf_devmap_val
    (16, "cpumap", 4),               // struct bpf_cpumap_val
    (DEVMAP_HASH, "devmap_hash", 4), // the same
];
/// `BPF_MAP_TYPE_DEVMAP_HASH`: its keys are any numbers.
const DEVMAP_HASH: u32 = 25;
/// `BPF_MAP_TYPE_SOCKMAP`, `BPF_MAP_TYPE_SOCKHASH`.
const SOCKETS: [u32; 2] = [15, 18];

/// What maps say of programs.
#[derive(Debug, Default)]
pub(super) struct InMaps {
    /// Entries that lead to programs.
    pub(super) entries: ByProgram<TableEntry>,
    /// What is attached to maps of sockets, and what implements operations of the kernel.
    pub(super) spots: Vec<Spot>,
}

/// Looks at every map once.
pub(super) fn look(functions: &KernelFunctions, gaps: &mut Vec<String>) -> InMaps {
    let mut found = InMaps::default();
    for id in sys::ids(Numbered::Map).unwrap_or_default() {
        let Ok(map) = sys::map_by_id(id) else { continue };
        let Ok(info) = sys::map_info(map.as_fd()) else { continue };
        if SOCKETS.contains(&info.map_type) {
            found.spots.extend(at_sockets(&map, id));
        }
        if info.map_type == struct_ops::STRUCT_OPS {
            found.spots.extend(struct_ops::spots(&map, &info, functions));
        }
        let Some((_, kind, at)) = KINDS.into_iter().find(|(number, ..)| *number == info.map_type)
        else {
            continue;
        };
        if info.value_size as usize >= at.saturating_add(4) {
            entries(&map, &info, (kind, at), &mut found.entries);
            if info.max_entries > MOST {
                gaps.push(format!("entries of map {id} from {MOST} on"));
            }
        }
    }
    found
}

/// What is attached to a map of sockets.
fn at_sockets(map: &OwnedFd, id: u32) -> Vec<Spot> {
    let kinds = [
        AttachType::SkSkbStreamParser,
        AttachType::SkSkbStreamVerdict,
        AttachType::SkSkbVerdict,
        AttachType::SkMsgVerdict,
    ];
    let mut spots = Vec::new();
    for number in kinds.map(|kind| kind as u32) {
        // A kernel without one of them says so.
        let programs = sys::programs_at(map.as_raw_fd().cast_unsigned(), number);
        spots.extend(programs.unwrap_or_default().into_iter().map(|program| Spot {
            program,
            key: SpotKey::Map(id, number),
            kind: links::attach_type(number),
            at: links::map(id),
            namespace: None,
        }));
    }
    spots
}

fn entries(
    map: &OwnedFd,
    info: &MapInfo,
    (kind, at): (&'static str, usize),
    found: &mut ByProgram<TableEntry>,
) {
    let name = programs::map_name(info.id).unwrap_or_default();
    for key in keys(map, info) {
        let mut value = vec![0; info.value_size as usize];
        if sys::map_lookup(map.as_fd(), key, &mut value).is_err() {
            continue;
        }
        let id = value.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        let id = id.map_or(0, u32::from_ne_bytes);
        if id != 0 {
            let map = RunningMap { id: info.id, name: name.clone() };
            found.entry(id).or_default().push(TableEntry { map, kind, key });
        }
    }
}

/// The keys of a table, as far as they are looked at.
fn keys(map: &OwnedFd, info: &MapInfo) -> Vec<u32> {
    if info.map_type != DEVMAP_HASH {
        return (0..info.max_entries.min(MOST)).collect();
    }
    let next = |key: Option<u32>| {
        let (key, mut next) = (key.map(u32::to_ne_bytes), [0; 4]);
        let key = key.as_ref().map(<[u8; 4]>::as_slice);
        sys::map_next_key(map.as_fd(), key, &mut next).ok().map(|()| u32::from_ne_bytes(next))
    };
    std::iter::successors(next(None), |key| next(Some(*key))).take(MOST as usize).collect()
}
