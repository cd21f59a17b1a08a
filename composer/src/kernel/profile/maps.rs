//! The map types that the running kernel supports.

use std::collections::BTreeSet;

use aya_obj::{
    btf::{Btf, BtfType, Int, IntEncoding},
    generated::bpf_map_type as kinds,
};

use crate::{
    kernel::sys::{self, MapCreate},
    object::map_types,
};

/// `BPF_F_NO_PREALLOC` and `BPF_F_MMAPABLE`.
const NO_PREALLOC: u32 = 1;
const MMAPABLE: u32 = 1 << 10;

/// The number of the one type in [`an_int`].
const INT: u32 = 1;

/// Makes one of each, as small as it may be, and lets go of it.
pub(super) fn offered() -> BTreeSet<String> {
    let types = sys::btf_load(&an_int(), None);
    let mut small = attributes(kinds::BPF_MAP_TYPE_ARRAY as u32);
    let inner = sys::map_create(&mut small);
    let is_made = |number: u32| {
        let mut map = attributes(number);
        if let (INT, Ok(types)) = (map.btf_key_type, &types) {
            map.btf_fd = sys::number_of(types);
        }
        if let (true, Ok(inner)) = (holds_maps(number), &inner) {
            map.inner_map_fd = sys::number_of(inner);
        }
        sys::map_create(&mut map).is_ok()
    };
    map_types().filter(|(number, _)| is_made(*number)).map(|(_, name)| name.to_owned()).collect()
}

fn holds_maps(number: u32) -> bool {
    [kinds::BPF_MAP_TYPE_ARRAY_OF_MAPS as u32, kinds::BPF_MAP_TYPE_HASH_OF_MAPS as u32]
        .contains(&number)
}

/// What the smallest map of a type has to be: each has a check of its own below
/// <https://github.com/torvalds/linux/tree/v6.12/kernel/bpf>.
fn attributes(map_type: u32) -> MapCreate {
    let map =
        MapCreate { map_type, key_size: 4, value_size: 4, max_entries: 1, ..MapCreate::default() };
    let is = |kind: kinds| kind as u32 == map_type;
    if is(kinds::BPF_MAP_TYPE_STACK_TRACE) {
        // Addresses.
        return MapCreate { value_size: 8, ..map };
    }
    if is(kinds::BPF_MAP_TYPE_LPM_TRIE) {
        // A length and what has it.
        return MapCreate { key_size: 8, flags: NO_PREALLOC, ..map };
    }
    if is(kinds::BPF_MAP_TYPE_CGROUP_STORAGE) || is(kinds::BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE) {
        // struct bpf_cgroup_storage_key
        return MapCreate { key_size: 16, max_entries: 0, ..map };
    }
    let keyless =
        [kinds::BPF_MAP_TYPE_QUEUE, kinds::BPF_MAP_TYPE_STACK, kinds::BPF_MAP_TYPE_BLOOM_FILTER];
    if keyless.into_iter().any(is) {
        return MapCreate { key_size: 0, ..map };
    }
    let storage = [
        kinds::BPF_MAP_TYPE_SK_STORAGE,
        kinds::BPF_MAP_TYPE_INODE_STORAGE,
        kinds::BPF_MAP_TYPE_TASK_STORAGE,
        kinds::BPF_MAP_TYPE_CGRP_STORAGE,
    ];
    if storage.into_iter().any(is) {
        let (btf_key_type, btf_value_type) = (INT, INT);
        return MapCreate {
            max_entries: 0,
            flags: NO_PREALLOC,
            btf_key_type,
            btf_value_type,
            ..map
        };
    }
    let page = u32::try_from(rustix::param::page_size()).unwrap_or(4096);
    if is(kinds::BPF_MAP_TYPE_RINGBUF) || is(kinds::BPF_MAP_TYPE_USER_RINGBUF) {
        return MapCreate { key_size: 0, value_size: 0, max_entries: page, ..map };
    }
    if is(kinds::BPF_MAP_TYPE_ARENA) {
        return MapCreate { key_size: 0, value_size: 0, flags: MMAPABLE, ..map };
    }
    map
}

/// BTF with one type: an int.
fn an_int() -> Vec<u8> {
    let mut btf = Btf::new();
    let name = btf.add_string("int");
    btf.add_type(BtfType::Int(Int::new(name, 4, IntEncoding::Signed, 0)));
    btf.to_bytes()
}
