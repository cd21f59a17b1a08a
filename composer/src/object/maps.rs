//! Map definitions of the `.maps` section, read from BTF.
//!
//! Each variable is an anonymous struct whose members say the map's attributes: `__uint(x, N)` is
//! a pointer to an array of N ints, `__type(x, T)` a pointer to T.
//! <https://docs.kernel.org/bpf/map_array.html> shows the form.

use serde::Serialize;

use super::btf::{Btf, Type, TypeId};

/// `BPF_MAP_TYPE_PERF_EVENT_ARRAY`.
pub(crate) const PERF_EVENT_ARRAY: u32 = 4;
/// `BPF_MAP_TYPE_RINGBUF`.
pub(crate) const RINGBUF: u32 = 27;

/// What a map is: the attributes that two definitions of one name must agree in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MapDef {
    /// Its name.
    pub name: String,
    /// `enum bpf_map_type`.
    pub map_type: u32,
    /// Bytes.
    pub key_size: u32,
    /// Bytes.
    pub value_size: u32,
    /// Entries; bytes for a ring buffer.
    pub max_entries: u32,
    /// `BPF_F_...`.
    pub flags: u32,
}

impl MapDef {
    /// Whether it carries events to user space.
    #[must_use]
    pub fn is_event_buffer(&self) -> bool {
        matches!(self.map_type, RINGBUF | PERF_EVENT_ARRAY)
    }

    /// The map type's name as the kernel's headers and bpftool write it, in lower case.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        TYPES.get(self.map_type as usize).copied().unwrap_or("unknown")
    }
}

/// `enum bpf_map_type` of
/// <https://github.com/torvalds/linux/blob/v6.12/include/uapi/linux/bpf.h>.
const TYPES: &[&str] = &[
    "unspec",
    "hash",
    "array",
    "prog_array",
    "perf_event_array",
    "percpu_hash",
    "percpu_array",
    "stack_trace",
    "cgroup_array",
    "lru_hash",
    "lru_percpu_hash",
    "lpm_trie",
    "array_of_maps",
    "hash_of_maps",
    "devmap",
    "sockmap",
    "cpumap",
    "xskmap",
    "sockhash",
    "cgroup_storage",
    "reuseport_sockarray",
    "percpu_cgroup_storage",
    "queue",
    "stack",
    "sk_storage",
    "devmap_hash",
    "struct_ops",
    "ringbuf",
    "inode_storage",
    "task_storage",
    "bloom_filter",
    "user_ringbuf",
    "cgrp_storage",
    "arena",
];

/// Every map type that is known here: its number and its name.
pub fn map_types() -> impl Iterator<Item = (u32, &'static str)> {
    (0..).zip(TYPES.iter().copied()).skip(1)
}

/// The maps that the `.maps` section of `btf` defines, in order.
pub(super) fn read(btf: &Btf) -> Vec<MapDef> {
    let variables = btf.section(".maps").unwrap_or_default();
    variables.into_iter().filter_map(|id| map(btf, id)).collect()
}

fn map(btf: &Btf, variable: TypeId) -> Option<MapDef> {
    let Type::Variable { name, of } = btf.get(variable)? else { return None };
    let Type::Struct { members, .. } = btf.resolve(of)?.1 else { return None };
    let mut def = MapDef {
        name: name.to_owned(),
        map_type: 0,
        key_size: 0,
        value_size: 0,
        max_entries: 0,
        flags: 0,
    };
    for member in members {
        let Type::Ptr(pointee) = btf.resolve(member.of)?.1 else { continue };
        let number = || match btf.resolve(pointee)?.1 {
            Type::Array { length, .. } => Some(length),
            _ => None,
        };
        match member.name {
            "type" => def.map_type = number()?,
            "max_entries" => def.max_entries = number()?,
            "map_flags" => def.flags = number()?,
            "key_size" => def.key_size = number()?,
            "value_size" => def.value_size = number()?,
            "key" => def.key_size = btf.size(pointee)?,
            "value" => def.value_size = btf.size(pointee)?,
            _ => {}
        }
    }
    Some(def)
}
