//! perf_event_open(2): places for programs at kprobes and tracepoints, and events that count what
//! found no room.
#![allow(unsafe_code, reason = "system calls")]

use std::{
    ffi::CStr,
    io,
    os::fd::{AsRawFd as _, BorrowedFd, OwnedFd},
};

use super::{address, descriptor, length};
use crate::hook::Sampling;

/// The first 72 bytes (`PERF_ATTR_SIZE_VER1`) of `struct perf_event_attr`.
#[repr(C)]
#[derive(Default)]
struct PerfEventAttr {
    event_type: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup: u32,
    bp_type: u32,
    config1: u64,
    config2: u64,
}

/// perf_event_open(2) of an event of `event_type`, for every process, as a place for a program.
pub(in crate::kernel) fn perf_event_open(event_type: u32, config: u64) -> io::Result<OwnedFd> {
    let attribute = PerfEventAttr {
        event_type,
        size: length(size_of::<PerfEventAttr>()),
        config,
        sample_period: 1,
        wakeup: 1,
        ..PerfEventAttr::default()
    };
    perf_open(&attribute, EVERY_PROCESS, FIRST_CPU)
}

/// A kprobe or uprobe.
#[derive(Debug, Clone, Copy)]
pub(in crate::kernel) struct ProbeEvent<'a> {
    /// The number of its PMU.
    pub(in crate::kernel) event_type: u32,
    /// The function, or the path of the file.
    pub(in crate::kernel) name: &'a CStr,
    /// Bytes from the start of either.
    pub(in crate::kernel) offset: u64,
    /// Where in the file a counter is that the kernel keeps: its `ref_ctr_offset`; 0 for none.
    pub(in crate::kernel) counter: u64,
    pub(in crate::kernel) at_return: bool,
    /// In this process alone.
    pub(in crate::kernel) pid: Option<u32>,
}

/// Opens a kprobe or uprobe.
pub(in crate::kernel) fn perf_probe(probe: ProbeEvent<'_>) -> io::Result<OwnedFd> {
    let attribute = PerfEventAttr {
        event_type: probe.event_type,
        size: length(size_of::<PerfEventAttr>()),
        // Bit 0 makes it a return probe: /sys/bus/event_source/devices/kprobe/format/retprobe
        // The upper half is that of the counter: .../uprobe/format/ref_ctr_offset
        config: u64::from(probe.at_return) | probe.counter << 32,
        sample_period: 1,
        wakeup: 1,
        // SAFETY of the call below: the name outlives it.
        config1: address(probe.name.to_bytes_with_nul()),
        config2: probe.offset,
        ..PerfEventAttr::default()
    };
    match probe.pid {
        Some(pid) => perf_open(&attribute, pid.cast_signed(), EVERY_CPU),
        None => perf_open(&attribute, EVERY_PROCESS, FIRST_CPU),
    }
}

const FIRST_CPU: i32 = 0;

/// An event that is sampled.
#[derive(Debug, Clone, Copy)]
pub(in crate::kernel) struct Sampled {
    pub(in crate::kernel) event_type: u32,
    pub(in crate::kernel) config: u64,
    pub(in crate::kernel) every: Sampling,
    /// Of this task and the threads that it starts; of every process when there is none.
    pub(in crate::kernel) task: Option<i32>,
    /// On this CPU; on every one when there is none.
    pub(in crate::kernel) cpu: Option<i32>,
}

/// Opens an event that is sampled. One of every process is of one CPU.
pub(in crate::kernel) fn perf_sampled_event(event: Sampled) -> io::Result<OwnedFd> {
    /// Threads that the task starts later are counted as well, other processes are not:
    /// `inherit` and `inherit_thread` (5.13).
    const INHERIT: u64 = 1 << 1 | 1 << 35;
    const FREQUENCY: u64 = 1 << 10;
    let (sample_period, unit) = match event.every {
        Sampling::Frequency(frequency) => (frequency, FREQUENCY),
        Sampling::Period(period) => (period, 0),
    };
    let attribute = PerfEventAttr {
        event_type: event.event_type,
        size: length(size_of::<PerfEventAttr>()),
        config: event.config,
        sample_period: sample_period.into(),
        flags: unit | if event.task.is_some() { INHERIT } else { 0 },
        ..PerfEventAttr::default()
    };
    perf_open(&attribute, event.task.unwrap_or(EVERY_PROCESS), event.cpu.unwrap_or(EVERY_CPU))
}

const EVERY_PROCESS: i32 = -1;
const EVERY_CPU: i32 = -1;

/// An event that programs write to with `bpf_perf_event_output`, on `cpu`. Its records go to the
/// buffer of `to`; those that find no room are counted, which Linux can from 6.0 on.
pub(in crate::kernel) fn perf_output_event(cpu: u32, to: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    const SOFTWARE: u32 = 1; // PERF_TYPE_SOFTWARE
    const BPF_OUTPUT: u64 = 10; // PERF_COUNT_SW_BPF_OUTPUT
    const RAW: u64 = 1 << 10; // PERF_SAMPLE_RAW
    const LOST: u64 = 1 << 4; // PERF_FORMAT_LOST
    const SET_OUTPUT: libc::Ioctl = 0x2405; // PERF_EVENT_IOC_SET_OUTPUT
    let attribute = PerfEventAttr {
        event_type: SOFTWARE,
        size: length(size_of::<PerfEventAttr>()),
        config: BPF_OUTPUT,
        sample_period: 1,
        sample_type: RAW,
        read_format: LOST,
        wakeup: 1,
        ..PerfEventAttr::default()
    };
    let event = perf_open(&attribute, EVERY_PROCESS, cpu.cast_signed())?;
    // SAFETY: both are open descriptors, and this request takes one as its argument.
    let done = unsafe { libc::ioctl(event.as_raw_fd(), SET_OUTPUT, to.as_raw_fd()) };
    if done < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(event)
}

/// How many records of an event of [`perf_output_event`] found no room.
pub(in crate::kernel) fn perf_lost(event: BorrowedFd<'_>) -> io::Result<u64> {
    // With PERF_FORMAT_LOST alone: the event's value, then what was lost.
    let mut bytes = [0_u8; 16];
    let read = rustix::io::read(event, &mut bytes)?;
    let lost = bytes.get(8..read).and_then(|lost| lost.try_into().ok());
    lost.map(u64::from_ne_bytes).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

fn perf_open(attribute: &PerfEventAttr, task: i32, cpu: i32) -> io::Result<OwnedFd> {
    const NO_GROUP: i32 = -1;
    const CLOSE_ON_EXEC: u64 = 8; // PERF_FLAG_FD_CLOEXEC
    // SAFETY: `attribute` is a live struct of the size it says; a name that it points to outlives
    // the call, as the callers say.
    let result = unsafe {
        libc::syscall(
            libc::SYS_perf_event_open,
            std::ptr::from_ref(attribute),
            task,
            cpu,
            NO_GROUP,
            CLOSE_ON_EXEC,
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(descriptor(i32::try_from(result).unwrap_or(i32::MAX))) // a descriptor, so an int
}
