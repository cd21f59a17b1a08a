//! How events are written: the tree, trace-event JSON, chosen nodes, files.

use std::{fs, path::Path};

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{
    Folder, Live,
    events::{assert_stream, events, nodes},
    fire, run,
};

/// A host whose stub is replaced; all is traced, and the host tells of itself last.
const CHAIN: &str = r#"
    name = "viewed"
    host.fired = { object = "hosts.o", program = "at_tracepoint", attach = { tracepoint = "syscalls/sys_enter_getpgid" } }
    stub.value = { function = "stub_value", hosts = ["fired"] }
    replacement.seven = { object = "replacements.o", program = "answer_seven", stub = "value" }
    tracer.in = { fentry = "seven", object = "tracers.o", program = "entry" }
    tracer.out = { fexit = "seven", object = "tracers.o", program = "leave" }
    tracer.host_in = { fentry = "fired", object = "tracers.o", program = "mark" }
    tracer.host_out = { fexit = "fired", object = "tracers.o", program = "leave" }
"#;
const PROGRAMS: [&str; 6] = ["fired", "seven", "in", "out", "host_in", "host_out"];

/// Brings the chain up, fires it with each of `values`, and returns what was written.
#[track_caller]
fn fired(arguments: &[&str], values: &[u16]) -> String {
    let folder = Folder::new(CHAIN);
    let live = Live::up(&folder.chain(), arguments);
    values.iter().copied().for_each(fire);
    let finished = live.end(Signal::INT);
    finished.assert_done();
    finished.stdout
}

/// The lines without times and processes: names as they are indented, then the rest, each word one
/// blank from the next.
fn drawn(text: &str) -> Vec<String> {
    let line = |line: &str| {
        let rest: String = line.chars().skip("00:00:00.000000  ".len()).collect();
        let front = rest.len() - rest.trim_start().len();
        let words: Vec<_> = rest.split_whitespace().filter(|word| !word.contains('/')).collect();
        format!("{}{}", &rest[..front], words.join(" "))
    };
    text.lines().map(line).collect()
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn all_that_is_shown_may_be_how_many_events_there_were() {
    let text = fired(&["--view", "count", "--only", "fired,seven,out"], &[1, 2, 3]);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines, ["fired  3 events", "seven  3 events", "out    3 events"]);
}

