//! Maps, and names of what is pinned.
#![allow(unsafe_code, reason = "system calls")]

use std::{
    ffi::CStr,
    io,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
};

use aya_obj::generated::bpf_cmd::{
    BPF_MAP_CREATE, BPF_MAP_DELETE_ELEM, BPF_MAP_FREEZE, BPF_MAP_GET_NEXT_KEY,
    BPF_MAP_LOOKUP_BATCH, BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_BATCH, BPF_MAP_UPDATE_ELEM,
    BPF_OBJ_GET, BPF_OBJ_GET_INFO_BY_FD, BPF_OBJ_PIN,
};

use super::{Attribute, Info, address, address_mut, bpf, descriptor, length, number};

/// A map as the kernel wants it: the beginning of its attributes.
#[repr(C)]
#[derive(Debug, Default, Clone, Copy)]
pub(in crate::kernel) struct MapCreate {
    pub(in crate::kernel) map_type: u32,
    pub(in crate::kernel) key_size: u32,
    pub(in crate::kernel) value_size: u32,
    pub(in crate::kernel) max_entries: u32,
    pub(in crate::kernel) flags: u32,
    /// The descriptor of a map such as those that this one holds.
    pub(in crate::kernel) inner_map_fd: u32,
    pub(in crate::kernel) numa_node: u32,
    pub(in crate::kernel) name: [u8; 16],
    pub(in crate::kernel) interface: u32,
    /// The descriptor of BTF, and two types of it.
    pub(in crate::kernel) btf_fd: u32,
    pub(in crate::kernel) btf_key_type: u32,
    pub(in crate::kernel) btf_value_type: u32,
    pub(in crate::kernel) btf_vmlinux_value_type: u32,
    /// `map_extra`, what a type has of its own.
    pub(in crate::kernel) extra: u64,
}
impl Attribute for MapCreate {}

/// What the kernel knows of a map: the beginning of `struct bpf_map_info`.
#[repr(C)]
#[derive(Debug, Default, Clone, Copy)]
pub(in crate::kernel) struct MapInfo {
    pub(in crate::kernel) map_type: u32,
    pub(in crate::kernel) id: u32,
    pub(in crate::kernel) key_size: u32,
    pub(in crate::kernel) value_size: u32,
    pub(in crate::kernel) max_entries: u32,
    pub(in crate::kernel) flags: u32,
    /// Up to 15 characters, ended by a NUL.
    pub(in crate::kernel) name: [u8; 16],
    interface: u32,
    /// The kernel's type of its value, for operations of the kernel.
    pub(in crate::kernel) value_type: u32,
    network_device: u64,
    network_inode: u64,
    btf: u32,
    btf_key: u32,
    btf_value: u32,
    /// The number of the BTF that `value_type` is in; 0 before Linux 6.9.
    pub(in crate::kernel) btf_vmlinux: u32,
}

/// What the kernel knows of a map.
pub(in crate::kernel) fn map_info(map: BorrowedFd<'_>) -> io::Result<MapInfo> {
    let mut info = MapInfo::default();
    let place = std::ptr::from_mut(&mut info).expose_provenance() as u64;
    let mut attribute = Info { fd: number(map), length: length(size_of::<MapInfo>()), info: place };
    bpf(BPF_OBJ_GET_INFO_BY_FD, &mut attribute)?;
    Ok(info)
}

#[repr(C)]
struct Pinned {
    path: u64,
    fd: u32,
    flags: u32,
}
impl Attribute for Pinned {}

/// `BPF_OBJ_PIN`: gives what `fd` is a name in a bpffs, which keeps it.
pub(in crate::kernel) fn object_pin(path: &CStr, fd: BorrowedFd<'_>) -> io::Result<()> {
    let mut attribute = Pinned { path: path.as_ptr().addr() as u64, fd: number(fd), flags: 0 };
    bpf(BPF_OBJ_PIN, &mut attribute).map(drop)
}

/// `BPF_OBJ_GET`: what has that name.
pub(in crate::kernel) fn object_get(path: &CStr) -> io::Result<OwnedFd> {
    let mut attribute = Pinned { path: path.as_ptr().addr() as u64, fd: 0, flags: 0 };
    bpf(BPF_OBJ_GET, &mut attribute).map(descriptor)
}

/// `BPF_MAP_CREATE`.
pub(in crate::kernel) fn map_create(map: &mut MapCreate) -> io::Result<OwnedFd> {
    bpf(BPF_MAP_CREATE, map).map(descriptor)
}

/// A descriptor as such a struct holds it.
pub(in crate::kernel) fn number_of(fd: &OwnedFd) -> u32 {
    number(fd.as_fd())
}

#[repr(C)]
struct MapUpdate {
    map_fd: u32,
    reserved: u32,
    key: u64,
    value: u64,
    flags: u64,
}
impl Attribute for MapUpdate {}

/// `BPF_MAP_UPDATE_ELEM` of entry `key` of an array whose values are as long as `value`.
pub(in crate::kernel) fn map_update(map: BorrowedFd<'_>, key: u32, value: &[u8]) -> io::Result<()> {
    let mut attribute = MapUpdate {
        map_fd: number(map),
        reserved: 0,
        key: address(&key),
        value: address(value),
        flags: 0,
    };
    bpf(BPF_MAP_UPDATE_ELEM, &mut attribute).map(drop)
}

