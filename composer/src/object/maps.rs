//! Maps: the definitions of an object, and the kernel's requirements for each type.

use serde::{Deserialize, Serialize};

use super::btf::TypeId;

/// `BPF_MAP_TYPE_PERF_EVENT_ARRAY`.
pub(crate) const PERF_EVENT_ARRAY: u32 = 4;
/// `BPF_MAP_TYPE_RINGBUF`.
pub(crate) const RINGBUF: u32 = 27;
/// `BPF_F_NO_PREALLOC`.
const NO_PREALLOC: u32 = 1;
/// The flag with which a map has a `numa_node`: `BPF_F_NUMA_NODE`.
const NUMA_NODE: u32 = 4;

/// The definition of a map: the attributes that two definitions of one name must have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The NUMA node of its memory, if `BPF_F_NUMA_NODE` is set.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub numa_node: u32,
    /// `map_extra`: of a bloom filter, how many hash functions; of an arena, its address.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub extra: u64,
    /// Whether the object requests a pin under the map's name: `LIBBPF_PIN_BY_NAME`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub pinned: bool,
    /// The definition of its inner maps, if it contains maps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inner: Option<Box<MapDef>>,
    /// Its initial entries, by number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<(u32, Initial)>,
    /// The types of its keys and values in the object's BTF; 0 if not given.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub types: (TypeId, TypeId),
}

/// An initial entry of a map.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Initial {
    /// The map of this name, in a map of maps.
    Map(String),
    /// The program of this name, in a table for tail calls.
    Program(String),
}

/// A map of the old form, `SEC("maps")`, which does not define types.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LegacyMap {
    /// Its name.
    pub name: String,
    /// `enum bpf_map_type`.
    pub map_type: u32,
}

fn is_zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

impl MapDef {
    /// Whether it carries events to user space.
    #[must_use]
    pub fn is_event_buffer(&self) -> bool {
        matches!(self.map_type, RINGBUF | PERF_EVENT_ARRAY)
    }

    /// Whether it holds maps.
    #[must_use]
    pub fn holds_maps(&self) -> bool {
        matches!(self.type_name(), "array_of_maps" | "hash_of_maps")
    }

    /// The map type's name as the kernel's headers and bpftool write it, in lower case.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        type_name(self.map_type)
    }

    /// Whether `other` is the same map. Numbers of types are those of their object, and do not
    /// count.
    #[must_use]
    pub fn agrees_with(&self, other: &Self) -> bool {
        let inner = match (&self.inner, &other.inner) {
            (Some(one), Some(other)) => one.agrees_with(other),
            (one, other) => one.is_some() == other.is_some(),
        };
        let without = |map: &Self| Self { inner: None, types: (0, 0), ..map.clone() };
        inner && without(self) == without(other)
    }

    /// Puts right what the kernel wants to be one way only for a map of this type, whatever its
    /// author wrote or left out: sizes of 0 or 4, flags that have to be there. libbpf and ebpf-go
    /// do the same.
    ///
    /// The checks are `map_alloc_check` of each type in
    /// <https://github.com/torvalds/linux/tree/v6.12/kernel/bpf>.
    pub(super) fn put_right(&mut self) {
        let name = self.type_name();
        match name {
            "perf_event_array" | "prog_array" | "cgroup_array" | "array_of_maps" | "xskmap" => {
                (self.key_size, self.value_size) = (4, 4);
            }
            "stack_trace" => self.key_size = 4,
            "hash_of_maps" => self.value_size = 4,
            "ringbuf" | "user_ringbuf" | "arena" => (self.key_size, self.value_size) = (0, 0),
            "queue" | "stack" | "bloom_filter" => self.key_size = 0,
            "devmap"
            | "devmap_hash"
            | "cpumap"
            | "sockmap"
            | "sockhash"
            | "reuseport_sockarray" => {
                if self.key_size == 0 || name != "sockhash" {
                    self.key_size = 4;
                }
                if self.value_size == 0 {
                    self.value_size = 4;
                }
            }
            "sk_storage" | "inode_storage" | "task_storage" | "cgrp_storage" => {
                (self.key_size, self.max_entries) = (4, 0);
                self.flags |= NO_PREALLOC;
            }
            "cgroup_storage" | "percpu_cgroup_storage" => self.max_entries = 0,
            _ => {}
        }
        // What the kernel refuses to hear of types of: `btf_key_type_id` has to be 0.
        let untyped = [
            "perf_event_array",
            "cgroup_array",
            "stack_trace",
            "array_of_maps",
            "hash_of_maps",
            "devmap",
            "devmap_hash",
            "cpumap",
            "xskmap",
            "sockmap",
            "sockhash",
            "queue",
            "stack",
            "prog_array",
            "ringbuf",
            "user_ringbuf",
            "bloom_filter",
            "arena",
            "reuseport_sockarray",
        ];
        if untyped.contains(&name) {
            self.types = (0, 0);
        }
        if self.flags & NUMA_NODE == 0 {
            self.numa_node = 0;
        }
        if let Some(inner) = &mut self.inner {
            inner.put_right();
        }
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

/// The name of a map type, in lower case.
#[must_use]
pub(super) fn type_name(map_type: u32) -> &'static str {
    TYPES.get(map_type as usize).copied().unwrap_or("unknown")
}

/// Every map type that is known here: its number and its name.
pub fn map_types() -> impl Iterator<Item = (u32, &'static str)> {
    (0..).zip(TYPES.iter().copied()).skip(1)
}
