//! Pointers to memory: what a replacement and a tracer may do with an argument.

use freplace_compose::diag::Code;

use crate::case::{Broken, Case, KPROBE, case, host, replacement, stub, tracer};

use Broken::{Everywhere, Nowhere};

/// Replacements of `pointees.bpf.c`.
const REPLACEMENTS: [(&str, Broken); 15] = [
    ("untouched", Nowhere),
    ("untested", Everywhere),
    ("untested_write", Everywhere),
    ("tested", Nowhere),
    ("tested_early", Nowhere),
    ("tested_the_other_way", Nowhere),
    ("tested_late", Everywhere),
    ("tested_copy", Nowhere),
    ("past_the_end", Everywhere),
    ("before_the_start", Everywhere),
    ("half_past_the_end", Everywhere),
    ("last_byte", Nowhere),
    ("number_as_pointer", Everywhere),
    ("by_helper", Nowhere),
    ("on_a_path", Everywhere),
];

/// Tracers of `pointees.bpf.c`, on a function of two arguments.
const TRACERS: [(&str, &str, Broken); 16] = [
    ("fentry", "number", Nowhere),
    ("fentry", "pointer", Everywhere),
    ("fentry", "dereferenced", Everywhere),
    ("fentry", "third", Everywhere),
    ("fentry", "sixth", Everywhere),
    ("fentry", "half", Nowhere),
    ("fentry", "askew", Everywhere),
    ("fentry", "by_helper", Nowhere),
    ("fentry", "by_helper_followed", Nowhere),
    ("fentry", "write", Everywhere),
    ("fentry", "result_by_helper", Nowhere),
    ("fexit", "number", Nowhere),
    ("fexit", "pointer", Everywhere),
    ("fexit", "result", Nowhere),
    ("fexit", "past_the_result", Everywhere),
    ("fexit", "by_helper", Nowhere),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let alone = || host("host", "pointees/host", KPROBE);
    let with = |new: &str| {
        alone()
            + &stub("stub", "stub_record", &["host"])
            + &replacement("new", &format!("pointees/replace_{new}"), "stub")
    };
    for (name, broken) in REPLACEMENTS {
        let case = case(Code::NullNotTested, format!("pointer/{name}"), broken, with(name));
        cases.push(match name {
            "number_as_pointer" => case.unknown("numbers used as pointers are not tracked"),
            "on_a_path" => {
                case.unknown("an access behind a condition on an argument is not reported")
            }
            _ => case,
        });
    }
    for (moment, program, broken) in TRACERS {
        let path = format!("pointees/{moment}_{program}");
        let of_stub = alone() + &tracer("tracer", moment, "host:stub_record", &path);
        let of_new = with("untouched") + &tracer("tracer", moment, "new", &path);
        for (target, chain) in [("a stub", of_stub), ("a replacement", of_new)] {
            let name = format!("pointer/{program} in an {moment} of {target}");
            let case = case(Code::TracerDereference, name, broken, chain);
            cases.push(match program {
                "write" => case.unknown("reads of a context are checked, writes are not"),
                _ => case,
            });
        }
    }
    cases
}
