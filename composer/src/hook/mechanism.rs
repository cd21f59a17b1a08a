//! The ways in which the kernel attaches a program to itself. There are few of them, and many kinds
//! of host share one: the kernel layer does these, and knows no kinds.

use crate::object::AttachType;

/// What the kernel is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism<'a> {
    /// A perf event, and a link to that: perf_event_open(2), then `BPF_LINK_CREATE`.
    PerfEvent(PerfEvent<'a>),
    /// `BPF_RAW_TRACEPOINT_OPEN` of a tracepoint.
    RawTracepoint(&'a str),
    /// `BPF_LINK_CREATE` at something.
    Link {
        /// What it is made at.
        at: Anchor<'a>,
        /// Where there.
        attach_type: AttachType,
        /// What the kernel calls the link's flags.
        flags: u32,
    },
}

/// A perf event that a program runs at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PerfEvent<'a> {
    /// One of the PMU `kprobe`.
    Kprobe {
        /// A function of the kernel.
        function: &'a str,
        /// Whether at its return.
        at_return: bool,
    },
    /// One of a tracepoint, which tracefs has a number of.
    Tracepoint {
        /// The folder in `events` of tracefs.
        category: &'a str,
        /// The folder in that.
        name: &'a str,
    },
}

/// What a link is made at, besides a function of another program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor<'a> {
    /// A network interface, by its name.
    Interface(&'a str),
}
