//! What kind of program an ELF section holds, by the section names that libbpf defined.
//!
//! Names: <https://docs.kernel.org/bpf/libbpf/program_types.html>.

use serde::Serialize;

/// The type of a program, as its section's name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the kernel's")]
pub enum ProgramKind {
    Kprobe,
    Kretprobe,
    Uprobe,
    Uretprobe,
    Tracepoint,
    RawTracepoint,
    Xdp,
    Tc,
    CgroupSkb,
    SocketFilter,
    Freplace,
    Fentry,
    Fexit,
    FmodRet,
    TpBtf,
    Lsm,
    Iter,
    PerfEvent,
    /// A section name that this program knows no use for.
    Other,
}

/// Section names, up to a `/` or `.`, in front of the kind.
const SECTIONS: &[(&str, ProgramKind)] = &[
    ("kprobe", ProgramKind::Kprobe),
    ("kretprobe", ProgramKind::Kretprobe),
    ("uprobe", ProgramKind::Uprobe),
    ("uretprobe", ProgramKind::Uretprobe),
    ("tracepoint", ProgramKind::Tracepoint),
    ("tp", ProgramKind::Tracepoint),
    ("raw_tracepoint", ProgramKind::RawTracepoint),
    ("raw_tp", ProgramKind::RawTracepoint),
    ("xdp", ProgramKind::Xdp),
    ("tc", ProgramKind::Tc),
    ("tcx", ProgramKind::Tc),
    ("classifier", ProgramKind::Tc),
    ("cgroup_skb", ProgramKind::CgroupSkb),
    ("socket", ProgramKind::SocketFilter),
    ("freplace", ProgramKind::Freplace),
    ("fentry", ProgramKind::Fentry),
    ("fexit", ProgramKind::Fexit),
    ("fmod_ret", ProgramKind::FmodRet),
    ("tp_btf", ProgramKind::TpBtf),
    ("lsm", ProgramKind::Lsm),
    ("iter", ProgramKind::Iter),
    ("perf_event", ProgramKind::PerfEvent),
];

impl ProgramKind {
    /// The kind that a section called `section` holds: `kprobe/tcp_connect`, `fentry.s`, `xdp`.
    #[must_use]
    pub fn of_section(section: &str) -> Self {
        // A question mark means: not loaded unless it is asked for. A chain asks for what it loads.
        let section = section.strip_prefix('?').unwrap_or(section);
        let stem = section.split(['/', '.']).next().unwrap_or_default();
        SECTIONS.iter().find(|(name, _)| *name == stem).map_or(Self::Other, |(_, kind)| *kind)
    }

    /// The name one writes in `SEC("...")`.
    #[must_use]
    pub fn name(self) -> &'static str {
        SECTIONS.iter().find(|(_, kind)| *kind == self).map_or("unknown", |(name, _)| name)
    }

    /// The kind that stands for the kernel's program type: kprobes and uprobes, on entry and on
    /// return, are one type to it.
    #[must_use]
    pub fn program_type(self) -> Self {
        match self {
            Self::Kprobe | Self::Kretprobe | Self::Uprobe | Self::Uretprobe => Self::Kprobe,
            other => other,
        }
    }

    /// The struct that a program of this kind gets a pointer to, as the kernel knows it by name;
    /// none where it knows none, as for tracepoints, which have a struct each.
    ///
    /// `bpf_ctx_convert_map`,
    /// <https://github.com/torvalds/linux/blob/v6.12/include/linux/bpf_types.h>.
    #[must_use]
    pub fn context_struct(self) -> Option<&'static str> {
        Some(match self.program_type() {
            Self::Kprobe => "pt_regs",
            Self::RawTracepoint => "bpf_raw_tracepoint_args",
            Self::Xdp => "xdp_md",
            Self::Tc | Self::CgroupSkb | Self::SocketFilter => "__sk_buff",
            Self::PerfEvent => "bpf_perf_event_data",
            _ => return None,
        })
    }

    /// Whether such a program sits at a hook, and so can be a host.
    #[must_use]
    pub fn is_hook(self) -> bool {
        !matches!(self, Self::Freplace | Self::Fentry | Self::Fexit | Self::FmodRet | Self::Other)
    }

    /// Whether the helpers that read the current task (pid, comm) are there and mean something.
    /// A network hook runs in whatever context the packet arrived in.
    #[must_use]
    pub fn has_task(self) -> bool {
        !matches!(self, Self::Xdp | Self::Tc | Self::CgroupSkb | Self::SocketFilter)
    }
}

#[cfg(test)]
mod tests {
    use super::ProgramKind;

    #[test]
    fn sections_are_known_by_their_stem() {
        for (section, kind) in [
            ("kprobe/tcp_connect", ProgramKind::Kprobe),
            ("fentry.s/x", ProgramKind::Fentry),
            ("xdp", ProgramKind::Xdp),
            ("?xdp", ProgramKind::Xdp),
            ("tcx/ingress", ProgramKind::Tc),
            ("xdpx", ProgramKind::Other),
            (".text", ProgramKind::Other),
        ] {
            assert_eq!(ProgramKind::of_section(section), kind, "{section}");
        }
    }
}
