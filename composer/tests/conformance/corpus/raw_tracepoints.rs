//! How many arguments a raw tracepoint has.

use freplace_compose::diag::Code;

use crate::case::{Case, breaks_if, fentry, host};

/// Raw tracepoints of as many arguments on every kernel.
const POINTS: [(&str, usize); 4] =
    [("sys_enter", 2), ("sched_switch", 4), ("inet_sock_set_state", 3), ("cpu_frequency", 2)];

/// Hosts of `raw-arguments.bpf.c`, and how many arguments each reads.
const HOSTS: [(&str, usize); 9] = [
    ("reads_none", 0),
    ("reads_1", 1),
    ("reads_2", 2),
    ("reads_3", 3),
    ("reads_4", 4),
    ("reads_5", 5),
    ("reads_4_inside", 4),
    ("reads_4_on_a_path", 4),
    ("reads_half_of_3", 3),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (point, count) in POINTS {
        for (program, read) in HOSTS {
            let attach = format!("{{ raw_tracepoint = \"{point}\" }}");
            let chain = host("host", &format!("raw-arguments/{program}"), &attach);
            let name = format!("raw tracepoint/{program} at {point}");
            cases.push(breaks_if(read > count, Code::RawTracepointArguments, name, chain.clone()));
            if read == count + 1 {
                let name = format!("raw tracepoint/{program} at {point}, and traced");
                let chain = chain + &fentry("tracer", "host");
                cases.push(breaks_if(true, Code::RawTracepointArguments, name, chain));
            }
        }
    }
    cases
}
