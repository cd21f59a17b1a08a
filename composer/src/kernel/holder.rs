//! Who holds a place that is taken: the link, its program, and the processes that keep it.

use std::{
    fmt,
    os::fd::{AsFd as _, BorrowedFd},
};

use aya_obj::generated::{
    bpf_link_type::{BPF_LINK_TYPE_TRACING, BPF_LINK_TYPE_XDP},
    bpf_prog_type::BPF_PROG_TYPE_EXT,
};

use super::{
    census::{holders_of_link, whole_name},
    sys::{self, LinkInfo, Numbered},
};

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
    let links = sys::ids(Numbered::Link).unwrap_or_default().into_iter();
    let links = links.filter_map(|id| sys::link_info(id).ok());
    links.filter(move |link| link.link_type == link_type)
}

fn who(link: &LinkInfo) -> String {
    let name = quoted_name(link.program);
    let mut text = format!("{name}(program {}, link {})", link.program, link.id);
    let holders = holders_of_link(link.id);
    let holders: Vec<_> = holders.iter().map(ToString::to_string).collect();
    if !holders.is_empty() {
        text += &format!(", held by {}", holders.join(", "));
    }
    text
}

/// The name of a program in front of other words.
fn quoted_name(program: u32) -> String {
    whole_name(program).map(|name| format!("`{name}` ")).unwrap_or_default()
}
