//! Links: what attaches a program, and what the kernel knows of it.
#![allow(unsafe_code, reason = "system calls")]

use std::{
    ffi::{CStr, CString},
    io,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
};

use aya_obj::generated::bpf_cmd::{
    self, BPF_ITER_CREATE, BPF_LINK_CREATE, BPF_LINK_GET_FD_BY_ID, BPF_OBJ_GET_INFO_BY_FD,
    BPF_PROG_ATTACH, BPF_PROG_DETACH, BPF_PROG_QUERY, BPF_RAW_TRACEPOINT_OPEN, BPF_TASK_FD_QUERY,
};

use super::{
    Attribute, Id, Info, address, address_mut, bpf, descriptor, length, number, until_nul,
};

/// The beginning of `struct bpf_link_info`.
#[repr(C)]
#[derive(Debug, Default, Clone, Copy)]
pub(in crate::kernel) struct LinkInfo {
    /// `enum bpf_link_type`.
    pub(in crate::kernel) link_type: u32,
    pub(in crate::kernel) id: u32,
    pub(in crate::kernel) program: u32,
    reserved: u32,
    /// What is particular to the type. An xdp link begins with its interface; a tracing link has
    /// its attach type, the number of the program it is on, and the BTF id of the function there.
    pub(in crate::kernel) words: [u32; 12],
}

/// The link with number `id`.
pub(in crate::kernel) fn link_by_id(id: u32) -> io::Result<OwnedFd> {
    bpf(BPF_LINK_GET_FD_BY_ID, &mut Id::of(id)).map(descriptor)
}

/// What the kernel knows of the link with number `id`.
pub(in crate::kernel) fn link_info(id: u32) -> io::Result<LinkInfo> {
    info_of_link(link_by_id(id)?.as_fd())
}

/// What the kernel knows of `link`.
pub(in crate::kernel) fn info_of_link(link: BorrowedFd<'_>) -> io::Result<LinkInfo> {
    let mut info = LinkInfo::default();
    let mut attribute = Info {
        fd: number(link),
        length: length(size_of::<LinkInfo>()),
        info: address_mut(&mut info),
    };
    bpf(BPF_OBJ_GET_INFO_BY_FD, &mut attribute)?;
    Ok(info)
}

/// Which of [`LinkInfo::words`] a text goes by: the first of the two that are its address, and that with
/// its length.
#[derive(Debug, Clone, Copy)]
pub(in crate::kernel) struct TextField {
    pub(in crate::kernel) address: usize,
    pub(in crate::kernel) length: usize,
}

/// The text that the kernel knows of `link` in that field: a name, a path. One that is longer than a path
/// may be is cut.
pub(in crate::kernel) fn link_text(link: BorrowedFd<'_>, field: TextField) -> io::Result<String> {
    let mut text = vec![0_u8; 4096]; // PATH_MAX
    let mut info = LinkInfo::default();
    let [low, high] = halves(address_mut(text.as_mut_slice()));
    (info.words[field.address], info.words[field.address + 1]) = (low, high);
    info.words[field.length] = length(text.len());
    let mut attribute = Info {
        fd: number(link),
        length: length(size_of::<LinkInfo>()),
        info: address_mut(&mut info),
    };
    bpf(BPF_OBJ_GET_INFO_BY_FD, &mut attribute)?;
    Ok(until_nul(&text))
}

/// The addresses of the functions that `link`, of many kprobes, is on, which are so many; 0 where they may not be
/// told.
pub(in crate::kernel) fn link_addresses(link: BorrowedFd<'_>, count: u32) -> io::Result<Vec<u64>> {
    let mut addresses = vec![0_u64; count as usize];
    let mut info = LinkInfo::default();
    let [low, high] = halves(address_mut(addresses.as_mut_slice()));
    info.words[..3].copy_from_slice(&[low, high, count]);
    let mut attribute = Info {
        fd: number(link),
        length: length(size_of::<LinkInfo>()),
        info: address_mut(&mut info),
    };
    bpf(BPF_OBJ_GET_INFO_BY_FD, &mut attribute)?;
    Ok(addresses)
}

#[repr(C)]
#[derive(Default)]
struct TaskDescriptor {
    pid: u32,
    fd: u32,
    flags: u32,
    text_length: u32,
    text: u64,
    program: u32,
    kind: u32,
    offset: u64,
    address: u64,
}
impl Attribute for TaskDescriptor {}

/// `BPF_TASK_FD_QUERY`: the program at the perf event that is descriptor `fd` of process `pid`, the kind of
/// event (`enum bpf_task_fd_type`), its name, and the offset in that.
pub(in crate::kernel) fn task_descriptor(pid: u32, fd: u32) -> io::Result<(u32, u32, String, u64)> {
    let mut text = vec![0_u8; 4096]; // PATH_MAX
    let mut attribute = TaskDescriptor {
        pid,
        fd,
        text_length: length(text.len()),
        text: address_mut(text.as_mut_slice()),
        ..TaskDescriptor::default()
    };
    bpf(BPF_TASK_FD_QUERY, &mut attribute)?;
    Ok((attribute.program, attribute.kind, until_nul(&text), attribute.offset))
}

