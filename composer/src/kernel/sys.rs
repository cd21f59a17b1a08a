//! The system calls that aya does not offer: bpf(2) to load a program against another program,
//! and links; perf_event_open(2) in `perf`.
//!
//! Each attribute struct is the beginning of the kernel's union for that command, without padding;
//! bpf(2) takes a shorter one and reads the rest as zero.
//! <https://github.com/torvalds/linux/blob/v6.12/include/uapi/linux/bpf.h>
#![allow(unsafe_code, reason = "system calls")]

mod perf;

use std::{
    ffi::CStr,
    io,
    os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd},
};

pub(super) use perf::{Sampled, perf_event_open, perf_lost, perf_output_event, perf_sampled_event};

use crate::object::insn::SIZE;
use aya_obj::generated::{
    bpf_btf_info,
    bpf_cmd::{
        self, BPF_BTF_GET_FD_BY_ID, BPF_BTF_LOAD, BPF_LINK_CREATE, BPF_LINK_GET_FD_BY_ID,
        BPF_LINK_GET_NEXT_ID, BPF_MAP_CREATE, BPF_MAP_DELETE_ELEM, BPF_MAP_FREEZE,
        BPF_MAP_UPDATE_ELEM, BPF_OBJ_GET, BPF_OBJ_GET_INFO_BY_FD, BPF_OBJ_PIN,
        BPF_PROG_GET_FD_BY_ID, BPF_PROG_LOAD, BPF_PROG_QUERY, BPF_RAW_TRACEPOINT_OPEN,
    },
    bpf_prog_info,
};

/// An attribute struct of bpf(2): plain integers, no padding, pointers to what outlives the call.
trait Attribute {}

