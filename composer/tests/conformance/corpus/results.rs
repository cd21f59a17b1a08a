//! What a stub returns.

use freplace_compose::diag::Code;

use crate::case::{Broken, Case, XDP, breaks, breaks_if, case, fexit, host, replacement, stub};

/// The results of `stub-results.bpf.c`, and whether each is a number.
const RESULTS: [(&str, bool); 10] = [
    ("char", true),
    ("short", true),
    ("unsigned", true),
    ("long", true),
    ("boolean", true),
    ("enum", true),
    ("wide_enum", true),
    ("typedef", true),
    ("pointer", false),
    ("pointer_to_struct", false),
];

pub(super) fn cases() -> Vec<Case> {
    let code = Code::StubResult;
    let mut cases = Vec::new();
    for (name, is_number) in RESULTS {
        let chain = host("host", &format!("stub-results/host_{name}"), XDP)
            + &stub("stub", &format!("stub_{name}"), &["host"])
            + &replacement("new", &format!("stub-results/replace_{name}"), "stub");
        cases.push(breaks_if(!is_number, code, format!("result/{name}"), chain.clone()));
        cases.push(breaks_if(
            !is_number,
            code,
            format!("result/{name}, and the replacement traced"),
            chain + &fexit("tracer", "new"),
        ));
    }
    let void = || host("host", "void-stub/host", XDP) + &stub("stub", "stub_void", &["host"]);
    let name = |name: &str| format!("result/void{name}");
    cases.push(case(
        code,
        name(""),
        Broken::Before(7, 2),
        void() + &replacement("new", "void-stub/replace_void", "stub"),
    ));
    cases.push(case(
        code,
        name(", and the replacement traced"),
        Broken::Before(7, 2),
        void() + &replacement("new", "void-stub/replace_void", "stub") + &fexit("tracer", "new"),
    ));
    cases.push(case(code, name(", traced"), Broken::Before(7, 2), void() + &fexit("t", "stub")));
    cases.push(breaks(
        Code::PrototypeMismatch,
        name(", replaced by one that returns a number"),
        void() + &replacement("new", "void-stub/replace_number", "stub"),
    ));
    cases
}
