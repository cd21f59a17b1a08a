//! What the user is told when the kernel refuses: each kind of failure, at its line of the file.

mod common;

use std::fmt::Write as _;

use freplace_compose::{
    chain::Chain,
    check::{self, Kernels},
    diag::Diagnostic,
    kernel::{Holder, KernelError, Occupant, SourceLine},
    plan::{self, Action, OperationId, Plan},
    profile::Targets,
    run::{Failure, NotUndone, explain, explain_left},
};

const HOSTS: &str = r#"
[host.kprobe]
object = "builtin:tcp"
program = "k_tcp_connect"
attach = { kprobe = "tcp_connect" }

[host.point]
object = "kinds.bpf.o"
program = "at_tracepoint"
attach = { tracepoint = "sock/inet_sock_set_state" }

[host.raw_point]
object = "kinds.bpf.o"
program = "at_raw_tracepoint"
attach = { raw_tracepoint = "inet_sock_set_state" }

[host.packets]
object = "builtin:xdp"
program = "xdp_host"
attach = { xdp = "eth0" }

[stub.handler]
function = "stub_handler"
hosts = ["kprobe"]

[replacement.new]
object = "builtin:tcp-replacement"
program = "freplace_handler"
stub = "handler"

[tracer.before]
object = "builtin:tcp-tracer"
program = "fentry_freplace_handler"
fentry = "new"
"#;

fn ready() -> Plan {
    planned(HOSTS)
}

fn planned(text: &str) -> Plan {
    let path = common::objects().join("chain.toml");
    let chain = Chain::parse(&path, text.to_owned()).expect("a good chain");
    plan::build(
        &check::open(chain, &Kernels::default()).expect("a good chain").resolved,
        plan::Offers::default(),
    )
}

/// A diagnostic as text; how the program draws one is pinned elsewhere.
fn text(found: &Diagnostic) -> String {
    let mut out = format!("{} {}\n", found.code, found.message);
    for label in &found.labels {
        let line = label.span.source().text[..label.span.start()].lines().count();
        let marked = label.span.text();
        let _ = writeln!(out, "  line {line}: {marked}  <- {}", label.text);
    }
    for note in &found.notes {
        let _ = writeln!(out, "{note}");
    }
    if let Some(help) = &found.help {
        let _ = writeln!(out, "help: {help}");
    }
    out
}

/// The operation that does `wanted` for the node called `id`.
fn operation(plan: &Plan, id: &str, wanted: fn(&Action) -> bool) -> OperationId {
    let is_it = |one: &plan::Operation| {
        wanted(&one.action) && one.node.is_none_or(|node| plan.nodes[node].id == id)
    };
    plan.operations.iter().find(|one| is_it(one)).expect("it is in the plan").id
}

fn load(action: &Action) -> bool {
    matches!(action, Action::Load { .. })
}

fn map(action: &Action) -> bool {
    matches!(action, Action::CreateMap { .. })
}

fn attach(action: &Action) -> bool {
    !load(action) && !map(action)
}

fn refused(call: &'static str, errno: i32, message: &str) -> KernelError {
    KernelError {
        call,
        errno: Some(errno),
        message: message.to_owned(),
        log: None,
        lines: Box::default(),
        missing: Box::default(),
        holder: None,
        candidates: None,
    }
}

/// The place is taken, and it is seen by whom.
fn held(held: Occupant) -> KernelError {
    let who = "`theirs` (program 41, link 7), held by other/1234".to_owned();
    let holder = Some(Box::new(Holder { held, who }));
    KernelError { holder, ..refused("BPF_LINK_CREATE", libc::EBUSY, "device or resource busy") }
}

fn told(id: &str, wanted: fn(&Action) -> bool, error: KernelError, whole: bool) -> String {
    told_where(&Targets::default(), id, wanted, error, whole)
}

/// The same on a kernel where there are `targets`.
fn told_where(
    targets: &Targets,
    id: &str,
    wanted: fn(&Action) -> bool,
    error: KernelError,
    whole: bool,
) -> String {
    let plan = ready();
    let (operation, error) = (operation(&plan, id, wanted), Box::new(error));
    let failure = Failure { operation, error, left: Vec::new() };
    text(&explain(&failure, &plan, targets, whole))
}