/// What a real run leaves in the page: its counts, and a piece of each section.
#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn the_page_of_a_run_has_its_counts_durations_results_and_calls() {
    let folder = Folder::new(&format!("{CHAIN}\ntracer.around = {{ trace = \"seven\" }}\n"));
    let live = Live::up(&folder.chain(), &["--format", "html"]);
    [1, 2, 3].into_iter().for_each(fire);
    let finished = live.end(Signal::INT);
    finished.assert_done();
    let page = finished.stdout;
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"), "{page}");
    let row = |id: &str, label: &str, place: &str, count: &str| {
        format!(
            "<tr><td><code>{id}</code></td><td>{label}</td><td><code>{place}</code></td>\
             <td class=\"number\">{count}</td><td class=\"number\">0</td><td class=\"number\">0</td></tr>"
        )
    };
    for wanted in [
        "<h2>Durations</h2>\n",
        "<h2>Results</h2>\n",
        "<h2>Events over time</h2>\n",
        "class=\"node replacement\"",
        // Of six programs three events each, and both of the built-in pair.
        "<dt>events</dt><dd>24</dd>",
        "<dt>calls</dt><dd>3</dd>",
        "<dt>lost</dt><dd>0</dd>",
        &row("seven", "freplace", "value", "3"),
        &row("around", "trace", "seven", "6"),
        "<dt>median</dt>",
        "╭ in",
        "value=3",
        "No event was lost",
    ] {
        assert!(page.contains(wanted), "{wanted}: {page}");
    }
    for foreign in ["<script", "<link", "src="] {
        assert!(!page.contains(foreign), "{foreign}: {page}");
    }
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_tree_tells_call_after_call() {
    let text = fired(&["--view", "tree", "--only", "fired,seven,in,out"], &[1, 2]);
    let call = |value: u16| {
        let twice = 2 * value;
        format!(
            "fired tracepoint\n  value stub\n  ╭ in fentry value={value}\n  \
             │ seven freplace value={value}\n  ╰ out fexit value={value} = 7\n\
             fired tracepoint value={value} twice={twice} answer=7"
        )
    };
    assert_eq!(drawn(&text).join("\n"), [call(1), call(2)].join("\n\n"), "{text}");
    // Times are relative to what came first, and grow.
    let times: Vec<f64> = text
        .lines()
        .take(6)
        .filter_map(|line| line.trim_start().strip_prefix('+')?.split(' ').next()?.parse().ok())
        .collect();
    assert_eq!((times.len(), times[0]), (4, 0.0), "{text}");
    assert!(times.is_sorted(), "{text}");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_call_is_shown_while_the_chain_is_up() {
    let folder = Folder::new(CHAIN);
    let live = Live::up(&folder.chain(), &["--view", "tree", "--only", "seven"]);
    fire(3);
    live.wait_for(|text| text.contains("seven") && text.contains("value=3"));
    live.end(Signal::INT).assert_done();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_trace_has_a_slice_for_each_pair_of_tracers() {
    let folder = Folder::new(CHAIN);
    let file = folder.chain().with_extension("json");
    let path = file.to_str().expect("UTF-8");
    let live = Live::up(&folder.chain(), &["--format", "trace-event", "-o", path]);
    fire(1);
    fire(2);
    let finished = live.end(Signal::INT);
    finished.assert_done();
    assert_eq!(finished.stdout, "", "it is all in the file");
    let records: Vec<Value> = read_json(&file);
    let of = |kind: &str, name: &str| -> Vec<&Value> {
        records.iter().filter(|record| record["ph"] == kind && record["name"] == name).collect()
    };
    let span = |slice: &Value| {
        let from = slice["ts"].as_f64().expect("a number");
        (from, from + slice["dur"].as_f64().expect("a number"))
    };
    let (inner, hosts) = (of("X", "seven"), of("X", "fired"));
    // Of each call: one by its tracers, one from its first to its last event.
    assert_eq!((inner.len(), hosts.len()), (2, 4), "{records:#?}");
    for (number, slice) in inner.iter().enumerate() {
        assert_eq!(slice["args"]["entry"]["data"]["value"], number + 1);
        assert_eq!(slice["args"]["exit"]["data"]["ret"], 7);
        let (from, to) = span(slice);
        let around = hosts.iter().filter(|host| {
            let (start, end) = span(host);
            host["tid"] == slice["tid"] && start <= from && to <= end
        });
        assert_eq!(around.count(), 2, "{slice} in {hosts:#?}");
        assert!(to > from, "{slice}");
    }
    assert_eq!(of("i", "seven").len(), 2);
    let cpus: Vec<_> = of("M", "thread_name");
    assert!(!cpus.is_empty() && cpus.iter().all(|cpu| cpu["tid"].as_u64() > Some(0)));
}

fn read_json(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("it was written");
    serde_json::from_str(&text).expect("valid JSON")
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn only_the_nodes_asked_for_are_shown_and_count() {
    let folder = Folder::new(CHAIN);
    let words = ["--format", "json", "--only", "in,out", "--only", "seven", "--limit", "4"];
    let live = Live::up(&folder.chain(), &words);
    (1..=3).for_each(fire);
    let finished = live.wait();
    assert_stream(&finished, "viewed", &PROGRAMS);
    assert_eq!(nodes(&events(&finished)), ["in", "seven", "out", "in"]);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn output_goes_to_the_file_and_the_commands_own_to_stdout() {
    let folder = Folder::new(CHAIN);
    let file = folder.chain().with_extension("ndjson");
    let path = file.to_str().expect("UTF-8");
    let finished =
        run(&folder.chain(), &["--format", "json", "--output", path, "--", "echo", "hello"]);
    finished.assert_done();
    assert_eq!(finished.stdout, "hello\n");
    let text = fs::read_to_string(&file).expect("it was written");
    assert!(text.starts_with("{\"record\":\"version\""), "{text}");
    assert_eq!(text.lines().count(), 2 + 2 * PROGRAMS.len());
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_disk_that_is_full_is_an_error_that_names_the_file() {
    let folder = Folder::new(CHAIN);
    let finished = run(&folder.chain(), &["--format", "json", "-o", "/dev/full", "--", "true"]);
    assert_eq!(finished.status.code(), Some(1), "{}", finished.stderr);
    let told = "cannot write the output: /dev/full: ";
    assert!(finished.stderr.contains(told), "{}", finished.stderr);
}
