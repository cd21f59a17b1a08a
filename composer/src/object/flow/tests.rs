//! Facts found in small programs, and robustness against arbitrary bytes.
//!
//! The programs are those of the kernel tests, which give them to the verifier.

use std::{collections::BTreeSet, time::Instant};

use proptest::{prelude::*, test_runner::Config};

use super::{ArgumentValue, FactKind, Findings, ParameterType, ReturnValue, read};
use crate::object::{Object, ProgramKind};

fn object(name: &str) -> Object {
    let bytes = freplace_compose_test_programs::object(name).expect("a test program");
    Object::parse(bytes).expect("a good object")
}

fn findings(object: &Object, program: &str) -> Findings {
    let program = object.program(program).expect("it is there");
    match program.kind {
        ProgramKind::Freplace => read(object, program, ProgramKind::Tracepoint, true),
        kind => read(object, program, kind, false),
    }
}

fn certain(name: &str, program: &str) -> BTreeSet<FactKind> {
    findings(&object(name), program).certain.into_iter().map(|fact| fact.what).collect()
}

/// What the registers of arguments hold that are not as they have to be.
fn passes(program: &str) -> Option<(u8, ParameterType, ArgumentValue)> {
    certain("arguments", program).into_iter().find_map(|what| match what {
        FactKind::Passes { number, wanted, held, .. } => Some((number, wanted, held)),
        _ => None,
    })
}

fn returns(name: &str, program: &str) -> Vec<ReturnValue> {
    let found = certain(name, program).into_iter();
    found
        .filter_map(|what| if let FactKind::Returns(it) = what { Some(it) } else { None })
        .collect()
}

#[test]
fn an_argument_that_clang_dropped_is_missed_wherever_the_call_is() {
    let nothing = Some((1, ParameterType::Number, ArgumentValue::Nothing));
    assert_eq!(passes("drops_an_argument"), nothing);
    assert_eq!(passes("drops_it_in_a_static_function"), nothing);
    assert_eq!(passes("drops_it_behind_events"), nothing);
    assert_eq!(passes("drops_it_on_one_path"), nothing);
    assert_eq!(passes("keeps_it"), None);
    let arguments = object("arguments");
    let (index, _) = arguments.function("stub_unused").expect("it is there");
    assert_eq!([0, 1].map(|it| super::uses_argument(&arguments, index, it)), [true, false]);
}

#[test]
fn what_is_passed_is_compared_with_what_is_taken() {
    let record = ParameterType::Memory(16);
    assert_eq!(passes("passes_a_number_for_memory"), Some((0, record, ArgumentValue::Number)));
    assert_eq!(passes("passes_the_context_for_memory"), Some((0, record, ArgumentValue::Context)));
    assert_eq!(passes("passes_memory"), None);
    assert_eq!(passes("passes_null"), None);
    let number = Some((0, ParameterType::Number, ArgumentValue::Context));
    assert_eq!(passes("passes_the_context_for_a_number"), number);
    let context = Some((0, ParameterType::Context, ArgumentValue::Number));
    assert_eq!(passes("passes_a_number_for_the_context"), context);
    assert_eq!(passes("passes_the_context"), None);
}

#[test]
fn behind_a_frozen_constant_nothing_is_certain_but_what_both_ways_have() {
    let object = object("arguments");
    let found = findings(&object, "drops_it_where_nobody_comes");
    let is_call = |what: FactKind| matches!(what, FactKind::Passes { .. });
    for program in ["drops_it_where_a_field_is_missing", "keeps_it_where_a_field_is_missing"] {
        assert_eq!(passes(program), None, "{program}: CO-RE decides");
    }
    assert!(!found.certain.iter().any(|fact| is_call(fact.what)));
    assert!(found.possible.iter().any(|fact| is_call(fact.what)));
    // Events go by whether there is a task, which the composer says. They end all the same.
    assert_eq!(returns("replacements", "answer_seven"), [ReturnValue::Number(7)]);
    assert_eq!(returns("replacements", "answer_zero"), [ReturnValue::Number(0)]);
}

