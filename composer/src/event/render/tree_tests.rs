//! Calls as people read them, from records that were made up.

use super::{Render as _, Tree};
use crate::event::{
    EventAccounting, Paint, Totals, WallClock,
    tests::{Emitted, chain_of, with_events},
};

/// A host, a stub in it that is replaced, tracers around the replacement; a stub that is not; and
/// a static function of the host.
pub(crate) const CHAIN: &str = r#"
    host.fired = { object = "o", program = "p", attach = { kprobe = "x" } }
    stub.value = { function = "stub_value", hosts = ["fired"] }
    stub.plain = { function = "stub_plain", hosts = ["fired"] }
    replacement.seven = { object = "o", program = "p", stub = "value" }
    tracer.in = { fentry = "seven", object = "o", program = "p" }
    tracer.out = { fexit = "seven", object = "o", program = "p" }
    tracer.twice_in = { fentry = "fired", function = "twice", object = "o", program = "p" }
    tracer.plain_out = { fexit = "plain", object = "o", program = "p" }
    tracer.host_in = { fentry = "fired", object = "o", program = "p" }
    tracer.host_out = { fexit = "fired", object = "o", program = "p" }
"#;

/// What is shown of events, given as (call, node, nanoseconds); those of `hidden` are not asked for.
#[track_caller]
fn shown(text: &str, events: &[(u64, &str, u64)], hidden: &[&str]) -> String {
    let (chain, plan) = chain_of(text);
    let tree = |colors| Tree::new(&chain, &plan, WallClock { offset_ns: 0 }, Paint { colors });
    let mut trees = [true, false].map(tree);
    let node = |id: &str| plan.nodes.iter().position(|node| node.id == id).expect("a node") as u32;
    let emitted = |(call, id, time_ns): &(u64, &str, u64)| Emitted {
        time_ns: *time_ns,
        call: *call,
        node: node(id),
        value: *time_ns as u32,
        ..Emitted::default()
    };
    let emitted: Vec<_> = events.iter().map(emitted).collect();
    let [colored, bare] = trees.each_mut().map(|tree| {
        let mut out = String::new();
        with_events(&plan.nodes, &emitted, |event| {
            match hidden.contains(&event.node.id.as_str()) {
                true => tree.unshown(event, &mut out),
                false => tree.event(event, &mut out),
            }
        });
        let accounting = EventAccounting::new(plan.nodes.len());
        tree.end(&Totals { accounting: &accounting, shown: 0 }, &mut out);
        out
    });
    assert_eq!(anstream::adapter::strip_str(&colored).to_string(), bare);
    bare
}

#[track_caller]
fn assert_shown(text: &str, wanted: &str) {
    let lines: Vec<_> =
        wanted.lines().map(|line| line.strip_prefix("        ").unwrap_or(line)).collect();
    let text: Vec<_> = text.lines().collect();
    assert_eq!(text, lines[1..lines.len() - 1], "\n{}", text.join("\n"));
}

#[test]
fn a_replacement_stands_under_its_stub_and_tracers_around_what_they_trace() {
    let events =
        [(1, "fired", 1_000), (1, "in", 3_250), (1, "seven", 4_000), (1, "out", 1_234_999)];
    assert_shown(
        &shown(CHAIN, &events, &[]),
        "
        00:00:00.000001  fired        kprobe    value=1000  wget/146
                           value      stub
                +2.2 µs    ╭ in       fentry    value=3250
                +3.0 µs    │ seven    freplace  value=4000
             +1233.9 µs    ╰ out      fexit     value=1234999
        ",
    );
}

#[test]
fn what_tells_nothing_itself_is_named_where_it_was_passed() {
    let events =
        [(1, "twice_in", 0), (1, "in", 10), (1, "out", 20), (1, "plain_out", 30), (1, "fired", 40)];
    assert_shown(
        &shown(CHAIN, &events, &[]),
        "
        00:00:00.000000  fired        kprobe    wget/146
                +0.0 µs  ╭ twice_in   fentry    value=0
                         ╰ twice      function
                           value      stub
                +0.0 µs    ╭ in       fentry    value=10
                           │ seven    freplace
                +0.0 µs    ╰ out      fexit     value=20
                         ╭ plain      stub
                +0.0 µs  ╰ plain_out  fexit     value=30
                +0.0 µs  fired        kprobe    value=40
        ",
    );
}

