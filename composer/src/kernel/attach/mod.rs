//! A loaded program → an attachment. Nearly every one is a descriptor that detaches when it is closed, so
//! nothing stays behind when this process dies; traffic filters are none, nor, before Linux 6.10, programs
//! at maps of sockets.
//!
//! Links of perf events are there from Linux 5.15.

mod beside;
mod clsact;
mod events;
mod multi;
mod redirect;
mod sockets;
mod uprobe;
mod usdt;

use std::{
    ffi::{CStr, CString},
    fs, io,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
    path::Path,
};

pub(super) use usdt::{SPECS as USDT_SPECS, SpecTable};

pub(super) use events::{KPROBE_PMU, UPROBE_PMU, kprobe_event};

use rustix::{
    fs::{Mode, OFlags},
    net::{
        AddressFamily, SocketType,
        netdevice::{index_to_name, name_to_index},
        socket,
    },
};

use super::{
    KernelError, holder,
    loader::Loaded,
    sys::{self, LinkTarget},
};
use crate::hook::{Anchor, Destination, Mechanism, Position};

/// Where tracefs is mounted, newer place first.
pub(super) fn tracefs() -> Option<&'static str> {
    let roots = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
    roots.into_iter().find(|root| Path::new(root).join("events").is_dir())
}

/// What keeps an attachment: dropped in this order, the links first.
#[derive(Debug)]
pub(super) struct Link {
    /// One; of a perf event on several CPUs one for each.
    links: Vec<OwnedFd>,
    /// What else has to stay open: perf events, a socket.
    _keep: Vec<OwnedFd>,
    /// What no descriptor stands for.
    installed: Option<Installed>,
}

/// An attachment that stays until it is undone.
#[derive(Debug)]
enum Installed {
    /// The filter of a qdisc.
    Filter(clsact::InstalledFilter),
    /// The program of a map of sockets.
    Held(sockets::HeldByMap),
    /// An entry of a map.
    Entry(redirect::FilledEntry),
}

impl Installed {
    fn undo(self) -> Result<(), KernelError> {
        match self {
            Self::Filter(filter) => filter.remove(),
            Self::Held(program) => program.detach(),
            Self::Entry(entry) => entry.delete(),
        }
    }

    /// The index of the interface with which it goes.
    fn interface(&self) -> Option<u32> {
        match self {
            Self::Filter(filter) => Some(filter.interface()),
            Self::Held(_) => None,
            Self::Entry(entry) => entry.interface(),
        }
    }
}

impl Link {
    /// One link, without an event.
    fn alone(link: OwnedFd) -> Self {
        Self::of(vec![link], Vec::new())
    }

    /// Some links, with what has to stay open for them.
    fn of(links: Vec<OwnedFd>, keep: Vec<OwnedFd>) -> Self {
        Self { links, _keep: keep, installed: None }
    }

    /// Something without a descriptor.
    fn installed(installed: Installed) -> Self {
        Self { installed: Some(installed), ..Self::of(Vec::new(), Vec::new()) }
    }

    /// Detaches.
    pub(super) fn close(mut self) -> Result<(), KernelError> {
        // Ours are the only references to the links, so closing them detaches before close(2) returns.
        self.installed.take().map_or(Ok(()), Installed::undo)
    }

    /// How often the kernel came to the place and did not get as far as the program; none when it
    /// does not count that.
    pub(super) fn missed(&self) -> Result<Option<u64>, KernelError> {
        let mut all = 0;
        for link in &self.links {
            let missed = sys::missed(link.as_fd())
                .map_err(|error| KernelError::os("BPF_OBJ_GET_INFO_BY_FD", &error))?;
            let Some(missed) = missed else { return Ok(None) };
            all += missed;
        }
        Ok(Some(all))
    }

    /// Whether the interface that it was made for is gone: the kernel detaches the program then, and
    /// its link stays with 0 for an interface.
    pub(super) fn lost_interface(&self) -> Result<bool, KernelError> {
        /// Links of interfaces: `BPF_LINK_TYPE_XDP`, `BPF_LINK_TYPE_TCX`, `BPF_LINK_TYPE_NETKIT`.
        const OF_INTERFACES: [u32; 3] = [6, 11, 13];
        for link in &self.links {
            let info = sys::info_of_link(link.as_fd())
                .map_err(|error| KernelError::os("BPF_OBJ_GET_INFO_BY_FD", &error))?;
            if OF_INTERFACES.contains(&info.link_type) && info.words[0] == 0 {
                return Ok(true);
            }
        }
        let interface = self.installed.as_ref().and_then(Installed::interface);
        Ok(interface.is_some_and(|interface| !has_interface(interface)))
    }
}

/// What some attachments take besides their program.
#[derive(Debug)]
pub(super) struct Beside<'a> {
    /// What the kernel returns to the program when that asks for it; 0 for nothing.
    pub(super) cookie: u64,
    /// The table for the arguments of probes, when the program reads those.
    pub(super) specs: Option<SpecTable<'a>>,
    /// The map that it is attached to.
    pub(super) map: Option<BorrowedFd<'a>>,
}

