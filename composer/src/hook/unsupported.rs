//! The types of programs that no kind of host has, and why.

use crate::object::ProgramType as Type;

/// Types, each group with its reason.
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