#[test]
fn results_are_told_as_far_as_they_are_known() {
    use ReturnValue::{Number, Several};
    for (program, expected) in [
        ("returns_zero", &[Number(0)][..]),
        ("returns_one", &[Number(1)]),
        ("returns_its_argument", &[Several]),
        ("returns_zero_or_one", &[Number(0), Number(1)]),
        ("returns_zero_after_all", &[Number(0)]),
        ("returns_one_if_the_constant_says_so", &[]),
        ("leaves_with_a_random_number", &[Several]),
    ] {
        assert_eq!(returns("results", program), expected, "{program}");
    }
}

#[test]
fn pointers_are_tested_first() {
    let untested = |program| {
        let found = certain("pointers", program).into_iter();
        found
            .filter(|what| matches!(what, FactKind::Untested { .. } | FactKind::Beyond { .. }))
            .count()
    };
    for program in ["untested", "written_untested", "tested_too_late", "added_to_untested"] {
        assert_eq!(untested(program), 1, "{program}");
    }
    for program in ["beyond", "before", "across_the_end"] {
        assert_eq!(untested(program), 1, "{program}");
    }
    for program in ["tested", "untested_where_nobody_comes", "last_byte", "host_of_record"] {
        assert_eq!(untested(program), 0, "{program}");
    }
    assert_eq!(untested("host_that_reads_untested"), 1, "in a global function that it calls");
}

#[test]
fn what_a_helper_gave_is_tested_first() {
    let unchecked = |program| {
        let found = certain("unchecked", program).into_iter();
        found.filter(|what| matches!(what, FactKind::Unchecked { .. })).count()
    };
    for program in [
        "event_untested",
        "event_submitted_at_once",
        "event_given_to_a_helper",
        "event_tested_and_then_submitted",
        "event_untested_in_a_function",
        "room_untested",
        "room_submitted_at_once",
        "room_discarded_at_once",
        "key_written_untested",
        "key_read_untested",
        "key_added_to_untested",
        "key_counted_untested",
    ] {
        assert!(unchecked(program) > 0, "{program}");
    }
    for program in ["event_tested", "key_tested", "slot_untested"] {
        assert_eq!(unchecked(program), 0, "{program}");
    }
}

#[test]
fn the_context_is_read_up_to_where_it_is_certain() {
    let hosts = object("hosts");
    let reach = |name| findings(&hosts, name).context_reach();
    assert_eq!(reach("at_raw_tracepoint"), Some(16), "args[0] and args[1]");
    assert_eq!(reach("at_tracepoint"), Some(24), "the pid, behind 16 bytes");
    let tails = object("tail-calls");
    assert_eq!(findings(&tails, "plain_tracepoint").context_reach(), None);
}

/// The programs of `object`, each as any kind; in debug builds too this takes milliseconds.
fn look_at(object: &Object) {
    for program in &object.programs {
        for (kind, by_prototype) in [
            (ProgramKind::Kprobe, false),
            (ProgramKind::Xdp, false),
            (ProgramKind::RawTracepoint, true),
            (ProgramKind::Xdp, true),
        ] {
            let begun = Instant::now();
            let found = read(object, program, kind, by_prototype);
            assert!(found.certain.is_disjoint(&found.possible));
            assert!(begun.elapsed().as_secs() < 5, "{}", program.name);
        }
    }
}

/// An object whose first program of some length has these instructions.
fn with_code(code: &[u8]) -> Object {
    let mut object = object("hosts");
    let index = object.program("at_kprobe").expect("it is there").function;
    let start = object.bytes.len();
    object.bytes = [&object.bytes, code].concat().into();
    object.functions[index].code.place = start..start + code.len();
    object
}