/// How often the kernel came to the place that `link`, which is one of a perf event, is at, and let
/// go by for a reason of its own: a kprobe within a kprobe, too many calls at once for a return probe.
/// None from a kernel that does not count that, nor the calls that it lets go by because another
/// program runs on the same CPU: both came with Linux 6.7.
///
/// The field is asked for with something in it. A kernel without that field does not take it (E2BIG),
/// and one where it does not apply leaves it as it is.
pub(in crate::kernel) fn missed(link: BorrowedFd<'_>) -> io::Result<Option<u64>> {
    /// `BPF_PERF_EVENT_KPROBE` and `BPF_PERF_EVENT_KRETPROBE`.
    const KPROBES: [u32; 2] = [3, 4];
    /// Where `perf_event.kprobe.missed` begins among the words.
    const MISSED: usize = 8;
    let mut info = LinkInfo::default();
    info.words[MISSED] = 1;
    let mut attribute = Info {
        fd: number(link),
        length: length(size_of::<LinkInfo>()),
        info: address_mut(&mut info),
    };
    match bpf(BPF_OBJ_GET_INFO_BY_FD, &mut attribute) {
        Err(error) if error.raw_os_error() == Some(libc::E2BIG) => return Ok(None),
        Err(error) => return Err(error),
        Ok(_) => {}
    }
    if !KPROBES.contains(&info.words[0]) {
        return Ok(Some(0));
    }
    Ok(Some(whole([info.words[MISSED], info.words[MISSED + 1]])))
}

#[repr(C)]
struct LinkCreate {
    prog_fd: u32,
    target: u32,
    attach_type: u32,
    flags: u32,
    /// What is particular to the type of link.
    words: [u32; 8],
}
impl Attribute for LinkCreate {}

/// `union bpf_iter_link_info`: what an iterator goes over.
#[repr(C)]
#[derive(Default)]
struct IteratorOver {
    map_fd: u32,
}

