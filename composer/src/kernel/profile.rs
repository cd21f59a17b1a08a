//! What the running kernel offers, measured: a [`Profile`] of it.
//!
//! Everything is found out by asking for it: programs of a few instructions are loaded, maps made,
//! a replacement put into a program that sits nowhere, and all is let go of at once. Two helpers
//! are noticed all the same, as with any program that calls them: `bpf_probe_write_user` leaves a
//! line in the kernel's log, and `bpf_trace_printk` switches its trace event on.

mod maps;
mod programs;

use std::{
    collections::HashSet,
    os::fd::{AsFd as _, BorrowedFd},
};

use super::{
    KernelError, attach,
    loader::Loaded,
    machine,
    probe::Probe,
    sys::{self, LinkTarget},
};
use crate::{
    chain::ProbePoint,
    object::{AttachType, ProgramKind},
    plan::LoadAs,
    profile::{Features, Profile},
};

use programs::ProbedType;
pub(super) use programs::{cgroup_unix, lsm_cgroup};

/// Measures the running kernel. Needs the right to use eBPF.
///
/// # Errors
/// When the kernel takes not even the smallest program, or its release is none.
pub fn measure() -> Result<Profile, KernelError> {
    let kernel = machine::version()
        .ok_or_else(|| KernelError::here("read the kernel's release", machine::release()))?;
    let mut probe = Probe::new("features")?;
    let host = probe.load("host", LoadAs::Hook(ProgramKind::Xdp), None)?;
    let (helpers, mut programs) = programs::offered(&host)?;
    let replacement = probe.load("replacement", LoadAs::Replacement, stub(&host)).ok();
    if replacement.is_some() {
        programs.insert("ext".to_owned());
    }
    let features = features(&mut probe, &host, replacement.as_ref())?;
    let (programs, maps) = (Some(programs), Some(maps::offered()));
    Ok(Profile { kernel, features, programs, maps, helpers: Some(helpers), targets: None })
}

fn features(
    probe: &mut Probe,
    host: &Loaded,
    replacement: Option<&Loaded>,
) -> Result<Features, KernelError> {
    let kprobe = ("kprobe_host", ProgramKind::Kprobe);
    let mut takes = |program, kind| probe.load(program, LoadAs::Hook(kind), None).is_ok();
    let memory_arguments = takes("struct_host", ProgramKind::Xdp);
    let void_functions = takes("void_host", ProgramKind::Xdp);
    let timers_in_tracing = takes("timer_host", ProgramKind::Kprobe);
    let lazy_functions = takes("lazy", ProgramKind::Xdp);
    let argument_tags = takes("tag", ProgramKind::Xdp);
    let frames_of_16 = takes("frames", ProgramKind::Xdp);
    let private_stacks = takes("stacks", ProgramKind::Kprobe);
    let frames_of_globals_apart = takes("depth", ProgramKind::Xdp);
    Ok(Features {
        fsession: probe.load("tracer", LoadAs::Fsession, stub(host)).is_ok(),
        memory_arguments,
        void_functions,
        timers_in_tracing,
        nested_tracing: nested_tracing(probe, host),
        entry_without_argument: replaced(probe, ("bare", ProgramKind::Xdp), "bare_replacement"),
        locks_in_tracing_replacements: replaced(probe, kprobe, "locking"),
        timers_in_tracing_replacements: replaced(probe, kprobe, "timing"),
        packet_data_compared: replacement.is_some()
            && probe.load("move", LoadAs::Replacement, stub(host)).is_err(),
        unique_kprobe_symbol: unique_kprobe_symbol(),
        pointer_arguments_whole: probe
            .load("half", LoadAs::Tracer(ProbePoint::Fentry), stub(host))
            .is_err(),
        several_stubs: match replacement {
            Some(replacement) => several_stubs(probe, replacement)?,
            None => false,
        },
        perf_links: perf_links() == Some(Ok(())),
        lazy_functions,
        argument_tags,
        frames_of_16,
        private_stacks,
        frames_of_globals_apart,
        most_frames: programs::most_frames(),
        most_tracers: most_tracers(host)?,
        tcx: interface_links(AttachType::TcxIngress) == Some(Ok(())),
        netkit: interface_links(AttachType::NetkitPrimary) == Some(Ok(())),
        kprobe_multi: kprobe_multi() == Some(Ok(())),
        lsm_results: programs::lsm_results(),
        lsm_cgroup: lsm_cgroup(),
        cgroup_unix: cgroup_unix(),
        cgroup_order: cgroup_order() == Some(Ok(())),
    })
}

/// Loads the smallest program of this type.
pub(super) fn loads(program: ProgramKind) -> Result<(), KernelError> {
    let loaded = ProbedType::of(program).load_smallest();
    loaded.map(drop).map_err(|error| KernelError::os("BPF_PROG_LOAD", &error))
}

/// Whether programs of this kind may ask for the cookie that they are attached with. None when none can
/// be loaded.
pub(super) fn has_cookies(program: ProgramKind) -> Option<bool> {
    programs::offers(program, "bpf_get_attach_cookie")
}

/// Links of this type at interfaces: asks for one at an interface that does not exist. A kernel that
/// has such links looks for it and says ENODEV.
pub(super) fn interface_links(attach_type: AttachType) -> Option<Result<(), i32>> {
    /// The highest number that an interface can have.
    const NONE: u32 = i32::MAX.cast_unsigned();
    let program = ProbedType::of(ProgramKind::Tc).load_smallest().ok()?;
    links(program.as_fd(), attach_type, LinkTarget::Interface(NONE, 0, 0), &[libc::ENODEV])
}

