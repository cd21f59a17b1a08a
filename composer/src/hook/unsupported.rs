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
        "not supported as a host yet",
    ),
    (
        &[Type::Tracing],
        "used for tracers, on functions of the chain; tracing kernel functions is not supported \
         yet",
    ),
    (&[Type::Lsm], "its hook has to be given as a BTF id at load, which is not supported yet"),
    (&[Type::Ext], "used for replacements"),
    (&[Type::RawTracepointWritable], "use `raw_tracepoint` with a section that ends in `.w`"),
    (&[Type::StructOps], "registered in sets by a map; the programs have no hook of their own"),
    (&[Type::Syscall], "run on demand by a user-space program"),
    (
        &[Type::SocketFilter, Type::SkReuseport, Type::SkMsg, Type::SkSkb],
        "attached to sockets of another process",
    ),
    (
        &[Type::LwtIn, Type::LwtOut, Type::LwtXmit, Type::LwtSeg6local],
        "part of a route, set by `ip route`",
    ),
    (&[Type::SchedAct], "action of a filter, set by `tc filter`"),
    (&[Type::LircMode2], "attached to an infrared receiver"),
];
