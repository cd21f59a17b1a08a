//! What chains may need of a kernel, and what a plan needs.

use crate::{
    hook::{Anchor, Mechanism, PerfEvent, Position},
    object::AttachType,
    plan::{Action, Plan},
};

/// Something a chain may need of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Feature {
    /// The right to use eBPF.
    Permission,
    /// bpf(2) itself.
    Bpf,
    /// The kernel's own types, for CO-RE.
    KernelBtf,
    /// Ring buffers (5.8).
    RingBuffer,
    /// Programs that need a trampoline: freplace, fentry, fexit.
    Trampoline,
    /// Links of perf events, by which kprobes and tracepoints are attached (5.15).
    PerfLinks,
    /// kprobes through perf events.
    Kprobes,
    /// tracefs, where the numbers of tracepoints are.
    Tracefs,
    /// Links at interfaces for packets in the network stack (6.6).
    Tcx,
    /// Links at netkit devices (6.7).
    Netkit,
    /// Programs at netfilter hooks (6.4).
    Netfilter,
    /// uprobes through perf events.
    Uprobes,
    /// Links at many kernel functions (5.18).
    KprobeMulti,
    /// LSM hooks of cgroups (6.0).
    LsmCgroup,
    /// Programs of cgroups for the calls of Unix sockets (6.7).
    CgroupUnix,
    /// Places among the programs of a cgroup (6.17).
    CgroupOrder,
    /// Cookies of programs that are loaded for a function (5.19).
    FunctionCookies,
    /// Cookies at raw tracepoints (6.10).
    RawTracepointCookies,
}

impl Feature {
    /// Every feature, in the order in which they are looked at: each needs those before it.
    pub const ALL: &[Self] = &[
        Self::Permission,
        Self::Bpf,
        Self::KernelBtf,
        Self::RingBuffer,
        Self::Trampoline,
        Self::PerfLinks,
        Self::Kprobes,
        Self::Tracefs,
        Self::Tcx,
        Self::Netkit,
        Self::Netfilter,
        Self::Uprobes,
        Self::KprobeMulti,
        Self::LsmCgroup,
        Self::CgroupUnix,
        Self::CgroupOrder,
        Self::FunctionCookies,
        Self::RawTracepointCookies,
    ];

    /// What `plan` needs.
    #[must_use]
    pub fn needed_by(plan: &Plan) -> Vec<Self> {
        let needs = |test: &dyn Fn(&Action) -> bool| {
            plan.operations.iter().any(|operation| test(&operation.action))
        };
        let mut found = vec![Self::Permission, Self::Bpf, Self::KernelBtf];
        if needs(&|action| matches!(action, Action::CreateMap { map, .. } if map.is_event_buffer()))
        {
            found.push(Self::RingBuffer);
        }
        if needs(&|action| {
            matches!(action, Action::AttachReplacement { .. } | Action::AttachTracer { .. })
        }) {
            found.push(Self::Trampoline);
        }
        if needs(&|action| matches!(action, Action::Listen)) {
            found.push(Self::Tracefs);
        }
        for operation in &plan.operations {
            if let Action::AttachHook { attach, .. } | Action::Run { attach, .. } =
                &operation.action
            {
                found.extend_from_slice(Self::of_mechanism(attach.mechanism()));
                found.extend(Self::of_position(attach.mechanism()));
                if attach.cookie() != 0 {
                    found.extend(Self::of_cookie(attach.mechanism()));
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// What an attachment needs.
    fn of_mechanism(mechanism: Mechanism<'_>) -> &'static [Self] {
        match mechanism {
            Mechanism::PerfEvent(PerfEvent::Kprobe { .. }) => &[Self::PerfLinks, Self::Kprobes],
            Mechanism::PerfEvent(PerfEvent::Tracepoint { .. }) => &[Self::PerfLinks, Self::Tracefs],
            Mechanism::PerfEvent(PerfEvent::Sampled { .. }) => &[Self::PerfLinks],
            Mechanism::Link { at: Anchor::Netfilter { .. }, .. } => &[Self::Netfilter],
            Mechanism::Link { attach_type, .. } => match attach_type {
                AttachType::TcxIngress | AttachType::TcxEgress => &[Self::Tcx],
                AttachType::NetkitPrimary | AttachType::NetkitPeer => &[Self::Netkit],
                AttachType::LsmCgroup => &[Self::LsmCgroup],
                AttachType::CgroupUnixConnect
                | AttachType::CgroupUnixSendmsg
                | AttachType::CgroupUnixRecvmsg
                | AttachType::CgroupUnixGetpeername
                | AttachType::CgroupUnixGetsockname => &[Self::CgroupUnix],
                _ => &[],
            },
            Mechanism::PerfEvent(PerfEvent::Syscall { .. }) => &[Self::PerfLinks, Self::Kprobes],
            Mechanism::PerfEvent(PerfEvent::Uprobe { .. }) | Mechanism::Usdt(_) => {
                &[Self::PerfLinks, Self::Uprobes]
            }
            Mechanism::KprobeMulti { .. } => &[Self::Tracefs, Self::KprobeMulti],
            Mechanism::RawTracepoint(_)
            | Mechanism::PacketSocket(_)
            | Mechanism::Run(_)
            | Mechanism::MapEntry { .. }
            | Mechanism::TrafficFilter { .. } => &[],
            Mechanism::AsLoaded(_) => &[Self::Trampoline],
        }
    }

    /// What its place among other programs needs, where that is more.
    fn of_position(mechanism: Mechanism<'_>) -> Option<Self> {
        let Mechanism::Link { at: Anchor::Cgroup(_), position, .. } = mechanism else {
            return None;
        };
        (position != Position::Default).then_some(Self::CgroupOrder)
    }

    /// What its cookie needs, where that is more.
    fn of_cookie(mechanism: Mechanism<'_>) -> Option<Self> {
        match mechanism {
            Mechanism::RawTracepoint(_) | Mechanism::AsLoaded(AttachType::TraceRawTp) => {
                Some(Self::RawTracepointCookies)
            }
            Mechanism::AsLoaded(_) => Some(Self::FunctionCookies),
            _ => None,
        }
    }

    /// Whether only hosts of some kinds need it.
    #[must_use]
    pub fn is_of_some_hosts(self) -> bool {
        matches!(
            self,
            Self::Tcx
                | Self::Netkit
                | Self::Netfilter
                | Self::Uprobes
                | Self::KprobeMulti
                | Self::LsmCgroup
                | Self::CgroupUnix
                | Self::CgroupOrder
                | Self::FunctionCookies
                | Self::RawTracepointCookies
        )
    }

    /// What it is called on the screen.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Permission => "permission",
            Self::Bpf => "bpf(2)",
            Self::KernelBtf => "kernel BTF",
            Self::RingBuffer => "ring buffer",
            Self::Trampoline => "freplace, fentry",
            Self::PerfLinks => "perf event links",
            Self::Kprobes => "kprobes",
            Self::Tracefs => "tracefs",
            Self::Tcx => "tcx links",
            Self::Netkit => "netkit links",
            Self::Netfilter => "netfilter programs",
            Self::Uprobes => "uprobes",
            Self::KprobeMulti => "kprobe multi links",
            Self::LsmCgroup => "LSM hooks of cgroups",
            Self::CgroupUnix => "calls of Unix sockets at cgroups",
            Self::CgroupOrder => "order at cgroups",
            Self::FunctionCookies => "cookies at functions",
            Self::RawTracepointCookies => "cookies at raw tracepoints",
        }
    }
}
