//! Programs that run once, when the rest of the chain is up: what comes of them is shown, and they are
//! traced.

use serde_json::Value;

use crate::{
    support::{
        Folder, Snapshot,
        events::{assert_schema, events, nodes, of},
        run,
    },
    versions::running,
};

/// Brings a chain up for a moment, and returns its events; nothing is left of it.
#[track_caller]
fn brought_up(chain: &str) -> Vec<Value> {
    let before = Snapshot::take();
    let folder = Folder::new(chain);
    let finished = run(&folder.chain(), &["--format", "json", "--", "true"]);
    finished.assert_done();
    assert_schema(&finished);
    before.assert_nothing_new();
    events(&finished)
}

const LISTS: &str = r#"
    name = "lists"
    host.tasks = { object = "on-demand.o", program = "lists", attach = { iter = "task", run = "at start" } }
    "#;

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn what_an_iterator_writes_is_shown_line_by_line() {
    let events = brought_up(LISTS);
    let lines: Vec<_> = events.iter().map(|event| event["output"].as_str()).collect();
    assert_eq!(lines, [Some("task 1"), Some("of 1")], "{events:#?}");
    assert!(events.iter().all(|event| event["node"] == "tasks" && event["kind"] == "iter"));
    let folder = Folder::new(LISTS);
    let finished = run(&folder.chain(), &["--", "true"]);
    finished.assert_done();
    let is_it = |line: &str| line.contains("tasks  iter") && line.ends_with("  task 1");
    assert!(finished.stdout.lines().any(is_it), "{}", finished.stdout);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn an_iterator_is_traced_and_not_replaced() {
    let traced = format!(
        "{LISTS}\ntracer.t = {{ trace = \"tasks\", function = \"wanted\", where = \"pid == 1\" }}\n"
    );
    if running().profiles[0].features.nested_tracing {
        let events = brought_up(&traced);
        let calls = of(&events, "t");
        assert_eq!(calls.len(), 2, "{events:#?}");
        assert_eq!(calls[1]["ret"], 1, "{events:#?}");
    } else {
        let finished = run(&Folder::new(&traced).chain(), &["--", "true"]);
        finished.assert_failed(1, "FC0501");
        assert!(finished.stderr.contains("Cannot recursively attach"), "{}", finished.stderr);
    }
    let replaced = format!(
        "{LISTS}\nstub.s = {{ function = \"wanted\", hosts = [\"tasks\"] }}\n\
         replacement.r = {{ object = \"hooks.o\", program = \"number_0\", stub = \"s\" }}\n"
    );
    run(&Folder::new(&replaced).chain(), &["--", "true"]).assert_failed(3, "FC0103");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_program_of_type_syscall_runs_once_and_its_result_is_shown() {
    let base = r#"
        name = "calls"
        host.c = { object = "on-demand.o", program = "calls", attach = { syscall = "at start" } }
        "#;
    let events = brought_up(base);
    assert_eq!(of(&events, "c").len(), 2, "{events:#?}");
    assert!(of(&events, "c").iter().any(|event| event["returned"] == -3));
    assert!(of(&events, "c").iter().any(|event| event["data"]["first"] == 0));
    let replaced = r#"
        stub.answer = { function = "answer", hosts = ["c"] }
        replacement.r = { object = "hooks.o", program = "number_77", stub = "answer" }
        tracer.t = { trace = "r" }
        "#;
    let events = brought_up(&format!("{base}{replaced}"));
    assert!(of(&events, "c").iter().any(|event| event["returned"] == 77), "{events:#?}");
    let own: Vec<_> = events.iter().filter(|event| event["returned"].is_null()).cloned().collect();
    assert_eq!(nodes(&own), ["t", "r", "t", "c"], "{events:#?}");
}

/// The events of a program that runs once are of what else is in the chain, too.
#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn the_rest_of_the_chain_is_attached_before() {
    let chain = r#"
        name = "seen"
        host.c = { object = "on-demand.o", program = "calls", attach = { syscall = "at start" } }
        host.k = { object = "cookies.o", program = "at_kprobe", attach = { kprobe = "bpf_prog_test_run_syscall" } }
        "#;
    let events = brought_up(chain);
    assert_eq!(of(&events, "k").len(), 1, "{events:#?}");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn what_cannot_be_run_is_told() {
    let before = Snapshot::take();
    for (program, attach, words) in [
        ("lists", r#"iter = "tsk""#, "`tsk` not found"),
        ("reads_far", r#"syscall = "at start""#, "its context is larger"),
    ] {
        let folder = Folder::new(&format!(
            "name = \"wrong\"\nhost.h = {{ object = \"on-demand.o\", program = \"{program}\", \
             attach = {{ {attach} }} }}\n"
        ));
        let finished = run(&folder.chain(), &["--", "true"]);
        finished.assert_failed(1, "FC0502");
        assert!(finished.stderr.contains(words), "{attach}: {}", finished.stderr);
    }
    before.assert_nothing_new();
}

/// What the node `n` of such a chain writes: an iterator of the on-demand programs.
#[track_caller]
fn written(program: &str, attach: &str) -> Vec<String> {
    let events = brought_up(&format!(
        r#"
        name = "elements"
        host.n = {{ object = "on-demand.o", program = "{program}", attach = {{ {attach} }} }}
        "#
    ));
    of(&events, "n")
        .iter()
        .filter_map(|event| event["output"].as_str())
        .map(str::to_owned)
        .collect()
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn an_iterator_goes_over_a_map_of_the_chain() {
    let lines = written("elements", r#"iter = "bpf_map_elem", map = "squares""#);
    assert_eq!(lines, ["1 is 0"]);
    let lines = written("of_sockets", r#"iter = "bpf_sk_storage_map", map = "sockets""#);
    assert_eq!(lines, ["the end"]);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn an_iterator_that_reads_beyond_an_element_is_told() {
    let chain = r#"
        name = "beyond"
        host.n = { object = "on-demand.o", program = "elements", attach = { iter = "bpf_map_elem", map = "small" } }
        "#;
    let finished = run(&Folder::new(chain).chain(), &["--", "true"]);
    finished.assert_failed(1, "FC0504");
    let told = finished.stderr.contains("more of a key or a value than map `small` has");
    assert!(told, "{}", finished.stderr);
}
