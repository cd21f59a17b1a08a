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
mod docs;
mod key;
mod kind;
mod kprobe;
mod lookup;
mod mechanism;
mod raw_tracepoint;
mod refusal;
mod template;
#[cfg(test)]
mod tests;
mod tracepoint;
mod xdp;

pub use attach::Attach;
pub use docs::{attachments, programs, unsupported};
pub use key::{KeySpec, Misfit, Setting, TargetKey, Values};
pub use kind::{HostKind, Need, Returns};
pub use lookup::{Arguments, Lookup};
pub use mechanism::{Anchor, Mechanism, PerfEvent};
pub use refusal::{Refusal, Refused};
pub use template::Template;

use crate::object::ProgramType as Type;
use kind::PERF_LINKS;

/// Every kind, in the order in which help texts list them.
pub static KINDS: &[&HostKind] = &[
    &kprobe::KPROBE,
    &kprobe::KRETPROBE,
    &tracepoint::TRACEPOINT,
    &raw_tracepoint::RAW_TRACEPOINT,
    &xdp::XDP,
];

/// The kernel's types of programs that no kind has, each group with the reason.
pub const UNSUPPORTED: &[(&[Type], &str)] = &[
    (
        &[
            Type::SchedCls,
            Type::PerfEvent,
            Type::CgroupSkb,
            Type::CgroupSock,
            Type::CgroupSockAddr,
            Type::CgroupSockopt,
            Type::CgroupSysctl,
            Type::CgroupDevice,
            Type::SockOps,
            Type::SkLookup,
            Type::FlowDissector,
            Type::Netfilter,
        ],
        "there is no kind of host for it yet",
    ),
    (
        &[Type::Tracing],
        "it is a tracer, of a function of the chain; functions of the kernel cannot be traced yet",
    ),
    (
        &[Type::Lsm],
        "the kernel wants to know its hook by a BTF number when it is loaded, which is not done yet",
    ),
    (&[Type::Ext], "it is a replacement"),
    (&[Type::RawTracepointWritable], "it is a `raw_tracepoint` whose section ends in `.w`"),
    (&[Type::StructOps], "a map registers a set of them, none of which is at a hook by itself"),
    (&[Type::Syscall], "a user-space program runs it when it wants to"),
    (
        &[Type::SocketFilter, Type::SkReuseport, Type::SkMsg, Type::SkSkb],
        "it is attached to sockets, which another process holds",
    ),
    (
        &[Type::LwtIn, Type::LwtOut, Type::LwtXmit, Type::LwtSeg6local],
        "it is a part of a route, which `ip route` sets",
    ),
    (&[Type::SchedAct], "it is an action of a filter, which `tc filter` sets"),
    (&[Type::LircMode2], "it is attached to an infrared receiver"),
];
