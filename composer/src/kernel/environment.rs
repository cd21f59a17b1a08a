//! What this machine's kernel can do, and how that was found out.
//!
//! Asked before anything of a chain is loaded, so that what is missing is named, instead of showing
//! up as a bare EPERM half-way.

mod capability;
mod feature;

use std::fs;

use super::{KernelError, attach, loader::Loaded, probe::Probe, profile};
use crate::{
    chain::ProbePoint,
    errno::errno_name,
    files,
    object::{AttachType, ProgramKind, RINGBUF},
    plan::LoadAs,
};
pub use capability::Capability;
pub use feature::Feature;

/// Whether a feature is there, and how that was found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The feature.
    pub feature: Feature,
    /// Whether it is there; none when it could not be tried, because something it needs is not
    /// there, or because this process or the machine has run short of files or memory.
    pub present: Option<bool>,
    /// How that was found out: `BPF_PROG_LOAD of a freplace program: EPERM`.
    pub how: String,
}

/// Looks at each of `features`, which are in the order of [`Feature::ALL`]. Loads probe programs,
/// where that is the only way to know, and lets go of them at once; attaches nothing.
#[must_use]
pub fn examine(features: &[Feature]) -> Vec<Finding> {
    let mut usable = true;
    let (mut probe, mut host) = (Probe::new("probe"), None);
    let mut findings = Vec::new();
    for feature in features {
        let (present, how) = match feature {
            Feature::Permission => permission(),
            Feature::KernelBtf => file("/sys/kernel/btf/vmlinux"),
            Feature::Kprobes => file(attach::KPROBE_PMU),
            Feature::Uprobes => file(attach::UPROBE_PMU),
            Feature::Tracefs => tracefs(),
            // These need bpf(2) and the right to use it.
            _ if !usable => {
                findings.push(Finding {
                    feature: *feature,
                    present: None,
                    how: "not tested: a requirement is missing".to_owned(),
                });
                continue;
            }
            Feature::RingBuffer => ring_buffer(),
            Feature::PerfLinks => links(profile::perf_links()),
            Feature::Tcx => links(profile::interface_links(AttachType::TcxIngress)),
            Feature::Netkit => links(profile::interface_links(AttachType::NetkitPrimary)),
            Feature::Netfilter => netfilter(),
            Feature::KprobeMulti => links(profile::kprobe_multi()),
            Feature::LsmCgroup => {
                loads("a small program for an LSM hook of a cgroup", profile::lsm_cgroup())
            }
            Feature::CgroupUnix => {
                loads("a small program for a call of Unix sockets", profile::cgroup_unix())
            }
            Feature::CgroupOrder => links(profile::cgroup_order()),
            Feature::FunctionCookies => cookies(ProgramKind::Fentry),
            Feature::RawTracepointCookies => cookies(ProgramKind::RawTracepoint),
            Feature::Bpf | Feature::Trampoline => match (&mut probe, feature) {
                (Ok(probe), Feature::Bpf) => bpf(probe, &mut host),
                (Ok(probe), _) => trampoline(probe, host.as_ref()),
                (Err(error), _) => (Some(false), error.to_string()),
            },
        };
        let needed = matches!(feature, Feature::Permission | Feature::Bpf);
        usable &= present == Some(true) || !needed;
        findings.push(Finding { feature: *feature, present, how });
    }
    findings
}

/// What it means for a feature that it could not be tried with error number `errno`.
fn absent(errno: Option<i32>) -> Option<bool> {
    let short = matches!(errno, Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM));
    if short { None } else { Some(false) }
}

fn permission() -> (Option<bool>, String) {
    const STATUS: &str = "/proc/self/status";
    let status = match fs::read_to_string(STATUS) {
        Ok(status) => status,
        Err(error) => {
            return (absent(error.raw_os_error()), format!("{STATUS}: {}", files::plain(&error)));
        }
    };
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let Some(bits) = line.and_then(|text| u64::from_str_radix(text.trim(), 16).ok()) else {
        return (Some(false), format!("no CapEff in {STATUS}"));
    };
    let has = |capability: Capability| bits >> capability.bit() & 1 == 1;
    if has(Capability::SysAdmin) {
        return (Some(true), format!("{} is in CapEff of {STATUS}", Capability::SysAdmin));
    }
    let [first, second, third] = Capability::ALWAYS;
    let missing = Capability::ALWAYS.into_iter().filter(|capability| !has(*capability));
    let missing: Vec<_> = missing.map(|capability| capability.to_string()).collect();
    if missing.is_empty() {
        let how = format!("{first}, {second} and {third} are in CapEff of {STATUS}");
        return (Some(true), how);
    }
    (Some(false), format!("CapEff of {STATUS} lacks {}", missing.join(", ")))
}

