//! `changes_pkt_data.c`, which is `summarization.c` in later kernels: what a replacement may do is
//! what its stub may do.

use super::{
    ALL, SelftestFile, Stimulus, Subtest,
    SubtestForm::{Chain, None},
    SubtestVerdict as Verdict,
};

/// A replacement by a program called `$new` of the function `$function` in the program `$host`.
macro_rules! replaced {
    ($attach:literal, $host:literal, $function:literal, $new:literal) => {
        concat!(
            "host.h = { object = \"suite-effects.o\", program = \"",
            $host,
            "\", attach = { ",
            $attach,
            " } }\nstub.s = { function = \"",
            $function,
            "\", hosts = [\"h\"] }\nreplacement.new = { object = \"suite-effects.o\", program = \"",
            $new,
            "\", stub = \"s\" }\n"
        )
    };
}

const PACKET: Stimulus = Stimulus::Packet("calls_both");

/// Kernels that do not compare take it.
const COMPARED: Verdict =
    Verdict::refused("FC0308", "EINVAL", "Extension program changes packet data");

pub(super) const CHANGES_PKT_DATA: SelftestFile = SelftestFile {
    name: "changes_pkt_data",
    subtests: &[
        Subtest {
            name: "changes_pkt_data_with_changes_pkt_data",
            what: "both the function and its replacement change the packet",
            form: Chain {
                text: replaced!("@tc", "calls_both", "pulls", "new_pulls"),
                stimulus: PACKET,
                verdicts: &[(ALL, Verdict::runs(0, &[("new", 1), ("h", 1)]))],
            },
        },
        Subtest {
            name: "changes_pkt_data_with_does_not_change_pkt_data",
            what: "only the function changes the packet",
            form: Chain {
                text: replaced!("@tc", "calls_both", "pulls", "new_keeps"),
                stimulus: PACKET,
                verdicts: &[(ALL, Verdict::runs(0, &[("new", 1), ("h", 1)]))],
            },
        },
        Subtest {
            name: "does_not_change_pkt_data_with_changes_pkt_data",
            what: "only the replacement changes the packet",
            form: Chain {
                text: replaced!("@tc", "calls_both", "keeps", "new_pulls"),
                stimulus: PACKET,
                verdicts: &[(ALL, Verdict::runs(0, &[("new", 1), ("h", 1)])), ((6, 12), COMPARED)],
            },
        },
        Subtest {
            name: "does_not_change_pkt_data_with_does_not_change_pkt_data",
            what: "neither changes the packet",
            form: Chain {
                text: replaced!("@tc", "calls_both", "keeps", "new_keeps"),
                stimulus: PACKET,
                verdicts: &[(ALL, Verdict::runs(0, &[("new", 1), ("h", 1)]))],
            },
        },
        Subtest {
            name: "main_changes_with_changes_pkt_data",
            what: "both the entry and its replacement change the packet",
            form: Chain {
                text: replaced!("@tc", "pulls_itself", "pulls_itself", "new_pulls"),
                stimulus: Stimulus::Packet("pulls_itself"),
                verdicts: &[(ALL, Verdict::runs(0, &[("new", 1)]))],
            },
        },
        Subtest {
            name: "main_changes_with_does_not_change_pkt_data",
            what: "only the entry changes the packet",
            form: Chain {
                text: replaced!("@tc", "pulls_itself", "pulls_itself", "new_keeps"),
                stimulus: Stimulus::Packet("pulls_itself"),
                verdicts: &[(ALL, Verdict::runs(0, &[("new", 1)]))],
            },
        },
        Subtest {
            name: "main_does_not_change_with_changes_pkt_data",
            what: "only the replacement of the entry changes the packet",
            form: Chain {
                text: replaced!("@tc", "keeps_itself", "keeps_itself", "new_pulls"),
                stimulus: Stimulus::Packet("keeps_itself"),
                verdicts: &[(ALL, Verdict::runs(0, &[("new", 1)])), ((6, 12), COMPARED)],
            },
        },
        Subtest {
            name: "main_does_not_change_with_does_not_change_pkt_data",
            what: "neither the entry nor its replacement changes the packet",
            form: Chain {
                text: replaced!("@tc", "keeps_itself", "keeps_itself", "new_keeps"),
                stimulus: Stimulus::Packet("keeps_itself"),
                verdicts: &[(ALL, Verdict::runs(0, &[("new", 1)]))],
            },
        },
    ],
};

/// A replacement is not loaded as one that may sleep.
const SLEEPS: &[((u32, u32), Verdict)] =
    &[(ALL, Verdict::refused("FC0310", "EINVAL", "bpf_copy_from_user"))];

const WAKES: &[((u32, u32), Verdict)] = &[(ALL, Verdict::seen(&[("new", 1), ("h", 1)]))];

const ENTRIES: &str = "entry functions of `syscall` programs, which no chain replaces";

pub(super) const SUMMARIZATION: SelftestFile = SelftestFile {
    name: "summarization",
    subtests: &[
        Subtest {
            name: "might_sleep_with_might_sleep",
            what: "both the function and its replacement may sleep, at a uprobe that may",
            form: Chain {
                text: replaced!(
                    "uprobe = \"libc:getpid\"",
                    "calls_sleeping",
                    "sleeps",
                    "new_sleeps"
                ),
                stimulus: Stimulus::None,
                verdicts: SLEEPS,
            },
        },
        Subtest {
            name: "might_sleep_with_does_not_sleep",
            what: "only the function may sleep",
            form: Chain {
                text: replaced!(
                    "uprobe = \"libc:getpid\"",
                    "calls_sleeping",
                    "sleeps",
                    "new_wakes"
                ),
                stimulus: Stimulus::Getpid,
                verdicts: WAKES,
            },
        },
        Subtest {
            name: "does_not_sleep_with_might_sleep",
            what: "only the replacement may sleep",
            form: Chain {
                text: replaced!(
                    "uprobe = \"libc:getpid\"",
                    "calls_sleeping",
                    "wakes",
                    "new_sleeps"
                ),
                stimulus: Stimulus::None,
                verdicts: SLEEPS,
            },
        },
        Subtest {
            name: "does_not_sleep_with_does_not_sleep",
            what: "neither may sleep",
            form: Chain {
                text: replaced!("uprobe = \"libc:getpid\"", "calls_sleeping", "wakes", "new_wakes"),
                stimulus: Stimulus::Getpid,
                verdicts: WAKES,
            },
        },
        Subtest {
            name: "main_might_sleep_with_*, main_does_not_sleep_with_*",
            what: "",
            form: None(ENTRIES),
        },
    ],
};
