//! `tailcalls.c`: those with tracers and replacements.

use super::{ALL, SelftestFile, Stimulus, Subtest, SubtestForm::Chain, SubtestVerdict as Verdict};

/// A classifier that goes on in another, which goes on in itself until the kernel ends it after 33
/// times, by a static function.
macro_rules! circle {
    ($more:literal) => {
        concat!(
            r#"
host.enters = { object = "suite-tails.o", program = "enters", attach = { @tc }, tail = { suite_circle = { 0 = "circle" } } }
host.circle = { object = "suite-tails.o", program = "circles" }
"#,
            $more
        )
    };
}

/// A classifier that goes on in itself from two calls of a static function.
macro_rules! branches {
    ($more:literal) => {
        concat!(
            r#"
host.h = { object = "suite-tails.o", program = "branches", attach = { @tc }, tail = { suite_branch = { 0 = "h" } } }
"#,
            $more
        )
    };
}

const ENTERS: Stimulus = Stimulus::Packet("enters");
const BRANCHES: Stimulus = Stimulus::Packet("branches");

/// Older kernels count each of two calls by itself: some 2^33 of them.
const ENDLESS: Verdict = Verdict::Left("not run: the kernel does not limit these calls");

pub(super) const FILE: SelftestFile = SelftestFile {
    name: "tailcalls",
    subtests: &[
        Subtest {
            name: "tailcall_bpf2bpf_fentry",
            what: "a tracer at the entry of a static function that makes a tail call: the limit \
                   of 33 holds",
            form: Chain {
                text: circle!(
                    r#"tracer.before = { fentry = "circle", function = "again", object = "suite-tails.o", program = "before" }
"#
                ),
                stimulus: ENTERS,
                verdicts: &[(ALL, Verdict::runs(1, &[("circle", 33), ("before", 33)]))],
            },
        },
        Subtest {
            name: "tailcall_bpf2bpf_fexit",
            what: "the same with a tracer at the exit",
            form: Chain {
                text: circle!(
                    r#"tracer.after = { fexit = "circle", function = "again", object = "suite-tails.o", program = "after" }
"#
                ),
                stimulus: ENTERS,
                verdicts: &[(ALL, Verdict::runs(1, &[("circle", 33), ("after", 33)]))],
            },
        },
        Subtest {
            name: "tailcall_bpf2bpf_fentry_fexit",
            what: "the same with both",
            form: Chain {
                text: circle!(
                    r#"tracer.before = { fentry = "circle", function = "again", object = "suite-tails.o", program = "before" }
tracer.after = { fexit = "circle", function = "again", object = "suite-tails.o", program = "after" }
"#
                ),
                stimulus: ENTERS,
                verdicts: &[(
                    ALL,
                    Verdict::runs(1, &[("circle", 33), ("before", 33), ("after", 33)]),
                )],
            },
        },
        Subtest {
            name: "tailcall_bpf2bpf_fentry_entry",
            what: "a tracer at the entry of a program that is in its own table sees the first \
                   call alone",
            form: Chain {
                text: r#"
host.h = { object = "suite-tails.o", program = "circles", attach = { @tc }, tail = { suite_circle = { 0 = "h" } } }
tracer.before = { fentry = "h", object = "suite-tails.o", program = "before" }
"#,
                stimulus: Stimulus::Packet("circles"),
                verdicts: &[(ALL, Verdict::runs(1, &[("h", 34), ("before", 1)]))],
            },
        },
        Subtest {
            name: "tailcall_bpf2bpf_hierarchy_fentry",
            what: "a tracer at the entry of a static function that a program calls twice, each \
                   with a tail call to that program",
            form: Chain {
                text: branches!(
                    r#"tracer.before = { fentry = "h", function = "branch", object = "suite-tails.o", program = "before" }
"#
                ),
                stimulus: BRANCHES,
                verdicts: &[
                    (ALL, ENDLESS),
                    ((6, 12), Verdict::runs(1, &[("h", 34), ("before", 68)])),
                ],
            },
        },
        Subtest {
            name: "tailcall_bpf2bpf_hierarchy_fexit",
            what: "the same with a tracer at the exit",
            form: Chain {
                text: branches!(
                    r#"tracer.after = { fexit = "h", function = "branch", object = "suite-tails.o", program = "after" }
"#
                ),
                stimulus: BRANCHES,
                verdicts: &[
                    (ALL, ENDLESS),
                    ((6, 12), Verdict::runs(1, &[("h", 34), ("after", 68)])),
                ],
            },
        },
        Subtest {
            name: "tailcall_bpf2bpf_hierarchy_fentry_fexit",
            what: "the same with both",
            form: Chain {
                text: branches!(
                    r#"tracer.before = { fentry = "h", function = "branch", object = "suite-tails.o", program = "before" }
tracer.after = { fexit = "h", function = "branch", object = "suite-tails.o", program = "after" }
"#
                ),
                stimulus: BRANCHES,
                verdicts: &[
                    (ALL, ENDLESS),
                    ((6, 12), Verdict::runs(1, &[("h", 34), ("before", 68), ("after", 68)])),
                ],
            },
        },
        Subtest {
            name: "tailcall_bpf2bpf_hierarchy_fentry_entry",
            what: "a tracer that is in its own table",
            form: Chain {
                text: r#"
host.h = { object = "suite-tails.o", program = "answers_one", attach = { @tc } }
tracer.t = { fentry = "h", object = "suite-tails.o", program = "branching_tracer" }
"#,
                stimulus: Stimulus::Packet("answers_one"),
                verdicts: &[(ALL, ENDLESS), ((6, 12), Verdict::runs(1, &[("t", 34)]))],
            },
        },
        Subtest {
            name: "tailcall_freplace",
            what: "a replacement that is in its own table",
            form: Chain {
                text: r#"
host.h = { object = "suite-tails.o", program = "has_a_part", attach = { @tc } }
stub.part = { function = "part", hosts = ["h"] }
replacement.new = { object = "suite-tails.o", program = "new_part", stub = "part", tail = { suite_replacements = { 0 = "new" } } }
"#,
                stimulus: Stimulus::None,
                verdicts: &[(ALL, Verdict::Unwritten { code: "FC0103" })],
            },
        },
        Subtest {
            name: "tailcall_bpf2bpf_freplace",
            what: "a program with a replaced function, in the table of the replacement",
            form: Chain {
                text: r#"
host.h = { object = "suite-tails.o", program = "has_a_part", attach = { @tc } }
stub.part = { function = "part", hosts = ["h"] }
replacement.new = { object = "suite-tails.o", program = "new_part", stub = "part", tail = { suite_replacements = { 0 = "h" } } }
"#,
                stimulus: Stimulus::None,
                verdicts: &[(ALL, Verdict::refused("FC0321", "EBUSY", ""))],
            },
        },
    ],
};
