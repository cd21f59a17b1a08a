//! The dispatcher of libxdp, as Debian's package installs it, with programs in its slots.
//! `cargo xtask test` installs the package and brings the files along. And dispatchers that bear the names of
//! bpfman's: <https://github.com/bpfman/bpfman/tree/main/bpf>.

use std::fs;

use aya::{
    Ebpf,
    programs::{Extension, SchedClassifier, Xdp, XdpMode, links::FdLink},
};
use rustix::process::Signal;
use serde_json::Value;

use crate::{
    running::{listed, one, places, shell},
    support::{
        Folder, Live, Snapshot,
        events::{events, of},
        recipe,
    },
    xdp::{connect, ping},
};

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn programs_in_the_slots_of_a_dispatcher_run_and_are_traced() {
    let before = Snapshot::take();
    assert!(ping("127.0.0.1").contains(" 0% packet loss"));
    let live = Live::json(&recipe("dispatcher"));
    assert!(ping("127.0.0.1").contains(" 100% packet loss"));
    connect();
    let finished = live.end(Signal::INT);
    assert!(ping("127.0.0.1").contains(" 0% packet loss"));
    let events = events(&finished);
    for node in ["frames", "filtered", "dropped", "passed"] {
        assert!(!of(&events, node).is_empty(), "{node}: {events:#?}");
    }
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn tracers_of_another_tool_take_its_settings() {
    let before = Snapshot::take();
    let folder = Folder::new(
        r#"
        [host.ingress]
        object = "builtin:xdp"
        program = "xdp_host"
        attach = { xdp = "lo", mode = "generic" }

        [tracer.captured]
        fentry = "ingress"
        object = "/usr/lib/x86_64-linux-gnu/bpf/xdpdump_bpf.o"
        program = "trace_on_entry"

        [tracer.captured.globals]
        "trace_cfg.capture_if_ifindex" = 1
        "trace_cfg.capture_snaplen" = 64
        "trace_cfg.capture_prog_index" = 7
        "#,
    );
    let live = Live::json(&folder.chain());
    connect();
    let finished = live.end(Signal::INT);
    let events = events(&finished);
    assert!(!of(&events, "captured").is_empty(), "{events:#?}");
    before.assert_nothing_new();
}

/// Dispatchers that are named, pinned and filled as bpfman does it, which has a bpffs of its own.
struct Bpfman {
    _loaded: Vec<Ebpf>,
}

const PLACE: &str = "/run/bpfman/fs";

impl Bpfman {
    fn new() -> Self {
        shell(&format!("mkdir -p {PLACE}; mount -t bpf bpf {PLACE}"));
        let loaded = [("dispatcher-xdp", "xdp"), ("dispatcher-tc", "tc-ingress")];
        Self { _loaded: loaded.map(|(object, folder)| Self::load(object, folder)).into() }
    }

    fn load(object: &str, folder: &str) -> Ebpf {
        let folder = format!("{PLACE}/{folder}/dispatcher_4026531840_1_1");
        fs::create_dir_all(&folder).expect("a folder of the bpffs");
        let bytes = freplace_compose_test_programs::object(object).expect("it is compiled");
        let mut loaded = Ebpf::load(bytes).expect("an object");
        let dispatcher = match object {
            "dispatcher-xdp" => {
                let program = loaded.program_mut("xdp_dispatcher").expect("it is there");
                let program: &mut Xdp = program.try_into().expect("its type");
                program.load().expect("it is accepted");
                program.attach("lo", XdpMode::Skb).expect("nothing is there");
                program.fd().expect("it is loaded").try_clone().expect("a descriptor")
            }
            _ => {
                let program = loaded.program_mut("tc_dispatcher").expect("it is there");
                let program: &mut SchedClassifier = program.try_into().expect("its type");
                program.load().expect("it is accepted");
                program.fd().expect("it is loaded").try_clone().expect("a descriptor")
            }
        };
        let program = loaded.program_mut("fills").expect("it is there");
        let program: &mut Extension = program.try_into().expect("its type");
        program.load(dispatcher, "prog1").expect("it is accepted");
        let link = program.attach().expect("the place is free");
        let link: FdLink = program.take_link(link).expect("it was just made").into();
        link.pin(format!("{folder}/link_2")).expect("a free name");
        loaded
    }
}

impl Drop for Bpfman {
    fn drop(&mut self) {
        shell(&format!("umount {PLACE}; rm -r /run/bpfman"));
    }
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn dispatchers_as_bpfman_has_them_are_named_with_their_slots() {
    let before = Snapshot::take();
    {
        let _bpfman = Bpfman::new();
        let programs = listed(&[]);
        for (name, places_of) in
            [("xdp_dispatcher", vec!["xdp lo generic"]), ("tc_dispatcher", vec![])]
        {
            let program = one(&programs, name);
            assert_eq!(places(program), places_of);
            let dispatcher = &program["dispatcher"];
            assert_eq!(dispatcher["made_by"], "bpfman");
            let slots = dispatcher["slots"].as_array().expect("a list");
            let names: Vec<_> = slots.iter().map(|slot| &slot["function"]).collect();
            assert_eq!(names, ["prog0", "prog1"], "{dispatcher:#}");
            assert_eq!(slots[0]["program"], Value::Null);
            let filler = programs.iter().find(|program| program["id"] == slots[1]["program"]);
            let filler = filler.expect("what fills a slot is a program");
            assert_eq!(filler["name"], "fills");
            assert_eq!(places(filler), [format!("freplace prog1 of {}", program["id"])]);
        }
    }
    before.assert_nothing_new();
}
