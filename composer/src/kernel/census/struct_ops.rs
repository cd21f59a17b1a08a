//! Programs that implement operations of the kernel: the value of a `struct_ops` map is the kernel's struct, with
//! the ids of programs where it has pointers to functions.
//!
//! `bpf_struct_ops_map_sys_lookup_elem`,
//! <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/bpf_struct_ops.c>.

use std::os::fd::{AsFd as _, OwnedFd};

use super::{
    attachments::{Spot, SpotKey},
    kernel_functions::KernelFunctions,
    links,
};
use crate::{
    kernel::sys::{self, MapInfo},
    object::btf::{Btf, Type},
};

/// `BPF_MAP_TYPE_STRUCT_OPS`.
pub(super) const STRUCT_OPS: u32 = 26;
/// `BPF_STRUCT_OPS_STATE_INUSE`: registered without a link.
const IN_USE: u32 = 1;
/// Where the state is in a value: behind the number of those who use it.
const STATE: usize = 4;

/// The programs in a map, each as what it implements.
pub(super) fn spots(map: &OwnedFd, info: &MapInfo, functions: &KernelFunctions) -> Vec<Spot> {
    // Those of modules are described by the module's types.
    let of_kernel = info.btf_vmlinux == 0
        || sys::btf_name(info.btf_vmlinux).is_ok_and(|name| name == "vmlinux");
    let mut value = vec![0; info.value_size as usize];
    if !of_kernel || sys::map_lookup(map.as_fd(), 0, &mut value).is_err() {
        return Vec::new();
    }
    let Some(members) = functions.types().and_then(|types| members(types, info.value_type)) else {
        return Vec::new();
    };
    let word = |at: usize| value.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes);
    let registered = word(STATE) == Some(IN_USE);
    let spots = members.into_iter().filter_map(|(at, name)| {
        let program = word(at).filter(|id| *id != 0)?;
        Some(Spot {
            program,
            key: SpotKey::Operations { map: info.id, registered },
            kind: "struct_ops".to_owned(),
            at: format!("{name}, {}", links::map(info.id)),
            namespace: None,
        })
    });
    spots.collect()
}

/// The pointers to functions in a value of that type, each with its place and as `STRUCT.MEMBER`.
fn members(types: &Btf, value: u32) -> Option<Vec<(usize, String)>> {
    let Type::Struct { members, .. } = types.get(value)? else { return None };
    let data = members.iter().find(|member| member.name == "data")?;
    let (_, Type::Struct { name, members, .. }) = types.resolve(data.of)? else { return None };
    let is_function = |id| match types.resolve(id) {
        Some((_, Type::Ptr(to))) => {
            matches!(types.resolve(to), Some((_, Type::Prototype { .. })))
        }
        _ => false,
    };
    let start = data.bit_offset;
    let functions = members.iter().filter(|member| is_function(member.of));
    let placed = functions.filter_map(|member| {
        let at = usize::try_from((start + member.bit_offset) / 8).ok()?;
        Some((at, format!("{name}.{}", member.name)))
    });
    Some(placed.collect())
}
