//! One replacement on several hosts.

use freplace_compose::diag::Code;

use crate::case::{
    Case, KPROBE, KRETPROBE, RAW_TRACEPOINT, TRACEPOINT, breaks, fentry, fexit, host, keeps,
    replacement, stub,
};

/// The hosts of `hosts.bpf.c`.
const HOSTS: [(&str, &str); 4] = [
    ("at_kprobe", KPROBE),
    ("at_kretprobe", KRETPROBE),
    ("at_tracepoint", TRACEPOINT),
    ("at_raw_tracepoint", RAW_TRACEPOINT),
];

/// Some of them, with one replacement on all.
fn shared(hosts: &[(&str, &str)]) -> String {
    let ids: Vec<_> = hosts.iter().map(|(id, _)| *id).collect();
    let hosts = hosts.iter().map(|(id, attach)| host(id, &format!("hosts/{id}"), attach));
    hosts.collect::<String>()
        + &stub("stub", "stub_value", &ids)
        + &replacement("new", "replacements/answer_zero", "stub")
}

pub(super) fn cases() -> Vec<Case> {
    let code = Code::PrototypeMismatch;
    let mut cases = Vec::new();
    for (number, second) in HOSTS.iter().enumerate() {
        for first in &HOSTS[..number] {
            let pair = [*first, *second];
            let name = format!("several hosts/{} and {}", pair[0].0, pair[1].0);
            cases.push(keeps(code, name, shared(&pair)));
        }
    }
    cases.push(keeps(code, "several hosts/all four", shared(&HOSTS)));
    cases.push(keeps(
        code,
        "several hosts/all four, and the replacement traced",
        shared(&HOSTS) + &fentry("before", "new") + &fexit("after", "new"),
    ));
    cases.push(keeps(
        code,
        "several hosts/two of one program",
        host("one", "hosts/at_kprobe", KPROBE)
            + &host("two", "hosts/at_kprobe", KPROBE)
            + &stub("stub", "stub_value", &["one", "two"])
            + &replacement("new", "replacements/answer_seven", "stub"),
    ));
    let other = |attach: &str, first: &str, program: &str| {
        host("first", program, first)
            + &host("other", "other-stub/other", attach)
            + &stub("stub", "stub_value", &["first", "other"])
            + &replacement("new", "replacements/answer_zero", "stub")
    };
    cases.push(breaks(
        code,
        "several hosts/the second stub has one argument more",
        other(TRACEPOINT, TRACEPOINT, "hosts/at_tracepoint"),
    ));
    cases.push(breaks(
        code,
        "several hosts/the second stub has one argument more, in a program of another type",
        other(TRACEPOINT, KPROBE, "hosts/at_kprobe"),
    ));
    cases
}
