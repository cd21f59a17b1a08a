//! Built-in tracers of both moments: one program with one link where the kernel has them, and two where it does not.

use rustix::process::Signal;

use crate::{
    running::{listed, places},
    support::{
        Folder, Live, Snapshot,
        events::{events, nodes, of},
        fire,
        process::{binary, output},
        series,
    },
};

const PAINTER: &str = r#"
    name = "painted"
    host.painter = { object = "traced.o", program = "painter", attach = { tracepoint = "syscalls/sys_enter_getpgid" } }
    stub.paint = { function = "paint", hosts = ["painter"] }
"#;

/// Whether this kernel has them.
fn has_fsessions() -> bool {
    series() >= (7, 0)
}

/// The places of programs of the built-in tracer on functions called `function`, sorted.
fn on(function: &str) -> Vec<String> {
    let programs = listed(&[]);
    let ours = programs
        .iter()
        .filter(|program| program["name"].as_str().is_some_and(|name| name.starts_with("trace_")));
    let places = ours.flat_map(places).filter_map(|place| {
        let (kind, rest) = place.split_once(' ')?;
        (rest.split(' ').next() == Some(function)).then(|| kind.to_owned())
    });
    let mut places: Vec<_> = places.collect();
    places.sort();
    places
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn one_program_tells_of_both_moments_where_the_kernel_has_it() {
    let folder = Folder::new(&format!(
        r#"{PAINTER}
        tracer.both = {{ trace = "paint" }}
        tracer.outer = {{ trace = "painter" }}
        tracer.inner = {{ fexit = "painter", function = "lower" }}
        tracer.large = {{ fexit = "paint", capture = ["small"], where = "small > 5" }}
        tracer.green = {{ fexit = "paint", capture = ["small"], where = "ret == GREEN && took < 60s" }}
        "#
    ));
    let before = Snapshot::take();
    let plan = output(binary().arg("plan").arg(folder.chain()));
    let live = Live::json(&folder.chain());
    let kinds: &[&str] = if has_fsessions() { &["fsession"] } else { &["fentry", "fexit"] };
    assert_eq!(on("lower"), kinds);
    assert_eq!(on("painter"), kinds);
    let three: Vec<_> = kinds.iter().flat_map(|kind| [*kind; 3]).collect();
    assert_eq!(on("paint"), three);
    assert_eq!(plan.stdout.contains("fsession"), has_fsessions(), "{}", plan.stdout);
    for value in [5, 6] {
        fire(value);
    }
    let finished = live.end(Signal::INT);
    finished.assert_done();
    before.assert_nothing_new();
    let events = events(&finished);
    for (node, kinds) in [
        ("both", vec!["fentry", "fexit", "fentry", "fexit"]),
        ("outer", vec!["fentry", "fexit", "fentry", "fexit"]),
        ("inner", vec!["fexit", "fexit"]),
        ("large", vec!["fexit"]),
        ("green", vec!["fexit"]),
    ] {
        let told = of(&events, node);
        let kind: Vec<_> =
            told.iter().map(|event| event["kind"].as_str().expect("a kind")).collect();
        assert_eq!(kind, kinds, "{node}: {events:#?}");
        for event in told.iter().filter(|event| event["kind"] == "fexit") {
            let took = event["took_ns"].as_u64().unwrap_or_else(|| panic!("no duration: {event}"));
            assert!((1..5_000_000_000).contains(&took), "{event}");
        }
    }
    assert_eq!(of(&events, "large")[0]["args"]["small"], 6);
    assert_eq!(of(&events, "green")[0]["args"]["small"], 5);
    let took =
        |node: &str| of(&events, node).iter().filter_map(|one| one["took_ns"].as_u64()).min();
    assert!(took("outer") > took("inner"), "a call within another is shorter: {events:#?}");
    assert_eq!(nodes(&events).first(), Some(&"outer"));
    let summary = finished.records().pop().expect("a summary");
    assert_eq!(summary["events"], events.len());
}

/// A function takes four such programs, whoever put them there; the rest are pairs.
#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn where_there_is_no_room_for_another_it_is_a_pair() {
    let own = Folder::new(PAINTER);
    let before = Snapshot::take();
    let painter = Live::json(&own.chain());
    let program = listed(&[]).into_iter().find(|program| program["name"] == "painter");
    let id = program.expect("it is up")["id"].clone();
    let three: String = (0..3)
        .map(|number| {
            format!(
                "tracer.t{number} = {{ fexit = \"running\", function = \"paint\", capture = [] }}\n"
            )
        })
        .collect();
    let text =
        format!("name = \"others\"\nhost.running = {{ running = {{ id = {id} }} }}\n{three}");
    let folders = [Folder::new(&text), Folder::new(&text)];
    let tracing = folders.each_ref().map(|folder| Live::json(&folder.chain()));
    let wanted = match has_fsessions() {
        true => [vec!["fentry"; 2], vec!["fexit"; 2], vec!["fsession"; 4]].concat(),
        false => [vec!["fentry"; 6], vec!["fexit"; 6]].concat(),
    };
    assert_eq!(on("paint"), wanted);
    fire(5);
    for live in tracing {
        let finished = live.end(Signal::INT);
        finished.assert_done();
        let told = events(&finished);
        assert_eq!(told.len(), 3, "{told:#?}");
        assert!(told.iter().all(|event| event["took_ns"].is_u64()), "{told:#?}");
    }
    painter.end(Signal::INT).assert_done();
    before.assert_nothing_new();
}
