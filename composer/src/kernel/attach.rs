//! A loaded program → an attachment. Every one is a BPF link: a descriptor that detaches when it is
//! closed, so nothing stays behind when this process dies.
//!
//! Links of perf events are there from Linux 5.15.

use std::{
    ffi::CString,
    io,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
    path::Path,
};

use rustix::net::{AddressFamily, SocketType, netdevice::name_to_index, socket};

use aya_obj::generated::{bpf_attach_type::BPF_PERF_EVENT, bpf_link_type::BPF_LINK_TYPE_XDP};

use super::{
    KernelError, holder,
    loader::Loaded,
    sys::{self, LinkTarget},
};
use crate::hook::{Anchor, Mechanism, PerfEvent};

/// `PERF_TYPE_TRACEPOINT`.
const PERF_TYPE_TRACEPOINT: u32 = 2;
/// The PMU that kprobes are opened with; its number differs between machines.
pub(super) const KPROBE_PMU: &str = "/sys/bus/event_source/devices/kprobe/type";
/// Where tracefs is mounted, newer place first.
pub(super) fn tracefs() -> Option<&'static str> {
    let roots = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
    roots.into_iter().find(|root| Path::new(root).join("events").is_dir())
}

/// What keeps an attachment: dropped in this order, the link first.
#[derive(Debug)]
pub(super) struct Link {
    link: OwnedFd,
    _event: Option<OwnedFd>,
}

impl Link {
    /// How often the kernel came to the place and did not get as far as the program; none when it
    /// does not count that.
    pub(super) fn missed(&self) -> Result<Option<u64>, KernelError> {
        sys::missed(self.link.as_fd())
            .map_err(|error| KernelError::os("BPF_OBJ_GET_INFO_BY_FD", &error))
    }

    /// Whether the interface that it was made for is gone: the kernel detaches an xdp program then,
    /// and its link stays with 0 for an interface.
    pub(super) fn lost_interface(&self) -> Result<bool, KernelError> {
        let info = sys::info_of_link(self.link.as_fd())
            .map_err(|error| KernelError::os("BPF_OBJ_GET_INFO_BY_FD", &error))?;
        Ok(info.link_type == BPF_LINK_TYPE_XDP as u32 && info.words[0] == 0)
    }
}

/// Attaches `program` to the kernel itself.
pub(super) fn host(program: BorrowedFd<'_>, mechanism: Mechanism<'_>) -> Result<Link, KernelError> {
    match mechanism {
        Mechanism::PerfEvent(PerfEvent::Kprobe { function, at_return }) => {
            event_link(program, kprobe_event(function, at_return)?)
        }
        Mechanism::PerfEvent(PerfEvent::Tracepoint { category, name }) => {
            let number = tracepoint_id(category, name)?;
            let event = sys::perf_event_open(PERF_TYPE_TRACEPOINT, number, None);
            event_link(program, event.map_err(|error| not_opened(&error))?)
        }
        Mechanism::RawTracepoint(name) => {
            let name = c_string(name)?;
            let link = sys::raw_tracepoint_open(program, Some(&name))
                .map_err(|error| KernelError::os("BPF_RAW_TRACEPOINT_OPEN", &error))?;
            Ok(Link { link, _event: None })
        }
        Mechanism::Link { at: Anchor::Interface(interface), attach_type, flags } => {
            let index = interface_index(interface)?;
            let target = LinkTarget::Interface(index, flags);
            let link = sys::link_create(program, attach_type as u32, target).map_err(|error| {
                taken("BPF_LINK_CREATE", &error, || holder::of_interface(index))
            })?;
            Ok(Link { link, _event: None })
        }
    }
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
    Ok(Link { link, _event: None })
}

/// Attaches a tracer to what it was loaded for.
pub(super) fn tracer(tracer: &Loaded) -> Result<Link, KernelError> {
    // BPF_LINK_CREATE does it too, but only in newer kernels.
    let link = sys::raw_tracepoint_open(tracer.program.as_fd(), None).map_err(|error| {
        taken("BPF_RAW_TRACEPOINT_OPEN", &error, || {
            tracer.target.and_then(|(program, function)| holder::of_function(program, function))
        })
    })?;
    Ok(Link { link, _event: None })
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

/// A kprobe that nothing is attached to yet.
pub(super) fn kprobe_event(function: &str, at_return: bool) -> Result<OwnedFd, KernelError> {
    let pmu = std::fs::read_to_string(KPROBE_PMU)
        .map_err(|error| KernelError::os("read the kprobe PMU's type", &error))?;
    let pmu = pmu
        .trim()
        .parse()
        .map_err(|error| KernelError::here("read the kprobe PMU's type", error))?;
    let function = c_string(function)?;
    // Bit 0 of the configuration makes it a return probe:
    // /sys/bus/event_source/devices/kprobe/format/retprobe
    sys::perf_event_open(pmu, at_return.into(), Some(&function)).map_err(|error| not_opened(&error))
}

fn not_opened(error: &io::Error) -> KernelError {
    KernelError::os("perf_event_open", error)
}

fn event_link(program: BorrowedFd<'_>, event: OwnedFd) -> Result<Link, KernelError> {
    let target = LinkTarget::PerfEvent(event.as_fd());
    let link = sys::link_create(program, BPF_PERF_EVENT as u32, target)
        .map_err(|error| KernelError::os("BPF_LINK_CREATE", &error))?;
    Ok(Link { link, _event: Some(event) })
}

fn tracepoint_id(category: &str, name: &str) -> Result<u64, KernelError> {
    const CALL: &str = "find tracepoint";
    let root = tracefs().ok_or_else(|| KernelError::here(CALL, "tracefs is not mounted"))?;
    let path = Path::new(root).join("events").join(category).join(name).join("id");
    let text = std::fs::read_to_string(path).map_err(|error| KernelError::os(CALL, &error))?;
    text.trim().parse().map_err(|error| KernelError::here(CALL, error))
}

fn interface_index(name: &str) -> Result<u32, KernelError> {
    const CALL: &str = "find interface";
    let missing = |error: rustix::io::Errno| KernelError::os(CALL, &error.into());
    // By a socket of this process, so that it is this network namespace's interface: /sys may show
    // another one's.
    let socket = socket(AddressFamily::INET, SocketType::DGRAM, None).map_err(missing)?;
    name_to_index(socket, name).map_err(missing)
}

fn c_string(text: &str) -> Result<CString, KernelError> {
    CString::new(text).map_err(|_| KernelError::here("attach", "a name contains a NUL byte"))
}