#[test]
fn a_function_that_is_passed_twice_is_shown_twice() {
    let events = [
        (1, "fired", 0),
        (1, "in", 1),
        (1, "out", 2),
        (1, "in", 3),
        (1, "seven", 4),
        (1, "out", 5),
        (1, "seven", 6),
    ];
    assert_shown(
        &shown(CHAIN, &events, &[]),
        "
        00:00:00.000000  fired        kprobe    value=0  wget/146
                           value      stub
                +0.0 µs    ╭ in       fentry    value=1
                           │ seven    freplace
                +0.0 µs    ╰ out      fexit     value=2
                +0.0 µs    ╭ in       fentry    value=3
                +0.0 µs    │ seven    freplace  value=4
                +0.0 µs    ╰ out      fexit     value=5
                +0.0 µs      seven    freplace  value=6
        ",
    );
}

#[test]
fn events_of_no_call_stand_alone_and_calls_apart() {
    let events = [
        (0, "host_in", 0),
        (1, "fired", 1),
        (0, "host_out", 2),
        (0, "host_in", 3),
        (2, "fired", 4),
        (3, "fired", 5),
    ];
    assert_shown(
        &shown(CHAIN, &events, &[]),
        "
        00:00:00.000000  host_in      fentry    value=0  wget/146

        00:00:00.000000  fired        kprobe    value=1  wget/146

        00:00:00.000000  host_out     fexit     value=2  wget/146
        00:00:00.000000  host_in      fentry    value=3  wget/146

        00:00:00.000000  fired        kprobe    value=4  wget/146

        00:00:00.000000  fired        kprobe    value=5  wget/146
        ",
    );
}

#[test]
fn nodes_that_were_not_asked_for_are_left_out_and_the_host_is_still_named() {
    let two = CHAIN.replace(
        "stub.value = { function = \"stub_value\", hosts = [\"fired\"] }",
        "host.other = { object = \"o\", program = \"p\", attach = { kprobe = \"y\" } }
         stub.value = { function = \"stub_value\", hosts = [\"fired\", \"other\"] }",
    );
    let events = [(1, "other", 0), (1, "in", 1), (2, "in", 2), (3, "fired", 3)];
    assert_shown(
        &shown(&two, &events, &["fired", "other"]),
        "
        00:00:00.000000  other        kprobe    wget/146
                           value      stub
                +0.0 µs    ╭ in       fentry    value=1
                           ╰ seven    freplace

        00:00:00.000000  fired or other            wget/146
                           value      stub
                +0.0 µs    ╭ in       fentry    value=2
                           ╰ seven    freplace
        ",
    );
}

#[test]
fn without_a_number_no_bracket_is_left_open_and_the_host_is_named() {
    let events = [(0, "in", 1_000), (0, "seven", 2_000), (0, "out", 3_000), (0, "host_out", 4_000)];
    assert_shown(
        &shown(CHAIN, &events, &[]),
        "
        00:00:00.000001  in           fentry    value=1000  wget/146
        00:00:00.000002  seven        freplace  value=2000  wget/146
        00:00:00.000003  out          fexit     value=3000  wget/146
        00:00:00.000004  host_out     fexit     value=4000  wget/146
        ",
    );
    let (chain, plan) = chain_of(CHAIN);
    let unnumbered = |id: &str| {
        let mut tree =
            Tree::new(&chain, &plan, WallClock { offset_ns: 0 }, Paint { colors: false });
        let node = plan.nodes.iter().position(|node| node.id == id).expect("a node") as u32;
        with_events(&plan.nodes, &[Emitted { node, ..Emitted::default() }], |event| {
            tree.event(event, &mut String::new());
        });
        tree.unnumbered().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(unnumbered("out"), ["fired"]);
    assert_eq!(unnumbered("fired"), ["fired"]);
    // It runs before the call has a number, whatever the host does.
    assert_eq!(unnumbered("host_in"), [""; 0]);
}
