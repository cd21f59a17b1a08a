//! Links: what each attaches, and where.
//!
//! `struct bpf_link_info`, <https://github.com/torvalds/linux/blob/v6.12/include/uapi/linux/bpf.h>.

use std::os::fd::{AsFd as _, OwnedFd};

use aya_obj::generated::bpf_prog_info;

use super::{
    ByProgram,
    attachments::{PerfSpot, Spot, SpotKey},
    cgroups::Cgroups,
    code,
    kernel_functions::KernelFunctions,
    programs,
};
use crate::{
    diag::list,
    kernel::sys::{self, LinkInfo, TextField},
    object::AttachType,
    running::{Effect, Place},
};

/// `enum bpf_link_type`.
mod kind {
    pub(super) const RAW_TRACEPOINT: u32 = 1;
    pub(super) const TRACING: u32 = 2;
    pub(super) const CGROUP: u32 = 3;
    pub(super) const ITER: u32 = 4;
    pub(super) const NETNS: u32 = 5;
    pub(super) const XDP: u32 = 6;
    pub(super) const PERF_EVENT: u32 = 7;
    pub(super) const KPROBE_MULTI: u32 = 8;
    pub(super) const STRUCT_OPS: u32 = 9;
    pub(super) const NETFILTER: u32 = 10;
    pub(super) const TCX: u32 = 11;
    pub(super) const UPROBE_MULTI: u32 = 12;
    pub(super) const NETKIT: u32 = 13;
    pub(super) const SOCKMAP: u32 = 14;
}

/// Where a raw tracepoint and an iterator have their name.
const NAME: TextField = TextField { address: 0, length: 2 };
/// Where a perf event has its own, behind its kind.
const EVENT_NAME: TextField = TextField { address: 2, length: 4 };
/// Where uprobes have the path of their file.
const PATH: TextField = TextField { address: 0, length: 8 };

/// Reads links, and takes the places they are at out of those that were found.
pub(super) struct LinkReader<'a> {
    cgroups: &'a Cgroups,
    spots: Vec<Spot>,
    perf_events: &'a mut ByProgram<PerfSpot>,
    functions: &'a KernelFunctions,
}

impl<'a> LinkReader<'a> {
    pub(super) fn new(
        cgroups: &'a Cgroups,
        spots: Vec<Spot>,
        perf_events: &'a mut ByProgram<PerfSpot>,
        functions: &'a KernelFunctions,
    ) -> Self {
        Self { cgroups, spots, perf_events, functions }
    }

    /// The places where no link is.
    pub(super) fn left(&mut self) -> Vec<Spot> {
        let mut left = std::mem::take(&mut self.spots);
        // What implements operations and is not registered is attached nowhere.
        left.retain(|spot| !matches!(spot.key, SpotKey::Operations { registered: false, .. }));
        left
    }

    /// The program of the link with this id, and where it is: several where it is one of operations, none when the
    /// link is gone, or still being made.
    pub(super) fn read(&mut self, id: u32) -> Vec<(u32, Place)> {
        let Ok(link) = sys::link_by_id(id) else { return Vec::new() };
        let Ok(info) = sys::info_of_link(link.as_fd()) else { return Vec::new() };
        match info.link_type {
            kind::STRUCT_OPS => self.operations(info.words[0]),
            _ => vec![(info.program, self.place(&link, &info))],
        }
    }

    /// What the programs of a map of operations implement.
    fn operations(&mut self, wanted: u32) -> Vec<(u32, Place)> {
        let is_it =
            |spot: &mut Spot| matches!(spot.key, SpotKey::Operations { map, .. } if map == wanted);
        let spots: Vec<_> = self.spots.extract_if(.., is_it).collect();
        spots.into_iter().map(|spot| (spot.program, spot.place())).collect()
    }

