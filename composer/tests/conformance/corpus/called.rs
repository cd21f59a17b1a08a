//! Global functions that a host calls and that are no stubs: their prototypes, what they are handed,
//! how deep calls go and what they take of the stack.

use freplace_compose::diag::Code;

use crate::case::{Broken, Case, KPROBE, XDP, case, host, replacement, stub, tracer};

use Broken::{Before, Everywhere, Nowhere};

/// Before this a global function is verified also where nothing calls it.
const NOT_LAZY: Broken = Before(6, 8);
/// Before this a function that returns nothing cannot be global.
const NO_VOID: Broken = Before(7, 2);
/// Before this no more than 8 functions run inside each other; since then, 16.
const OF_8: Broken = Before(7, 2);
/// Before this each function takes at least 32 bytes of the stack.
const OF_32: Broken = Before(6, 9);

/// The hosts of `called.bpf.c`.
const HOSTS: &[(Code, &str, Broken)] = &[
    (Code::StubResult, "returns_nothing", NO_VOID),
    (Code::StubResult, "returns_int", Nowhere),
    (Code::StubResult, "returns_long", Nowhere),
    (Code::StubResult, "returns_bool", Nowhere),
    (Code::StubResult, "returns_enum", Nowhere),
    (Code::StubResult, "returns_pointer", Everywhere),
    (Code::StubResult, "returns_record_pointer", Everywhere),
    (Code::StubResult, "behind_never", NOT_LAZY),
    (Code::StubResult, "on_a_path", NO_VOID),
    (Code::StubResult, "behind_static", NO_VOID),
    (Code::StubResult, "behind_global", NO_VOID),
    (Code::StubResult, "of_static", Nowhere),
    (Code::FunctionPrototype, "takes_unknown", Everywhere),
    (Code::FunctionPrototype, "takes_hidden", Everywhere),
    (Code::FunctionPrototype, "takes_unknown_constant", Everywhere),
    (Code::FunctionPrototype, "takes_unknown_second", Everywhere),
    (Code::FunctionPrototype, "takes_void", Everywhere),
    (Code::FunctionPrototype, "takes_code", Everywhere),
    (Code::FunctionPrototype, "takes_pointer", Nowhere),
    (Code::FunctionPrototype, "takes_bytes", Nowhere),
    (Code::FunctionPrototype, "takes_union", Nowhere),
    (Code::FunctionPrototype, "takes_enum", Nowhere),
    (Code::FunctionPrototype, "takes_record", Nowhere),
    (Code::FunctionPrototype, "takes_number", Nowhere),
    (Code::FunctionPrototype, "takes_other_context", Nowhere),
    (Code::FunctionPrototype, "tagged_context", NOT_LAZY),
    (Code::FunctionPrototype, "tagged_own_context", Nowhere),
    (Code::FunctionPrototype, "tagged_nonnull", Nowhere),
    (Code::ArgumentNotPassed, "moved_context", Everywhere),
    (Code::ArgumentNotPassed, "moved_back", Nowhere),
    (Code::ArgumentNotPassed, "moved_second_context", Everywhere),
    (Code::ArgumentNotPassed, "constant_written", Everywhere),
    (Code::ArgumentNotPassed, "constant_read", Everywhere),
    (Code::ArgumentNotPassed, "variable_written", Nowhere),
    (Code::ArgumentNotPassed, "stack_too_small", Everywhere),
    (Code::ArgumentNotPassed, "stack_inner", Everywhere),
    (Code::ArgumentNotPassed, "stack_enough", Nowhere),
    (Code::ArgumentNotPassed, "stack_unset", Nowhere),
    (Code::StackLimit, "stack_512", Nowhere),
    (Code::StackLimit, "stack_528", Everywhere),
    (Code::StackLimit, "stack_504", OF_32),
    (Code::StackLimit, "stack_static", Everywhere),
    (Code::StackLimit, "stack_three", Everywhere),
    (Code::StackLimit, "stack_apart", Nowhere),
    (Code::StackLimit, "stack_on_a_path", Everywhere),
    (Code::StackLimit, "stack_used_on_a_path", Everywhere),
    (Code::StackLimit, "stack_behind_never", NOT_LAZY),
    (Code::StackLimit, "static_seven", Nowhere),
    (Code::StackLimit, "static_eight", OF_8),
    (Code::StackLimit, "global_seven", Nowhere),
    (Code::StackLimit, "global_eight", OF_8),
    (Code::StackLimit, "deep_behind_never", OF_8),
    (Code::StackLimit, "circle", Everywhere),
];

/// The same in what replaces a stub, and in what traces one.
const REPLACEMENTS: &[(Code, &str, Broken)] = &[
    (Code::StubResult, "replacement_calls_nothing", NO_VOID),
    (Code::StubResult, "replacement_calls_context", Nowhere),
    (Code::StackLimit, "replacement_with_frames", Everywhere),
];
const TRACERS: &[(Code, &str, Broken)] = &[
    (Code::StubResult, "tracer_calls_nothing", NO_VOID),
    (Code::StubResult, "tracer_calls_something", Nowhere),
    (Code::StackLimit, "tracer_with_frames", Before(6, 13)),
    (Code::TracerDereference, "tracer_reads_data", Everywhere),
    (Code::TracerDereference, "tracer_reads_queue", Everywhere),
    (Code::TracerDereference, "tracer_reads_found", Everywhere),
    (Code::TracerDereference, "tracer_reads_buffer", Nowhere),
    (Code::TracerDereference, "tracer_reads_frame_size", Nowhere),
    (Code::TracerDereference, "tracer_reads_nothing", Nowhere),
    (Code::NotSleepable, "tracer_may_sleep", Everywhere),
    (Code::NotSleepable, "tracer_may_sleep_at_exit", Everywhere),
];

pub(super) fn cases() -> Vec<Case> {
    let named = |name: &str| format!("called/{name}");
    let mut cases = Vec::new();
    for (about, name, broken) in HOSTS {
        let chain = host("host", &format!("called/called_{name}"), XDP);
        cases.push(case(*about, named(name), *broken, chain));
    }
    let chain = host("host", "called/called_stack_of_kprobe", KPROBE);
    cases.push(case(Code::StackLimit, named("stack_of_kprobe"), Before(6, 13), chain));
    let owner = host("host", "called/called_host", XDP);
    for (about, name, broken) in REPLACEMENTS {
        let chain = owner.clone()
            + &stub("stub", "stub_called", &["host"])
            + &replacement("new", &named(name), "stub");
        cases.push(case(*about, named(name), *broken, chain));
    }
    for (about, name, broken) in TRACERS {
        let moment = if name.ends_with("exit") { "fexit" } else { "fentry" };
        let chain = owner.clone() + &tracer("tracer", moment, "host:stub_called", &named(name));
        cases.push(case(*about, named(name), *broken, chain));
    }
    cases
}
