//! Maps whose values hold a lock or a timer.

use freplace_compose::diag::Code;

use crate::case::{
    Broken, Case, KPROBE, RAW_TRACEPOINT, TRACEPOINT, XDP, case, fentry, host, keeps, replacement,
    stub, tracer,
};

use Broken::{Before, Everywhere, Nowhere, Outside};

const HOOKS: [(&str, &str); 3] =
    [("xdp", XDP), ("kprobe", KPROBE), ("raw_tracepoint", RAW_TRACEPOINT)];

/// Which kernels take a replacement for a program of its host's type here.
const OF_HOST: Broken = Outside((6, 12), (7, 3));

pub(super) fn cases() -> Vec<Case> {
    let code = Code::LockInTracing;
    let mut cases = Vec::new();
    for (hook, attach) in HOOKS.into_iter().chain([("tracepoint", TRACEPOINT)]) {
        for (way, in_tracing) in [("lock", Everywhere), ("wake", Before(7, 0))] {
            let broken = if hook == "xdp" { Nowhere } else { in_tracing };
            let chain = host("host", &format!("locks/{way}_{hook}"), attach);
            cases.push(case(code, format!("locked/{way} in a {hook}"), broken, chain));
        }
    }
    for (hook, attach, broken) in [("xdp", XDP, Nowhere), ("kprobe", KPROBE, Everywhere)] {
        let chain = host("host", &format!("locks/enter_{hook}"), attach);
        cases.push(case(code, format!("locked/lock in a table of a {hook}"), broken, chain));
    }
    for (hook, attach) in HOOKS {
        let host = || host("host", &format!("locks/host_{hook}"), attach);
        for (way, in_tracing) in [
            ("count", Nowhere),
            ("lock", OF_HOST),
            ("lock_below", OF_HOST),
            ("wake", Before(6, 12)),
        ] {
            let broken = if hook == "xdp" { Nowhere } else { in_tracing };
            let chain = host()
                + &stub("entry", &format!("host_{hook}"), &["host"])
                + &replacement("new", &format!("locks/replace_{way}_{hook}"), "entry");
            let name = format!("locked/{way} in a replacement at a {hook}");
            cases.push(case(code, name, broken, chain.clone()));
            let name = format!("locked/{way} in a traced replacement at a {hook}");
            cases.push(case(code, name, broken, chain + &fentry("t", "new")));
        }
        for way in ["lock", "wake"] {
            let chain = host() + &tracer("t", "fentry", "host", &format!("locks/{way}_tracer"));
            cases.push(keeps(code, format!("locked/{way} in a tracer of a {hook}"), chain));
        }
    }
    cases
}
