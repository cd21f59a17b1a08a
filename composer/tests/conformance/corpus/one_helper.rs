//! Helpers that a type of program may call, and on which kernel.

use freplace_compose::diag::Code;

use crate::case::{
    Broken, Case, KPROBE, RAW_TRACEPOINT, TRACEPOINT, XDP, case, host, replacement, stub, tracer,
};

use Broken::{Before, Everywhere, Nowhere};

const HOOKS: [(&str, &str); 4] = [
    ("kprobe", KPROBE),
    ("tracepoint", TRACEPOINT),
    ("raw_tracepoint", RAW_TRACEPOINT),
    ("xdp", XDP),
];

/// The helpers of `one-helper.bpf.c`, and the programs that some kernel does not let call them.
const HELPERS: [(&str, &[(&str, Broken)]); 17] = [
    ("map_time", &[]),
    ("random", &[]),
    ("pid", &[("xdp", Before(6, 10))]),
    ("task", &[]),
    ("boot_time", &[]),
    ("jiffies", &[]),
    (
        "tail",
        &[
            ("kprobe", Everywhere),
            ("tracepoint", Everywhere),
            ("raw_tracepoint", Everywhere),
            ("tracing", Everywhere),
        ],
    ),
    (
        "load_bytes",
        &[
            ("kprobe", Everywhere),
            ("tracepoint", Everywhere),
            ("raw_tracepoint", Everywhere),
            ("xdp", Everywhere),
            ("tracing", Everywhere),
        ],
    ),
    (
        "redirect",
        &[
            ("kprobe", Everywhere),
            ("tracepoint", Everywhere),
            ("raw_tracepoint", Everywhere),
            ("tracing", Everywhere),
        ],
    ),
    ("stack", &[("xdp", Everywhere)]),
    ("cookie", &[("raw_tracepoint", Before(6, 10)), ("xdp", Everywhere)]),
    (
        "function",
        &[("tracepoint", Everywhere), ("raw_tracepoint", Everywhere), ("xdp", Everywhere)],
    ),
    (
        "argument",
        &[
            ("kprobe", Everywhere),
            ("tracepoint", Everywhere),
            ("raw_tracepoint", Everywhere),
            ("xdp", Everywhere),
        ],
    ),
    ("signal", &[("xdp", Before(6, 18))]),
    ("print", &[]),
    ("cgroup", &[("xdp", Before(6, 10))]),
    ("numa", &[]),
];

/// Where programs of a type are refused.
fn of(refused: &[(&str, Broken)], program_type: &str) -> Broken {
    refused.iter().find(|(of, _)| *of == program_type).map_or(Nowhere, |(_, broken)| *broken)
}

pub(super) fn cases() -> Vec<Case> {
    let about = Code::HelperNotAvailable;
    let mut cases = Vec::new();
    for (helper, refused) in HELPERS {
        for (hook, attach) in HOOKS {
            let chain = host("host", &format!("one-helper/{hook}_{helper}"), attach);
            let name = format!("helper/{helper} in a {hook}");
            cases.push(case(about, name, of(refused, hook), chain));
        }
        for moment in ["fentry", "fexit"] {
            let chain = host("host", "one-helper/host_xdp", XDP)
                + &tracer("tracer", moment, "host", &format!("one-helper/{moment}_{helper}"));
            let name = format!("helper/{helper} in an {moment}");
            cases.push(case(about, name, of(refused, "tracing"), chain));
        }
        // What changes packet data has rules of its own.
        for (hook, attach) in [("xdp", XDP), ("kprobe", KPROBE)] {
            if helper == "tail" {
                continue;
            }
            let chain = host("host", &format!("one-helper/host_{hook}"), attach)
                + &stub("stub", &format!("stub_{hook}"), &["host"])
                + &replacement("new", &format!("one-helper/replace_{hook}_{helper}"), "stub");
            let name = format!("helper/{helper} in a replacement at a {hook}");
            cases.push(case(about, name, of(refused, hook), chain));
        }
    }
    cases
}
