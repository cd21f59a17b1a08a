//! The ways in which the kernel attaches a program to itself. There are few of them, and many kinds
//! of host share one: the kernel layer does these, and knows no kinds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::object::AttachType;

/// What the kernel is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism<'a> {
    /// A perf event, and a link to that: perf_event_open(2), then `BPF_LINK_CREATE`.
    PerfEvent(PerfEvent<'a>),
    /// A perf event of the PMU `uprobe`, and a link to that, at each place of a USDT probe.
    Usdt(UsdtProbe<'a>),
    /// `BPF_RAW_TRACEPOINT_OPEN` of a tracepoint.
    RawTracepoint(&'a str),
    /// At the place that the program was loaded for: `BPF_RAW_TRACEPOINT_OPEN` without a name, or, with a
    /// cookie, `BPF_LINK_CREATE` with this attach type.
    AsLoaded(AttachType),
    /// One link at many functions of the kernel: `BPF_LINK_CREATE` with their names.
    KprobeMulti {
        /// A name with `*` and `?`, or several of those with commas in between.
        pattern: &'a str,
        /// Whether at their returns.
        at_return: bool,
        /// Cookies of some of them, by name, in the place of the one of all.
        cookies: Option<&'a BTreeMap<String, i64>>,
    },
    /// A packet socket that is opened at an interface, with the program as its filter.
    PacketSocket(&'a str),
    /// A filter of the `clsact` qdisc of a network interface, in direct action: rtnetlink(7).
    TrafficFilter {
        /// The interface, by its name.
        interface: &'a str,
        /// Whether of the packets that it sends.
        egress: bool,
        /// Lower ones run earlier; none for the kernel's own choice.
        priority: Option<u16>,
    },
    /// An entry of the map that goes with the request: `BPF_MAP_UPDATE_ELEM`.
    MapEntry {
        /// The entry.
        key: u32,
        /// Where it leads to.
        to: Destination<'a>,
    },
    /// Nothing: it runs once, when the rest of the chain is up.
    Run(OnDemand),
    /// `BPF_LINK_CREATE` at something.
    Link {
        /// What it is made at.
        at: Anchor<'a>,
        /// Where there.
        attach_type: AttachType,
        /// What the kernel calls the link's flags.
        flags: u32,
        /// Where among the programs that are there.
        position: Position<'a>,
    },
}

/// Where an entry of a map leads frames to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination<'a> {
    /// A network interface, by its name.
    Interface(&'a str),
    /// The CPU that the key names; so many frames wait for it at most.
    Cpu(u32),
}

/// How a program is run by whoever asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDemand {
    /// Once for each thing of a kind, or of the map that goes with the request, and what it writes about
    /// them is read: `BPF_ITER_CREATE`.
    Iterator,
    /// Once, with a context of zeros: `BPF_PROG_TEST_RUN`.
    Call,
}

/// What came of a program that was run once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProgramOutput {
    /// What it wrote.
    Text(String),
    /// What it returned.
    Answer(i32),
}

/// A perf event that a program runs at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PerfEvent<'a> {
    /// One of the PMU `kprobe`.
    Kprobe {
        /// A function of the kernel.
        function: &'a str,
        /// Bytes from its start.
        offset: u32,
        /// Whether at its return.
        at_return: bool,
    },
    /// One of the PMU `kprobe`, at the function of a system call.
    Syscall {
        /// The system call, without what the architecture puts in front of it.
        name: &'a str,
        /// Whether at its return.
        at_return: bool,
    },
    /// One of the PMU `uprobe`.
    Uprobe {
        /// A program or library: its path or its name.
        binary: &'a str,
        /// A function, with an offset where there is one, or an offset in the file.
        place: &'a str,
        /// Whether at its return.
        at_return: bool,
        /// In this process alone.
        pid: Option<u32>,
    },
    /// One that is sampled.
    Sampled {
        /// `PERF_TYPE_...`.
        event_type: u32,
        /// The event of that type.
        config: u64,
        /// How often.
        every: Sampling,
        /// On this CPU alone.
        cpu: Option<u32>,
        /// Of this process alone.
        pid: Option<u32>,
    },
    /// One of a tracepoint, which tracefs has a number of.
    Tracepoint {
        /// The folder in `events` of tracefs.
        category: &'a str,
        /// The folder in that.
        name: &'a str,
    },
}

impl Mechanism<'_> {
    /// The program or library that it is in, by path or name.
    #[must_use]
    pub fn binary(&self) -> Option<&str> {
        match self {
            Self::PerfEvent(PerfEvent::Uprobe { binary, .. })
            | Self::Usdt(UsdtProbe { binary, .. }) => Some(binary),
            _ => None,
        }
    }
}

/// A probe that a program or library marks for tracers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsdtProbe<'a> {
    /// A program or library: its path or its name.
    pub binary: &'a str,
    /// Whose probe.
    pub provider: &'a str,
    /// The probe.
    pub name: &'a str,
    /// In this process alone.
    pub pid: Option<u32>,
}

/// A type of the kernel that a program is loaded for: its `attach_btf_id`, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttachBtf {
    /// A function.
    Function(String),
    /// A typedef.
    Typedef(String),
}

/// How often an event is sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampling {
    /// So many times a second on each CPU.
    Frequency(u32),
    /// Once for so many events.
    Period(u32),
}

/// What a link is made at, besides a function of another program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor<'a> {
    /// A network interface, by its name.
    Interface(&'a str),
    /// A cgroup, by its folder in cgroup2.
    Cgroup(&'a str),
    /// The network namespace of this process.
    NetNamespace,
    /// The map of sockets that goes with the request. Linux before 6.10 has no such links; there it is
    /// `BPF_PROG_ATTACH`.
    SocketMap,
    /// A hook of netfilter.
    Netfilter {
        /// The protocol family: `NFPROTO_IPV4`.
        family: u32,
        /// The hook: `NF_INET_LOCAL_IN`.
        hook: u32,
        /// Lower ones run earlier.
        priority: i32,
    },
}

/// Where a program goes among those that are attached already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Position<'a> {
    /// Where the kernel puts it: behind the others.
    #[default]
    Default,
    /// In front of all.
    First,
    /// Behind all.
    Last,
    /// In front of one, by its id or its name.
    Before(&'a str),
    /// Behind one.
    After(&'a str),
}