/// `BPF_MAP_LOOKUP_ELEM` of entry `key` of a map whose values are no longer than `value`.
pub(in crate::kernel) fn map_lookup(
    map: BorrowedFd<'_>,
    key: u32,
    value: &mut [u8],
) -> io::Result<()> {
    let mut attribute = MapUpdate {
        map_fd: number(map),
        reserved: 0,
        key: address(&key),
        value: address_mut(value),
        flags: 0,
    };
    bpf(BPF_MAP_LOOKUP_ELEM, &mut attribute).map(drop)
}

/// `BPF_MAP_LOOKUP_ELEM` with a key as long as the map's, and room for its value, or for one of each CPU.
pub(in crate::kernel) fn map_get(
    map: BorrowedFd<'_>,
    key: &[u8],
    value: &mut [u8],
) -> io::Result<()> {
    let mut attribute = MapUpdate {
        map_fd: number(map),
        reserved: 0,
        key: address(key),
        value: address_mut(value),
        flags: 0,
    };
    bpf(BPF_MAP_LOOKUP_ELEM, &mut attribute).map(drop)
}

/// `BPF_MAP_GET_NEXT_KEY`: writes the key behind `key`, or the first one, to `next`; both are as long as the
/// map's.
pub(in crate::kernel) fn map_next_key(
    map: BorrowedFd<'_>,
    key: Option<&[u8]>,
    next: &mut [u8],
) -> io::Result<()> {
    let mut attribute = MapUpdate {
        map_fd: number(map),
        reserved: 0,
        key: key.map_or(0, address),
        value: address_mut(next),
        flags: 0,
    };
    bpf(BPF_MAP_GET_NEXT_KEY, &mut attribute).map(drop)
}

/// `BPF_MAP_UPDATE_ELEM` with a key and a value as long as the map's.
pub(in crate::kernel) fn map_put(map: BorrowedFd<'_>, key: &[u8], value: &[u8]) -> io::Result<()> {
    let mut attribute = MapUpdate {
        map_fd: number(map),
        reserved: 0,
        key: address(key),
        value: address(value),
        flags: 0,
    };
    bpf(BPF_MAP_UPDATE_ELEM, &mut attribute).map(drop)
}

/// `BPF_MAP_DELETE_ELEM` with a key as long as the map's.
pub(in crate::kernel) fn map_delete(map: BorrowedFd<'_>, key: &[u8]) -> io::Result<()> {
    let mut attribute =
        MapUpdate { map_fd: number(map), reserved: 0, key: address(key), value: 0, flags: 0 };
    bpf(BPF_MAP_DELETE_ELEM, &mut attribute).map(drop)
}

/// What the commands for many entries take.
#[repr(C)]
struct MapBatch {
    /// Where to begin: 0 for the start.
    from: u64,
    /// Where to go on, which the kernel writes.
    next: u64,
    keys: u64,
    values: u64,
    /// How many there is room for; then how many there are.
    count: u32,
    map_fd: u32,
    element_flags: u64,
    flags: u64,
}
impl Attribute for MapBatch {}

/// `BPF_MAP_LOOKUP_BATCH` of all `entries` of an array: their values, of `size` bytes each as they are read.
pub(in crate::kernel) fn array_values(
    map: BorrowedFd<'_>,
    entries: u32,
    size: usize,
) -> io::Result<Vec<u8>> {
    let mut keys = vec![0_u32; entries as usize];
    let mut values = vec![0; entries as usize * size];
    let mut next = 0_u32;
    let mut attribute = MapBatch {
        from: 0,
        next: address_mut(&mut next),
        keys: address_mut(keys.as_mut_slice()),
        values: address_mut(values.as_mut_slice()),
        count: entries,
        map_fd: number(map),
        element_flags: 0,
        flags: 0,
    };
    bpf(BPF_MAP_LOOKUP_BATCH, &mut attribute)?;
    Ok(values)
}

/// `BPF_MAP_UPDATE_BATCH` of these entries of an array, whose `values` stand one after the other.
pub(in crate::kernel) fn array_put(
    map: BorrowedFd<'_>,
    entries: &[u32],
    values: &[u8],
) -> io::Result<()> {
    let mut attribute = MapBatch {
        from: 0,
        next: 0,
        keys: address(entries),
        values: address(values),
        count: length(entries.len()),
        map_fd: number(map),
        element_flags: 0,
        flags: 0,
    };
    bpf(BPF_MAP_UPDATE_BATCH, &mut attribute).map(drop)
}

#[repr(C)]
struct MapFreeze {
    map_fd: u32,
}
impl Attribute for MapFreeze {}

/// `BPF_MAP_FREEZE`: nobody writes to it any more, so the verifier may take it as constant.
pub(in crate::kernel) fn map_freeze(map: BorrowedFd<'_>) -> io::Result<()> {
    bpf(BPF_MAP_FREEZE, &mut MapFreeze { map_fd: number(map) }).map(drop)
}
