//! What the validator reads from instructions, against the verifier: both have to say the same of
//! each program, and in the same words.

use freplace_compose::{
    chain::{Chain, ProbePoint},
    check,
    diag::{Code, Severity},
    kernel::{Kernel as _, Linux, LoadRequest},
    object::{Object, ProgramKind, flow::read},
    plan::LoadAs,
    resolve::PartlyResolved,
};

use crate::{
    support::Folder,
    versions::{agree, both, running},
};

/// Asks both about each program, and holds them to what is expected of it.
#[track_caller]
fn judged(chain: impl Fn(&str) -> String, programs: &[(&str, bool)]) {
    let wrong: Vec<_> = programs
        .iter()
        .filter(|(program, taken)| {
            println!("{program}");
            agree(&chain(program)) != *taken
        })
        .collect();
    assert!(wrong.is_empty(), "both agree, and not as expected: {wrong:?}");
}

fn host(object: &str, program: &str, attach: &str) -> String {
    format!(
        "[host.host]\nobject = \"{object}.o\"\nprogram = \"{program}\"\nattach = {{ {attach} }}\n"
    )
}

const KPROBE: &str = "kprobe = \"__x64_sys_getpgid\"";
const TRACEPOINT: &str = "tracepoint = \"syscalls/sys_enter_getpgid\"";
const RAW_TRACEPOINT: &str = "raw_tracepoint = \"sys_enter\"";

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_function_is_called_with_what_it_takes() {
    judged(
        |program| host("arguments", program, KPROBE),
        &[
            ("drops_an_argument", false),
            ("drops_it_in_a_static_function", false),
            ("drops_it_behind_events", false),
            ("drops_it_on_one_path", false),
            ("drops_it_where_nobody_comes", true),
            ("drops_it_where_a_field_is_missing", true),
            ("keeps_it_where_a_field_is_missing", true),
            ("drops_memory", false),
            ("drops_the_context", false),
            ("keeps_it", true),
            ("passes_a_number_for_memory", false),
            ("passes_the_context_for_memory", false),
            ("passes_memory", true),
            ("passes_null", true),
            ("passes_the_context_for_a_number", false),
            ("passes_a_number_for_the_context", false),
            ("passes_the_context", true),
        ],
    );
}

fn replacement(host: &str, object: &str, program: &str, stub: &str) -> String {
    format!(
        "{host}[stub.stub]\nfunction = \"{stub}\"\nhosts = [\"host\"]\n\
         [replacement.new]\nobject = \"{object}.o\"\nprogram = \"{program}\"\nstub = \"stub\"\n"
    )
}

