//! A program's own entry in the place of a stub.

use freplace_compose::diag::Code;

use crate::case::{
    Broken, Case, KPROBE, KRETPROBE, RAW_TRACEPOINT, TRACEPOINT, XDP, breaks, breaks_if, case,
    fentry, host, keeps, replacement, stub,
};

/// Entries of `contexts.bpf.c`: where they go, and whether the kernel trusts their prototype.
const ENTRIES: [(&str, &str, bool); 15] = [
    ("xdp", XDP, true),
    ("xdp_typedef", XDP, true),
    ("xdp_constant", XDP, true),
    ("xdp_void", XDP, false),
    ("xdp_own", XDP, false),
    ("xdp_registers", XDP, false),
    ("kprobe", KPROBE, true),
    ("kprobe_void", KPROBE, false),
    ("kprobe_own", KPROBE, false),
    ("kretprobe", KRETPROBE, true),
    ("tracepoint", TRACEPOINT, false),
    ("tracepoint_void", TRACEPOINT, false),
    ("raw_tracepoint", RAW_TRACEPOINT, true),
    ("raw_tracepoint_void", RAW_TRACEPOINT, false),
    ("raw_tracepoint_own", RAW_TRACEPOINT, false),
];

fn entry(host_program: &str, attach: &str, new: &str) -> String {
    host("host", &format!("contexts/host_{host_program}"), attach)
        + &stub("stub", &format!("host_{host_program}"), &["host"])
        + &replacement("new", &format!("contexts/replace_{new}"), "stub")
}

pub(super) fn cases() -> Vec<Case> {
    let code = Code::UntrustedEntry;
    let mut cases = Vec::new();
    for (name, attach, trusted) in ENTRIES {
        let chain = entry(name, attach, name);
        cases.push(breaks_if(!trusted, code, format!("entry/{name}"), chain.clone()));
        cases.push(breaks_if(
            !trusted,
            code,
            format!("entry/{name}, and the replacement traced"),
            chain + &fentry("tracer", "new"),
        ));
        cases.push(keeps(
            code,
            format!("entry/{name}, only traced"),
            host("host", &format!("contexts/host_{name}"), attach) + &fentry("tracer", "host"),
        ));
    }
    for name in ["bytes", "number"] {
        cases.push(breaks(code, format!("entry/{name}"), entry(name, XDP, "xdp")));
    }
    cases.push(breaks(
        Code::PrototypeMismatch,
        "entry/nothing, replaced by one with an argument",
        entry("nothing", XDP, "xdp"),
    ));
    cases.push(case(
        code,
        "entry/nothing, replaced by nothing".to_owned(),
        Broken::From(6, 8),
        entry("nothing", XDP, "nothing"),
    ));
    cases
}
