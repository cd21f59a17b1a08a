//! The kind of program in an ELF section, by the section names that libbpf defines.
//!
//! Names: <https://docs.kernel.org/bpf/libbpf/program_types.html>.

use serde::{Deserialize, Serialize};

use super::ProgramType;

/// The type of a program by its section name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the kernel's")]
pub enum ProgramKind {
    Kprobe,
    Kretprobe,
    Uprobe,
    Uretprobe,
    Usdt,
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
    Action,
    CgroupDevice,
    CgroupSock,
    CgroupSockAddr,
    CgroupSockopt,
    CgroupSysctl,
    FlowDissector,
    Fsession,
    LircMode2,
    LwtIn,
    LwtOut,
    LwtSeg6local,
    LwtXmit,
    Netfilter,
    SkLookup,
    SkMsg,
    SkReuseport,
    SkSkb,
    SockOps,
    StructOps,
    Syscall,
    /// A section with a user-defined name.
    Other,
}

/// Section names, up to a `/` or `.`, in front of the kind. The first one of a kind is its name.
const SECTIONS: &[(&str, ProgramKind)] = &[
    ("kprobe", ProgramKind::Kprobe),
    ("ksyscall", ProgramKind::Kprobe),
    ("kretprobe", ProgramKind::Kretprobe),
    ("kretsyscall", ProgramKind::Kretprobe),
    ("uprobe", ProgramKind::Uprobe),
    ("usdt", ProgramKind::Usdt),
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
    ("action", ProgramKind::Action),
    ("cgroup/dev", ProgramKind::CgroupDevice),
    ("cgroup/sock", ProgramKind::CgroupSock),
    ("cgroup/sock_create", ProgramKind::CgroupSock),
    ("cgroup/sock_release", ProgramKind::CgroupSock),
    ("cgroup/post_bind4", ProgramKind::CgroupSock),
    ("cgroup/post_bind6", ProgramKind::CgroupSock),
    ("cgroup/bind4", ProgramKind::CgroupSockAddr),
    ("cgroup/bind6", ProgramKind::CgroupSockAddr),
    ("cgroup/connect4", ProgramKind::CgroupSockAddr),
    ("cgroup/connect6", ProgramKind::CgroupSockAddr),
    ("cgroup/connect_unix", ProgramKind::CgroupSockAddr),
    ("cgroup/getpeername4", ProgramKind::CgroupSockAddr),
    ("cgroup/getpeername6", ProgramKind::CgroupSockAddr),
    ("cgroup/getpeername_unix", ProgramKind::CgroupSockAddr),
    ("cgroup/getsockname4", ProgramKind::CgroupSockAddr),
    ("cgroup/getsockname6", ProgramKind::CgroupSockAddr),
    ("cgroup/getsockname_unix", ProgramKind::CgroupSockAddr),
    ("cgroup/recvmsg4", ProgramKind::CgroupSockAddr),
    ("cgroup/recvmsg6", ProgramKind::CgroupSockAddr),
    ("cgroup/recvmsg_unix", ProgramKind::CgroupSockAddr),
    ("cgroup/sendmsg4", ProgramKind::CgroupSockAddr),
    ("cgroup/sendmsg6", ProgramKind::CgroupSockAddr),
    ("cgroup/sendmsg_unix", ProgramKind::CgroupSockAddr),
    ("cgroup/getsockopt", ProgramKind::CgroupSockopt),
    ("cgroup/setsockopt", ProgramKind::CgroupSockopt),
    ("cgroup/sysctl", ProgramKind::CgroupSysctl),
    ("flow_dissector", ProgramKind::FlowDissector),
    ("fsession", ProgramKind::Fsession),
    ("lirc_mode2", ProgramKind::LircMode2),
    ("lwt_in", ProgramKind::LwtIn),
    ("lwt_out", ProgramKind::LwtOut),
    ("lwt_seg6local", ProgramKind::LwtSeg6local),
    ("lwt_xmit", ProgramKind::LwtXmit),
    ("netfilter", ProgramKind::Netfilter),
    ("sk_lookup", ProgramKind::SkLookup),
    ("sk_msg", ProgramKind::SkMsg),
    ("sk_reuseport", ProgramKind::SkReuseport),
    ("sk_skb", ProgramKind::SkSkb),
    ("sockops", ProgramKind::SockOps),
    ("struct_ops", ProgramKind::StructOps),
    ("syscall", ProgramKind::Syscall),
];

/// Properties of a program by its section name, besides its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Traits {
    /// `.s`: it may sleep.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sleepable: bool,
    /// `.frags`: it accepts packets with several buffers.
    #[serde(default, skip_serializing_if = "is_false")]
    pub frags: bool,
    /// `.w`: it may write to its arguments.
    #[serde(default, skip_serializing_if = "is_false")]
    pub writable: bool,
    /// `.multi` or `.session`: it is attached to many places at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub many: Option<Many>,
    /// `xdp/devmap` or `xdp/cpumap`: it is called through a map of that type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<RedirectMap>,
}

/// How a program is attached to many places at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are libbpf's")]
pub enum Many {
    Multi,
    Session,
}

/// The type of a map through which an XDP program is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the kernel's")]
pub enum RedirectMap {
    Devmap,
    Cpumap,
}