const RESULTS: [&str; 6] = [
    "returns_zero",
    "returns_one",
    "returns_its_argument",
    "returns_zero_or_one",
    "returns_zero_after_all",
    "returns_one_if_the_constant_says_so",
];

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn at_a_raw_tracepoint_a_replacement_returns_zero() {
    let raw = host("hosts", "at_raw_tracepoint", RAW_TRACEPOINT);
    let taken = ["returns_zero", "returns_zero_after_all", "returns_one_if_the_constant_says_so"];
    let expected = RESULTS.map(|program| (program, taken.contains(&program)));
    judged(|program| replacement(&raw, "results", program, "stub_value"), &expected);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn elsewhere_a_replacement_returns_what_it_likes() {
    for (program, attach) in [
        ("at_kprobe", KPROBE),
        ("at_kretprobe", "kretprobe = \"__x64_sys_getpgid\""),
        ("at_tracepoint", TRACEPOINT),
    ] {
        let host = host("hosts", program, attach);
        let chain = |program: &str| replacement(&host, "results", program, "stub_value");
        judged(chain, &[("returns_one", true), ("returns_its_argument", true)]);
    }
    assert!(agree(&replacement(
        &host("packet", "packet_host", "xdp = \"lo\", mode = \"generic\""),
        "packet",
        "keeps",
        "stub_keeps",
    )));
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_tracer_returns_zero() {
    let host = host("hosts", "at_tracepoint", TRACEPOINT);
    for (moment, program, taken) in [
        ("fentry", "enters_with_zero", true),
        ("fentry", "enters_with_one", false),
        ("fexit", "leaves_with_zero", true),
        ("fexit", "leaves_with_a_random_number", false),
    ] {
        let chain = |program: &str| {
            format!(
                "{host}[tracer.t]\nobject = \"results.o\"\nprogram = \"{program}\"\n\
                 {moment} = \"host\"\n"
            )
        };
        judged(chain, &[(program, taken)]);
    }
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_pointer_is_tested_and_used_within_its_bounds() {
    let owner = host("pointers", "host_of_record", TRACEPOINT);
    judged(
        |program| replacement(&owner, "pointers", program, "stub_record"),
        &[
            ("tested", true),
            ("untested", false),
            ("written_untested", false),
            ("tested_too_late", false),
            ("untested_where_nobody_comes", true),
            ("added_to_untested", false),
            ("beyond", false),
            ("before", false),
            ("across_the_end", false),
            ("last_byte", true),
        ],
    );
    judged(
        |program| host("pointers", program, TRACEPOINT),
        &[("host_of_record", true), ("host_that_reads_untested", false)],
    );
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn what_a_helper_gave_is_tested_first() {
    judged(
        |program| host("unchecked", program, KPROBE),
        &[
            ("event_untested", false),
            ("event_submitted_at_once", false),
            ("event_given_to_a_helper", false),
            ("event_tested_and_then_submitted", false),
            ("event_untested_in_a_function", false),
            ("event_tested", true),
            ("room_untested", false),
            ("room_submitted_at_once", false),
            ("room_discarded_at_once", false),
            ("key_written_untested", false),
            ("key_read_untested", false),
            ("key_added_to_untested", false),
            ("key_counted_untested", false),
            ("key_tested", true),
        ],
    );
}

fn object(name: &str) -> Object {
    let bytes = freplace_compose_test_programs::object(name).expect("a test program");
    Object::parse(bytes).expect("a good object")
}

/// Each tracer of the object on each of its functions.
#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_tracer_reads_the_arguments_that_it_may_read() {
    let folder = Folder::new("");
    let object = object("tracer-arguments");
    let request = |program, load_as, target| LoadRequest {
        object: &object,
        program,
        load_as,
        expected_attach_type: None,
        attach_btf: None,
        target,
        maps: &[],
        globals: &[],
        set: &[],
        trace: None,
        trace_entry: None,
        traits: Default::default(),
    };
    let mut kernel = Linux::new();
    let as_host = LoadAs::Hook(ProgramKind::Kprobe);
    let (host_program, _) =
        kernel.load(&request("traced", as_host, None)).expect("the host is loaded");
    let owner = host("tracer-arguments", "traced", KPROBE);
    let (mut taken, mut refused, mut wrong) = (0, 0, Vec::new());
    let functions = ["of_numbers", "of_record", "of_context", "of_text", "of_nobody", "traced"];
    for (function, program) in
        functions.iter().flat_map(|function| object.programs.iter().map(move |it| (*function, it)))
    {
        let moment = match program.kind {
            ProgramKind::Fentry => ProbePoint::Fentry,
            ProgramKind::Fexit => ProbePoint::Fexit,
            _ => continue,
        };
        let name = &program.name;
        let text = format!(
            "{owner}[tracer.t]\nobject = \"tracer-arguments.o\"\nprogram = \"{name}\"\n\
             {} = \"host\"\nfunction = \"{function}\"\n",
            moment.name()
        );
        let chain = Chain::parse(&folder.chain(), text).expect("a good chain");
        let mut found = check::check(&PartlyResolved::open(chain), &running());
        found.retain(|found| found.severity == Severity::Error);
        let foreseen = found.pop().map(|found| {
            assert_eq!(found.code, Code::TracerDereference, "{}", found.message);
            let said = found.notes.iter().find_map(|note| note.split('"').nth(1));
            said.expect("the kernel's words are there").to_owned()
        });
        let target = Some((host_program, function));
        match (kernel.load(&request(name, LoadAs::Tracer(moment), target)), foreseen) {
            (Ok((program, _)), None) => {
                taken += 1;
                kernel.unload(program).expect("it was loaded");
            }
            (Ok(_), Some(words)) => wrong.push(format!("{name} on {function}: taken, not {words}")),
            (Err(error), None) => {
                wrong.push(format!("{name} on {function}: refused with {:?}", error.log));
            }
            (Err(error), Some(words)) => {
                refused += 1;
                let log = error.log.unwrap_or_default();
                if !log.contains(&words) {
                    wrong.push(format!("{name} on {function}: {words}, and not {log}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), taken + refused, wrong.join("\n"));
    assert!(taken > 30 && refused > 30, "{taken} were taken, {refused} refused");
}

/// The errno of a refusal, and whether it was foreseen with the table's code.
#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_table_of_programs_belongs_to_one_type() {
    let two = |first: &str, second: &str| {
        let one = |id: &str, program: &str| {
            let attach = if program.contains("kprobe") { KPROBE } else { TRACEPOINT };
            host("tail-calls", program, attach).replace("host.host", &format!("host.{id}"))
        };
        one("one", first) + &one("two", second)
    };
    let tracer = |id: &str, program: &str, function: &str| {
        format!(
            "[tracer.{id}]\nobject = \"tail-calls.o\"\nprogram = \"{program}\"\n\
             fentry = \"host\"\nfunction = \"{function}\"\n"
        )
    };
    let kprobe = || host("tail-calls", "tail_of_kprobe", KPROBE);
    let in_kprobe = replacement(&kprobe(), "tail-calls", "tail_of_replacement", "stub_of_context");
    let plain = host("tail-calls", "plain_tracepoint", TRACEPOINT);
    let traced = host("tracer-arguments", "traced", KPROBE);
    for (what, text, taken) in [
        ("one host", kprobe(), true),
        ("two types", two("tail_of_kprobe", "tail_of_tracepoint"), false),
        ("two of a type", two("tail_of_kprobe", "tail_of_kprobe"), true),
        ("one without", two("tail_of_kprobe", "plain_tracepoint"), true),
        ("a replacement", in_kprobe, true),
        ("a tracer too", kprobe() + &tracer("t", "tail_of_tracer", "stub_tail"), false),
        (
            "two tracers of one function",
            traced.clone()
                + &tracer("t", "tail_of_tracer", "of_numbers")
                + &tracer("u", "tail_of_another_tracer", "of_numbers"),
            true,
        ),
        (
            "two tracers of two functions",
            traced
                + &tracer("t", "tail_of_tracer", "of_numbers")
                + &tracer("u", "tail_of_another_tracer", "of_context"),
            false,
        ),
        ("a tracer of a plain host", plain + &tracer("t", "tail_of_tracer", "stub_tail"), true),
        ("a function without a result", host("tail-calls", "tail_in_void", KPROBE), false),
    ] {
        let (foreseen, done) = both(&text);
        assert_eq!(done.is_ok(), taken, "{what}: {done:?}");
        assert_eq!(foreseen.is_ok(), taken, "{what}: {foreseen:?}");
        if what == "a function without a result" {
            let said = "tail_call is only allowed in functions that return 'int'.";
            assert!(done.is_err_and(|log| log.contains(said)));
        }
    }
}

/// What only a table leads to is loaded besides the host, and seen by the verifier like it.
#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn programs_of_tables_are_judged_like_hosts() {
    judged(
        |program| host("table-programs", program, "xdp = \"lo\", mode = \"generic\""),
        &[
            ("enter_tests", true),
            ("enter_tests_nothing", false),
            ("enter_wrong_helper", false),
            ("enter_too_deep", false),
            ("enter_calls_undefined", false),
            ("enter_goes_on", false),
        ],
    );
}

/// Where nothing is for CO-RE to find, the verifier refuses the program if it comes there.
#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn what_co_re_does_not_find_is_foretold() {
    judged(
        |program| host("lacking", program, RAW_TRACEPOINT),
        &[
            ("of_field", false),
            ("of_flavor", false),
            ("of_type", true),
            ("of_value", false),
            ("of_field_in_the_end", false),
            ("if_asked", true),
            ("tests_it", true),
            ("tests_the_type", true),
        ],
    );
    // Which way a constant decides is set when the program is loaded: that is a warning.
    for (program, taken) in [("if_asked", true), ("if_asked_already", false)] {
        let text = host("lacking", program, RAW_TRACEPOINT);
        let (foreseen, done) = both(&text);
        assert_eq!((foreseen, done.is_ok()), (Ok(()), taken), "{program}");
        let folder = Folder::new(&text);
        let chain = Chain::open(&folder.chain()).expect("a good chain");
        let warnings = check::open(chain, &running()).expect("a warning at most").warnings;
        let [warning] = warnings.as_slice() else { panic!("{program}: {warnings:#?}") };
        assert_eq!((warning.code, warning.severity), (Code::KernelLacksName, Severity::Warning));
    }
}

/// A raw tracepoint hands over as many arguments as it has, a tracepoint its record; a host that
/// reads on is loaded, and refused when it is attached.
#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_host_reaches_no_further_than_its_context() {
    let object = object("reach");
    for (program, attach, reach, taken) in [
        ("second_argument", RAW_TRACEPOINT, 16, true),
        ("third_argument", RAW_TRACEPOINT, 24, false),
        ("whole_record", TRACEPOINT, 24, true),
        ("beyond_the_record", TRACEPOINT, 32, false),
    ] {
        let read_in = object.program(program).expect("it is there");
        let found = read(&object, read_in, read_in.kind, false);
        assert_eq!(found.context_reach(), Some(reach), "{program}");
        let (_, done) = both(&host("reach", program, attach));
        assert_eq!(done.is_ok(), taken, "{program}: {done:?}");
        println!("{program}: {done:?}");
    }
}