/// Places among the programs of a cgroup: asks for one in front of all at what is no cgroup. A kernel
/// that has such places looks at it and says EBADF, another one EINVAL.
pub(super) fn cgroup_order() -> Option<Result<(), i32>> {
    const BEFORE: u32 = 1 << 3; // BPF_F_BEFORE
    let program = ProbedType::of(ProgramKind::CgroupDevice).load_smallest().ok()?;
    let target = LinkTarget::Folder(program.as_fd(), BEFORE, 0);
    links(program.as_fd(), AttachType::CgroupDevice, target, &[libc::EBADF])
}

/// Links at many functions: asks for one at a function that is not there. A kernel that has such links
/// looks for it and says ENOENT or ESRCH.
pub(super) fn kprobe_multi() -> Option<Result<(), i32>> {
    let multi = AttachType::TraceKprobeMulti;
    let program = ProbedType { attach_type: Some(multi), ..ProbedType::of(ProgramKind::Kprobe) };
    let program = program.load_smallest().ok()?;
    let names = [c"fc_no_such_function".to_owned()];
    let target = LinkTarget::Functions(&names, 0, &[0]);
    links(program.as_fd(), multi, target, &[libc::ENOENT, libc::ESRCH])
}

/// Whether the kernel has links of a type: asks for one at `target`, which cannot be. A kernel that has
/// them says one of `looked`, and another one EINVAL or EOPNOTSUPP before it looks at the target. None
/// when it says something else; those who ask give none, too, when no program could be loaded.
fn links(
    program: BorrowedFd<'_>,
    attach_type: AttachType,
    target: LinkTarget<'_>,
    looked: &[i32],
) -> Option<Result<(), i32>> {
    let refused = sys::link_create(program, attach_type as u32, target).err()?;
    match refused.raw_os_error()? {
        errno if looked.contains(&errno) => Some(Ok(())),
        errno @ (libc::EINVAL | libc::EOPNOTSUPP) => Some(Err(errno)),
        _ => None,
    }
}

/// Asks for kprobes at names that several functions have, until one is taken or refused for that.
fn unique_kprobe_symbol() -> bool {
    /// Some of them must not be probed at all.
    const TRIED: usize = 64;
    let symbols = machine::symbols().unwrap_or_default();
    let mut seen = HashSet::new();
    let functions = symbols.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace().skip(1);
        match (words.next(), words.next(), words.next()) {
            (Some("t" | "T"), Some(name), None) => Some(name),
            _ => None,
        }
    });
    let several = functions.filter(|name| !seen.insert(*name)).take(TRIED);
    let mut answers = several.filter_map(|name| match attach::kprobe_event(name, false) {
        Ok(_) => Some(false),
        Err(error) => (error.errno == Some(libc::EADDRNOTAVAIL)).then_some(true),
    });
    // A kernel without such names is as good as one that refuses them.
    answers.next().unwrap_or(true)
}

fn stub(host: &Loaded) -> Option<(&Loaded, &str)> {
    Some((host, "stub"))
}

fn nested_tracing(probe: &mut Probe, host: &Loaded) -> bool {
    let fentry = LoadAs::Tracer(ProbePoint::Fentry);
    let Ok(tracer) = probe.load("tracer", fentry, stub(host)) else { return false };
    probe.load("tracer", fentry, Some((&tracer, "tracer"))).is_ok()
}

/// Whether the entry of a program of this name and type can be replaced by `replacement`.
fn replaced(probe: &mut Probe, (host, kind): (&str, ProgramKind), replacement: &str) -> bool {
    let Ok(loaded) = probe.load(host, LoadAs::Hook(kind), None) else { return false };
    probe.load(replacement, LoadAs::Replacement, Some((&loaded, host))).is_ok()
}

/// Puts the replacement, which was loaded for one program, into another one.
fn several_stubs(probe: &mut Probe, replacement: &Loaded) -> Result<bool, KernelError> {
    let other = probe.load("host", LoadAs::Hook(ProgramKind::Xdp), None)?;
    Ok(attach::replacement(replacement.program.as_fd(), &other, "stub").is_ok())
}

/// Attaches tracers to one function until there is no room for another. None when it comes to
/// something else, or not to an end.
fn most_tracers(host: &Loaded) -> Result<Option<u16>, KernelError> {
    /// `BPF_MAX_TRAMP_LINKS` is 38 at most on every architecture known.
    const TRIED: u16 = 256;
    let tracer = ProbedType {
        load_as: LoadAs::Tracer(ProbePoint::Fentry),
        attach_type: Some(AttachType::TraceFentry),
        attach_btf_id: 0,
        target: Some((host.program.as_fd(), host.function("stub")?)),
    };
    let mut links = Vec::new();
    for count in 0..TRIED {
        // A program has one place in a trampoline, so each tracer is one of its own.
        let Ok(program) = tracer.load_smallest() else { return Ok(None) };
        match sys::raw_tracepoint_open(program.as_fd(), None, 0) {
            Ok(link) => links.push(link),
            Err(error) if error.raw_os_error() == Some(libc::E2BIG) => return Ok(Some(count)),
            Err(_) => return Ok(None),
        }
    }
    Ok(None)
}

/// Asks for a link to something that is no perf event: a kernel that has such links looks at it and
/// says EBADF, one that has none says EINVAL before that. `bpf_perf_link_attach`,
/// <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/syscall.c>. None when it says something
/// else, or takes no such program.
pub(super) fn perf_links() -> Option<Result<(), i32>> {
    let program = ProbedType::of(ProgramKind::Tracepoint).load_smallest().ok()?;
    let target = LinkTarget::PerfEvent(program.as_fd(), 0);
    links(program.as_fd(), AttachType::PerfEvent, target, &[libc::EBADF])
}
