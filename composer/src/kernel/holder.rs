//! Who holds a place that is taken: the link, its program, and the processes that keep it.

use std::{fs, os::fd::AsFd as _};

use super::sys;
use crate::object::btf::Btf;

/// `BPF_LINK_TYPE_XDP`.
const LINK_TYPE_XDP: u32 = 6;

/// The xdp program on the interface with this index: `` `xdp_host` (program 41, link 7), held by
/// freplace-compose/1234 ``. None when no link holds it, or it cannot be seen.
pub(super) fn of_interface(index: u32) -> Option<Box<str>> {
    let links = sys::link_ids().filter_map(|id| sys::link_info(id).ok());
    let mut links = links.filter(|link| link.link_type == LINK_TYPE_XDP && link.place == index);
    let link = links.next()?;
    let name = program_name(link.program).unwrap_or_else(|| "a program".to_owned());
    let mut text = format!("{name} (program {}, link {})", link.program, link.id);
    let processes = processes(link.id);
    if !processes.is_empty() {
        text += &format!(", held by {}", processes.join(", "));
    }
    Some(text.into())
}

/// The whole name of a program, from its BTF; what the kernel keeps is cut at 15 bytes.
fn program_name(id: u32) -> Option<String> {
    let program = sys::program_by_id(id).ok()?;
    let info = sys::program_info(program.as_fd()).ok()?;
    let cut = info.name.iter().map(|byte| byte.cast_unsigned()).take_while(|byte| *byte != 0);
    let cut = String::from_utf8(cut.collect()).ok()?;
    let btf = sys::btf_of(info.btf_id).ok().and_then(|btf| Btf::parse(btf).ok());
    let whole = btf.as_ref().and_then(|btf| {
        btf.iter().find_map(|(_, ty)| match ty {
            crate::object::btf::Type::Function { name, .. } if name.starts_with(&cut) => {
                Some(name.to_owned())
            }
            _ => None,
        })
    });
    Some(format!("`{}`", whole.unwrap_or(cut)))
}

/// The processes that have the link open, as far as this one may look.
fn processes(link: u32) -> Vec<String> {
    let mut found = Vec::new();
    let Ok(all) = fs::read_dir("/proc") else { return found };
    let wanted = format!("link_id:\t{link}");
    for process in all.flatten() {
        let name = process.file_name();
        let Some(pid) = name.to_str().filter(|name| name.parse::<u32>().is_ok()) else { continue };
        let Ok(descriptors) = fs::read_dir(process.path().join("fdinfo")) else { continue };
        let holds = descriptors.flatten().any(|descriptor| {
            let text = fs::read_to_string(descriptor.path()).unwrap_or_default();
            text.lines().any(|line| line == wanted)
        });
        if holds {
            let comm = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            found.push(format!("{}/{pid}", comm.trim()));
        }
    }
    found
}