/// Attaches `program` to the kernel itself.
pub(super) fn host(
    program: BorrowedFd<'_>,
    mechanism: Mechanism<'_>,
    beside: Beside<'_>,
) -> Result<Link, KernelError> {
    let Beside { cookie, specs, map } = beside;
    match mechanism {
        Mechanism::Usdt(probe) => usdt::link(program, probe, cookie, specs),
        Mechanism::PerfEvent(event) => events::link(program, event, cookie),
        Mechanism::AsLoaded(_) if cookie == 0 => raw_tracepoint(program, None, 0),
        // `BPF_RAW_TRACEPOINT_OPEN` takes no cookie for it.
        Mechanism::AsLoaded(attach_type) => {
            let target = LinkTarget::AsLoaded(cookie);
            let link = sys::link_create(program, attach_type as u32, target)
                .map_err(|error| KernelError::os("BPF_LINK_CREATE", &error))?;
            Ok(Link::alone(link))
        }
        Mechanism::KprobeMulti { pattern, at_return, cookies } => {
            let own = |name: &str| cookies.and_then(|cookies| cookies.get(name));
            let cookie = |name: &str| own(name).map_or(cookie, |own| own.cast_unsigned());
            multi::link(program, pattern, at_return, cookie)
        }
        Mechanism::PacketSocket(interface) => {
            let socket = sys::packet_socket(interface_index(interface)?)
                .map_err(|error| KernelError::os("open packet socket", &error))?;
            sys::filter_socket(socket.as_fd(), program)
                .map_err(|error| KernelError::os("SO_ATTACH_BPF", &error))?;
            Ok(Link::of(Vec::new(), vec![socket]))
        }
        Mechanism::TrafficFilter { interface, egress, priority } => {
            let place = clsact::FilterPlace { interface: interface_index(interface)?, egress };
            let filter = clsact::install(program, place, priority)?;
            Ok(Link::installed(Installed::Filter(filter)))
        }
        Mechanism::MapEntry { key, to } => {
            let entry = redirect::fill(program, given(map)?, key, to)?;
            Ok(Link::installed(Installed::Entry(entry)))
        }
        Mechanism::Run(_) => Err(KernelError::here("attach", "the program is run, not attached")),
        Mechanism::RawTracepoint(name) => raw_tracepoint(program, Some(&c_string(name)?), cookie),
        Mechanism::Link { at, attach_type, flags, position } => {
            linked(program, (at, attach_type as u32), flags, position, map)
        }
    }
}