/// What a link joins a program to: the number the kernel wants for it, and what goes with that.
#[derive(Debug, Clone, Copy)]
pub(in crate::kernel) enum LinkTarget<'a> {
    /// A perf event, with a cookie.
    PerfEvent(BorrowedFd<'a>, u64),
    /// What the program was loaded for, with a cookie.
    AsLoaded(u64),
    /// A network interface, by index, with the flags of its kind of link, such as `XDP_FLAGS_...`, and
    /// the id of what it goes beside; 0 for nothing.
    Interface(u32, u32, u32),
    /// A cgroup, or a network namespace, with the same.
    Folder(BorrowedFd<'a>, u32, u32),
    /// Functions of the kernel, by their names, `BPF_F_KPROBE_MULTI_RETURN`, and a cookie for each of
    /// them.
    Functions(&'a [CString], u32, &'a [u64]),
    /// A map of sockets.
    Map(BorrowedFd<'a>),
    /// The elements of a map, for an iterator.
    Elements(BorrowedFd<'a>),
    /// A hook of netfilter: family, hook and priority.
    Netfilter(u32, u32, i32),
    /// A function of a program, by its BTF id.
    Function(BorrowedFd<'a>, u32),
}

/// `BPF_LINK_CREATE`.
pub(in crate::kernel) fn link_create(
    program: BorrowedFd<'_>,
    attach_type: u32,
    to: LinkTarget<'_>,
) -> io::Result<OwnedFd> {
    let names: Vec<u64> = match to {
        LinkTarget::Functions(names, ..) => {
            names.iter().map(|name| address(name.to_bytes_with_nul())).collect()
        }
        _ => Vec::new(),
    };
    let mut over = IteratorOver::default();
    let (target, flags, words): (u32, u32, &[u32]) = match to {
        LinkTarget::Elements(map) => {
            over.map_fd = number(map);
            let [low, high] = halves(address_mut(&mut over));
            (0, 0, &[low, high, length(size_of::<IteratorOver>())])
        }
        LinkTarget::PerfEvent(event, cookie) => (number(event), 0, &halves(cookie)),
        LinkTarget::AsLoaded(cookie) => {
            let [low, high] = halves(cookie);
            (0, 0, &[0, 0, low, high])
        }
        LinkTarget::Interface(index, flags, relative) => (index, flags, &[relative]),
        LinkTarget::Folder(folder, flags, relative) => (number(folder), flags, &[relative]),
        LinkTarget::Map(map) => (number(map), 0, &[]),
        LinkTarget::Netfilter(family, hook, priority) => {
            (0, 0, &[family, hook, priority.cast_unsigned()])
        }
        LinkTarget::Functions(_, flags, cookies) => {
            let [low, high] = halves(address(names.as_slice()));
            let [first, last] = halves(address(cookies));
            // In between would be the addresses of functions without a name.
            (0, 0, &[flags, length(names.len()), low, high, 0, 0, first, last])
        }
        LinkTarget::Function(program, id) => (number(program), 0, &[id]),
    };
    let mut all = [0; 8];
    all[..words.len()].copy_from_slice(words);
    let words = all;
    let mut attribute = LinkCreate { prog_fd: number(program), target, attach_type, flags, words };
    bpf(BPF_LINK_CREATE, &mut attribute).map(descriptor)
}

/// The two words of a number of 64 bits, as they lie in memory.
fn halves(number: u64) -> [u32; 2] {
    let bytes = number.to_ne_bytes();
    let half =
        |at: usize| u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    [half(0), half(4)]
}

/// The number of 64 bits that two words are.
pub(in crate::kernel) fn whole([first, second]: [u32; 2]) -> u64 {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&first.to_ne_bytes());
    bytes[4..].copy_from_slice(&second.to_ne_bytes());
    u64::from_ne_bytes(bytes)
}

#[repr(C)]
struct IteratorCreate {
    link_fd: u32,
    flags: u32,
}
impl Attribute for IteratorCreate {}

/// `BPF_ITER_CREATE`: a file; who reads it runs the iterator that is linked.
pub(in crate::kernel) fn iterator_create(link: &OwnedFd) -> io::Result<OwnedFd> {
    let mut attribute = IteratorCreate { link_fd: number(link.as_fd()), flags: 0 };
    bpf(BPF_ITER_CREATE, &mut attribute).map(descriptor)
}

#[repr(C)]
struct RawTracepoint {
    name: u64,
    prog_fd: u32,
    reserved: u32,
    cookie: u64,
}
impl Attribute for RawTracepoint {}

/// `BPF_RAW_TRACEPOINT_OPEN`: without a name it attaches a tracing program to what it was loaded
/// for. Cookies are there from Linux 6.10.
pub(in crate::kernel) fn raw_tracepoint_open(
    program: BorrowedFd<'_>,
    name: Option<&CStr>,
    cookie: u64,
) -> io::Result<OwnedFd> {
    let mut attribute = RawTracepoint {
        name: name.map_or(0, |name| address(name.to_bytes_with_nul())),
        prog_fd: number(program),
        reserved: 0,
        cookie,
    };
    bpf(BPF_RAW_TRACEPOINT_OPEN, &mut attribute).map(descriptor)
}

/// What is asked of `BPF_PROG_QUERY`, and what it answers.
#[repr(C)]
struct ProgramQuery {
    target: u32,
    attach_type: u32,
    query_flags: u32,
    attach_flags: u32,
    program_ids: u64,
    count: u32,
    reserved: u32,
    program_attach_flags: u64,
    link_ids: u64,
    link_attach_flags: u64,
    revision: u64,
}
impl Attribute for ProgramQuery {}

#[repr(C)]
struct ProgramAttach {
    target_fd: u32,
    prog_fd: u32,
    attach_type: u32,
    flags: u32,
}
impl Attribute for ProgramAttach {}

/// `BPF_PROG_ATTACH`: lets `map` hold `program`, in the place of another.
pub(in crate::kernel) fn program_attach(
    map: BorrowedFd<'_>,
    program: BorrowedFd<'_>,
    attach_type: u32,
) -> io::Result<()> {
    at_map(BPF_PROG_ATTACH, map, program, attach_type)
}

/// `BPF_PROG_DETACH` of `program`; ENOENT when the map holds another, or none.
pub(in crate::kernel) fn program_detach(
    map: BorrowedFd<'_>,
    program: BorrowedFd<'_>,
    attach_type: u32,
) -> io::Result<()> {
    at_map(BPF_PROG_DETACH, map, program, attach_type)
}

fn at_map(
    command: bpf_cmd,
    map: BorrowedFd<'_>,
    program: BorrowedFd<'_>,
    attach_type: u32,
) -> io::Result<()> {
    let (target_fd, prog_fd) = (number(map), number(program));
    bpf(command, &mut ProgramAttach { target_fd, prog_fd, attach_type, flags: 0 }).map(drop)
}

/// `BPF_PROG_QUERY`: the ids of the programs at a target, in the order in which they run. The target is
/// the index of an interface or the number of a descriptor, as `attach_type` has it.
pub(in crate::kernel) fn programs_at(target: u32, attach_type: u32) -> io::Result<Vec<u32>> {
    /// More than the kernel attaches to one place.
    const MOST: usize = 64;
    let mut ids = vec![0_u32; MOST];
    let mut attribute = ProgramQuery {
        target,
        attach_type,
        query_flags: 0,
        attach_flags: 0,
        program_ids: address_mut(ids.as_mut_slice()),
        count: length(ids.len()),
        reserved: 0,
        program_attach_flags: 0,
        link_ids: 0,
        link_attach_flags: 0,
        revision: 0,
    };
    bpf(BPF_PROG_QUERY, &mut attribute)?;
    ids.truncate(attribute.count as usize);
    Ok(ids)
}
