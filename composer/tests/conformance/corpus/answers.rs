//! What programs answer, where a hook bounds it.

use freplace_compose::diag::Code;

use crate::case::{
    Broken, Case, KPROBE, RAW_TRACEPOINT, TRACEPOINT, XDP, case, host, replacement, stub, tracer,
};

use Broken::{Everywhere, Nowhere};

/// Why some are not foreseen.
const HELPER: &str = "return values are known for a few helpers only";

const HOOKS: [(&str, &str); 4] = [
    ("kprobe", KPROBE),
    ("tracepoint", TRACEPOINT),
    ("raw_tracepoint", RAW_TRACEPOINT),
    ("xdp", XDP),
];

/// What hosts answer, and whether it is 0.
const HOSTS: [(&str, bool); 6] = [
    ("zero", true),
    ("one", false),
    ("two", false),
    ("minus_one", false),
    ("stubs", false),
    ("either", false),
];

/// What replacements answer, and whether it is 0.
const REPLACEMENTS: [(&str, bool); 10] = [
    ("zero", true),
    ("one", false),
    ("two", false),
    ("seven", false),
    ("minus_one", false),
    ("argument", false),
    ("zero_or_one", false),
    ("zero_by_and", true),
    ("zero_on_both", true),
    ("from_helper", false),
];

pub(super) fn cases() -> Vec<Case> {
    let about = Code::ResultRange;
    let mut cases = Vec::new();
    for (hook, attach) in HOOKS {
        for (answer, _) in HOSTS {
            let chain = host("host", &format!("answers/host_{hook}_{answer}"), attach);
            let name = format!("answer/{answer} of a {hook}");
            cases.push(case(about, name, Nowhere, chain));
        }
        for (answer, is_zero) in REPLACEMENTS {
            let chain = host("host", &format!("answers/host_{hook}_zero"), attach)
                + &stub("stub", "stub_own", &["host"])
                + &replacement("new", &format!("answers/replace_{answer}"), "stub");
            let name = format!("answer/{answer} of a replacement at a {hook}");
            let refused = hook == "raw_tracepoint" && !is_zero;
            let broken = if refused { Everywhere } else { Nowhere };
            let case = case(about, name, broken, chain);
            cases.push(match (answer, broken) {
                ("from_helper", Everywhere) => case.unknown(HELPER),
                _ => case,
            });
        }
    }
    for moment in ["fentry", "fexit"] {
        for (answer, is_zero) in
            [("zero", true), ("one", false), ("minus_one", false), ("from_helper", false)]
        {
            let chain = host("host", "answers/host_xdp_zero", XDP)
                + &tracer("tracer", moment, "host", &format!("answers/{moment}_{answer}"));
            let name = format!("answer/{answer} of an {moment}");
            let broken = if is_zero { Nowhere } else { Everywhere };
            let case = case(about, name, broken, chain);
            cases.push(match (answer, broken) {
                ("from_helper", Everywhere) => case.unknown(HELPER),
                _ => case,
            });
        }
    }
    cases
}
