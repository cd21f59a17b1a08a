//! Global variables of a program that is in the kernel, read through its maps.
#![allow(unsafe_code, reason = "aya reads no array without knowing the type of its values")]

use std::os::fd::{AsFd as _, AsRawFd as _};

use aya::{maps::MapInfo, programs::loaded_programs};
use freplace_compose::object::Object;

/// The beginning of `union bpf_attr` for `BPF_MAP_LOOKUP_ELEM`.
#[repr(C)]
struct LookupAttributes {
    map: u32,
    reserved: u32,
    key: u64,
    value: u64,
    flags: u64,
}

/// The bytes of the variable `name` of the loaded program called `program`, which is of `object`.
#[track_caller]
pub(crate) fn variable(object: &Object, program: &str, name: &str) -> Vec<u8> {
    let global = object.globals_called(name).next().unwrap_or_else(|| panic!("no `{name}`"));
    let mut programs = loaded_programs().filter_map(Result::ok);
    let loaded = programs.find(|one| one.name_as_str() == Some(program));
    let loaded = loaded.unwrap_or_else(|| panic!("`{program}` is not loaded"));
    let ids = loaded.map_ids().expect("it can be asked").unwrap_or_default();
    let mut maps = ids.into_iter().filter_map(|id| MapInfo::from_id(id).ok());
    let map = maps.find(|map| map.name_as_str() == Some(global.section.as_str()));
    let map = map.unwrap_or_else(|| panic!("`{program}` has no {}", global.section));
    let fd = map.fd().expect("it is there");
    let (key, mut value) = (0_u32, vec![0_u8; map.value_size() as usize]);
    let mut lookup = LookupAttributes {
        map: fd.as_fd().as_raw_fd().cast_unsigned(),
        reserved: 0,
        key: (&raw const key).expose_provenance() as u64,
        value: value.as_mut_ptr().expose_provenance() as u64,
        flags: 0,
    };
    let size = size_of::<LookupAttributes>();
    // SAFETY: the struct is of the size given, its pointers lead to a key of four bytes, which an
    // array has, and to room for one value.
    let done = unsafe { libc::syscall(libc::SYS_bpf, 1, &raw mut lookup, size) };
    assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
    let from = usize::try_from(global.offset).expect("small");
    value[from..from + usize::try_from(global.size).expect("small")].to_vec()
}