/// The map that goes with an attachment to one.
fn given(map: Option<BorrowedFd<'_>>) -> Result<BorrowedFd<'_>, KernelError> {
    map.ok_or_else(|| KernelError::here("attach", "no map is given"))
}

/// `BPF_RAW_TRACEPOINT_OPEN`.
fn raw_tracepoint(
    program: BorrowedFd<'_>,
    name: Option<&CStr>,
    cookie: u64,
) -> Result<Link, KernelError> {
    let link = sys::raw_tracepoint_open(program, name, cookie)
        .map_err(|error| KernelError::os("BPF_RAW_TRACEPOINT_OPEN", &error))?;
    Ok(Link::alone(link))
}

/// Looks for what an attachment is for.
pub(super) fn locate(mechanism: Mechanism<'_>) -> Result<(), KernelError> {
    match mechanism {
        Mechanism::PerfEvent(event) => events::locate(event),
        Mechanism::Usdt(probe) => usdt::locate(probe).map(drop),
        Mechanism::KprobeMulti { pattern, .. } => multi::functions(pattern).map(drop),
        Mechanism::PacketSocket(interface)
        | Mechanism::TrafficFilter { interface, .. }
        | Mechanism::MapEntry { to: Destination::Interface(interface), .. } => {
            interface_index(interface).map(drop)
        }
        Mechanism::Link { at: Anchor::Interface(name), attach_type, position, .. } => {
            let index = interface_index(name)?;
            placed(position, |name| beside::program(index, attach_type as u32, name)).map(drop)
        }
        Mechanism::Link { at: Anchor::Cgroup(path), attach_type, position, .. } => {
            let folder = open_folder("open cgroup", path)?;
            placed(position, |name| beside::link(&folder, attach_type as u32, name)).map(drop)
        }
        Mechanism::Link { .. }
        | Mechanism::RawTracepoint(_)
        | Mechanism::AsLoaded(_)
        | Mechanism::MapEntry { .. }
        | Mechanism::Run(_) => Ok(()),
    }
}

/// A link at `at`.
fn linked(
    program: BorrowedFd<'_>,
    (at, attach_type): (Anchor<'_>, u32),
    flags: u32,
    position: Position<'_>,
    map: Option<BorrowedFd<'_>>,
) -> Result<Link, KernelError> {
    const CALL: &str = "BPF_LINK_CREATE";
    let link = |target| sys::link_create(program, attach_type, target);
    let refused = |error: io::Error| KernelError::os(CALL, &error);
    let link = match at {
        Anchor::Interface(name) => {
            let index = interface_index(name)?;
            let (order, relative) =
                placed(position, |name| beside::program(index, attach_type, name))?;
            let target = LinkTarget::Interface(index, flags | order, relative);
            link(target).map_err(|error| taken(CALL, &error, || holder::of_interface(index)))?
        }
        Anchor::Cgroup(path) => {
            let folder = open_folder("open cgroup", path)?;
            let (order, relative) =
                placed(position, |name| beside::link(&folder, attach_type, name))?;
            link(LinkTarget::Folder(folder.as_fd(), flags | order, relative)).map_err(refused)?
        }
        Anchor::NetNamespace => {
            let namespace = fs::File::open("/proc/self/ns/net")
                .map_err(|error| KernelError::os("open network namespace", &error))?;
            link(LinkTarget::Folder(namespace.as_fd(), flags, 0)).map_err(refused)?
        }
        Anchor::SocketMap => {
            return sockets::attach(program, given(map)?, attach_type);
        }
        Anchor::Netfilter { family, hook, priority } => {
            link(LinkTarget::Netfilter(family, hook, priority)).map_err(refused)?
        }
    };
    Ok(Link::alone(link))
}

/// The flags of a position among the programs of one place, and the id of what it is relative to, 0
/// for nothing. `find` looks for a program by its name, and says what the id that it returns is of.
fn placed<'a>(
    position: Position<'a>,
    find: impl Fn(&'a str) -> Result<(u32, u32), KernelError>,
) -> Result<(u32, u32), KernelError> {
    /// `BPF_F_BEFORE` and `BPF_F_AFTER`.
    const BEFORE: u32 = 1 << 3;
    const AFTER: u32 = 1 << 4;
    let beside = |side: u32, program| find(program).map(|(of, id)| (side | of, id));
    match position {
        Position::Default => Ok((0, 0)),
        Position::First => Ok((BEFORE, 0)),
        Position::Last => Ok((AFTER, 0)),
        Position::Before(program) => beside(BEFORE, program),
        Position::After(program) => beside(AFTER, program),
    }
}

fn open_folder(call: &'static str, path: &str) -> Result<OwnedFd, KernelError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty())
        .map_err(|error| KernelError::os(call, &error.into()))
}

/// Puts `program` in the place of `function` of `target`.
pub(super) fn replacement(
    program: BorrowedFd<'_>,
    target: &Loaded,
    function: &str,
) -> Result<Link, KernelError> {
    let id = target.function(function)?;
    // The attach type of a replacement is 0, whatever that is the name of.
    let link = sys::link_create(program, 0, LinkTarget::Function(target.program.as_fd(), id))
        .map_err(|error| taken("BPF_LINK_CREATE", &error, || holder::of_function(target.id, id)))?;
    Ok(Link::alone(link))
}

/// Attaches a tracer to what it was loaded for.
pub(super) fn tracer(tracer: &Loaded) -> Result<Link, KernelError> {
    // BPF_LINK_CREATE does it too, but only in newer kernels.
    let link = sys::raw_tracepoint_open(tracer.program.as_fd(), None, 0).map_err(|error| {
        taken("BPF_RAW_TRACEPOINT_OPEN", &error, || {
            tracer.target.and_then(|(program, function)| holder::of_function(program, function))
        })
    })?;
    Ok(Link::alone(link))
}

/// What the kernel said, with the holder of the place when that is taken.
fn taken(
    call: &'static str,
    error: &io::Error,
    holder: impl FnOnce() -> Option<holder::Holder>,
) -> KernelError {
    let error = KernelError::os(call, error);
    let taken = matches!(error.errno, Some(libc::EBUSY | libc::EEXIST));
    let holder = if taken { holder().map(Box::new) } else { None };
    KernelError { holder, ..error }
}

fn interface_index(name: &str) -> Result<u32, KernelError> {
    const CALL: &str = "find interface";
    let missing = |error: rustix::io::Errno| KernelError::os(CALL, &error.into());
    // By a socket of this process, so that it is this network namespace's interface: /sys may show
    // another one's.
    let socket = socket(AddressFamily::INET, SocketType::DGRAM, None).map_err(missing)?;
    name_to_index(socket, name).map_err(missing)
}

/// Whether there is an interface with an index.
fn has_interface(index: u32) -> bool {
    let socket = socket(AddressFamily::INET, SocketType::DGRAM, None);
    socket.is_ok_and(|socket| index_to_name(socket, index).is_ok())
}

fn c_string(text: &str) -> Result<CString, KernelError> {
    CString::new(text).map_err(|_| KernelError::here("attach", "a name contains a NUL byte"))
}
