//! Maps and global variables, as objects define them and chains say otherwise: what the kernel has
//! then, and what programs make of it.

use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{
    Folder, Live, Snapshot,
    events::{assert_schema, assert_stream, events, of},
    fire, run,
};

const BPFFS: &str = "/sys/fs/bpf";

/// A host of `object` whose lines are heard; `more` are further keys of it.
fn host(id: &str, object: &str, program: &str, more: &str) -> String {
    format!(
        "[host.{id}]\nobject = \"{object}.o\"\nprogram = \"{program}\"\nprintk = true\n\
         attach = {{ tracepoint = \"syscalls/sys_enter_getpgid\" }}\n{more}\n"
    )
}

fn lines(events: &[Value], node: &str) -> Vec<String> {
    let own = of(events, node).into_iter();
    own.filter_map(|event| Some(event["printk"].as_str()?.to_owned())).collect()
}

/// The events of a chain whose hosts were fired so often. A node with a table of programs goes up
/// once for each, so nodes are not counted here.
fn printed(chain: &str, times: u16) -> Vec<Value> {
    let folder = Folder::new(chain);
    let live = Live::json(&folder.chain());
    (0..times).for_each(fire);
    let finished = live.end(Signal::INT);
    finished.assert_done();
    assert_schema(&finished);
    events(&finished)
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn globals_have_the_values_of_the_chain() {
    let before = Snapshot::take();
    let set = r#"globals = { limit = -300, big = "0xffffffffffffffff", mode = "MODE_OFF", "conf.port" = 15, "conf.on" = false, "conf.name" = "xyz", "conf.word" = "MODE_ON | 0xf0", "conf.range[1]" = { low = -5, high = "1 << 40" }, table = [1, 2, 3, "~0"], hits = 40 }"#;
    let chain = format!("name = \"data\"\n{}", host("set", "globals", "shows", set));
    let events = printed(&chain, 2);
    let set = lines(&events, "set");
    assert_eq!(
        set[..4],
        [
            "limit -300 big ffffffffffffffff mode 0",
            "port 15 on 0 word f7",
            "name xyz low -5 high 10000000000",
            "table 1 ffffffff hits 41",
        ]
    );
    assert_eq!(set[7], "table 1 ffffffff hits 42");
    // One that is not set is as the object has it.
    let chain = format!("name = \"data\"\n{}", host("unset", "globals", "shows", ""));
    let unset = lines(&printed(&chain, 1), "unset");
    assert_eq!(
        unset[..4],
        ["limit 5 big 0 mode 7", "port 3 on 1 word 0", "name abc low 0 high 0", "table 0 0 hits 5",]
    );
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn inner_maps_are_in_the_outer_ones() {
    let before = Snapshot::take();
    let chain = format!("name = \"data\"\n{}", host("within", "tables", "counts_within", ""));
    let events = printed(&chain, 2);
    // Once for each map: 1 in the first, 10 in the second, 100 for the first by another way.
    assert_eq!(lines(&events, "within"), ["within 111", "within 222"]);
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn tail_calls_lead_where_tables_say() {
    let before = Snapshot::take();
    let chain = format!(
        "name = \"data\"\n{}{}{}{}\n{}",
        host("own", "tables", "enters", ""),
        host("said", "tables", "enters_open", "tail = { open_jumps = { 3 = \"other\" } }"),
        "[host.other]\nobject = \"tables.o\"\nprogram = \"other_leaf\"\nprintk = true\n",
        "[tracer.leaf]\nfexit = \"own\"\nfunction = \"in_leaf\"",
        "[tracer.other_leaf]\nfexit = \"other\"\nfunction = \"in_leaf\"",
    );
    let events = printed(&chain, 1);
    // Both leaves call one function, whose lines do not say in which program it runs.
    let mut said: Vec<_> = events.iter().filter_map(|event| event["printk"].as_str()).collect();
    said.sort_unstable();
    assert_eq!(said, ["in leaf 17", "in leaf 41"]);
    for (tracer, number, ret) in [("leaf", 41, 1), ("other_leaf", 17, 1)] {
        let traced = of(&events, tracer);
        assert_eq!(traced.len(), 1, "{events:#?}");
        assert_eq!(traced[0]["args"]["number"], number);
        assert_eq!(traced[0]["ret"], ret);
    }
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn what_a_chain_puts_into_a_table_takes_the_place_of_the_objects_own() {
    let chain = format!(
        "name = \"data\"\n{}{}",
        host("own", "tables", "enters", "tail = { jumps = { 1 = \"other\" } }"),
        "[host.other]\nobject = \"tables.o\"\nprogram = \"other_leaf\"\nprintk = true\n",
    );
    let events = printed(&chain, 1);
    let mut all = lines(&events, "own");
    all.extend(lines(&events, "other"));
    assert_eq!(all, ["in leaf 17"]);
}

/// FC0321 and FC0332 say so.
#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_tracer_at_the_entry_of_a_leaf_sees_nothing() {
    let chain = format!(
        "name = \"data\"\n{}{}",
        host("own", "tables", "enters", ""),
        "[tracer.leaf]\nfentry = \"own\"\nfunction = \"leaf\"\n",
    );
    let events = printed(&chain, 2);
    assert_eq!(lines(&events, "own"), ["in leaf 41"; 2]);
    assert_eq!(of(&events, "leaf").len(), 0);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn sizes_that_are_left_out_are_put_right() {
    let before = Snapshot::take();
    let chain = format!("name = \"data\"\n{}", host("all", "map-sizes", "uses_all", ""));
    let folder = Folder::new(&chain);
    let live = Live::json(&folder.chain());
    fire(1);
    let finished = live.end(Signal::INT);
    assert_stream(&finished, "data", &["all"]);
    let events = events(&finished);
    assert_eq!(lines(&events, "all"), ["known 0"]);
    let mut maps: Vec<_> = events.iter().filter_map(|event| event["map"].as_str()).collect();
    maps.sort_unstable();
    assert_eq!(maps, ["perf", "ring"]);
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_map_has_the_entries_that_the_chain_says() {
    let before = Snapshot::take();
    let sized = "maps = { flows = { max_entries = 77, flags = 1 } }";
    let chain = format!("name = \"data\"\n{}", host("later", "map-sizes", "sized_later", sized));
    let folder = Folder::new(&chain);
    let live = Live::json(&folder.chain());
    let found = aya::maps::loaded_maps().flatten().find(|map| map.name_as_str() == Some("flows"));
    let found = found.expect("it is there");
    assert_eq!((found.max_entries(), found.map_flags()), (77, 1));
    live.end(Signal::INT).assert_done();
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_pinned_map_goes_on_counting() {
    let before = Snapshot::take();
    let pin = Path::new(BPFFS).join("total");
    let chain = |head: &str, more: &str| {
        format!("name = \"data\"\n{head}\n{}", host("counts", "map-sizes", "pinned", more))
    };
    let folder = Folder::new(&chain("", ""));
    for (round, verb) in [(1, "created, pinned at"), (2, "pinned at")] {
        let live = Live::json(&folder.chain());
        fire(1);
        assert!(pin.exists());
        let finished = live.end(Signal::INT);
        assert_stream(&finished, "data", &["counts"]);
        assert_eq!(lines(&events(&finished), "counts"), [format!("total {round}")]);
        assert!(
            finished.stderr.contains(&format!("total, {verb} {BPFFS}/total")),
            "{}",
            finished.stderr
        );
        // Who made it says that it stays.
        let kept = finished.stderr.contains("kept total, pinned at /sys/fs/bpf/total");
        assert_eq!(kept, round == 1, "{}", finished.stderr);
        assert!(pin.exists());
    }
    // Another map under that name is refused, and stays.
    let folder = Folder::new(&chain("", "maps = { total = { max_entries = 2 } }"));
    let finished = run::<&str>(&folder.chain(), &[]);
    finished.assert_failed(1, "FC0333");
    assert!(finished.stderr.contains("entries 1 pinned, 2 in the chain"), "{}", finished.stderr);
    assert!(pin.exists());
    std::fs::remove_file(&pin).expect("it is there");
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_pin_is_where_the_chain_says_and_goes_when_it_says_so() {
    let before = Snapshot::take();
    let folder_of_pins = Path::new(BPFFS).join("mine/deep");
    let chain = |more: &str| {
        let head = format!("pins = \"{}\"", folder_of_pins.display());
        format!("name = \"data\"\n{head}\n{}", host("counts", "map-sizes", "pinned", more))
    };
    let folder = Folder::new(&chain("maps = { total = { pin = \"sum\", keep = false } }"));
    let live = Live::json(&folder.chain());
    assert!(folder_of_pins.join("sum").exists());
    live.end(Signal::INT).assert_done();
    assert!(!Path::new(BPFFS).join("mine").exists());
    // Without a pin it is one like any other.
    let folder = Folder::new(&chain("maps = { total = { pin = false } }"));
    let live = Live::json(&folder.chain());
    assert!(!Path::new(BPFFS).join("mine").exists());
    live.end(Signal::INT).assert_done();
    // A chain that does not come up leaves none, whatever it says of keeping it.
    let late = "\n[host.late]\nobject = \"map-sizes.o\"\nprogram = \"odd_ring\"\n\
                attach = { xdp = \"no-such-interface\" }\n";
    let folder = Folder::new(&(chain("maps = { total = { keep = true } }") + late));
    let finished = run::<&str>(&folder.chain(), &[]);
    finished.assert_failed(1, "FC0502");
    assert!(!Path::new(BPFFS).join("mine").exists());
    // A place that is no bpffs is none for pins.
    let nowhere = chain("maps = { total = { pin = \"/tmp/total\" } }");
    let folder = Folder::new(&nowhere);
    let finished = run::<&str>(&folder.chain(), &[]);
    finished.assert_failed(1, "FC0334");
    assert!(!Path::new("/tmp/total").exists());
    before.assert_nothing_new();
}

const SLOTS: &str = r#"
    name = "data"
    printk = true
    [host.dispatch]
    object = "slots.o"
    program = "dispatch"
    attach = { xdp = "lo" }
    GLOBALS
    [stub.first]
    function = "slot0"
    hosts = ["dispatch"]
    [replacement.passes]
    object = "slot-fillers.o"
    program = "passes"
    stub = "first"
    [stub.second]
    function = "slot1"
    hosts = ["dispatch"]
    [replacement.drops]
    object = "slot-fillers.o"
    program = "drops"
    stub = "second"
"#;

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_dispatcher_runs_the_slots_that_constants_open() {
    let before = Snapshot::take();
    let opened = r#"globals = { "conf.used" = 2, "conf.go_on[0]" = "1 << XDP_PASS" }"#;
    let folder = Folder::new(&SLOTS.replace("GLOBALS", opened));
    let live = Live::json(&folder.chain());
    assert!(crate::xdp::ping("127.0.0.1").contains(" 100% packet loss"));
    let finished = live.end(Signal::INT);
    finished.assert_done();
    assert!(!finished.stderr.contains("FC0330"), "{}", finished.stderr);
    let events = events(&finished);
    assert!(lines(&events, "passes").len() >= 3 && lines(&events, "drops").len() >= 3);
    before.assert_nothing_new();
}

/// With the constants off, kernels from 6.8 on do not have the slots; older ones never run them.
#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_dispatcher_whose_constants_are_off_is_told() {
    let folder = Folder::new(&SLOTS.replace("GLOBALS", ""));
    let version = freplace_compose::kernel::machine::version();
    let removes = freplace_compose::version::Version::of_release("6.8");
    if version >= removes {
        let finished = run::<&str>(&folder.chain(), &[]);
        assert_eq!(finished.status.code(), Some(1), "{finished:#?}");
        assert!(finished.stderr.contains("FC0330"), "{}", finished.stderr);
        assert!(finished.stderr.contains("\"conf.used\" = 1"), "{}", finished.stderr);
        assert!(finished.stderr.contains("Subprog slot0 doesn't exist"), "{}", finished.stderr);
        return;
    }
    let live = Live::json(&folder.chain());
    assert!(crate::xdp::ping("127.0.0.1").contains(" 0% packet loss"));
    let finished = live.end(Signal::INT);
    finished.assert_done();
    assert!(finished.stderr.contains("FC0330"), "{}", finished.stderr);
    assert_eq!(events(&finished).len(), 0);
}

/// K12: the kernel keeps tables for tail calls and replacements apart.
#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_program_in_a_table_is_not_replaced() {
    use freplace_compose::{
        chain::Chain,
        check::{Kernels, check},
        diag::Code,
        kernel::Linux,
        plan,
        resolve::PartlyResolved,
        run,
    };
    let chain = format!(
        "name = \"data\"\n{}[stub.in_leaf]\nfunction = \"in_leaf\"\nhosts = [\"own\"]\n\
         [replacement.other]\nobject = \"tables.o\"\nprogram = \"instead\"\nstub = \"in_leaf\"\n",
        host("own", "tables", "enters", ""),
    );
    let folder = Folder::new(&chain);
    let chain = Chain::open(&folder.chain()).expect("a chain");
    let names = PartlyResolved::open(chain);
    let found = check(&names, &Kernels::default());
    assert_eq!(found.iter().map(|one| one.code).collect::<Vec<_>>(), [Code::TailCall]);
    let resolved = names.whole().expect("its objects are there");
    let plan = plan::build(&resolved, plan::Offers::default());
    let mut kernel = Linux::new();
    let failure = run::up(&mut kernel, &plan, resolved.objects(), &mut run::unwatched)
        .expect_err("it is refused");
    assert_eq!(failure.error.errno, Some(libc::EBUSY), "{failure:?}");
}
