//! What kind of program an ELF section holds, by the section names that libbpf defined.
//!
//! Names: <https://docs.kernel.org/bpf/libbpf/program_types.html>.

use serde::{Deserialize, Serialize};

/// The type of a program, as its section's name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    /// A type that libbpf has a section name for, and a chain has no use for.
    Unsupported,
    /// A section of a name that its author made up.
    Other,
}

/// Section names, up to a `/` or `.`, in front of the kind. The first one of a kind is its name.
const SECTIONS: &[(&str, ProgramKind)] = &[
    ("kprobe", ProgramKind::Kprobe),
    ("ksyscall", ProgramKind::Kprobe),
    ("kretprobe", ProgramKind::Kretprobe),
    ("kretsyscall", ProgramKind::Kretprobe),
    ("uprobe", ProgramKind::Uprobe),
    ("usdt", ProgramKind::Uprobe),
    ("uretprobe", ProgramKind::Uretprobe),
    ("tracepoint", ProgramKind::Tracepoint),
    ("tp", ProgramKind::Tracepoint),
    ("raw_tracepoint", ProgramKind::RawTracepoint),
    ("raw_tp", ProgramKind::RawTracepoint),
    ("xdp", ProgramKind::Xdp),
    ("tc", ProgramKind::Tc),
    ("tcx", ProgramKind::Tc),
    ("classifier", ProgramKind::Tc),
    ("netkit", ProgramKind::Tc),
    ("cgroup_skb", ProgramKind::CgroupSkb),
    ("cgroup/skb", ProgramKind::CgroupSkb),
    ("socket", ProgramKind::SocketFilter),
    ("freplace", ProgramKind::Freplace),
    ("fentry", ProgramKind::Fentry),
    ("fexit", ProgramKind::Fexit),
    ("fmod_ret", ProgramKind::FmodRet),
    ("tp_btf", ProgramKind::TpBtf),
    ("lsm", ProgramKind::Lsm),
    ("lsm_cgroup", ProgramKind::Lsm),
    ("iter", ProgramKind::Iter),
    ("perf_event", ProgramKind::PerfEvent),
    ("action", ProgramKind::Unsupported),
    ("cgroup", ProgramKind::Unsupported),
    ("flow_dissector", ProgramKind::Unsupported),
    ("fsession", ProgramKind::Unsupported),
    ("lirc_mode2", ProgramKind::Unsupported),
    ("lwt_in", ProgramKind::Unsupported),
    ("lwt_out", ProgramKind::Unsupported),
    ("lwt_seg6local", ProgramKind::Unsupported),
    ("lwt_xmit", ProgramKind::Unsupported),
    ("netfilter", ProgramKind::Unsupported),
    ("sk_lookup", ProgramKind::Unsupported),
    ("sk_msg", ProgramKind::Unsupported),
    ("sk_reuseport", ProgramKind::Unsupported),
    ("sk_skb", ProgramKind::Unsupported),
    ("sockops", ProgramKind::Unsupported),
    ("struct_ops", ProgramKind::Unsupported),
    ("syscall", ProgramKind::Unsupported),
];

/// What a section's name says of the program in it beyond its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Traits {
    /// `.s`: it may sleep.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sleepable: bool,
    /// `.frags`: it takes packets of several buffers.
    #[serde(default, skip_serializing_if = "is_false")]
    pub frags: bool,
    /// `.w`: it may write to what it is given.
    #[serde(default, skip_serializing_if = "is_false")]
    pub writable: bool,
    /// `.multi` or `.session`: it is attached to many places at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub many: Option<Many>,
    /// `xdp/devmap` or `xdp/cpumap`: a table of that type leads to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<Table>,
}

/// How a program is attached to many places at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are libbpf's")]
pub enum Many {
    Multi,
    Session,
}

