//! Program arrays of replacements and tracers.

use freplace_compose::diag::Code;

use crate::case::{Case, KPROBE, TRACEPOINT, breaks, host, keeps, replacement, stub, tracer};

/// A host of hosts.bpf.c that only tables lead to.
fn leaf(program: &str) -> String {
    format!("[host.leaf]\nobject = \"hosts.o\"\nprogram = \"{program}\"\n\n")
}

/// A node whose table leads to the leaf.
fn with_table(node: &str) -> String {
    format!("{}\ntail = {{ next_program = {{ 0 = \"leaf\" }} }}\n\n", node.trim_end())
}

pub(super) fn cases() -> Vec<Case> {
    let code = Code::TailEntry;
    let kprobe = || host("h", "tail-calls/tail_of_kprobe", KPROBE);
    let replaced = || {
        let new = replacement("new", "tail-calls/tail_of_replacement", "s");
        kprobe() + &stub("s", "stub_of_context", &["h"]) + &with_table(&new)
    };
    let traced = || {
        let tracer = tracer("t", "fentry", "h", "tail-calls/tail_of_tracer");
        host("h", "hosts/at_tracepoint", TRACEPOINT) + &with_table(&tracer)
    };
    let entry = |text: &str| format!("name = \"tables\"\n{text}");
    vec![
        keeps(
            code,
            "tables/a program of the host's type, in one of a replacement",
            entry(&(replaced() + &leaf("at_kprobe"))),
        ),
        breaks(
            code,
            "tables/a program of another type, in one of a replacement",
            entry(&(replaced() + &leaf("at_tracepoint"))),
        ),
        breaks(
            code,
            "tables/a program of the host's type, in one of a tracer",
            entry(&(traced() + &leaf("at_tracepoint"))),
        ),
        keeps(
            code,
            "tables/a tracer that an object puts into the table of another",
            entry(
                &(host("h", "hosts/at_tracepoint", TRACEPOINT)
                    + &tracer("t", "fentry", "h", "suite-tails/leading_tracer")),
            ),
        ),
    ]
}
