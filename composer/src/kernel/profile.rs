//! What the running kernel offers, measured: a [`Profile`] of it.
//!
//! Everything is found out by asking for it: programs of a few instructions are loaded, maps made,
//! a replacement put into a program that sits nowhere, and all is let go of at once. Two helpers
//! are noticed all the same, as with any program that calls them: `bpf_probe_write_user` leaves a
//! line in the kernel's log, and `bpf_trace_printk` switches its trace event on.

mod maps;
mod programs;

use std::{collections::HashSet, os::fd::AsFd as _};

use aya_obj::generated::bpf_attach_type::BPF_PERF_EVENT;

use super::{
    KernelError, attach,
    loader::Loaded,
    machine,
    probe::Probe,
    sys::{self, LinkTarget},
};
use crate::{
    chain::Moment,
    check::profile::{Features, Profile},
    object::ProgramKind,
    plan::LoadAs,
};

use programs::Type;

/// Measures the running kernel. Needs the right to use eBPF.
///
/// # Errors
/// When the kernel takes not even the smallest program, or its release is none.
pub fn measure() -> Result<Profile, KernelError> {
    let kernel = machine::version()
        .ok_or_else(|| KernelError::here("read the kernel's release", machine::release()))?;
    let mut probe = Probe::new()?;
    let host = probe.load("probe_host", LoadAs::Hook(ProgramKind::Xdp), None)?;
    let (helpers, mut programs) = programs::offered(&host)?;
    let replacement = probe.load("probe_replacement", LoadAs::Replacement, stub(&host)).ok();
    if replacement.is_some() {
        programs.insert("ext".to_owned());
    }
    let features = Features {
        nested_tracing: nested_tracing(&mut probe, &host),
        entry_without_argument: entry_without_argument(&mut probe),
        packet_data_compared: replacement.is_some()
            && probe.load("probe_move", LoadAs::Replacement, stub(&host)).is_err(),
        unique_kprobe_symbol: unique_kprobe_symbol(),
        pointer_arguments_whole: probe
            .load("probe_half", LoadAs::Tracer(Moment::Fentry), stub(&host))
            .is_err(),
        several_stubs: match &replacement {
            Some(replacement) => several_stubs(&mut probe, replacement)?,
            None => false,
        },
        perf_links: perf_links(),
        lazy_functions: is_loaded(&mut probe, "probe_lazy", ProgramKind::Xdp),
        argument_tags: is_loaded(&mut probe, "probe_tag", ProgramKind::Xdp),
        frames_of_16: is_loaded(&mut probe, "probe_frames", ProgramKind::Xdp),
        private_stacks: is_loaded(&mut probe, "probe_stacks", ProgramKind::Kprobe),
        frames_of_globals_apart: is_loaded(&mut probe, "probe_depth", ProgramKind::Xdp),
    };
    let (programs, maps) = (Some(programs), Some(maps::offered()));
    Ok(Profile { kernel, features, programs, maps, helpers: Some(helpers), targets: None })
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
    let mut answers = several.filter_map(|name| match attach::kprobe_event(name, 0) {
        Ok(_) => Some(false),
        Err(error) => (error.errno == Some(libc::EADDRNOTAVAIL)).then_some(true),
    });
    // A kernel without such names is as good as one that refuses them.
    answers.next().unwrap_or(true)
}

fn is_loaded(probe: &mut Probe, program: &str, kind: ProgramKind) -> bool {
    probe.load(program, LoadAs::Hook(kind), None).is_ok()
}

fn stub(host: &Loaded) -> Option<(&Loaded, &str)> {
    Some((host, "probe_stub"))
}

fn nested_tracing(probe: &mut Probe, host: &Loaded) -> bool {
    let fentry = LoadAs::Tracer(Moment::Fentry);
    let Ok(tracer) = probe.load("probe_tracer", fentry, stub(host)) else { return false };
    probe.load("probe_tracer", fentry, Some((&tracer, "probe_tracer"))).is_ok()
}

fn entry_without_argument(probe: &mut Probe) -> bool {
    let Ok(host) = probe.load("probe_bare", LoadAs::Hook(ProgramKind::Xdp), None) else {
        return false;
    };
    let target = Some((&host, "probe_bare"));
    probe.load("probe_bare_replacement", LoadAs::Replacement, target).is_ok()
}

/// Puts the replacement, which was loaded for one program, into another one.
fn several_stubs(probe: &mut Probe, replacement: &Loaded) -> Result<bool, KernelError> {
    let other = probe.load("probe_host", LoadAs::Hook(ProgramKind::Xdp), None)?;
    Ok(attach::replacement(replacement.program.as_fd(), &other, "probe_stub").is_ok())
}

/// Asks for a link to something that is no perf event: a kernel that has such links looks at it and
/// says EBADF, one that has none says EINVAL before that. `bpf_perf_link_attach`,
/// <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/syscall.c>.
fn perf_links() -> bool {
    let tracepoint = Type { load_as: LoadAs::Hook(ProgramKind::Tracepoint), target: None };
    let Ok(program) = tracepoint.load_smallest() else { return false };
    let target = LinkTarget::PerfEvent(program.as_fd());
    let made = sys::link_create(program.as_fd(), BPF_PERF_EVENT as u32, target);
    made.is_err_and(|error| error.raw_os_error() == Some(libc::EBADF))
}
