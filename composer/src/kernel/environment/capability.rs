//! The capabilities that a process needs to bring a chain up: capabilities(7).

use std::{collections::BTreeSet, fmt};

use crate::{
    hook::{Mechanism, Position},
    object::{ExternKind, Referent, btf::Type, helper_called},
    plan::{Action, Plan},
    resolve::{NodeProgram, Resolved},
};

/// A capability, with its bit in the masks of `/proc/PID/status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Capability {
    /// Loads programs for the network, and attaches them to it.
    NetAdmin = 12,
    /// Opens packet sockets.
    NetRaw = 13,
    /// Locks more memory than others may: that of the event buffers of several nodes.
    IpcLock = 14,
    /// Finds programs, maps and links of others by their numbers; and opens perf events where
    /// `kernel.perf_event_paranoid` is above 2, as in Debian and Ubuntu.
    SysAdmin = 21,
    /// Reads addresses of the kernel.
    Syslog = 34,
    /// Loads and attaches programs that trace.
    Perfmon = 38,
    /// Uses bpf(2).
    Bpf = 39,
}

/// A helper that programs are offered if their loader has `CAP_SYS_ADMIN`: `bpf_get_probe_write_proto`,
/// <https://github.com/torvalds/linux/blob/v6.12/kernel/trace/bpf_trace.c>.
const OF_ADMINISTRATORS: &str = "bpf_probe_write_user";

impl Capability {
    /// Those that every chain needs: replacements are loaded with all three, `is_perfmon_prog_type` and
    /// `is_net_admin_prog_type`, <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/syscall.c>.
    pub const ALWAYS: [Self; 3] = [Self::Bpf, Self::Perfmon, Self::NetAdmin];

    /// Those that bringing up `plan`, of the chain `resolved`, needs as root without any others.
    #[must_use]
    pub fn needed_by(plan: &Plan, resolved: &Resolved) -> BTreeSet<Self> {
        let mut needed = BTreeSet::from(Self::ALWAYS);
        for operation in &plan.operations {
            match &operation.action {
                Action::Adopt { .. } => {
                    needed.insert(Self::SysAdmin);
                }
                Action::AttachHook { attach, .. } | Action::Run { attach, .. } => {
                    needed.extend(Self::of_mechanism(attach.mechanism()));
                }
                _ => {}
            }
        }
        for (_, _, program) in resolved.programs() {
            needed.extend(Self::of_program(program));
        }
        let is_perf_buffer = |action: &Action| matches!(action, Action::CreateMap { map, .. } if map.type_name() == "perf_event_array");
        let operations = plan.operations.iter();
        match operations.filter(|operation| is_perf_buffer(&operation.action)).count() {
            0 => {}
            // One is within what every user may lock: `perf_event_mlock_kb`.
            1 => needed.extend([Self::SysAdmin]),
            _ => needed.extend([Self::SysAdmin, Self::IpcLock]),
        }
        needed
    }

    fn of_mechanism(mechanism: Mechanism<'_>) -> Option<Self> {
        match mechanism {
            Mechanism::PacketSocket(_) => Some(Self::NetRaw),
            Mechanism::PerfEvent(_) | Mechanism::Usdt(_) => Some(Self::SysAdmin),
            Mechanism::Link { position: Position::Before(_) | Position::After(_), .. } => {
                Some(Self::SysAdmin)
            }
            _ => None,
        }
    }

    fn of_program(of: &NodeProgram) -> Vec<Self> {
        let object = of.object();
        let calls_it = |function: usize| {
            let helper = helper_called(OF_ADMINISTRATORS);
            helper.is_some_and(|helper| object.helpers(function).contains(&helper.id))
        };
        let reads_addresses = |program| {
            let open = object.cut(program).map(|cut| cut.open).unwrap_or_default();
            let indices = open.iter().filter_map(|open| match open.to {
                Referent::Extern(index) => object.externs.get(index),
                _ => None,
            });
            indices.into_iter().any(|found| match found.kind {
                ExternKind::Variable(of) => matches!(object.btf.resolve(of), Some((_, Type::Void))),
                _ => false,
            })
        };
        let programs = || of.leaves().chain([of.program()]);
        let admin = programs().any(|program| calls_it(program.function));
        let syslog = programs().any(reads_addresses);
        let found = [(Self::SysAdmin, admin), (Self::Syslog, syslog)];
        found.into_iter().filter(|(_, needed)| *needed).map(|(capability, _)| capability).collect()
    }

    /// Its bit.
    #[must_use]
    pub fn bit(self) -> u32 {
        self as u32
    }

    /// Its name without the common prefix: `NET_ADMIN`.
    #[must_use]
    pub fn short_name(self) -> &'static str {
        match self {
            Self::NetAdmin => "NET_ADMIN",
            Self::NetRaw => "NET_RAW",
            Self::IpcLock => "IPC_LOCK",
            Self::SysAdmin => "SYS_ADMIN",
            Self::Syslog => "SYSLOG",
            Self::Perfmon => "PERFMON",
            Self::Bpf => "BPF",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CAP_{}", self.short_name())
    }
}
