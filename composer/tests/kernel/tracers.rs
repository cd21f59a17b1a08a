//! Tracers on everything that can be traced: entry functions, stubs, static functions, replacements.

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{
    Folder, Live, Snapshot,
    events::{events, nodes, of},
    fire,
};

const HOST: &str = r#"
    name = "traced"
    host.fired = { object = "hosts.o", program = "at_tracepoint", attach = { tracepoint = "syscalls/sys_enter_getpgid" } }
    stub.value = { function = "stub_value", hosts = ["fired"] }
"#;

/// Brings `chain` up, fires it once with `value`, and returns its events.
#[track_caller]
fn fired(chain: &str, value: u16) -> Vec<Value> {
    let folder = Folder::new(chain);
    let before = Snapshot::take();
    let live = Live::json(&folder.chain());
    fire(value);
    let finished = live.end(Signal::INT);
    finished.assert_done();
    before.assert_nothing_new();
    events(&finished)
}

fn traced(more: &str) -> String {
    format!("{HOST}\n{more}")
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn the_entry_function_of_a_host_can_be_traced() {
    let events = fired(
        &traced(
            r#"
            tracer.in = { fentry = "fired", object = "tracers.o", program = "mark" }
            tracer.out = { fexit = "fired", object = "tracers.o", program = "leave" }
            "#,
        ),
        5,
    );
    assert_eq!(nodes(&events), ["in", "fired", "out"]);
    assert_eq!(events[0]["call"], 0, "before the host's call begins");
    assert_eq!(events[2]["data"]["ret"], 0);
    assert_eq!(events[1]["data"]["answer"], -1, "the stub's own");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_stub_that_is_not_replaced_can_be_traced() {
    let events = fired(
        &traced(
            r#"
            tracer.in = { fentry = "value", object = "tracers.o", program = "entry" }
            tracer.out = { fexit = "value", object = "tracers.o", program = "leave" }
            "#,
        ),
        6,
    );
    assert_eq!(nodes(&events), ["in", "out", "fired"]);
    assert_eq!(events[0]["data"]["value"], 6);
    assert_eq!(events[1]["data"]["value"], 6);
    assert_eq!(events[1]["data"]["ret"], -1);
    assert!(events.iter().all(|event| event["call"] == events[0]["call"]), "{events:#?}");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_stub_in_two_hosts_is_traced_in_both() {
    let events = fired(
        r#"
        name = "two"
        host.first = { object = "hosts.o", program = "at_tracepoint", attach = { tracepoint = "syscalls/sys_enter_getpgid" } }
        host.second = { object = "hosts.o", program = "at_kprobe", attach = { kprobe = "__x64_sys_getpgid" } }
        stub.value = { function = "stub_value", hosts = ["first", "second"] }
        tracer.in = { fentry = "value", object = "tracers.o", program = "entry" }
        "#,
        7,
    );
    // The tracepoint comes before the system call's function.
    assert_eq!(nodes(&events), ["in", "first", "in", "second"]);
    assert!(of(&events, "in").iter().all(|event| event["data"]["value"] == 7));
    assert_eq!(events[0]["call"], events[1]["call"]);
    assert_eq!(events[2]["call"], events[3]["call"]);
    assert_ne!(events[0]["call"], events[2]["call"]);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_static_function_can_be_traced() {
    let events = fired(
        &traced(
            r#"
            tracer.in = { fentry = "fired", function = "twice", object = "tracers.o", program = "entry" }
            tracer.out = { fexit = "fired", function = "twice", object = "tracers.o", program = "leave" }
            "#,
        ),
        8,
    );
    assert_eq!(nodes(&events), ["in", "out", "fired"]);
    assert_eq!(events[0]["data"]["value"], 8);
    assert_eq!(events[1]["data"]["ret"], 16);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_replacement_in_two_hosts_is_traced_once_for_each_call() {
    let events = fired(
        r#"
        name = "two"
        host.first = { object = "hosts.o", program = "at_tracepoint", attach = { tracepoint = "syscalls/sys_enter_getpgid" } }
        host.second = { object = "hosts.o", program = "at_kprobe", attach = { kprobe = "__x64_sys_getpgid" } }
        stub.value = { function = "stub_value", hosts = ["first", "second"] }
        replacement.seven = { object = "replacements.o", program = "answer_seven", stub = "value" }
        tracer.in = { fentry = "seven", object = "tracers.o", program = "entry" }
        tracer.out = { fexit = "seven", object = "tracers.o", program = "leave" }
        "#,
        9,
    );
    let wanted = ["in", "seven", "out", "first", "in", "seven", "out", "second"];
    assert_eq!(nodes(&events), wanted);
    assert!(of(&events, "out").iter().all(|event| event["data"]["ret"] == 7), "{events:#?}");
    assert_eq!(events[3]["data"]["answer"], 7, "the host has the replacement's answer");
    assert_eq!(events[7]["data"]["answer"], 7);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn two_tracers_of_one_moment_both_fire() {
    let events = fired(
        &traced(
            r#"
            tracer.a = { fentry = "value", object = "tracers.o", program = "entry" }
            tracer.b = { fentry = "value", object = "tracers.o", program = "mark" }
            "#,
        ),
        10,
    );
    assert_eq!([of(&events, "a").len(), of(&events, "b").len()], [1, 1], "{events:#?}");
}

const NESTED: &str = r#"
    name = "nested"
    host.fired = { object = "nested.o", program = "nested", attach = { tracepoint = "syscalls/sys_enter_getpgid" } }
    stub.price = { function = "step_price", hosts = ["fired"] }
"#;

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_pattern_traces_each_function_with_a_program_of_its_own() {
    let chain = format!(
        r#"{NESTED}
        tracer.steps = {{ fentry = "fired", function = "step_*", object = "tracers.o", program = "entry" }}
        "#
    );
    let events = fired(&chain, 3);
    let wanted = ["steps:step_outer", "steps:step_inner", "steps:step_price", "fired"];
    assert_eq!(nodes(&events), wanted);
    let values: Vec<_> = events[..3].iter().map(|event| &event["data"]["value"]).collect();
    assert_eq!(values, [3, 30, 31]);
    assert_eq!(events[3]["data"]["sum"], 1 + 30 + 3);
    assert!(events.iter().all(|event| event["call"] == events[0]["call"]), "{events:#?}");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_stub_within_static_functions_is_replaced_and_what_is_around_it_traced() {
    let chain = format!(
        r#"{NESTED}
        replacement.seven = {{ object = "replacements.o", program = "answer_seven", stub = "price" }}
        tracer.steps = {{ trace = "fired", function = "step_*" }}
        "#
    );
    let events = fired(&chain, 3);
    // Of the stub, which is replaced, only the replacement tells.
    let (inner, outer) = ("steps:step_inner", "steps:step_outer");
    assert_eq!(nodes(&events), [outer, inner, "seven", inner, outer, "fired"]);
    assert_eq!(events[3]["ret"], 7 + 30, "{events:#?}");
    assert_eq!(events[4]["ret"], 7 + 30 + 3);
    assert_eq!(events[5]["data"]["sum"], 7 + 30 + 3);
}

/// What a tracer of another tool writes, and the map that it has, are those of each of its functions.
#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_pattern_tracer_has_the_maps_and_the_records_that_the_chain_names() {
    let chain = format!(
        r#"{NESTED}
        [tracer.steps]
        fentry = "fired"
        function = "step_*"
        object = "foreign.o"
        program = "notes"
        maps = {{ values = {{ max_entries = 2 }} }}
        events = {{ map = "events", type = "struct event", text = "{{value}} {{ret:errno}}" }}
        "#
    );
    let events = fired(&chain, 3);
    let told = |node: &str| {
        let own = of(&events, node);
        assert_eq!(own.len(), 1, "{events:#?}");
        own[0]["text"].as_str().expect("it has one").to_owned()
    };
    // The map is one for the three, and has room for two.
    assert_eq!(told("steps:step_outer"), "3 0");
    assert_eq!(told("steps:step_inner"), "30 0");
    assert_eq!(told("steps:step_price"), "31 -E2BIG");
}
