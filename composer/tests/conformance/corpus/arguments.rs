//! What a host hands its stub: every argument set, and of the kind that the stub wants.

use freplace_compose::diag::Code;

use crate::case::{Broken, Case, KPROBE, XDP, case, fentry, host, replacement, stub};

use Broken::{Everywhere, Nowhere};

/// Hosts that pass memory which is too small, or a moved pointer.
const UNKNOWN: [&str; 1] = ["map_value_end"];

/// The hosts of `passed.bpf.c`.
const HOSTS: [(&str, &str, Broken); 28] = [
    ("all", XDP, Nowhere),
    ("three", XDP, Nowhere),
    ("unused_context", XDP, Nowhere),
    ("unused_context_late", XDP, Everywhere),
    ("unused_number", XDP, Everywhere),
    ("unused_number_late", XDP, Everywhere),
    ("unused_middle", XDP, Everywhere),
    ("unused_all", XDP, Everywhere),
    ("unused_by_chance", XDP, Nowhere),
    ("unused_only", XDP, Everywhere),
    ("only", XDP, Nowhere),
    ("unused_on_a_path", XDP, Nowhere),
    ("inner_unused", XDP, Everywhere),
    ("stack", KPROBE, Nowhere),
    ("stack_too_small", KPROBE, Everywhere),
    ("stack_unset", KPROBE, Nowhere),
    ("map_value", KPROBE, Nowhere),
    ("map_value_untested", KPROBE, Nowhere),
    ("map_value_end", KPROBE, Everywhere),
    ("null", KPROBE, Nowhere),
    ("kernel_pointer", KPROBE, Everywhere),
    ("kernel_pointer_as_number", KPROBE, Nowhere),
    ("context_as_number", KPROBE, Everywhere),
    ("stack_as_number", KPROBE, Everywhere),
    ("number_as_context", KPROBE, Everywhere),
    ("context", KPROBE, Nowhere),
    ("stack_as_context", KPROBE, Everywhere),
    ("context_moved", KPROBE, Everywhere),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (host_name, attach, broken) in HOSTS {
        let alone = host("host", &format!("passed/host_{host_name}"), attach);
        let replaced = alone.clone()
            + &stub("stub", &format!("stub_{host_name}"), &["host"])
            + &replacement("new", &format!("passed/replace_{host_name}"), "stub");
        let traced = alone + &fentry("tracer", &format!("host:stub_{host_name}"));
        for (how, chain) in [("replaced", replaced), ("traced", traced)] {
            let name = format!("argument/{host_name}, {how}");
            let case = case(Code::ArgumentNotPassed, name, broken, chain);
            cases.push(match UNKNOWN.contains(&host_name) {
                true => case.unknown("the size of the memory behind a pointer is not tracked"),
                false => case,
            });
        }
    }
    cases
}
