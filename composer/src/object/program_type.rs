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

macro_rules! attach_types {
    ($($name:ident = $number:literal $word:literal)+) => {
        /// The attach type of a program that is loaded or linked for a specific one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[expect(missing_docs, reason = "the names are the kernel's")]
        pub enum AttachType {
            $($name = $number),+
        }

        impl AttachType {
            /// Every attach type, in the kernel's order.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Its name as bpftool writes it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $word),+
                }
            }
        }
    };
}

attach_types! {
    CgroupInetIngress = 0 "cgroup_inet_ingress"
    CgroupInetEgress = 1 "cgroup_inet_egress"
    CgroupInetSockCreate = 2 "cgroup_inet_sock_create"
    CgroupSockOps = 3 "cgroup_sock_ops"
    SkSkbStreamParser = 4 "sk_skb_stream_parser"
    SkSkbStreamVerdict = 5 "sk_skb_stream_verdict"
    CgroupDevice = 6 "cgroup_device"
    SkMsgVerdict = 7 "sk_msg_verdict"
    CgroupInet4Bind = 8 "cgroup_inet4_bind"
    CgroupInet6Bind = 9 "cgroup_inet6_bind"
    CgroupInet4Connect = 10 "cgroup_inet4_connect"
    CgroupInet6Connect = 11 "cgroup_inet6_connect"
    CgroupInet4PostBind = 12 "cgroup_inet4_post_bind"
    CgroupInet6PostBind = 13 "cgroup_inet6_post_bind"
    CgroupUdp4Sendmsg = 14 "cgroup_udp4_sendmsg"
    CgroupUdp6Sendmsg = 15 "cgroup_udp6_sendmsg"
    LircMode2 = 16 "lirc_mode2"
    FlowDissector = 17 "flow_dissector"
    CgroupSysctl = 18 "cgroup_sysctl"
    CgroupUdp4Recvmsg = 19 "cgroup_udp4_recvmsg"
    CgroupUdp6Recvmsg = 20 "cgroup_udp6_recvmsg"
    CgroupGetsockopt = 21 "cgroup_getsockopt"
    CgroupSetsockopt = 22 "cgroup_setsockopt"
    TraceRawTp = 23 "trace_raw_tp"
    TraceFentry = 24 "trace_fentry"
    TraceFexit = 25 "trace_fexit"
    ModifyReturn = 26 "modify_return"
    LsmMac = 27 "lsm_mac"
    TraceIter = 28 "trace_iter"
    CgroupInet4Getpeername = 29 "cgroup_inet4_getpeername"
    CgroupInet6Getpeername = 30 "cgroup_inet6_getpeername"
    CgroupInet4Getsockname = 31 "cgroup_inet4_getsockname"
    CgroupInet6Getsockname = 32 "cgroup_inet6_getsockname"
    XdpDevmap = 33 "xdp_devmap"
    CgroupInetSockRelease = 34 "cgroup_inet_sock_release"
    XdpCpumap = 35 "xdp_cpumap"
    SkLookup = 36 "sk_lookup"
    Xdp = 37 "xdp"
    SkSkbVerdict = 38 "sk_skb_verdict"
    SkReuseportSelect = 39 "sk_reuseport_select"
    SkReuseportSelectOrMigrate = 40 "sk_reuseport_select_or_migrate"
    PerfEvent = 41 "perf_event"
    TraceKprobeMulti = 42 "trace_kprobe_multi"
    LsmCgroup = 43 "lsm_cgroup"
    StructOps = 44 "struct_ops"
    Netfilter = 45 "netfilter"
    TcxIngress = 46 "tcx_ingress"
    TcxEgress = 47 "tcx_egress"
    TraceUprobeMulti = 48 "trace_uprobe_multi"
    CgroupUnixConnect = 49 "cgroup_unix_connect"
    CgroupUnixSendmsg = 50 "cgroup_unix_sendmsg"
    CgroupUnixRecvmsg = 51 "cgroup_unix_recvmsg"
    CgroupUnixGetpeername = 52 "cgroup_unix_getpeername"
    CgroupUnixGetsockname = 53 "cgroup_unix_getsockname"
    NetkitPrimary = 54 "netkit_primary"
    NetkitPeer = 55 "netkit_peer"
    TraceKprobeSession = 56 "trace_kprobe_session"
    TraceUprobeSession = 57 "trace_uprobe_session"
    TraceFsession = 58 "trace_fsession"
}