    fn place(&mut self, link: &OwnedFd, info: &LinkInfo) -> Place {
        let words = &info.words;
        let text = |field| sys::link_text(link.as_fd(), field).unwrap_or_default();
        match info.link_type {
            kind::RAW_TRACEPOINT => in_kernel("raw_tracepoint", text(NAME)),
            kind::TRACING => self.traced(info),
            kind::CGROUP => {
                let inode = sys::whole([words[0], words[1]]);
                self.at(info.program, SpotKey::Inode(inode, words[2]), || {
                    in_kernel(&attach_type(words[2]), cgroup_path(self.cgroups, inode))
                })
            }
            kind::ITER => in_kernel("iter", text(NAME)),
            kind::NETNS => {
                let (inode, kind) = (u64::from(words[0]), words[1]);
                self.at(info.program, SpotKey::Inode(inode, kind), || {
                    elsewhere(&attach_type(kind), "")
                })
            }
            kind::XDP => self.interface(info.program, words[0], AttachType::Xdp as u32, "xdp"),
            kind::TCX | kind::NETKIT => {
                self.interface(info.program, words[0], words[1], &attach_type(words[1]))
            }
            kind::PERF_EVENT => self.perf_event(info, &text),
            kind::KPROBE_MULTI => {
                let returns = words[3] & 1 == 1;
                let kind = if returns { "kretprobe_multi" } else { "kprobe_multi" };
                in_kernel(kind, probed(link, words[2]))
            }
            kind::UPROBE_MULTI => {
                let returns = words[10] & 1 == 1;
                let kind = if returns { "uretprobe_multi" } else { "uprobe_multi" };
                in_kernel(kind, format!("{}: {}", text(PATH), count(words[9], "place")))
            }
            kind::NETFILTER => in_kernel("netfilter", netfilter(words[0], words[1], words[2])),
            kind::SOCKMAP => self.at(info.program, SpotKey::Map(words[0], words[1]), || {
                in_kernel(&attach_type(words[1]), map(words[0]))
            }),
            other => in_kernel(&format!("link type {other}"), String::new()),
        }
    }

    /// The place that goes by `key` with `program` at it; `else_place` where nothing was found there.
    fn at(&mut self, program: u32, key: SpotKey, else_place: impl FnOnce() -> Place) -> Place {
        let is_it = |spot: &Spot| spot.program == program && spot.key == key;
        match self.spots.iter().position(is_it) {
            Some(index) => self.spots.swap_remove(index).place(),
            None => else_place(),
        }
    }

    fn interface(&mut self, program: u32, index: u32, attach: u32, kind: &str) -> Place {
        self.at(program, SpotKey::Interface(index, attach), || match index {
            // The interface is gone, and the link is left.
            0 => in_kernel(kind, "an interface that is gone".to_owned()),
            _ => elsewhere(kind, &format!("interface {index}")),
        })
    }

    /// A program loaded for a function: of another program, or of the kernel.
    fn traced(&mut self, info: &LinkInfo) -> Place {
        let loaded = loaded(info);
        if let Some(place) = of_program(info, loaded.as_ref()) {
            return place;
        }
        let [attach, target, function, ..] = info.words;
        let effect = effect(attach);
        let (btf, id) = loaded
            .map_or((target, function), |loaded| (loaded.attach_btf_obj_id, loaded.attach_btf_id));
        let kind = match attach {
            _ if attach == AttachType::TraceFsession as u32 => "fsession".to_owned(),
            _ if attach == AttachType::TraceRawTp as u32 => "tp_btf".to_owned(),
            _ if attach == AttachType::ModifyReturn as u32 => "fmod_ret".to_owned(),
            _ if attach == AttachType::LsmMac as u32 => "lsm".to_owned(),
            _ => effect.map_or_else(|| attach_type(attach), |how| how.word().to_owned()),
        };
        in_kernel(&kind, self.functions.name(btf, id))
    }

    /// What Linux 6.6 and later say of it, or else what the process says that has the event open.
    fn perf_event(&mut self, info: &LinkInfo, text: &dyn Fn(TextField) -> String) -> Place {
        let known = self.perf_events.get_mut(&info.program);
        let known = known.and_then(|spots| (!spots.is_empty()).then(|| spots.remove(0)));
        // enum bpf_perf_event_type
        let (kind, offset) = match info.words[0] {
            1 => ("uprobe", u64::from(info.words[5])),
            2 => ("uretprobe", u64::from(info.words[5])),
            3 => ("kprobe", u64::from(info.words[5])),
            4 => ("kretprobe", u64::from(info.words[5])),
            5 => ("tracepoint", 0),
            6 => return in_kernel("perf_event", String::new()),
            _ => {
                let spot = known.map(|known| in_kernel(&known.kind, known.at));
                return spot.unwrap_or_else(|| in_kernel("perf_event", String::new()));
            }
        };
        in_kernel(kind, with_offset(text(EVENT_NAME), offset))
    }
}

/// The program of the link with this id, and the function of another program that it is on; none for any other
/// link.
pub(super) fn on_function(id: u32) -> Option<(u32, Place)> {
    let info = sys::link_info(id).ok().filter(|info| info.link_type == kind::TRACING)?;
    Some((info.program, of_program(&info, loaded(&info).as_ref())?))
}

