//! The kernel's program types and attach types: names and numbers.
//!
//! `enum bpf_prog_type` and `enum bpf_attach_type`,
//! <https://github.com/torvalds/linux/blob/v6.12/include/uapi/linux/bpf.h>.

use serde::{Deserialize, Serialize};

macro_rules! program_types {
    ($($name:ident = $number:literal $word:literal)+) => {
        /// A type of program.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "the names are the kernel's")]
        pub enum ProgramType {
            $($name = $number),+
        }

        impl ProgramType {
            /// Every type, in the kernel's order.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Its name as bpftool and the profiles write it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $word),+
                }
            }
        }
    };
}

program_types! {
    SocketFilter = 1 "socket_filter"
    Kprobe = 2 "kprobe"
    SchedCls = 3 "sched_cls"
    SchedAct = 4 "sched_act"
    Tracepoint = 5 "tracepoint"
    Xdp = 6 "xdp"
    PerfEvent = 7 "perf_event"
    CgroupSkb = 8 "cgroup_skb"
    CgroupSock = 9 "cgroup_sock"
    LwtIn = 10 "lwt_in"
    LwtOut = 11 "lwt_out"
    LwtXmit = 12 "lwt_xmit"
    SockOps = 13 "sock_ops"
    SkSkb = 14 "sk_skb"
    CgroupDevice = 15 "cgroup_device"
    SkMsg = 16 "sk_msg"
    RawTracepoint = 17 "raw_tracepoint"
    CgroupSockAddr = 18 "cgroup_sock_addr"
    LwtSeg6local = 19 "lwt_seg6local"
    LircMode2 = 20 "lirc_mode2"
    SkReuseport = 21 "sk_reuseport"
    FlowDissector = 22 "flow_dissector"
    CgroupSysctl = 23 "cgroup_sysctl"
    RawTracepointWritable = 24 "raw_tracepoint_writable"
    CgroupSockopt = 25 "cgroup_sockopt"
    Tracing = 26 "tracing"
    StructOps = 27 "struct_ops"
    Ext = 28 "ext"
    Lsm = 29 "lsm"
    SkLookup = 30 "sk_lookup"
    Syscall = 31 "syscall"
    Netfilter = 32 "netfilter"
}

impl ProgramType {
    /// The type that bpftool and the profiles call `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.name() == name)
    }

    /// The struct that a program gets a pointer to, as the kernel knows it by name; none where it
    /// knows none, as for tracepoints, which have a struct each.
    ///
    /// `bpf_ctx_convert_map`,
    /// <https://github.com/torvalds/linux/blob/v6.12/include/linux/bpf_types.h>.
    #[must_use]
    pub fn context_struct(self) -> Option<&'static str> {
        Some(match self {
            Self::Kprobe => "pt_regs",
            Self::RawTracepoint | Self::RawTracepointWritable => "bpf_raw_tracepoint_args",
            Self::Xdp => "xdp_md",
            Self::SocketFilter
            | Self::SchedCls
            | Self::SchedAct
            | Self::CgroupSkb
            | Self::LwtIn
            | Self::LwtOut
            | Self::LwtXmit
            | Self::LwtSeg6local
            | Self::SkSkb
            | Self::FlowDissector => "__sk_buff",
            Self::PerfEvent => "bpf_perf_event_data",
            Self::CgroupSock => "bpf_sock",
            Self::CgroupSockAddr => "bpf_sock_addr",
            Self::CgroupSockopt => "bpf_sockopt",
            Self::CgroupSysctl => "bpf_sysctl",
            Self::CgroupDevice => "bpf_cgroup_dev_ctx",
            Self::SockOps => "bpf_sock_ops",
            Self::SkMsg => "sk_msg_md",
            Self::SkReuseport => "sk_reuseport_md",
            Self::SkLookup => "bpf_sk_lookup",
            Self::Netfilter => "bpf_nf_ctx",
            Self::Tracepoint
            | Self::LircMode2
            | Self::Tracing
            | Self::StructOps
            | Self::Ext
            | Self::Lsm
            | Self::Syscall => return None,
        })
    }

    /// Whether a program may interrupt whatever the kernel does: `is_tracing_prog_type`,
    /// <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/verifier.c>.
    #[must_use]
    pub fn may_interrupt(self) -> bool {
        matches!(
            self,
            Self::Kprobe
                | Self::Tracepoint
                | Self::PerfEvent
                | Self::RawTracepoint
                | Self::RawTracepointWritable
        )
    }
}

/// The attach type of a program that is loaded or linked for a specific one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the kernel's")]
pub enum AttachType {
    CgroupInetIngress = 0,
    CgroupInetEgress = 1,
    CgroupInetSockCreate = 2,
    CgroupSockOps = 3,
    SkSkbStreamParser = 4,
    SkSkbStreamVerdict = 5,
    CgroupDevice = 6,
    SkMsgVerdict = 7,
    CgroupInet4Bind = 8,
    CgroupInet6Bind = 9,
    CgroupInet4Connect = 10,
    CgroupInet6Connect = 11,
    CgroupInet4PostBind = 12,
    CgroupInet6PostBind = 13,
    CgroupUdp4Sendmsg = 14,
    CgroupUdp6Sendmsg = 15,
    LircMode2 = 16,
    FlowDissector = 17,
    CgroupSysctl = 18,
    CgroupUdp4Recvmsg = 19,
    CgroupUdp6Recvmsg = 20,
    CgroupGetsockopt = 21,
    CgroupSetsockopt = 22,
    TraceRawTp = 23,
    TraceFentry = 24,
    TraceFexit = 25,
    ModifyReturn = 26,
    LsmMac = 27,
    TraceIter = 28,
    CgroupInet4Getpeername = 29,
    CgroupInet6Getpeername = 30,
    CgroupInet4Getsockname = 31,
    CgroupInet6Getsockname = 32,
    XdpDevmap = 33,
    CgroupInetSockRelease = 34,
    XdpCpumap = 35,
    SkLookup = 36,
    Xdp = 37,
    SkSkbVerdict = 38,
    SkReuseportSelect = 39,
    SkReuseportSelectOrMigrate = 40,
    PerfEvent = 41,
    TraceKprobeMulti = 42,
    LsmCgroup = 43,
    StructOps = 44,
    Netfilter = 45,
    TcxIngress = 46,
    TcxEgress = 47,
    TraceUprobeMulti = 48,
    CgroupUnixConnect = 49,
    CgroupUnixSendmsg = 50,
    CgroupUnixRecvmsg = 51,
    CgroupUnixGetpeername = 52,
    CgroupUnixGetsockname = 53,
    NetkitPrimary = 54,
    NetkitPeer = 55,
}
