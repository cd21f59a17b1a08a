//! Programs at perf events: kprobes, uprobes, tracepoints, and events that are sampled.

use std::{
    ffi::CString,
    fs, io,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
    path::Path,
};

use aya_obj::generated::bpf_attach_type::BPF_PERF_EVENT;

use super::{Link, c_string, tracefs, uprobe, usdt};
use crate::{
    hook::PerfEvent,
    kernel::{
        KernelError,
        sys::{self, LinkTarget},
    },
};

/// `PERF_TYPE_TRACEPOINT`.
const PERF_TYPE_TRACEPOINT: u32 = 2;
/// The PMU that kprobes are opened with; its number differs between machines.
pub(in crate::kernel) const KPROBE_PMU: &str = "/sys/bus/event_source/devices/kprobe/type";
/// The same for uprobes.
pub(in crate::kernel) const UPROBE_PMU: &str = "/sys/bus/event_source/devices/uprobe/type";

/// A link at each perf event that stands for `event`.
pub(super) fn link(
    program: BorrowedFd<'_>,
    event: PerfEvent<'_>,
    cookie: u64,
) -> Result<Link, KernelError> {
    let events = open(event)?;
    let links = events.iter().map(|event| link_to(program, event, cookie));
    Ok(Link::of(links.collect::<Result<_, _>>()?, events))
}

/// A link to one perf event.
pub(super) fn link_to(
    program: BorrowedFd<'_>,
    event: &OwnedFd,
    cookie: u64,
) -> Result<OwnedFd, KernelError> {
    let target = LinkTarget::PerfEvent(event.as_fd(), cookie);
    sys::link_create(program, BPF_PERF_EVENT as u32, target)
        .map_err(|error| KernelError::os("BPF_LINK_CREATE", &error))
}

/// Looks for what an event is of.
pub(super) fn locate(event: PerfEvent<'_>) -> Result<(), KernelError> {
    match event {
        PerfEvent::Tracepoint { category, name } => tracepoint_id(category, name).map(drop),
        PerfEvent::Uprobe { binary, place, pid, .. } => {
            if let Some(pid) = pid {
                threads(pid)?;
            }
            uprobe::locate(binary, place).map(drop)
        }
        PerfEvent::Sampled { pid: Some(pid), .. } => threads(pid).map(drop),
        PerfEvent::Sampled { .. } | PerfEvent::Kprobe { .. } | PerfEvent::Syscall { .. } => Ok(()),
    }
}

fn open(event: PerfEvent<'_>) -> Result<Vec<OwnedFd>, KernelError> {
    let one = |event: OwnedFd| vec![event];
    match event {
        PerfEvent::Kprobe { function, offset, at_return } => {
            probe(KPROBE_PMU, function, (offset.into(), 0), at_return, None).map(one)
        }
        PerfEvent::Syscall { name, at_return } => {
            probe(KPROBE_PMU, &syscall(name), (0, 0), at_return, None).map(one)
        }
        PerfEvent::Uprobe { binary, place, at_return, pid } => {
            let (path, offset) = uprobe::locate(binary, place)?;
            probe(UPROBE_PMU, &path, (offset, 0), at_return, pid).map(one)
        }
        PerfEvent::Tracepoint { category, name } => {
            let number = tracepoint_id(category, name)?;
            let event = sys::perf_event_open(PERF_TYPE_TRACEPOINT, number);
            event.map(one).map_err(|error| not_opened(&error))
        }
        PerfEvent::Sampled { event_type, config, every, cpu, pid } => {
            let cpu = cpu.map(u32::cast_signed);
            let open = |task, cpu| {
                let event = sys::Sampled { event_type, config, every, task, cpu };
                sys::perf_sampled_event(event).map_err(|error| not_opened(&error))
            };
            match (pid, cpu) {
                (Some(pid), cpu) => {
                    threads(pid)?.into_iter().map(|thread| open(Some(thread), cpu)).collect()
                }
                (None, Some(cpu)) => open(None, Some(cpu)).map(one),
                (None, None) => {
                    let online = aya::util::online_cpus().map_err(|(path, error)| {
                        KernelError::here("list CPUs", format!("{path}: {error}"))
                    })?;
                    online.into_iter().map(|cpu| open(None, Some(cpu.cast_signed()))).collect()
                }
            }
        }
    }
}

/// The function of a system call, as the architecture calls it.
fn syscall(name: &str) -> String {
    let prefix = match std::env::consts::ARCH {
        "x86_64" => "__x64_",
        "aarch64" => "__arm64_",
        "riscv64" => "__riscv_",
        "s390x" => "__s390x_",
        _ => "",
    };
    format!("{prefix}sys_{name}")
}

/// The threads of a process.
pub(super) fn threads(pid: u32) -> Result<Vec<i32>, KernelError> {
    let missing = || KernelError::with_errno("find process", libc::ESRCH);
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).map_err(|_| missing())?;
    let ids = tasks.flatten().filter_map(|task| task.file_name().to_str()?.parse().ok());
    let ids: Vec<i32> = ids.collect();
    if ids.is_empty() { Err(missing()) } else { Ok(ids) }
}

/// A kprobe at the start of a function, or at its return, that nothing is attached to yet.
pub(in crate::kernel) fn kprobe_event(
    function: &str,
    at_return: bool,
) -> Result<OwnedFd, KernelError> {
    probe(KPROBE_PMU, function, (0, 0), at_return, None)
}

/// A uprobe at a place of a USDT probe.
pub(super) fn at_site(
    path: &str,
    site: &usdt::ProbeSite,
    pid: Option<u32>,
) -> Result<OwnedFd, KernelError> {
    probe(UPROBE_PMU, path, (site.offset, site.semaphore), false, pid)
}

/// An event of the PMU `kprobe` or `uprobe`, at an offset of a function or of a file; in a file a counter
/// may be at another, which the kernel keeps.
fn probe(
    pmu: &str,
    name: &str,
    (offset, counter): (u64, u64),
    at_return: bool,
    pid: Option<u32>,
) -> Result<OwnedFd, KernelError> {
    const CALL: &str = "read the PMU's type";
    let pmu = fs::read_to_string(pmu).map_err(|error| KernelError::os(CALL, &error))?;
    let event_type = pmu.trim().parse().map_err(|error| KernelError::here(CALL, error))?;
    let name: CString = c_string(name)?;
    let probe = sys::ProbeEvent { event_type, name: &name, offset, counter, at_return, pid };
    sys::perf_probe(probe).map_err(|error| not_opened(&error))
}

fn not_opened(error: &io::Error) -> KernelError {
    KernelError::os("perf_event_open", error)
}

fn tracepoint_id(category: &str, name: &str) -> Result<u64, KernelError> {
    const CALL: &str = "find tracepoint";
    let root = tracefs().ok_or_else(|| KernelError::here(CALL, "tracefs is not mounted"))?;
    let path = Path::new(root).join("events").join(category).join(name).join("id");
    let text = fs::read_to_string(path).map_err(|error| KernelError::os(CALL, &error))?;
    text.trim().parse().map_err(|error| KernelError::here(CALL, error))
}
