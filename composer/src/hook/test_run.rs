//! BPF_PROG_TEST_RUN: which types of program the kernel runs so, and what it takes for each.
//!
//! `test_run` of the `bpf_prog_ops` of each type,
//! <https://github.com/torvalds/linux/blob/v6.12/net/bpf/test_run.c>.

use crate::object::ProgramType;

/// What the kernel takes for a run of a program of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestRunInput {
    /// Whether it takes data, which is a packet, and hands back what became of it.
    pub packet: bool,
    /// Whether it takes a context.
    pub context: bool,
    /// Whether it runs more than once when asked to.
    pub repeats: bool,
    /// Fields of the context that have to hold how many bytes the packet has.
    pub length_fields: &'static [&'static str],
}

const PACKET: TestRunInput =
    TestRunInput { packet: true, context: true, repeats: true, length_fields: &[] };
const CONTEXT: TestRunInput =
    TestRunInput { packet: false, context: true, repeats: false, length_fields: &[] };

/// What the kernel takes for a run of a program of this type; none where it runs none of them so.
#[must_use]
pub fn test_run_input(of: ProgramType) -> Option<TestRunInput> {
    use ProgramType as Type;
    Some(match of {
        Type::Xdp => TestRunInput { length_fields: &["data_end"], ..PACKET },
        Type::SchedCls
        | Type::SchedAct
        | Type::CgroupSkb
        | Type::SocketFilter
        | Type::LwtIn
        | Type::LwtOut
        | Type::LwtXmit => PACKET,
        Type::FlowDissector => TestRunInput { context: false, ..PACKET },
        Type::SkLookup => TestRunInput { repeats: true, ..CONTEXT },
        Type::RawTracepoint | Type::Syscall => CONTEXT,
        _ => return None,
    })
}