/// What the program of a link was loaded for; none when it is gone.
fn loaded(info: &LinkInfo) -> Option<bpf_prog_info> {
    let program = sys::program_by_id(info.program).ok()?;
    sys::program_info(program.as_fd()).ok()
}

/// The function of another program that a tracing link is on; none where that is one of the kernel.
fn of_program(info: &LinkInfo, loaded: Option<&bpf_prog_info>) -> Option<Place> {
    let [attach, program, function, ..] = info.words;
    // The number is that of a program or of BTF; the program that was loaded for BTF knows it.
    let in_btf = loaded.is_some_and(|loaded| loaded.attach_btf_obj_id != 0);
    let how = effect(attach).filter(|_| !in_btf)?;
    Some(Place::Function { how, program, function })
}

/// What a tracing link of this attach type does to the function that it is on; none where it is for the
/// kernel's alone.
fn effect(attach: u32) -> Option<Effect> {
    match attach {
        0 => Some(Effect::Replaces),
        _ if attach == AttachType::TraceFentry as u32 => Some(Effect::Enters),
        _ if attach == AttachType::TraceFexit as u32 => Some(Effect::Leaves),
        _ if attach == AttachType::TraceFsession as u32 => Some(Effect::Session),
        _ => None,
    }
}

/// The folder of the cgroup with this number.
fn cgroup_path(cgroups: &Cgroups, inode: u64) -> String {
    cgroups.path(inode).unwrap_or_else(|| "a cgroup that is not seen from here".to_owned())
}

fn in_kernel(kind: &str, at: String) -> Place {
    Place::Kernel { kind: kind.to_owned(), at, namespace: None }
}

/// A place of the network that was not found in any namespace that can be seen.
fn elsewhere(kind: &str, at: &str) -> Place {
    let namespace = Some("not seen from here".to_owned());
    Place::Kernel { kind: kind.to_owned(), at: at.to_owned(), namespace }
}

/// The name of an attach type, with that of the chain file where it is short: `tcx/ingress`.
pub(super) fn attach_type(number: u32) -> String {
    let known = AttachType::ALL.iter().find(|known| **known as u32 == number);
    match known {
        None => format!("attach type {number}"),
        Some(AttachType::TcxIngress) => "tcx/ingress".to_owned(),
        Some(AttachType::TcxEgress) => "tcx/egress".to_owned(),
        Some(AttachType::NetkitPrimary) => "netkit/primary".to_owned(),
        Some(AttachType::NetkitPeer) => "netkit/peer".to_owned(),
        Some(known) => known.name().to_owned(),
    }
}

/// `tcp_connect+0x4`.
pub(super) fn with_offset(name: String, offset: u64) -> String {
    if offset == 0 { name } else { format!("{name}+{offset:#x}") }
}

/// The functions of a link of many kprobes: the first by name where there are symbols, else how many.
fn probed(link: &OwnedFd, number: u32) -> String {
    if number == 0 {
        // Before Linux 6.6 nothing is told of them.
        return String::new();
    }
    let addresses = sys::link_addresses(link.as_fd(), number).unwrap_or_default();
    let wanted = addresses.into_iter().filter(|address| *address != 0).collect();
    let symbols = code::symbols(&wanted).unwrap_or_default();
    let mut names: Vec<_> = symbols.values().map(String::as_str).collect();
    names.sort_unstable();
    match names.len() == wanted.len() && !names.is_empty() {
        true => list(&names),
        false => count(number, "function"),
    }
}

fn count(number: u32, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

pub(super) fn map(id: u32) -> String {
    match programs::map_name(id) {
        Some(name) if !name.is_empty() => format!("map {id} {name}"),
        _ => format!("map {id}"),
    }
}

/// A hook of netfilter in the words of nft(8).
fn netfilter(family: u32, hook: u32, priority: u32) -> String {
    const HOOKS: [&str; 5] = ["prerouting", "input", "forward", "output", "postrouting"];
    let family = match family {
        2 => "ip".to_owned(),   // NFPROTO_IPV4
        10 => "ip6".to_owned(), // NFPROTO_IPV6
        other => format!("family {other}"),
    };
    let hook =
        HOOKS.get(hook as usize).map_or_else(|| format!("hook {hook}"), |name| (*name).to_owned());
    format!("{family} {hook}, priority {}", priority.cast_signed())
}
