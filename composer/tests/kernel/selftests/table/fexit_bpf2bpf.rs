//! `fexit_bpf2bpf.c`: tracers at the exit, and replacements.

use super::{ALL, SelftestFile, Stimulus, Subtest, SubtestForm::Chain, SubtestVerdict as Verdict};

const PACKET: Stimulus = Stimulus::Packet("asks_many");

/// Some kernels between do not look at the type of the replaced program.
const LOCKED: Verdict =
    Verdict::refused("FC0340", "EINVAL", "tracing progs cannot use bpf_spin_lock yet");

pub(super) const FILE: SelftestFile = SelftestFile {
    name: "fexit_bpf2bpf",
    subtests: &[
        Subtest {
            name: "target_no_callees",
            what: "a tracer at the exit of a classifier that calls nothing reads the packet's \
                   length and the result",
            form: Chain {
                text: r#"
host.h = { object = "suite-access.o", program = "asks_none", attach = { @tc } }
tracer.after = { fexit = "h", object = "suite-access.o", program = "after_host" }
"#,
                stimulus: Stimulus::Packet("asks_none"),
                verdicts: &[(ALL, Verdict::runs(0, &[("h", 1), ("after", 1)]))],
            },
        },
        Subtest {
            name: "target_yes_callees",
            what: "tracers at the exits of a classifier, of two static functions, one of which \
                   lost an argument to clang, and of a global one",
            form: Chain {
                text: r#"
host.h = { object = "suite-access.o", program = "asks_many", attach = { @tc } }
tracer.host = { fexit = "h", object = "suite-access.o", program = "after_host" }
tracer.one = { fexit = "h", function = "doubled", object = "suite-access.o", program = "after_doubled" }
tracer.two = { fexit = "h", function = "scaled", object = "suite-access.o", program = "after_scaled" }
tracer.three = { fexit = "h", function = "product", object = "suite-access.o", program = "after_product" }
"#,
                stimulus: PACKET,
                verdicts: &[(
                    ALL,
                    Verdict::runs(
                        0,
                        &[("h", 1), ("host", 1), ("one", 1), ("two", 1), ("three", 1)],
                    ),
                )],
            },
        },
        Subtest {
            name: "func_replace",
            what: "the same tracers, and replacements of four functions: with the context first, \
                   with it second, without it, and one that writes to the packet",
            form: Chain {
                text: r#"
host.h = { object = "suite-access.o", program = "asks_many", attach = { @tc } }
tracer.host = { fexit = "h", object = "suite-access.o", program = "after_host" }
tracer.one = { fexit = "h", function = "doubled", object = "suite-access.o", program = "after_doubled" }
tracer.two = { fexit = "h", function = "scaled", object = "suite-access.o", program = "after_scaled" }
tracer.three = { fexit = "h", function = "product", object = "suite-access.o", program = "after_product" }
stub.length = { function = "length_of", hosts = ["h"] }
stub.index = { function = "index_of", hosts = ["h"] }
stub.less = { function = "less", hosts = ["h"] }
stub.writes = { function = "writes", hosts = ["h"] }
replacement.new_length = { object = "suite-access.o", program = "new_length", stub = "length" }
replacement.new_index = { object = "suite-access.o", program = "new_index", stub = "index" }
replacement.new_less = { object = "suite-access.o", program = "new_less", stub = "less" }
replacement.new_writes = { object = "suite-access.o", program = "new_writes", stub = "writes" }
"#,
                stimulus: PACKET,
                verdicts: &[(
                    ALL,
                    Verdict::runs(
                        0,
                        &[
                            ("h", 1),
                            ("host", 1),
                            ("one", 1),
                            ("two", 1),
                            ("three", 1),
                            ("new_length", 1),
                            ("new_index", 1),
                            ("new_less", 1),
                            ("new_writes", 1),
                        ],
                    ),
                )],
            },
        },
        Subtest {
            name: "func_replace_verify",
            what: "a replacement in a program at connect4 calls bpf_bind, which programs of that \
                   type alone may; it denies the connection",
            form: Chain {
                text: r#"
host.h = { object = "suite-hooks.o", program = "connects", attach = { cgroup_sock_addr = "/sys/fs/cgroup", at = "connect4" } }
stub.binds = { function = "binds", hosts = ["h"] }
replacement.new = { object = "suite-hooks.o", program = "new_binds", stub = "binds" }
"#,
                stimulus: Stimulus::Connect { refused: true },
                verdicts: &[(ALL, Verdict::seen(&[("new", 1), ("h", 1)]))],
            },
        },
        Subtest {
            name: "func_sockmap_update",
            what: "the entry of a classifier is replaced by a program that updates a sockmap",
            form: Chain {
                text: r#"
host.h = { object = "suite-access.o", program = "asks_none", attach = { @tc } }
stub.all = { function = "asks_none", hosts = ["h"] }
replacement.new = { object = "suite-access.o", program = "new_redirects", stub = "all" }
"#,
                stimulus: Stimulus::Packet("asks_none"),
                // There is no socket in the map, so it is TC_ACT_SHOT.
                verdicts: &[
                    (ALL, Verdict::runs(2, &[("new", 1)])),
                    (
                        (7, 3),
                        Verdict::Unforeseen {
                            errno: "EINVAL",
                            words: "cannot update sockmap in this context",
                        },
                    ),
                ],
            },
        },
        Subtest {
            name: "func_replace_return_code",
            what: "a replacement of the entry of a program at connect4 returns 255, which the \
                   program may not",
            form: Chain {
                text: r#"
host.h = { object = "suite-hooks.o", program = "connects", attach = { cgroup_sock_addr = "/sys/fs/cgroup", at = "connect4" } }
stub.all = { function = "connects", hosts = ["h"] }
replacement.new = { object = "suite-hooks.o", program = "returns_too_much", stub = "all" }
"#,
                stimulus: Stimulus::None,
                verdicts: &[(
                    ALL,
                    Verdict::refused("FC0313", "EINVAL", "At program exit the register R0 has"),
                )],
            },
        },
        Subtest {
            name: "func_map_prog_compatibility",
            what: "a replacement of the entry of a kprobe program takes a lock in a map",
            form: Chain {
                text: r#"
host.h = { object = "suite-hooks.o", program = "probed", attach = { kprobe = "__x64_sys_getpgid" } }
stub.all = { function = "probed", hosts = ["h"] }
replacement.new = { object = "suite-hooks.o", program = "locks", stub = "all" }
"#,
                stimulus: Stimulus::None,
                verdicts: &[(ALL, LOCKED), ((6, 12), Verdict::seen(&[])), ((7, 3), LOCKED)],
            },
        },
        Subtest {
            name: "func_replace_unreliable",
            what: "a replacement of the entry of a kprobe program whose context is a struct that \
                   kprobes do not have",
            form: Chain {
                text: r#"
host.h = { object = "suite-hooks.o", program = "untrusted", attach = { kprobe = "__x64_sys_getpgid" } }
stub.all = { function = "untrusted", hosts = ["h"] }
replacement.new = { object = "suite-hooks.o", program = "new_probed", stub = "all" }
"#,
                stimulus: Stimulus::None,
                verdicts: &[(
                    ALL,
                    Verdict::refused("FC0309", "EINVAL", "Cannot replace static functions"),
                )],
            },
        },
        Subtest {
            name: "func_replace_multi",
            what: "one replacement in two programs",
            form: Chain {
                text: r#"
host.a = { object = "suite-access.o", program = "asks_many", attach = { @tc } }
host.b = { object = "suite-access.o", program = "asks_many", attach = { @tc } }
stub.less = { function = "less", hosts = ["a", "b"] }
replacement.new = { object = "suite-access.o", program = "new_less", stub = "less" }
"#,
                stimulus: PACKET,
                verdicts: &[(ALL, Verdict::runs(0, &[("a", 1), ("b", 1), ("new", 2)]))],
            },
        },
        Subtest {
            name: "fmod_ret_freplace",
            what: "a program that modifies results, on a replacement",
            form: Chain {
                text: r#"
host.h = { object = "suite-access.o", program = "asks_many", attach = { @tc } }
stub.less = { function = "less", hosts = ["h"] }
replacement.new = { object = "suite-access.o", program = "new_less", stub = "less" }
tracer.t = { fexit = "new", object = "suite-access.o", program = "modifies" }
"#,
                stimulus: Stimulus::None,
                verdicts: &[(ALL, Verdict::Unwritten { code: "FC0207" })],
            },
        },
        Subtest {
            name: "func_replace_global_func",
            what: "a replacement of an entry calls a global function of its own",
            form: Chain {
                text: r#"
host.h = { object = "suite-access.o", program = "asks_many", attach = { @tc } }
stub.all = { function = "asks_many", hosts = ["h"] }
replacement.new = { object = "suite-access.o", program = "new_host", stub = "all" }
"#,
                stimulus: PACKET,
                verdicts: &[(ALL, Verdict::runs(1, &[("new", 1)]))],
            },
        },
        Subtest {
            name: "fentry_to_cgroup_bpf",
            what: "a tracer of a program at bind4",
            form: Chain {
                text: r#"
host.h = { object = "suite-hooks.o", program = "bound", attach = { cgroup_sock_addr = "/sys/fs/cgroup", at = "bind4" } }
tracer.before = { fentry = "h", object = "suite-hooks.o", program = "bare" }
"#,
                stimulus: Stimulus::Bind,
                verdicts: &[(ALL, Verdict::seen(&[("before", 1), ("h", 1)]))],
            },
        },
        Subtest {
            name: "func_replace_progmap",
            what: "the entry of an xdp program is replaced by one that redirects by a cpumap, \
                   which is empty",
            form: Chain {
                text: r#"
host.h = { object = "suite-hooks.o", program = "frame", attach = { xdp = "lo", mode = "generic" } }
stub.all = { function = "frame", hosts = ["h"] }
replacement.new = { object = "suite-hooks.o", program = "to_another_cpu", stub = "all" }
"#,
                stimulus: Stimulus::Packet("frame"),
                verdicts: &[(ALL, Verdict::runs(2, &[("new", 1)]))],
            },
        },
        Subtest {
            name: "freplace_int_with_void",
            what: "a replacement that returns nothing, of a function that returns a number",
            form: Chain {
                text: r#"
host.h = { object = "suite-effects.o", program = "calls_both", attach = { @tc } }
stub.keeps = { function = "keeps", hosts = ["h"] }
replacement.new = { object = "suite-access.o", program = "new_nothing", stub = "keeps" }
"#,
                stimulus: Stimulus::None,
                verdicts: &[(
                    ALL,
                    Verdict::refused(
                        "FC0301",
                        "EINVAL",
                        "Return type UNKNOWN of new_nothing() doesn't match type INT of keeps()",
                    ),
                )],
            },
        },
        Subtest {
            name: "freplace_void",
            what: "a replacement of a function that returns nothing",
            form: Chain {
                text: r#"
host.h = { object = "suite-access.o", program = "asks_for_nothing", attach = { @tc } }
stub.nothing = { function = "nothing", hosts = ["h"] }
replacement.new = { object = "suite-access.o", program = "new_nothing", stub = "nothing" }
"#,
                stimulus: Stimulus::Packet("asks_for_nothing"),
                verdicts: &[
                    (
                        ALL,
                        Verdict::refused(
                            "FC0304",
                            "EINVAL",
                            "Global function nothing() doesn't return scalar",
                        ),
                    ),
                    ((7, 1), Verdict::runs(0, &[("new", 1), ("h", 1)])),
                ],
            },
        },
        Subtest {
            name: "sleepable_fentry_to_xdp",
            what: "a tracer that may sleep, on an xdp program",
            form: Chain {
                text: r#"
host.h = { object = "suite-effects.o", program = "passes", attach = { xdp = "lo", mode = "generic" } }
tracer.t = { fentry = "h", object = "suite-effects.o", program = "sleeping_tracer" }
"#,
                stimulus: Stimulus::None,
                verdicts: &[(ALL, Verdict::refused("FC0337", "EINVAL", "passes is not sleepable"))],
            },
        },
    ],
};
