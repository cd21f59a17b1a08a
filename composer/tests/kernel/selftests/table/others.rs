//! Files with one or few subtests.

use super::{
    ALL, SelftestFile, Stimulus, Subtest,
    SubtestForm::{Chain, None},
    SubtestVerdict as Verdict,
};

pub(super) const TRACE_EXT: SelftestFile = SelftestFile {
    name: "trace_ext",
    subtests: &[Subtest {
        name: "trace_ext",
        what: "tracers at the entry and the exit of a replacement of a classifier's entry, which \
               read the packet's length",
        form: Chain {
            text: r#"
host.h = { object = "suite-access.o", program = "asks_none", attach = { @tc } }
stub.all = { function = "asks_none", hosts = ["h"] }
replacement.new = { object = "suite-access.o", program = "new_plain", stub = "all" }
tracer.before = { fentry = "new", object = "suite-access.o", program = "before_new" }
tracer.after = { fexit = "new", object = "suite-access.o", program = "after_new" }
"#,
            stimulus: Stimulus::Packet("asks_none"),
            verdicts: &[(ALL, Verdict::runs(0, &[("before", 1), ("new", 1), ("after", 1)]))],
        },
    }],
};

const ONE_RUN: &str = "a link that is released and made again while its program stays loaded: a \
                       chain attaches each program once";

pub(super) const RECURSIVE_ATTACH: SelftestFile = SelftestFile {
    name: "recursive_attach",
    subtests: &[
        Subtest {
            name: "recursive_fentry/load, attach",
            what: "a tracer of a tracer of a program at a function of the kernel; all are loaded \
                   before any is attached",
            form: Chain {
                text: r#"
host.h = { object = "suite-hooks.o", program = "source", attach = { fentry = "__x64_sys_getpgid" } }
tracer.one = { fentry = "h", object = "suite-hooks.o", program = "bare" }
tracer.two = { fentry = "one", object = "suite-hooks.o", program = "bare" }
"#,
                stimulus: Stimulus::None,
                verdicts: &[
                    (ALL, Verdict::refused("FC0307", "EINVAL", "Cannot recursively attach")),
                    (
                        (6, 8),
                        Verdict::refused(
                            "FC0307",
                            "EINVAL",
                            "Cannot nest tracing program attach more than once",
                        ),
                    ),
                ],
            },
        },
        Subtest { name: "recursive_fentry/detach", what: "", form: None(ONE_RUN) },
        Subtest { name: "fentry_attach_btf_presence", what: "", form: None(ONE_RUN) },
    ],
};

pub(super) const GLOBAL_FUNC_DEAD_CODE: SelftestFile = SelftestFile {
    name: "global_func_dead_code",
    subtests: &[
        Subtest {
            name: "a function that is called",
            what: "a replacement of a function that a function calls",
            form: Chain {
                text: r#"
host.h = { object = "suite-hooks.o", program = "chained", attach = { raw_tracepoint = "sys_enter" } }
stub.alive = { function = "alive", hosts = ["h"] }
replacement.new = { object = "suite-hooks.o", program = "new_alive", stub = "alive" }
"#,
                stimulus: Stimulus::None,
                verdicts: &[(ALL, Verdict::seen(&[]))],
            },
        },
        Subtest {
            name: "a function whose call a constant takes away",
            what: "a replacement of a function that the verifier removed",
            form: Chain {
                text: r#"
host.h = { object = "suite-hooks.o", program = "chained", attach = { raw_tracepoint = "sys_enter" } }
stub.dead = { function = "dead", hosts = ["h"] }
replacement.new = { object = "suite-hooks.o", program = "new_alive", stub = "dead" }
"#,
                stimulus: Stimulus::None,
                // Older kernels load it with the program all the same.
                verdicts: &[
                    (ALL, Verdict::seen(&[])),
                    ((6, 8), Verdict::refused("FC0330", "EINVAL", "Subprog dead doesn't exist")),
                ],
            },
        },
    ],
};