fn file(path: &str) -> (Option<bool>, String) {
    match fs::File::open(path) {
        Ok(_) => (Some(true), path.to_owned()),
        Err(error) => (absent(error.raw_os_error()), format!("{path}: {}", files::plain(&error))),
    }
}

fn tracefs() -> (Option<bool>, String) {
    match attach::tracefs() {
        Some(root) => (Some(true), root.to_owned()),
        None => (Some(false), "/sys/kernel/tracing/events not found".to_owned()),
    }
}

fn ring_buffer() -> (Option<bool>, String) {
    let page = rustix::param::page_size();
    let size = u32::try_from(page).unwrap_or(4096);
    let ring = aya_obj::Map::new_from_params(RINGBUF, 0, 0, size, 0);
    match aya::maps::MapData::create(ring, "probe", None) {
        Ok(_) => (Some(true), "BPF_MAP_CREATE of one: ok".to_owned()),
        Err(error) => {
            let errno = KernelError::within("BPF_MAP_CREATE", &error).errno;
            (absent(errno), format!("BPF_MAP_CREATE of one: {error}"))
        }
    }
}

fn links(answer: Option<Result<(), i32>>) -> (Option<bool>, String) {
    match answer {
        Some(Ok(())) => (Some(true), "BPF_LINK_CREATE supports them".to_owned()),
        Some(Err(errno)) => (Some(false), format!("BPF_LINK_CREATE of one: {}", errno_name(errno))),
        None => (None, "not tested: no program to attach could be loaded".to_owned()),
    }
}

fn cookies(program: ProgramKind) -> (Option<bool>, String) {
    const HELPER: &str = "bpf_get_attach_cookie";
    match profile::has_cookies(program) {
        Some(true) => (Some(true), format!("{HELPER} is offered to such programs")),
        Some(false) => (Some(false), format!("{HELPER} is not offered to such programs")),
        None => (None, "not tested: no program to attach could be loaded".to_owned()),
    }
}

fn loads(what: &str, loaded: bool) -> (Option<bool>, String) {
    let answer = if loaded { "ok" } else { "refused" };
    (Some(loaded), format!("BPF_PROG_LOAD of {what}: {answer}"))
}

fn netfilter() -> (Option<bool>, String) {
    const CALL: &str = "BPF_PROG_LOAD of a small netfilter program";
    match profile::loads(ProgramKind::Netfilter) {
        Ok(()) => (Some(true), format!("{CALL}: ok")),
        Err(error) => (absent(error.errno), format!("{CALL}: {}", said(&error))),
    }
}

/// Loads a program to extend, into `host`.
fn bpf(probe: &mut Probe, host: &mut Option<Loaded>) -> (Option<bool>, String) {
    match probe.load("probe_host", LoadAs::Hook(ProgramKind::Xdp), None) {
        Ok(loaded) => {
            *host = Some(loaded);
            (Some(true), "BPF_PROG_LOAD of a small xdp program: ok".to_owned())
        }
        Err(error) => (absent(error.errno), refused("xdp", &error)),
    }
}

/// Extends `host`.
fn trampoline(probe: &mut Probe, host: Option<&Loaded>) -> (Option<bool>, String) {
    let Some(host) = host else {
        return (Some(false), "no program to extend could be loaded".to_owned());
    };
    let target = Some((host, "probe_stub"));
    let replacement = match probe.load("probe_replacement", LoadAs::Replacement, target) {
        Ok(replacement) => replacement,
        Err(error) => return (absent(error.errno), refused("freplace", &error)),
    };
    let target = Some((&replacement, "probe_replacement"));
    match probe.load("probe_tracer", LoadAs::Tracer(ProbePoint::Fentry), target) {
        Ok(_) => {
            (Some(true), "BPF_PROG_LOAD of a small freplace and fentry program: ok".to_owned())
        }
        Err(error) => (absent(error.errno), refused("fentry", &error)),
    }
}

/// `BPF_PROG_LOAD of a small freplace program: EPERM, with an empty verifier log`
fn refused(kind: &str, error: &KernelError) -> String {
    let log = match error.log.as_deref().and_then(|log| log.lines().next()) {
        Some(line) => format!("\"{line}\""),
        None => "with an empty verifier log".to_owned(),
    };
    format!("{} of a small {kind} program: {}, {log}", error.call, said(error))
}

fn said(error: &KernelError) -> String {
    match error.errno {
        Some(number) => errno_name(number).to_owned(),
        None => error.message.clone(),
    }
}
