//! The built-in tracer: what it tells of each kind of function, what it lets through, and that its
//! books balance.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{
    Finished, Folder, Live, Snapshot,
    events::{assert_schema, events, nodes, of},
    fire, recipe,
};

const PAINTER: &str = r#"
    name = "traced"
    host.painter = { object = "traced.o", program = "painter", attach = { tracepoint = "syscalls/sys_enter_getpgid" } }
    stub.paint = { function = "paint", hosts = ["painter"] }
"#;

const HOST: &str = r#"
    name = "traced"
    host.fired = { object = "hosts.o", program = "at_tracepoint", attach = { tracepoint = "syscalls/sys_enter_getpgid" } }
    stub.value = { function = "stub_value", hosts = ["fired"] }
"#;

/// Brings `chain` up, fires its hosts with each of `values`, and takes it down.
#[track_caller]
fn fired(chain: &str, values: &[u16]) -> Finished {
    let folder = Folder::new(chain);
    let before = Snapshot::take();
    let live = Live::json(&folder.chain());
    values.iter().for_each(|value| fire(*value));
    let finished = live.end(Signal::INT);
    finished.assert_done();
    assert_schema(&finished);
    before.assert_nothing_new();
    finished
}

#[track_caller]
fn told(chain: &str, more: &str, values: &[u16]) -> Vec<Value> {
    events(&fired(&format!("{chain}\n{more}"), values))
}