proptest! {
    #![proptest_config(Config { cases: 300, failure_persistence: None, ..Config::default() })]

    #[test]
    fn any_bytes_are_walked_to_an_end(code in prop::collection::vec(any::<u8>(), 0..800)) {
        look_at(&with_code(&code));
    }

    /// Bytes that are more likely to be instructions than any would be.
    #[test]
    fn any_instructions_are_walked_to_an_end(
        code in prop::collection::vec(
            (
                prop::sample::select(&[
                    0x05_u8, 0x15, 0x55, 0x2d, 0xb7, 0xbf, 0x0f, 0x07, 0x57, 0x67, 0x77, 0xc7,
                    0x61, 0x79, 0x63, 0x7b, 0x85, 0x95, 0x18, 0x16, 0xb4, 0xdb,
                ][..]),
                0_u8..11, 0_u8..11, -8_i16..8, prop_oneof![-8_i32..200, any::<i32>()],
            ),
            0..100,
        ),
    ) {
        let bytes = code.into_iter().flat_map(|(opcode, to, from, offset, immediate)| {
            let mut bytes = [opcode, from << 4 | to, 0, 0, 0, 0, 0, 0];
            bytes[2..4].copy_from_slice(&offset.to_ne_bytes());
            bytes[4..].copy_from_slice(&immediate.to_ne_bytes());
            bytes
        });
        look_at(&with_code(&bytes.collect::<Vec<_>>()));
    }
}

#[test]
fn a_million_instructions_and_a_knot_of_jumps_are_given_up_in_time() {
    let begun = Instant::now();
    let mut long = [0xb7, 0, 0, 0, 1, 0, 0, 0].repeat(1_000_000);
    long.extend([0x95, 0, 0, 0, 0, 0, 0, 0]);
    look_at(&with_code(&long));
    // r1 = *(u64 *)(r1 + 0); then, over and over: if r1 == 0 goto back to the beginning.
    let mut knot = vec![0x79, 0x12, 0, 0, 0, 0, 0, 0];
    for number in 1..20_000_i16 {
        let [low, high] = (-number - 1).to_ne_bytes();
        knot.extend([0x15, 0x02, low, high, number.to_ne_bytes()[0], 0, 0, 0]);
    }
    look_at(&with_code(&knot));
    // Round and round.
    look_at(&with_code(&[0x05, 0, 0xff, 0xff, 0, 0, 0, 0]));
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

/// The kinds of the built-in hosts whose stubs take a context.
const HOSTS: [ProgramKind; 4] =
    [ProgramKind::Xdp, ProgramKind::CgroupSkb, ProgramKind::CgroupSockAddr, ProgramKind::SockOps];

/// Built-in programs with several ends: which one it is hangs on a number that is not followed, or on
/// what a host passes in memory.
const UNDECIDED: &[&str] =
    &["on_egress", "only_local", "only_port", "congestion", "keepalive", "only_port"];

#[test]
fn every_built_in_program_is_walked_to_its_end() {
    // Which way the built-in tracer goes hangs on a table that it is given.
    let names = freplace_compose_ebpf_programs::names().filter(|name| *name != "trace");
    let mut undecided = Vec::new();
    for name in names {
        let bytes = freplace_compose_ebpf_programs::object(name).expect("it was just named");
        let object = Object::parse(bytes).expect(name);
        for program in &object.programs {
            let ends = |kind| {
                let found = read(&object, program, kind, program.kind == ProgramKind::Freplace);
                found.certain.iter().any(|fact| matches!(fact.what, FactKind::Returns(_)))
            };
            // Whose context a replacement takes is for its stub to say.
            let kinds: &[_] = match program.kind {
                ProgramKind::Freplace => &HOSTS,
                _ => &[program.kind],
            };
            if !kinds.iter().any(|kind| ends(*kind)) {
                undecided.push(program.name.clone());
            }
        }
    }
    assert_eq!(undecided, UNDECIDED);
}
