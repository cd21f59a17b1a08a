//! Where hosts are attached.

use freplace_compose::diag::Code;

use crate::case::{
    Case, KPROBE, KRETPROBE, RAW_TRACEPOINT, TRACEPOINT, XDP, breaks, breaks_if, host, keeps,
};

/// A program for each hook, and the hook.
const HOOKS: [(&str, &str, &str); 5] = [
    ("contexts/host_kprobe", KPROBE, "kprobe"),
    ("contexts/host_kretprobe", KRETPROBE, "kretprobe"),
    ("contexts/host_tracepoint", TRACEPOINT, "tracepoint"),
    ("contexts/host_raw_tracepoint", RAW_TRACEPOINT, "raw_tracepoint"),
    ("contexts/host_xdp", XDP, "xdp"),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (program, attach, hook) in HOOKS {
        let twice = host("one", program, attach) + &host("two", program, attach);
        let name = format!("hook taken/two at a {hook}");
        cases.push(breaks_if(hook == "xdp", Code::HookTaken, name, twice));
    }
    let taken = Code::HookTaken;
    let all: String =
        HOOKS.iter().map(|(program, attach, hook)| host(hook, program, attach)).collect();
    cases.push(keeps(taken, "hook taken/one at each", all));
    cases.push(breaks(
        taken,
        "hook taken/two programs at an interface",
        host("one", "two-stubs/one", XDP) + &host("two", "two-stubs/both", XDP),
    ));
    cases.push(breaks(
        taken,
        "hook taken/with and without a mode",
        host("one", "two-stubs/one", "{ xdp = \"lo\" }") + &host("two", "two-stubs/both", XDP),
    ));
    cases
}
