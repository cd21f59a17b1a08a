//! Subtests of the kernel's own selftests that are about replacing and tracing programs, and the
//! chain that stands for each: what it is made of, how it is run, and what becomes of it on which
//! kernel. Facts of <https://github.com/torvalds/linux/tree/v6.12/tools/testing/selftests/bpf>, and
//! of later kernels where those have more; the programs are ours, `test-programs/bpf/suite-*.bpf.c`.
//!
//! The kernel tests run it, and `docs/kernel-selftests.md` is made of it.

mod effects;
mod fexit_bpf2bpf;
mod others;
mod tailcalls;

/// A file of selftests, in the words of the kernel's tree.
pub(crate) struct SelftestFile {
    /// Its name in `prog_tests`, without `.c`.
    pub(crate) name: &'static str,
    pub(crate) subtests: &'static [Subtest],
}

/// A subtest, and what stands for it.
pub(crate) struct Subtest {
    pub(crate) name: &'static str,
    /// What our chain is, or does.
    pub(crate) what: &'static str,
    pub(crate) form: SubtestForm,
}

/// Whether a chain can say what a subtest does.
pub(crate) enum SubtestForm {
    Chain {
        /// The chain. `@tc` is a place of classifiers at the loopback.
        text: &'static str,
        stimulus: Stimulus,
        /// What becomes of it from that series on, oldest first.
        verdicts: &'static [((u32, u32), SubtestVerdict)],
    },
    /// None can, for this reason.
    None(&'static str),
}

/// What is done while a chain is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stimulus {
    /// Each loaded program of this name is run once with a packet, by `BPF_PROG_TEST_RUN`.
    Packet(&'static str),
    /// A TCP connection over the loopback, which is made, or refused.
    Connect { refused: bool },
    /// A socket is bound.
    Bind,
    /// getpid(2) is called by the function of the C library.
    Getpid,
    /// Nothing but going up and down.
    None,
}

/// What becomes of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SubtestVerdict {
    /// It runs.
    Runs {
        /// What the program returns that is run.
        result: Option<u32>,
        /// How many events each node has; others have none.
        events: &'static [(&'static str, usize)],
    },
    /// Validator and kernel refuse it.
    Refused {
        code: &'static str,
        errno: &'static str,
        /// Of the verifier's log; empty if there is none.
        words: &'static str,
    },
    /// Only the kernel refuses it.
    Unforeseen { errno: &'static str, words: &'static str },
    /// A chain cannot ask a kernel for it.
    Unwritten { code: &'static str },
    /// It is not run there.
    Left(&'static str),
}

impl SubtestVerdict {
    /// It runs, and each of these nodes has one event.
    const fn runs(result: u32, events: &'static [(&'static str, usize)]) -> Self {
        Self::Runs { result: Some(result), events }
    }

    /// The same without a result to look at.
    const fn seen(events: &'static [(&'static str, usize)]) -> Self {
        Self::Runs { result: None, events }
    }

    const fn refused(code: &'static str, errno: &'static str, words: &'static str) -> Self {
        Self::Refused { code, errno, words }
    }
}

/// Every kernel.
const ALL: (u32, u32) = (0, 0);

/// A place of classifiers at the loopback: a tcx link, where a kernel of `series` has them.
pub(crate) fn classifiers(series: (u32, u32)) -> &'static str {
    if series < (6, 6) { "tc = \"lo\"" } else { "tcx = \"lo\"" }
}

/// The verdict on a kernel of `series`.
pub(crate) fn verdict(
    verdicts: &[((u32, u32), SubtestVerdict)],
    series: (u32, u32),
) -> SubtestVerdict {
    let found = verdicts.iter().rfind(|(since, _)| *since <= series);
    found.expect("the first is for every kernel").1
}

/// Every file.
pub(crate) const FILES: &[SelftestFile] = &[
    fexit_bpf2bpf::FILE,
    others::TRACE_EXT,
    effects::CHANGES_PKT_DATA,
    effects::SUMMARIZATION,
    tailcalls::FILE,
    others::RECURSIVE_ATTACH,
    others::GLOBAL_FUNC_DEAD_CODE,
];