#[test]
fn what_was_likely_meant_is_named_where_the_kernels_functions_are_known() {
    let missing = refused("perf_event_open", libc::ENOENT, "no such file or directory");
    let targets = Targets::of_symbols(Some("tcp_conect\n__traceiter_inet_sock_set_stat\n"));
    for (id, near) in [("kprobe", "tcp_conect"), ("raw_point", "inet_sock_set_stat")] {
        let said = told_where(&targets, id, attach, missing.clone(), false);
        assert!(said.ends_with(&format!("help: Did you mean `{near}`?\n")), "{said}");
    }
    let invalid = refused("perf_event_open", libc::EINVAL, "invalid argument");
    let there = Targets::of_symbols(Some("tcp_connect\n"));
    let said = told_where(&there, "kprobe", attach, invalid, false);
    assert!(said.contains("`tcp_connect` cannot be probed"), "{said}");
}

#[test]
fn every_refusal_is_explained() {
    let link = "BPF_LINK_CREATE";
    let mut out = String::new();
    for (id, wanted, error) in [
        ("", map as fn(&Action) -> bool, refused("BPF_MAP_CREATE", libc::EPERM, "not permitted")),
        ("", map, refused("BPF_MAP_CREATE", libc::ENOMEM, "cannot allocate memory")),
        ("kprobe", load, refused("BPF_PROG_LOAD", libc::EPERM, "operation not permitted")),
        ("kprobe", load, refused("BPF_PROG_LOAD", libc::EINVAL, "invalid argument")),
        ("kprobe", load, refused("BPF_PROG_LOAD", 524, "unknown error 524")),
        ("kprobe", attach, refused("perf_event_open", libc::ENOENT, "no such file or directory")),
        ("kprobe", attach, refused("perf_event_open", libc::EINVAL, "invalid argument")),
        ("kprobe", attach, refused("perf_event_open", libc::EADDRNOTAVAIL, "not available")),
        ("kprobe", attach, refused("perf_event_open", libc::EACCES, "permission denied")),
        ("point", attach, refused("open", libc::ENOENT, "no such file or directory")),
        ("raw_point", attach, refused("BPF_RAW_TRACEPOINT_OPEN", libc::ENOENT, "no such file")),
        ("packets", attach, refused(link, libc::ENODEV, "no such device")),
        ("packets", attach, refused(link, libc::EBUSY, "device or resource busy")),
        ("packets", attach, refused(link, libc::EOPNOTSUPP, "operation not supported")),
        ("packets", attach, refused(link, libc::EPERM, "operation not permitted")),
        ("new", attach, refused(link, libc::EBUSY, "device or resource busy")),
        ("new", attach, refused(link, libc::EINVAL, "invalid argument")),
        ("before", attach, refused(link, libc::EBUSY, "device or resource busy")),
        ("before", attach, refused(link, libc::E2BIG, "argument list too long")),
        ("new", attach, held(Occupant::Replacement)),
        ("new", attach, held(Occupant::Tracer)),
        ("before", attach, held(Occupant::Replacement)),
        ("packets", attach, held(Occupant::Xdp)),
        ("before", attach, refused(link, libc::ENOENT, "no such file or directory")),
    ] {
        let _ = writeln!(out, "{}", told(id, wanted, error, false));
    }
    let here = KernelError {
        call: "read object",
        errno: None,
        message: "the object is damaged".into(),
        log: None,
        lines: Box::default(),
        missing: Box::default(),
        holder: None,
        candidates: None,
    };
    out += &told("kprobe", load, here, false);
    insta::assert_snapshot!(out);
}