fn bpf<A: Attribute>(command: bpf_cmd, attribute: &mut A) -> io::Result<i32> {
    // SAFETY: `attribute` is a live struct of the size given, made of integers; the addresses in it
    // come from references that the caller of this private function keeps alive over the call, from
    // a mutable one where the kernel writes.
    let result = unsafe {
        libc::syscall(libc::SYS_bpf, command as i32, std::ptr::from_mut(attribute), size_of::<A>())
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(i32::try_from(result).unwrap_or(i32::MAX)) // descriptors and 0, both int
}

fn descriptor(number: i32) -> OwnedFd {
    // SAFETY: the kernel just gave us this descriptor, and nobody else knows it.
    unsafe { OwnedFd::from_raw_fd(number) }
}

pub(super) fn number(fd: BorrowedFd<'_>) -> u32 {
    fd.as_raw_fd().cast_unsigned()
}

/// The address of what the kernel only reads. Exposed, because the kernel comes back to it by the
/// number alone; the compiler then knows that a system call may read there.
fn address<T: ?Sized>(of: &T) -> u64 {
    std::ptr::from_ref(of).cast::<u8>().expose_provenance() as u64
}

/// The address of what the kernel writes to: the compiler knows that a system call may change it.
fn address_mut<T: ?Sized>(of: &mut T) -> u64 {
    std::ptr::from_mut(of).cast::<u8>().expose_provenance() as u64
}

fn length(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

/// A program as the kernel wants it.
#[derive(Debug, Clone, Copy)]
pub(super) struct ProgramAttributes<'a> {
    pub(super) name: &'a str,
    pub(super) program_type: u32,
    pub(super) attach_type: u32,
    /// `BPF_F_SLEEPABLE`, ...
    pub(super) flags: u32,
    /// Its instructions.
    pub(super) code: &'a [u8],
    pub(super) license: &'a CStr,
    pub(super) btf: Option<BorrowedFd<'a>>,
    pub(super) function_info: &'a [u8],
    pub(super) function_info_size: usize,
    pub(super) line_info: &'a [u8],
    pub(super) line_info_size: usize,
    /// The program and the BTF id of its function that this one extends or traces.
    pub(super) target: Option<(BorrowedFd<'a>, u32)>,
}

#[repr(C)]
#[derive(Default)]
struct ProgramLoad {
    prog_type: u32,
    insn_cnt: u32,
    insns: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buf: u64,
    kern_version: u32,
    prog_flags: u32,
    prog_name: [u8; 16],
    prog_ifindex: u32,
    expected_attach_type: u32,
    prog_btf_fd: u32,
    func_info_rec_size: u32,
    func_info: u64,
    func_info_cnt: u32,
    line_info_rec_size: u32,
    line_info: u64,
    line_info_cnt: u32,
    attach_btf_id: u32,
    attach_prog_fd: u32,
    core_relo_cnt: u32,
}
impl Attribute for ProgramLoad {}

/// A name as the kernel takes it: up to 15 letters, digits, `_` and `.`.
pub(super) fn name(full: &str) -> [u8; 16] {
    let mut name = [0; 16];
    for (to, from) in name.iter_mut().zip(full.bytes().take(15)) {
        *to = if from.is_ascii_alphanumeric() || from == b'.' { from } else { b'_' };
    }
    name
}

/// `BPF_PROG_LOAD`. With `log`, the verifier writes to it, NUL-terminated.
pub(super) fn program_load(
    program: &ProgramAttributes<'_>,
    log: Option<&mut [u8]>,
) -> io::Result<OwnedFd> {
    let (target, function) = program.target.map_or((0, 0), |(fd, id)| (number(fd), id));
    let mut attribute = ProgramLoad {
        prog_type: program.program_type,
        insn_cnt: length(program.code.len() / SIZE),
        insns: address(program.code),
        license: address(program.license),
        prog_flags: program.flags,
        prog_name: name(program.name),
        expected_attach_type: program.attach_type,
        prog_btf_fd: program.btf.map_or(0, number),
        func_info_rec_size: length(program.function_info_size),
        func_info: address(program.function_info),
        func_info_cnt: length(program.function_info.len() / program.function_info_size.max(1)),
        line_info_rec_size: length(program.line_info_size),
        line_info: address(program.line_info),
        line_info_cnt: length(program.line_info.len() / program.line_info_size.max(1)),
        attach_prog_fd: target,
        attach_btf_id: function,
        ..ProgramLoad::default()
    };
    if let Some(log) = log {
        attribute.log_level = 1;
        attribute.log_size = length(log.len());
        attribute.log_buf = address_mut(log);
    }
    bpf(BPF_PROG_LOAD, &mut attribute).map(descriptor)
}

#[repr(C)]
#[derive(Default)]
struct BtfLoad {
    btf: u64,
    btf_log_buf: u64,
    btf_size: u32,
    btf_log_size: u32,
    btf_log_level: u32,
    reserved: u32,
}
impl Attribute for BtfLoad {}

/// `BPF_BTF_LOAD`. With `log`, the kernel writes to it, NUL-terminated.
#[expect(clippy::needless_pass_by_value, reason = "the kernel writes through it")]
pub(super) fn btf_load(btf: &[u8], log: Option<&mut [u8]>) -> io::Result<OwnedFd> {
    let mut attribute =
        BtfLoad { btf: address(btf), btf_size: length(btf.len()), ..BtfLoad::default() };
    if let Some(log) = &log {
        attribute.btf_log_level = 1;
        attribute.btf_log_size = length(log.len());
        attribute.btf_log_buf = address(&**log);
    }
    bpf(BPF_BTF_LOAD, &mut attribute).map(descriptor)
}

#[repr(C)]
struct Id {
    id: u32,
    next: u32,
    open_flags: u32,
    reserved: u32,
}
impl Attribute for Id {}

#[repr(C)]
struct Info {
    fd: u32,
    length: u32,
    info: u64,
}
impl Attribute for Info {}

/// What the kernel knows of a program.
pub(super) fn program_info(program: BorrowedFd<'_>) -> io::Result<bpf_prog_info> {
    // SAFETY: the struct is made of integers and arrays of them; all zeros is a value of it.
    let mut info: bpf_prog_info = unsafe { std::mem::zeroed() };
    let mut attribute = Info {
        fd: number(program),
        length: length(size_of::<bpf_prog_info>()),
        info: address_mut(&mut info),
    };
    bpf(BPF_OBJ_GET_INFO_BY_FD, &mut attribute)?;
    Ok(info)
}

/// The BTF that a program was loaded with.
pub(super) fn btf_of(id: u32) -> io::Result<Vec<u8>> {
    let mut attribute = Id { id, next: 0, open_flags: 0, reserved: 0 };
    let btf = descriptor(bpf(BPF_BTF_GET_FD_BY_ID, &mut attribute)?);
    let mut data = Vec::new();
    // The first call tells the size, the second fills the buffer.
    loop {
        // SAFETY: as above, integers only.
        let mut info: bpf_btf_info = unsafe { std::mem::zeroed() };
        info.btf = address_mut(data.as_mut_slice());
        info.btf_size = length(data.len());
        let mut attribute = Info {
            fd: btf.as_raw_fd().cast_unsigned(),
            length: length(size_of::<bpf_btf_info>()),
            info: address_mut(&mut info),
        };
        bpf(BPF_OBJ_GET_INFO_BY_FD, &mut attribute)?;
        let size = info.btf_size as usize;
        if size <= data.len() {
            data.truncate(size);
            return Ok(data);
        }
        data.resize(size, 0);
    }
}

/// The ids of all links in the kernel, in order.
pub(super) fn link_ids() -> impl Iterator<Item = u32> {
    let after = |id: &u32| {
        let mut attribute = Id { id: *id, next: 0, open_flags: 0, reserved: 0 };
        bpf(BPF_LINK_GET_NEXT_ID, &mut attribute).ok()?;
        Some(attribute.next)
    };
    std::iter::successors(after(&0), after)
}

/// The beginning of `struct bpf_link_info`.
#[repr(C)]
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct LinkInfo {
    /// `enum bpf_link_type`.
    pub(super) link_type: u32,
    pub(super) id: u32,
    pub(super) program: u32,
    reserved: u32,
    /// What is particular to the type. An xdp link begins with its interface; a tracing link has
    /// its attach type, the number of the program it is on, and the BTF id of the function there.
    pub(super) words: [u32; 12],
}

/// What the kernel knows of the link with number `id`.
pub(super) fn link_info(id: u32) -> io::Result<LinkInfo> {
    let mut attribute = Id { id, next: 0, open_flags: 0, reserved: 0 };
    let link = descriptor(bpf(BPF_LINK_GET_FD_BY_ID, &mut attribute)?);
    info_of_link(link.as_fd())
}

/// What the kernel knows of `link`.
pub(super) fn info_of_link(link: BorrowedFd<'_>) -> io::Result<LinkInfo> {
    let mut info = LinkInfo::default();
    let mut attribute = Info {
        fd: number(link),
        length: length(size_of::<LinkInfo>()),
        info: address_mut(&mut info),
    };
    bpf(BPF_OBJ_GET_INFO_BY_FD, &mut attribute)?;
    Ok(info)
}

/// How often the kernel came to the place that `link`, which is one of a perf event, is at, and let
/// go by for a reason of its own: a kprobe within a kprobe, too many calls at once for a return probe.
/// None from a kernel that does not count that, nor the calls that it lets go by because another
/// program runs on the same CPU: both came with Linux 6.7.
///
/// The field is asked for with something in it. A kernel without that field does not take it (E2BIG),
/// and one where it does not apply leaves it as it is.
pub(super) fn missed(link: BorrowedFd<'_>) -> io::Result<Option<u64>> {
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
    let [first, second] = [info.words[MISSED], info.words[MISSED + 1]].map(u32::to_ne_bytes);
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&first);
    bytes[4..].copy_from_slice(&second);
    Ok(Some(u64::from_ne_bytes(bytes)))
}

/// The program with number `id`.
pub(super) fn program_by_id(id: u32) -> io::Result<OwnedFd> {
    let mut attribute = Id { id, next: 0, open_flags: 0, reserved: 0 };
    bpf(BPF_PROG_GET_FD_BY_ID, &mut attribute).map(descriptor)
}

/// A map as the kernel wants it: the beginning of its attributes.
#[repr(C)]
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct MapCreate {
    pub(super) map_type: u32,
    pub(super) key_size: u32,
    pub(super) value_size: u32,
    pub(super) max_entries: u32,
    pub(super) flags: u32,
    /// The descriptor of a map such as those that this one holds.
    pub(super) inner_map_fd: u32,
    pub(super) numa_node: u32,
    pub(super) name: [u8; 16],
    pub(super) interface: u32,
    /// The descriptor of BTF, and two types of it.
    pub(super) btf_fd: u32,
    pub(super) btf_key_type: u32,
    pub(super) btf_value_type: u32,
    pub(super) btf_vmlinux_value_type: u32,
    /// `map_extra`, what a type has of its own.
    pub(super) extra: u64,
}
impl Attribute for MapCreate {}

/// What the kernel knows of a map: the beginning of `struct bpf_map_info`.
#[repr(C)]
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct MapInfo {
    pub(super) map_type: u32,
    pub(super) id: u32,
    pub(super) key_size: u32,
    pub(super) value_size: u32,
    pub(super) max_entries: u32,
    pub(super) flags: u32,
}

/// What the kernel knows of a map.
pub(super) fn map_info(map: BorrowedFd<'_>) -> io::Result<MapInfo> {
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
pub(super) fn object_pin(path: &CStr, fd: BorrowedFd<'_>) -> io::Result<()> {
    let mut attribute = Pinned { path: path.as_ptr().addr() as u64, fd: number(fd), flags: 0 };
    bpf(BPF_OBJ_PIN, &mut attribute).map(drop)
}

/// `BPF_OBJ_GET`: what has that name.
pub(super) fn object_get(path: &CStr) -> io::Result<OwnedFd> {
    let mut attribute = Pinned { path: path.as_ptr().addr() as u64, fd: 0, flags: 0 };
    bpf(BPF_OBJ_GET, &mut attribute).map(descriptor)
}

/// `BPF_MAP_CREATE`.
pub(super) fn map_create(map: &mut MapCreate) -> io::Result<OwnedFd> {
    bpf(BPF_MAP_CREATE, map).map(descriptor)
}

/// A descriptor as such a struct holds it.
pub(super) fn number_of(fd: &OwnedFd) -> u32 {
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
pub(super) fn map_update(map: BorrowedFd<'_>, key: u32, value: &[u8]) -> io::Result<()> {
    let mut attribute = MapUpdate {
        map_fd: number(map),
        reserved: 0,
        key: address(&key),
        value: address(value),
        flags: 0,
    };
    bpf(BPF_MAP_UPDATE_ELEM, &mut attribute).map(drop)
}

/// `BPF_MAP_UPDATE_ELEM` with a key and a value as long as the map's.
pub(super) fn map_put(map: BorrowedFd<'_>, key: &[u8], value: &[u8]) -> io::Result<()> {
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
pub(super) fn map_delete(map: BorrowedFd<'_>, key: &[u8]) -> io::Result<()> {
    let mut attribute =
        MapUpdate { map_fd: number(map), reserved: 0, key: address(key), value: 0, flags: 0 };
    bpf(BPF_MAP_DELETE_ELEM, &mut attribute).map(drop)
}

#[repr(C)]
struct MapFreeze {
    map_fd: u32,
}
impl Attribute for MapFreeze {}

/// `BPF_MAP_FREEZE`: nobody writes to it any more, so the verifier may take it as constant.
pub(super) fn map_freeze(map: BorrowedFd<'_>) -> io::Result<()> {
    bpf(BPF_MAP_FREEZE, &mut MapFreeze { map_fd: number(map) }).map(drop)
}

#[repr(C)]
struct LinkCreate {
    prog_fd: u32,
    target: u32,
    attach_type: u32,
    flags: u32,
    /// What is particular to the type of link.
    words: [u32; 4],
}
impl Attribute for LinkCreate {}

/// What a link joins a program to: the number the kernel wants for it, and what goes with that.
#[derive(Debug, Clone, Copy)]
pub(super) enum LinkTarget<'a> {
    /// A perf event.
    PerfEvent(BorrowedFd<'a>),
    /// A network interface, by index, with the flags of its kind of link: `XDP_FLAGS_...`.
    Interface(u32, u32),
    /// The same, where the programs have an order, relative to the program with an id.
    Ordered(u32, u32, u32),
    /// A cgroup, or a network namespace.
    Folder(BorrowedFd<'a>, u32),
    /// A hook of netfilter: family, hook and priority.
    Netfilter(u32, u32, i32),
    /// A function of a program, by its BTF id.
    Function(BorrowedFd<'a>, u32),
}

/// `BPF_LINK_CREATE`.
pub(super) fn link_create(
    program: BorrowedFd<'_>,
    attach_type: u32,
    to: LinkTarget<'_>,
) -> io::Result<OwnedFd> {
    let (target, flags, words) = match to {
        LinkTarget::PerfEvent(event) => (number(event), 0, [0; 4]),
        LinkTarget::Interface(index, flags) => (index, flags, [0; 4]),
        LinkTarget::Ordered(index, flags, relative) => (index, flags, [relative, 0, 0, 0]),
        LinkTarget::Folder(folder, flags) => (number(folder), flags, [0; 4]),
        LinkTarget::Netfilter(family, hook, priority) => {
            (0, 0, [family, hook, priority.cast_unsigned(), 0])
        }
        LinkTarget::Function(program, id) => (number(program), 0, [id, 0, 0, 0]),
    };
    let mut attribute = LinkCreate { prog_fd: number(program), target, attach_type, flags, words };
    bpf(BPF_LINK_CREATE, &mut attribute).map(descriptor)
}

#[repr(C)]
struct RawTracepoint {
    name: u64,
    prog_fd: u32,
    reserved: u32,
}
impl Attribute for RawTracepoint {}

/// `BPF_RAW_TRACEPOINT_OPEN`: without a name it attaches a tracing program to what it was loaded
/// for.
pub(super) fn raw_tracepoint_open(
    program: BorrowedFd<'_>,
    name: Option<&CStr>,
) -> io::Result<OwnedFd> {
    let mut attribute = RawTracepoint {
        name: name.map_or(0, |name| address(name.to_bytes_with_nul())),
        prog_fd: number(program),
        reserved: 0,
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

/// `BPF_PROG_QUERY`: the ids of the programs at an interface, in the order in which they run.
pub(super) fn programs_at(interface: u32, attach_type: u32) -> io::Result<Vec<u32>> {
    /// More than the kernel attaches to one place.
    const MOST: usize = 64;
    let mut ids = vec![0_u32; MOST];
    let mut attribute = ProgramQuery {
        target: interface,
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

/// Waits until no CPU is inside a program that it entered before: membarrier(2), which on more
/// than one CPU waits for a grace period of RCU.
/// <https://github.com/torvalds/linux/blob/v6.12/kernel/sched/membarrier.c>
pub(super) fn settle() {
    const GLOBAL: i32 = 1; // MEMBARRIER_CMD_GLOBAL
    // A kernel that cannot (some CPU runs without ticks) leaves us as we were.
    // SAFETY: it takes numbers only.
    let _ = unsafe { libc::syscall(libc::SYS_membarrier, GLOBAL, 0, 0) };
}
