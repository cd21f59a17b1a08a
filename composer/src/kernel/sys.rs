//! The system calls that aya does not offer: bpf(2) to load a program against another program,
//! and links; perf_event_open(2) in `perf`.
//!
//! Each attribute struct is the beginning of the kernel's union for that command, without padding;
//! bpf(2) takes a shorter one and reads the rest as zero.
//! <https://github.com/torvalds/linux/blob/v6.12/include/uapi/linux/bpf.h>
#![allow(unsafe_code, reason = "system calls")]

mod link;
mod map;
mod perf;
mod program;
mod socket;

use std::{
    ffi::CStr,
    io,
    os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd},
};

pub(super) use link::{
    LinkInfo, LinkTarget, TextField, info_of_link, iterator_create, link_addresses, link_by_id,
    link_create, link_info, link_text, missed, program_attach, program_detach, programs_at,
    raw_tracepoint_open, task_descriptor, whole,
};
pub(super) use map::{
    MapCreate, MapInfo, array_put, array_values, map_create, map_delete, map_freeze, map_get,
    map_info, map_lookup, map_next_key, map_put, map_update, number_of, object_get, object_pin,
};
pub(super) use perf::{
    ProbeEvent, Sampled, perf_event_open, perf_lost, perf_output_event, perf_probe,
    perf_sampled_event,
};
pub(super) use program::{
    Numbered, ProgramParts, btf_name, btf_of, ids, map_by_id, program_by_id, program_info,
    program_parts,
};
pub(super) use socket::{filter_socket, packet_socket};

use crate::object::insn::SIZE;
use aya_obj::generated::bpf_cmd::{self, BPF_BTF_LOAD, BPF_PROG_LOAD, BPF_PROG_TEST_RUN};

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

/// The text up to its NUL.
pub(super) fn until_nul(text: &[u8]) -> String {
    let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
    String::from_utf8_lossy(&text[..end]).into_owned()
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
    /// The BTF id in the kernel's own BTF of what this one is for; 0 when there is none.
    pub(super) attach_btf_id: u32,
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
    let of_kernel = (0, program.attach_btf_id);
    let (target, function) = program.target.map_or(of_kernel, |(fd, id)| (number(fd), id));
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

/// The beginning of what `BPF_PROG_TEST_RUN` takes, up to the context.
#[repr(C)]
#[derive(Debug, Default)]
pub(super) struct ProgramRun {
    prog_fd: u32,
    pub(super) answer: u32,
    data_size_in: u32,
    pub(super) data_size_out: u32,
    data_in: u64,
    data_out: u64,
    repeat: u32,
    /// Nanoseconds of one run, on average.
    pub(super) duration: u32,
    context_size_in: u32,
    pub(super) context_size_out: u32,
    context_in: u64,
    context_out: u64,
}
impl Attribute for ProgramRun {}

/// `BPF_PROG_TEST_RUN` of a program that is run with nothing but a context, which it may change; what it
/// returned.
pub(super) fn program_run(program: BorrowedFd<'_>, context: &mut [u8]) -> io::Result<u32> {
    let mut attribute = ProgramRun {
        prog_fd: number(program),
        context_size_in: length(context.len()),
        context_in: address_mut(context),
        ..ProgramRun::default()
    };
    bpf(BPF_PROG_TEST_RUN, &mut attribute)?;
    Ok(attribute.answer)
}

/// `BPF_PROG_TEST_RUN` of a program with `data` and a `context`, either of which may be empty. What it leaves of
/// them is written to `to`, as far as there is room.
#[expect(clippy::needless_pass_by_value, reason = "the kernel writes through it")]
pub(super) fn program_test(
    program: BorrowedFd<'_>,
    (data, context): (&[u8], &[u8]),
    to: (&mut [u8], &mut [u8]),
    repeat: u32,
) -> io::Result<ProgramRun> {
    let given = |bytes: &[u8]| if bytes.is_empty() { 0 } else { address(bytes) };
    let room = |bytes: &mut [u8]| if bytes.is_empty() { 0 } else { address_mut(bytes) };
    let mut attribute = ProgramRun {
        prog_fd: number(program),
        data_size_in: length(data.len()),
        data_in: given(data),
        data_size_out: length(to.0.len()),
        data_out: room(to.0),
        context_size_in: length(context.len()),
        context_in: given(context),
        context_size_out: length(to.1.len()),
        context_out: room(to.1),
        repeat,
        ..ProgramRun::default()
    };
    bpf(BPF_PROG_TEST_RUN, &mut attribute)?;
    Ok(attribute)
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

impl Id {
    fn of(id: u32) -> Self {
        Self { id, next: 0, open_flags: 0, reserved: 0 }
    }
}

#[repr(C)]
struct Info {
    fd: u32,
    length: u32,
    info: u64,
}
impl Attribute for Info {}

/// Waits until no CPU is inside a program that it entered before: membarrier(2), which on more
/// than one CPU waits for a grace period of RCU.
/// <https://github.com/torvalds/linux/blob/v6.12/kernel/sched/membarrier.c>
pub(super) fn settle() {
    const GLOBAL: i32 = 1; // MEMBARRIER_CMD_GLOBAL
    // A kernel that cannot (some CPU runs without ticks) leaves us as we were.
    // SAFETY: it takes numbers only.
    let _ = unsafe { libc::syscall(libc::SYS_membarrier, GLOBAL, 0, 0) };
}