/// Each way in which a map does not get to its pin, by the call that fails.
#[test]
fn a_map_that_does_not_get_to_its_pin_is_explained() {
    let plan = planned(
        r#"
        [host.enter]
        object = "tail.bpf.o"
        program = "enter"
        attach = { xdp = "eth0" }
        maps = { numbers = { pin = true } }
        "#,
    );
    let pinned = |action: &Action| matches!(action, Action::CreateMap { pin: Some(_), .. });
    let mut operations = plan.operations.iter();
    let operation = operations.find(|one| pinned(&one.action)).expect("a pin").id;
    let differs = KernelError {
        errno: None,
        ..refused("compare with the pinned map", 0, "it has 4 entries, and the chain's 2")
    };
    let mut out = String::new();
    for error in [
        differs,
        refused("BPF_OBJ_PIN", libc::EPERM, "operation not permitted"),
        refused("BPF_OBJ_PIN", libc::EEXIST, "file exists"),
        refused("BPF_OBJ_GET", libc::EINVAL, "invalid argument"),
        refused("BPF_OBJ_GET", libc::EACCES, "permission denied"),
        refused("BPF_OBJ_PIN", libc::ENOSPC, "no space left on device"),
        // No matter of the pin.
        refused("BPF_MAP_CREATE", libc::ENOMEM, "cannot allocate memory"),
    ] {
        let failure = Failure { operation, error: Box::new(error), left: Vec::new() };
        let found = explain(&failure, &plan, &Targets::default(), false);
        let _ = writeln!(out, "{}", text(&found));
    }
    insta::assert_snapshot!(out);
}

fn rejected() -> KernelError {
    let mut log: String = (0..20).map(|number| format!("{number}: (b7) r0 = {number}\n")).collect();
    log += "R0 !read_ok\n\nverification time 17 usec\nstack depth 0+0\n\
            processed 21 insns (limit 1000000) max_states_per_insn 0\n";
    KernelError { log: Some(log), ..refused("BPF_PROG_LOAD", libc::EACCES, "permission denied") }
}

#[test]
fn the_telling_lines_of_the_log_are_shown() {
    insta::assert_snapshot!(told("new", load, rejected(), false));
}

#[test]
fn the_whole_log_is_shown_on_request() {
    insta::assert_snapshot!(told("new", load, rejected(), true));
}

#[test]
fn the_line_of_source_stands_below_the_telling_lines() {
    let line = SourceLine {
        instruction: 17,
        file: "new.bpf.c".to_owned(),
        line: 42,
        text: "return answer;".to_owned(),
    };
    let error = KernelError { lines: Box::new([line]), ..rejected() };
    let told = told("new", load, error, false);
    assert!(told.contains("R0 !read_ok\n    new.bpf.c:42  return answer;\n    19: (b7)"), "{told}");
}

#[test]
fn the_words_of_the_log_lead_to_the_rule() {
    let log = "Cannot recursively attach\nprocessed 0 insns (limit 1000000)\n";
    let error = KernelError { log: Some(log.to_owned()), ..rejected() };
    let replacement = told("new", load, error.clone(), false);
    assert!(replacement.contains("this violates FC0103: reference to a node of the wrong kind\n"));
    let tracer = told("before", load, error, false);
    assert!(tracer.contains("this violates FC0307: "), "{tracer}");
}

#[test]
fn a_short_log_is_shown_as_it_is() {
    let log = Some("R0 !read_ok\nprocessed 1 insns\n".to_owned());
    let error = KernelError { log, ..rejected() };
    assert!(
        told("new", load, error, false)
            .contains("verifier log\n  R0 !read_ok\n  and one more line\nhelp")
    );
}

#[test]
fn a_log_without_a_telling_line_leaves_no_empty_block() {
    let log = Some("processed 1 insns (limit 1000000)\n".to_owned());
    let error = KernelError { log, ..rejected() };
    assert!(!told("new", load, error, false).contains("verifier log"));
}

#[test]
fn what_is_left_is_named() {
    let plan = ready();
    let error = refused("close", libc::EIO, "input/output error");
    let left: Vec<_> = [("", map as fn(&Action) -> bool), ("new", load), ("before", attach)]
        .map(|(id, wanted)| NotUndone {
            operation: operation(&plan, id, wanted),
            error: error.clone(),
        })
        .into();
    let one = text(&explain_left(&left[..1], &plan));
    insta::assert_snapshot!(one + "\n" + &text(&explain_left(&left, &plan)));
}