/// The type of a table that leads to an XDP program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the kernel's")]
pub enum Table {
    Devmap,
    Cpumap,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

impl ProgramKind {
    /// What a section called `section` holds: `kprobe/tcp_connect`, `fentry.s`, `xdp.frags/devmap`.
    #[must_use]
    pub fn of_section(section: &str) -> (Self, Traits) {
        const MADE_UP: (ProgramKind, Traits) = (
            ProgramKind::Other,
            Traits { sleepable: false, frags: false, writable: false, many: None, table: None },
        );
        // A question mark means: not loaded unless it is asked for. A chain asks for what it loads.
        let section = section.strip_prefix('?').unwrap_or(section);
        let (head, rest) = match section.split_once('/') {
            Some((head, rest)) => (head, Some(rest)),
            None => (section, None),
        };
        let mut words = head.split('.');
        let stem = words.next().unwrap_or_default();
        let is_it = |(name, _): &&(&str, Self)| match name.split_once('/') {
            Some((first, second)) => first == stem && rest == Some(second),
            None => *name == stem,
        };
        // The longer name, with a part behind the stroke, goes first.
        let found = SECTIONS.iter().filter(is_it).max_by_key(|(name, _)| name.len());
        let Some((_, kind)) = found else { return MADE_UP };
        let mut traits = Traits::default();
        for word in words {
            match (word, kind) {
                ("s", _) => traits.sleepable = true,
                ("frags", Self::Xdp) => traits.frags = true,
                ("w", Self::RawTracepoint) => traits.writable = true,
                ("multi", _) => traits.many = Some(Many::Multi),
                ("session", _) => traits.many = Some(Many::Session),
                _ => return MADE_UP,
            }
        }
        if *kind == Self::Xdp {
            traits.table = match rest {
                Some("devmap") => Some(Table::Devmap),
                Some("cpumap") => Some(Table::Cpumap),
                _ => None,
            };
        }
        (*kind, traits)
    }

    /// Every name that a section may begin with.
    pub fn section_names() -> impl Iterator<Item = &'static str> {
        SECTIONS.iter().map(|(name, _)| *name)
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
        !matches!(
            self,
            Self::Freplace
                | Self::Fentry
                | Self::Fexit
                | Self::FmodRet
                | Self::Unsupported
                | Self::Other
        )
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
    use super::{Many, ProgramKind, Table, Traits};

    #[test]
    fn sections_are_known_by_their_stem() {
        for (section, kind) in [
            ("kprobe/tcp_connect", ProgramKind::Kprobe),
            ("fentry.s/x", ProgramKind::Fentry),
            ("xdp", ProgramKind::Xdp),
            ("?xdp", ProgramKind::Xdp),
            ("xdp/anything", ProgramKind::Xdp),
            ("tcx/ingress", ProgramKind::Tc),
            ("cgroup/skb", ProgramKind::CgroupSkb),
            ("cgroup/connect4", ProgramKind::Unsupported),
            ("xdpx", ProgramKind::Other),
            ("xdp.x", ProgramKind::Other),
            ("tc.frags", ProgramKind::Other),
            ("ext/slot0", ProgramKind::Other),
            (".text", ProgramKind::Other),
        ] {
            assert_eq!(ProgramKind::of_section(section).0, kind, "{section}");
        }
    }

    #[test]
    fn a_name_says_more_than_the_type() {
        let traits = |section| ProgramKind::of_section(section).1;
        assert_eq!(traits("xdp"), Traits::default());
        assert_eq!(traits("fexit.s/f"), Traits { sleepable: true, ..Traits::default() });
        let frags = Traits { frags: true, table: Some(Table::Devmap), ..Traits::default() };
        assert_eq!(traits("xdp.frags/devmap"), frags);
        assert_eq!(traits("raw_tp.w/x"), Traits { writable: true, ..Traits::default() });
        let multi = Traits { many: Some(Many::Multi), sleepable: true, ..Traits::default() };
        assert_eq!(traits("uprobe.multi.s/x"), multi);
        assert_eq!(traits("kprobe.session").many, Some(Many::Session));
    }
}
