//! Who holds a place that is taken: the link, its program, and the processes that keep it.

use std::{
    fmt, fs,
    os::fd::{AsFd as _, BorrowedFd},
};

use aya_obj::generated::{
    bpf_link_type::{BPF_LINK_TYPE_TRACING, BPF_LINK_TYPE_XDP},
    bpf_prog_type::BPF_PROG_TYPE_EXT,
};

use super::sys::{self, LinkInfo};
use crate::object::btf::{Btf, Type};

/// What a place is held by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occupant {
    /// A function, by a replacement.
    Replacement,
    /// A function, by a tracer.
    Tracer,
    /// An interface, by an xdp program.
    Xdp,
    /// A map of sockets, by a program for these.
    SocketMap,
    /// An entry of a map that XDP redirects to.
    MapEntry,
}

/// Who holds a place, in words: `` freplace program `xdp_drop` (program 41, link 7), held by
/// freplace-compose/1234 ``.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// What kind of program.
    pub held: Occupant,
    /// The program, its link, and the processes that keep it, as far as they can be seen.
    pub who: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.held {
            Occupant::Replacement => "freplace",
            Occupant::Tracer => "tracing",
            Occupant::Xdp | Occupant::MapEntry => "xdp",
            Occupant::SocketMap => "socket",
        };
        write!(f, "the {kind} program {}", self.who)
    }
}

/// The xdp program on the interface with this index; none when no link holds it, or it cannot be
/// seen.
pub(super) fn of_interface(index: u32) -> Option<Holder> {
    let link = links(BPF_LINK_TYPE_XDP as u32).find(|link| link.words[0] == index)?;
    Some(Holder { held: Occupant::Xdp, who: who(&link) })
}

/// The program with number `program`, which `map` holds, with its link where it has one.
pub(super) fn of_map(map: BorrowedFd<'_>, program: u32) -> Holder {
    /// `BPF_LINK_TYPE_SOCKMAP`.
    const SOCKMAP: u32 = 14;
    let map = sys::map_info(map).map_or(0, |info| info.id);
    let mut links = links(SOCKMAP);
    let link = links.find(|link| link.program == program && link.words[0] == map);
    let who = match link {
        Some(link) => who(&link),
        None => named(program),
    };
    Holder { held: Occupant::SocketMap, who }
}

/// The program with number `program`, which an entry of a map names; 0 for none.
pub(super) fn of_entry(program: u32) -> Option<Holder> {
    (program != 0).then(|| Holder { held: Occupant::MapEntry, who: named(program) })
}

/// A program that no link stands for.
fn named(program: u32) -> String {
    format!("{}(program {program})", quoted_name(program))
}

/// What replaces or traces the function with BTF id `function` of the program with number
/// `program`.
pub(super) fn of_function(program: u32, function: u32) -> Option<Holder> {
    let link = links(BPF_LINK_TYPE_TRACING as u32)
        .find(|link| link.words[1] == program && link.words[2] == function)?;
    let holder = sys::program_by_id(link.program).and_then(|fd| sys::program_info(fd.as_fd()));
    let replaces = holder.is_ok_and(|info| info.type_ == BPF_PROG_TYPE_EXT as u32);
    let held = if replaces { Occupant::Replacement } else { Occupant::Tracer };
    Some(Holder { held, who: who(&link) })
}

fn links(link_type: u32) -> impl Iterator<Item = LinkInfo> {
    let links = sys::link_ids().filter_map(|id| sys::link_info(id).ok());
    links.filter(move |link| link.link_type == link_type)
}

fn who(link: &LinkInfo) -> String {
    let name = quoted_name(link.program);
    let mut text = format!("{name}(program {}, link {})", link.program, link.id);
    let processes = processes(link.id);
    if !processes.is_empty() {
        text += &format!(", held by {}", processes.join(", "));
    }
    text
}

/// The name of a program in front of other words.
fn quoted_name(program: u32) -> String {
    program_name(program).map(|name| format!("`{name}` ")).unwrap_or_default()
}

/// Bytes of a program's name that the kernel keeps.
const CUT: usize = 15;

/// The whole name of a program, from its BTF where the kernel cut it.
pub(super) fn program_name(id: u32) -> Option<String> {
    let program = sys::program_by_id(id).ok()?;
    let info = sys::program_info(program.as_fd()).ok()?;
    let cut = info.name.iter().map(|byte| byte.cast_unsigned()).take_while(|byte| *byte != 0);
    let cut = String::from_utf8(cut.collect()).ok()?;
    if cut.len() < CUT {
        return Some(cut);
    }
    let btf = sys::btf_of(info.btf_id).ok().and_then(|btf| Btf::parse(btf).ok());
    let whole = btf.as_ref().and_then(|btf| {
        btf.iter().find_map(|(_, ty)| match ty {
            Type::Function { name, .. } if name.starts_with(&cut) => Some(name.to_owned()),
            _ => None,
        })
    });
    Some(whole.unwrap_or(cut))
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