impl RedirectMap {
    /// The name of the type.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Devmap => "devmap",
            Self::Cpumap => "cpumap",
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

impl ProgramKind {
    /// The kind and properties of a program in the section `section`: `kprobe/tcp_connect`,
    /// `fentry.s`, `xdp.frags/devmap`.
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
        // The kernel loads no other ones.
        traits.sleepable |= *kind == Self::Syscall;
        if *kind == Self::Xdp {
            traits.table = match rest {
                Some("devmap") => Some(RedirectMap::Devmap),
                Some("cpumap") => Some(RedirectMap::Cpumap),
                _ => None,
            };
        }
        (*kind, traits)
    }

    /// The first kind of that type.
    #[must_use]
    pub fn of_type(wanted: ProgramType) -> Self {
        let wanted = match wanted {
            ProgramType::RawTracepointWritable => ProgramType::RawTracepoint,
            other => other,
        };
        let kinds = SECTIONS.iter().map(|(_, kind)| *kind);
        kinds.into_iter().find(|kind| kind.program_type() == Some(wanted)).unwrap_or(Self::Other)
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

    /// The kind that represents all kinds with the same kernel type: kprobes and uprobes, on entry
    /// and on return.
    #[must_use]
    pub fn base(self) -> Self {
        match self {
            Self::Kprobe | Self::Kretprobe | Self::Uprobe | Self::Uretprobe | Self::Usdt => {
                Self::Kprobe
            }
            other => other,
        }
    }

    /// The kernel's type of such programs; `None` if the section name does not define it.
    #[must_use]
    pub fn program_type(self) -> Option<ProgramType> {
        Some(match self {
            Self::Kprobe | Self::Kretprobe | Self::Uprobe | Self::Uretprobe | Self::Usdt => {
                ProgramType::Kprobe
            }
            Self::Fentry
            | Self::Fexit
            | Self::FmodRet
            | Self::Fsession
            | Self::TpBtf
            | Self::Iter => ProgramType::Tracing,
            Self::Tracepoint => ProgramType::Tracepoint,
            Self::RawTracepoint => ProgramType::RawTracepoint,
            Self::Xdp => ProgramType::Xdp,
            Self::Tc => ProgramType::SchedCls,
            Self::Action => ProgramType::SchedAct,
            Self::CgroupDevice => ProgramType::CgroupDevice,
            Self::CgroupSkb => ProgramType::CgroupSkb,
            Self::CgroupSock => ProgramType::CgroupSock,
            Self::CgroupSockAddr => ProgramType::CgroupSockAddr,
            Self::CgroupSockopt => ProgramType::CgroupSockopt,
            Self::CgroupSysctl => ProgramType::CgroupSysctl,
            Self::FlowDissector => ProgramType::FlowDissector,
            Self::Freplace => ProgramType::Ext,
            Self::LircMode2 => ProgramType::LircMode2,
            Self::Lsm => ProgramType::Lsm,
            Self::LwtIn => ProgramType::LwtIn,
            Self::LwtOut => ProgramType::LwtOut,
            Self::LwtSeg6local => ProgramType::LwtSeg6local,
            Self::LwtXmit => ProgramType::LwtXmit,
            Self::Netfilter => ProgramType::Netfilter,
            Self::PerfEvent => ProgramType::PerfEvent,
            Self::SkLookup => ProgramType::SkLookup,
            Self::SkMsg => ProgramType::SkMsg,
            Self::SkReuseport => ProgramType::SkReuseport,
            Self::SkSkb => ProgramType::SkSkb,
            Self::SockOps => ProgramType::SockOps,
            Self::SocketFilter => ProgramType::SocketFilter,
            Self::StructOps => ProgramType::StructOps,
            Self::Syscall => ProgramType::Syscall,
            Self::Other => return None,
        })
    }

    /// The struct that such a program gets a pointer to, if the kernel has a name for it.
    #[must_use]
    pub fn context_struct(self) -> Option<&'static str> {
        self.program_type()?.context_struct()
    }
}

#[cfg(test)]
mod tests {
    use super::{Many, ProgramKind, ProgramType, RedirectMap, SECTIONS, Traits};

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
            ("cgroup/connect4", ProgramKind::CgroupSockAddr),
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
    fn every_kind_has_a_section_and_a_type() {
        for (name, kind) in SECTIONS {
            assert_eq!(ProgramKind::of_section(name).0, *kind, "{name}");
            assert!(kind.program_type().is_some(), "{name}");
        }
    }

    #[test]
    fn every_type_has_a_kind() {
        for program_type in ProgramType::ALL {
            let kind = ProgramKind::of_type(*program_type);
            assert_ne!(kind, ProgramKind::Other, "{program_type:?}");
            assert_eq!(kind.base(), kind, "{program_type:?}");
        }
    }

    #[test]
    fn a_name_says_more_than_the_type() {
        let traits = |section| ProgramKind::of_section(section).1;
        assert_eq!(traits("xdp"), Traits::default());
        assert_eq!(traits("fexit.s/f"), Traits { sleepable: true, ..Traits::default() });
        let frags = Traits { frags: true, table: Some(RedirectMap::Devmap), ..Traits::default() };
        assert_eq!(traits("xdp.frags/devmap"), frags);
        assert_eq!(traits("raw_tp.w/x"), Traits { writable: true, ..Traits::default() });
        let multi = Traits { many: Some(Many::Multi), sleepable: true, ..Traits::default() };
        assert_eq!(traits("uprobe.multi.s/x"), multi);
        assert_eq!(traits("kprobe.session").many, Some(Many::Session));
    }
}