/// A duration that a call of a few instructions may have taken, on a slow machine.
#[track_caller]
fn assert_sane(event: &Value) -> u64 {
    let took = event["took_ns"].as_u64().unwrap_or_else(|| panic!("no duration: {event}"));
    assert!((1..5_000_000_000).contains(&took), "{event}");
    took
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn arguments_are_shown_by_their_types_and_structs_are_followed() {
    let events = told(PAINTER, r#"tracer.all = { trace = "paint" }"#, &[5]);
    assert_eq!(events.len(), 2, "{events:#?}");
    let [call, back] = [&events[0], &events[1]];
    let args = &call["args"];
    let item = &args["item"];
    assert_eq!(item["value"], 5);
    assert_eq!(item["origin"], json!({ "level": -5, "port": 443 }));
    assert_eq!(item["name"], "paint\"");
    assert!(item["counter"].as_str().is_some_and(|text| text.starts_with("0xff")), "{item}");
    assert_eq!(
        [&args["small"], &args["delta"], &args["flag"]],
        [&json!(5), &json!(-5), &json!(true)]
    );
    assert_eq!([&call["kind"], &call["type"]], ["fentry", "call"]);
    assert_eq!(call.get("ret").or(call.get("took_ns")), None);

    assert_eq!([&back["kind"], &back["type"]], ["fexit", "return"]);
    assert_eq!([&back["function"], &back["ret"]], ["paint", "GREEN"]);
    assert_eq!(&back["args"], args);
    assert_sane(back);
    assert_eq!(call["call"], back["call"]);
    assert_ne!(call["call"], 0, "the host gave it a number");
    assert_eq!(call["pid"], std::process::id());
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn what_is_chosen_is_followed_and_all_else_left_out() {
    let chosen = r#"
        tracer.chosen = { fexit = "paint", capture = ["item->origin.level", "*item->counter", "item->name", "item->origin", "item->name[1]"] }
        tracer.nothing = { fentry = "paint", capture = [] }
    "#;
    let events = told(PAINTER, chosen, &[4]);
    let wanted = json!({
        "item->origin.level": -4,
        "*item->counter": 40,
        "item->name": "paint\"",
        "item->origin": { "level": -4, "port": 443 },
        "item->name[1]": i64::from(b'a'),
    });
    assert_eq!(of(&events, "chosen")[0]["args"], wanted);
    assert_eq!(of(&events, "chosen")[0]["ret"], "RED");
    assert_eq!(of(&events, "nothing")[0]["args"], json!({}));
    assert_eq!(events.len(), 2);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn the_kernel_drops_what_the_filter_does_not_want() {
    // A program of a filter, and which of the values 1 to 8 it lets through: paint() gets the value
    // as `small`, its negative as `delta` and `item->origin.level`, whether it is odd as `flag`.
    for (filter, passed) in [
        ("small > 5", vec![6, 7, 8]),
        ("delta >= -2", vec![1, 2]),
        ("item->origin.level < -6", vec![7, 8]),
        ("item->origin.port == 443 && small == 3", vec![3]),
        ("item->origin.port != 443", vec![]),
        ("flag", vec![1, 3, 5, 7]),
        ("!flag && small <= 4", vec![2, 4]),
        ("small == 1 || delta == -8 || (flag == true && small > 5)", vec![1, 7, 8]),
        ("!(small < 3 || small > 4)", vec![3, 4]),
        ("ret == GREEN && small != 3", vec![1, 5, 7]),
        ("ret != GREEN", vec![2, 4, 6, 8]),
        ("*item->counter == 0x32", vec![5]),
        ("item != NULL && item->counter && small == 2", vec![2]),
        ("took < 60s && small == 8", vec![8]),
        ("took > 60s", vec![]),
    ] {
        let more = format!(
            r#"tracer.some = {{ fexit = "paint", capture = ["small"], where = "{filter}" }}"#
        );
        let finished = fired(&format!("{PAINTER}\n{more}"), &[1, 2, 3, 4, 5, 6, 7, 8]);
        let events = events(&finished);
        let values: Vec<_> =
            events.iter().filter_map(|event| event["args"]["small"].as_u64()).collect();
        assert_eq!(values, passed, "{filter}");
        // What the kernel counted as produced is what was read: the rest was never written.
        let summary = finished.records().pop().expect("a summary");
        assert_eq!(summary["events"], passed.len(), "{filter}");
    }
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_result_is_told_from_an_argument_of_its_name() {
    let host = r#"
        name = "shadowed"
        host.judges = { object = "shadowed.o", program = "judges", attach = { tracepoint = "syscalls/sys_enter_getpgid" } }
    "#;
    for (filter, passed) in [
        ("ret == 7", vec![7]),
        ("$ret == 7", vec![3]),
        ("took == 7 && $took < 60s && $ret > 8", vec![5, 6, 7]),
        ("$took > 60s", vec![]),
    ] {
        let more = format!(
            r#"tracer.some = {{ fexit = "judges", function = "judge", where = "{filter}" }}"#
        );
        let events = told(host, &more, &[1, 2, 3, 4, 5, 6, 7]);
        let values: Vec<_> =
            events.iter().filter_map(|event| event["args"]["ret"].as_u64()).collect();
        assert_eq!(values, passed, "{filter}");
        assert!(events.iter().all(|event| event["args"]["took"] == 7), "{events:#?}");
    }
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_static_function_and_the_entry_are_told_and_nest_in_time() {
    let more = r#"
        tracer.lower = { fexit = "painter", function = "lower" }
        tracer.entry = { trace = "painter" }
    "#;
    let events = told(PAINTER, more, &[9]);
    assert_eq!(nodes(&events), ["entry", "lower", "entry"]);
    let lower = &events[1];
    assert_eq!(lower["args"], json!({ "value": 9, "color": "GREEN" }));
    assert_eq!([&lower["ret"], &lower["function"]], [&json!(-9), &json!("lower")]);
    assert_eq!([&events[0]["call"], &events[2]["ret"]], [0, 0], "outside of the host's own call");
    let context = events[0]["args"]["ctx"].as_str().expect("an address");
    assert!(context.starts_with("0xff"), "{context}");
    assert!(assert_sane(&events[2]) > assert_sane(lower), "{events:#?}");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_stub_and_a_replacement_of_two_hosts_are_told_in_both() {
    let hosts = r#"
        name = "two"
        host.first = { object = "hosts.o", program = "at_tracepoint", attach = { tracepoint = "syscalls/sys_enter_getpgid" } }
        host.second = { object = "hosts.o", program = "at_kprobe", attach = { kprobe = "__x64_sys_getpgid" } }
        stub.value = { function = "stub_value", hosts = ["first", "second"] }
    "#;
    let events = told(hosts, r#"tracer.stub = { trace = "value" }"#, &[7]);
    assert_eq!(nodes(&events), ["stub", "stub", "first", "stub", "stub", "second"]);
    let stubs = of(&events, "stub");
    assert!(stubs.iter().all(|event| event["args"] == json!({ "value": 7 })), "{stubs:#?}");
    assert_eq!([&stubs[1]["ret"], &stubs[3]["ret"]], [-1, -1]);
    assert_ne!(stubs[0]["call"], stubs[2]["call"]);

    let more = r#"
        replacement.seven = { object = "replacements.o", program = "answer_seven", stub = "value" }
        tracer.new = { fexit = "seven", where = "value < 100" }
    "#;
    let events = told(hosts, more, &[8, 200]);
    let told = of(&events, "new");
    assert_eq!(told.len(), 2, "once in each host, and not for the large value: {events:#?}");
    assert!(told.iter().all(|event| event["ret"] == 7), "{told:#?}");
    for event in told {
        assert_sane(event);
    }
    assert_eq!(of(&events, "seven").len(), 4);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn every_hook_has_its_context() {
    let hosts = r#"
        name = "hooks"
        host.tracepoint = { object = "hosts.o", program = "at_tracepoint", attach = { tracepoint = "syscalls/sys_enter_getpgid" } }
        host.raw = { object = "hosts.o", program = "at_raw_tracepoint", attach = { raw_tracepoint = "sys_enter" } }
        host.kprobe = { object = "hosts.o", program = "at_kprobe", attach = { kprobe = "__x64_sys_getpgid" } }
        host.kretprobe = { object = "hosts.o", program = "at_kretprobe", attach = { kretprobe = "__x64_sys_getpgid" } }
        tracer.tracepoint_in = { fentry = "tracepoint", capture = ["ctx->pid", "ctx"], where = "ctx->number == 121 && ctx->pid > 0x46430000" }
        tracer.raw_in = { fentry = "raw", where = "ctx != NULL", capture = [] }
        tracer.kprobe_in = { fexit = "kprobe", capture = ["ctx->rax"] }
        tracer.kretprobe_in = { fexit = "kretprobe", capture = ["ctx->rax"], where = "ctx->rax == 0xfffffffffffffffd" }
    "#;
    let events = told(hosts, "", &[3]);
    let entry = of(&events, "tracepoint_in");
    assert_eq!(entry[0]["args"]["ctx->pid"], 0x4643_0003, "{events:#?}");
    assert!(!of(&events, "raw_in").is_empty());
    assert_eq!(of(&events, "kprobe_in").len(), 1);
    let back = of(&events, "kretprobe_in");
    assert_eq!(back[0]["args"]["ctx->rax"], u64::MAX - 2, "the system call said ESRCH");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn answers_and_contexts_of_network_hooks_have_their_names() {
    let chain = std::fs::read_to_string(recipe("xdp")).expect("it is brought along");
    let (hosts, _) = chain.split_once("[tracer.").expect("the recipe has tracers");
    let folder = Folder::new(&format!(
        r#"{hosts}
        [tracer.dropped]
        fexit = "drop_echo"
        capture = ["ctx->ingress_ifindex", "ctx->rx_queue_index", "ctx->data", "ctx->data_end"]
        where = "ret == XDP_DROP && ctx->ingress_ifindex == 1"
        "#
    ));
    let before = Snapshot::take();
    let live = Live::json(&folder.chain());
    assert!(crate::xdp::ping("127.0.0.1").contains(" 100% packet loss"));
    let finished = live.end(Signal::INT);
    finished.assert_done();
    before.assert_nothing_new();
    let events = events(&finished);
    let dropped = of(&events, "dropped");
    assert_eq!(dropped.len(), 3, "{events:#?}");
    for event in dropped {
        assert_eq!([&event["ret"], &event["ret_name"]], [&json!(1), &json!("XDP_DROP")]);
        let args = &event["args"];
        assert_eq!(args["ctx->ingress_ifindex"], 1, "lo is the first");
        assert_eq!(args["ctx->rx_queue_index"], 0);
        let address = |name: &str| {
            let text = args[name].as_str().and_then(|text| text.strip_prefix("0x"));
            u64::from_str_radix(text.expect("an address"), 16).expect("hexadecimal")
        };
        // An Ethernet header, an IP header, and 64 bytes of echo.
        assert_eq!(address("ctx->data_end") - address("ctx->data"), 98, "{event}");
        assert_sane(event);
    }
}

/// For this value `paint` is called without an item first, then with one whose counter is NULL.
const UNREADABLE: u16 = 100;

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn what_cannot_be_read_is_told_as_such_and_passes_no_filter() {
    let more = r#"
        tracer.all = { fentry = "paint" }
        tracer.way = { fentry = "paint", capture = ["*item->counter", "item->name", "item->counter"] }
        tracer.is = { fentry = "paint", capture = [], where = "*item->counter == 0" }
        tracer.is_not = { fentry = "paint", capture = [], where = "!(*item->counter == 0)" }
    "#;
    let events = told(PAINTER, more, &[UNREADABLE]);
    let args = |node| of(&events, node).into_iter().map(|event| &event["args"]).collect::<Vec<_>>();
    let [without, with] = args("all")[..] else { panic!("{events:#?}") };
    assert_eq!([&without["item"], &without["small"]], [&json!(null), &json!(UNREADABLE)]);
    assert_eq!(
        [&with["item"]["value"], &with["item"]["counter"]],
        [&json!(UNREADABLE), &json!("0x0")]
    );
    let none = json!({ "*item->counter": null, "item->name": null, "item->counter": null });
    let null = json!({ "*item->counter": null, "item->name": "paint\"", "item->counter": "0x0" });
    assert_eq!(args("way"), [&none, &null]);
    assert_eq!([of(&events, "is").len(), of(&events, "is_not").len()], [0, 0], "{events:#?}");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_flood_is_counted_to_the_last_event_and_what_is_filtered_is_not_counted() {
    const CALLS: u16 = 20_000;
    let folder = Folder::new(&format!(
        "{HOST}\ntracer.all = {{ trace = \"value\" }}\n\
         tracer.few = {{ fexit = \"value\", where = \"value < 5\" }}"
    ));
    let before = Snapshot::take();
    let (live, stdout) = Live::unread(&folder.chain(), &["--format", "json"]);
    (0..CALLS).for_each(fire);
    live.signal(Signal::INT);
    let finished = live.read(stdout);
    finished.assert_done();
    before.assert_nothing_new();
    let records = finished.records();
    let books = |node: &str| {
        let down =
            records.iter().find(|record| record["record"] == "node_down" && record["node"] == node);
        let down = down.unwrap_or_else(|| panic!("no end of {node}"));
        ["produced", "delivered", "lost"].map(|key| down[key].as_u64().expect("a number"))
    };
    let [produced, delivered, lost] = books("all");
    assert_eq!((produced, delivered + lost), (2 * u64::from(CALLS), produced));
    assert!(lost > 0, "nobody read, so the ring buffer was full");
    assert_eq!(books("few")[0], 5);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn people_read_a_call_as_in_c() {
    let folder = Folder::new(&format!("{HOST}\ntracer.after = {{ fexit = \"value\" }}"));
    let live = Live::up(&folder.chain(), &[]);
    fire(6);
    let finished = live.end(Signal::INT);
    finished.assert_done();
    let line = finished.stdout.lines().find(|line| line.contains("value(value=6) = -1  "));
    assert!(line.is_some_and(|line| line.contains(" after ")), "{}", finished.stdout);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn the_tree_and_the_trace_viewer_have_calls_of_built_in_tracers() {
    let chain = format!("{PAINTER}\ntracer.both = {{ trace = \"paint\" }}");
    let folder = Folder::new(&format!(
        "{chain}\ntracer.out = {{ fexit = \"painter\", function = \"lower\" }}"
    ));
    let live = Live::up(&folder.chain(), &["--view", "tree"]);
    fire(5);
    let finished = live.end(Signal::INT);
    finished.assert_done();
    let lines: Vec<_> = finished.stdout.lines().collect();
    let at = |words: &[&str]| {
        let found = lines.iter().position(|line| words.iter().all(|word| line.contains(word)));
        found.unwrap_or_else(|| panic!("no {words:?}: {}", finished.stdout))
    };
    let entry = at(&["╭ both", "fentry", "paint(item={value=5 "]);
    assert_eq!(at(&["│ paint"]), entry + 1, "{}", finished.stdout);
    assert_eq!(at(&["╰ both", "fexit", ") = GREEN  "]), entry + 2, "{}", finished.stdout);

    let trace = tempfile::NamedTempFile::new().expect("a temporary file");
    let path = trace.path().to_str().expect("UTF-8").to_owned();
    let live = Live::up(&folder.chain(), &["--format", "trace-event", "--output", &path]);
    fire(7);
    live.end(Signal::INT).assert_done();
    let text = std::fs::read_to_string(&path).expect("it was written");
    let records: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    let slice = |name: &str| {
        let found = records.iter().find(|record| record["ph"] == "X" && record["name"] == name);
        found.unwrap_or_else(|| panic!("no slice of {name}: {records:#?}"))
    };
    assert_eq!(slice("paint")["args"]["entry"]["args"]["small"], 7);
    assert_eq!(slice("paint")["args"]["exit"]["ret"], "GREEN");
    // Of the static function only the return is told, and how long it took.
    assert!(slice("lower")["dur"].as_f64() > Some(0.0));
    assert_eq!(slice("lower")["args"]["exit"]["ret"], -7);
}
