//! The kinds of host: a file of facts for each, and one table of them.
//!
//! A kind is data. The reader of chain files, their JSON schema and the tables of
//! docs/chain-format.md, the rules, what the kernel is asked for, the explanation of what it
//! refused, and `new host` go by the table, and nothing outside of this folder asks which kind a
//! host is of. So a new kind is a new file here and a line in [`KINDS`], and a type of programs that
//! has none stands in [`UNSUPPORTED`].
//!
//! Pure: it knows no chain, no plan and no kernel. What the kernel is to do it says in the kernel's
//! own terms, as a [`Mechanism`].

mod attach;
mod cgroup;
mod cookie;
mod docs;
mod key;
mod kind;
mod kprobe;
mod lookup;
mod lsm;
mod map;
mod mechanism;
mod netfilter;
mod netns;
mod on_demand;
mod order;
mod perf_event;
mod raw_tracepoint;
mod redirect_map;
mod refusal;
mod socket_filter;
mod socket_map;
mod tc;
mod template;
mod test_run;
#[cfg(test)]
mod tests;
mod tracepoint;
mod trampoline;
mod uprobe;
mod usdt;
mod xdp;

pub use attach::Attach;
pub use docs::{attachments, programs, settings, unsupported};
pub use key::{KeySpec, Misfit, Setting, TargetKey, Values};
pub use kind::{Exclusive, HostKind, MapUse, Need, NotReplaceable, Returns};
pub use lookup::{Arguments, Lookup};
pub use mechanism::{
    Anchor, AttachBtf, Destination, Mechanism, OnDemand, PerfEvent, Position, ProgramOutput,
    Sampling, UsdtProbe,
};
pub use refusal::{Refusal, Refused};
pub use template::Template;
pub use test_run::{TestRunInput, test_run_input};

use crate::object::ProgramType as Type;
use kind::PERF_LINKS;

/// Every kind, in the order in which help texts list them.
pub static KINDS: &[&HostKind] = &[
    &kprobe::KPROBE,
    &kprobe::KRETPROBE,
    &kprobe::KPROBE_MULTI,
    &kprobe::KRETPROBE_MULTI,
    &kprobe::KSYSCALL,
    &kprobe::KRETSYSCALL,
    &uprobe::UPROBE,
    &uprobe::URETPROBE,
    &usdt::USDT,
    &tracepoint::TRACEPOINT,
    &raw_tracepoint::RAW_TRACEPOINT,
    &xdp::XDP,
    &redirect_map::DEVMAP,
    &redirect_map::CPUMAP,
    &tc::TCX,
    &tc::NETKIT,
    &tc::TC,
    &netfilter::NETFILTER,
    &cgroup::CGROUP_SKB,
    &cgroup::CGROUP_SOCK,
    &cgroup::CGROUP_SOCK_ADDR,
    &cgroup::CGROUP_SOCKOPT,
    &cgroup::CGROUP_SYSCTL,
    &cgroup::CGROUP_DEVICE,
    &cgroup::SOCK_OPS,
    &netns::SK_LOOKUP,
    &netns::FLOW_DISSECTOR,
    &perf_event::PERF_EVENT,
    &trampoline::TP_BTF,
    &trampoline::FENTRY,
    &trampoline::FEXIT,
    &trampoline::FMOD_RET,
    &lsm::LSM,
    &lsm::LSM_CGROUP,
    &socket_filter::SOCKET_FILTER,
    &socket_map::SK_MSG,
    &socket_map::SK_SKB,
    &on_demand::ITER,
    &on_demand::SYSCALL,
];

/// Why programs of this type cannot be hosts, if they cannot.
#[must_use]
pub fn why_unsupported(program_type: Type) -> Option<&'static str> {
    UNSUPPORTED.iter().find(|(types, _)| types.contains(&program_type)).map(|(_, why)| *why)
}

/// The kernel's types of programs that no kind has, each group with the reason.
pub const UNSUPPORTED: &[(&[Type], &str)] = &[
    (&[Type::Ext], "used for replacements"),
    (&[Type::RawTracepointWritable], "use `raw_tracepoint` with a section that ends in `.w`"),
    (
        &[Type::StructOps],
        "registered in sets by a map of their loader. The kernel allows tracing them, but a \
         replacement may call no helper, and Linux 7.3 crashes when one is loaded",
    ),
    (&[Type::SkReuseport], "attached to sockets of another process"),
    (
        &[Type::LwtIn, Type::LwtOut, Type::LwtXmit, Type::LwtSeg6local],
        "part of a route, set by `ip route`",
    ),
    (&[Type::SchedAct], "action of a filter, set by `tc filter`"),
    (&[Type::LircMode2], "attached to an infrared receiver"),
];
