//! A kernel with a dispatcher, and what the others see of it.

use std::path::PathBuf;

use super::{
    Attachment, Census, Dispatcher, Effect, Place, Process, RunningFunction, RunningMap,
    RunningProgram, RunningType, to_json,
};
use crate::object::ProgramType;

fn function(name: &str, btf_id: u32) -> RunningFunction {
    RunningFunction {
        name: name.to_owned(),
        btf_id,
        global: true,
        prototype: Some(format!("int {name}(struct xdp_md *ctx)")),
        address: None,
        length: 0,
    }
}

fn program(id: u32, program_type: ProgramType, name: &str) -> RunningProgram {
    RunningProgram {
        id,
        program_type: RunningType::Known(program_type),
        name: name.to_owned(),
        tag: format!("{id:016x}"),
        gpl: true,
        loaded_at: 1_000,
        user: 0,
        translated: 64,
        compiled: 0,
        btf: Some(id),
        functions: vec![function(name, 1)],
        maps: vec![RunningMap { id: 5, name: "counts".to_owned() }],
        attachments: Vec::new(),
        tables: Vec::new(),
        pins: Vec::new(),
        processes: Vec::new(),
        runs: None,
    }
}

fn at(link: u32, place: Place) -> Attachment {
    Attachment { link: Some(link), place, pins: Vec::new(), processes: Vec::new() }
}

fn kernel(kind: &str, at: &str) -> Place {
    Place::Kernel { kind: kind.to_owned(), at: at.to_owned(), namespace: None }
}

/// A cgroup's program, a dispatcher with one of two slots taken, tracers in it, and one at tcx.
pub(crate) fn census() -> Census {
    let mut firewall = program(3, ProgramType::CgroupSkb, "sd_fw_egress");
    firewall.attachments.push(Attachment {
        link: None,
        ..at(0, kernel("cgroup_inet_egress", "/sys/fs/cgroup/system.slice"))
    });
    let mut dispatcher = program(41, ProgramType::Xdp, "xdp_dispatcher");
    dispatcher.functions.extend([
        function("prog0", 2),
        function("prog1", 3),
        function("compat_test", 4),
    ]);
    dispatcher.attachments.push(at(8, kernel("xdp", "lo generic")));
    let mut filter = program(44, ProgramType::Ext, "xdp_drop");
    let on = |how, program, function| Place::Function { how, program, function };
    filter.attachments.push(Attachment {
        pins: vec![PathBuf::from("/sys/fs/bpf/xdp/dispatch-1-41/link")],
        ..at(9, on(Effect::Replaces, 41, 2))
    });
    let mut enter = program(50, ProgramType::Tracing, "enter");
    let me = Process { pid: 7, comm: "freplace-compos".to_owned() };
    enter.attachments.push(at(10, on(Effect::Enters, 44, 1)));
    enter.processes.push(me.clone());
    let mut leave = program(51, ProgramType::Tracing, "leave");
    leave.attachments.push(Attachment { processes: vec![me], ..at(11, on(Effect::Leaves, 41, 1)) });
    let mut meter = program(60, ProgramType::SchedCls, "count_packets");
    meter.attachments.push(at(12, kernel("tcx/egress", "lo")));
    Census { programs: vec![firewall, dispatcher, filter, enter, leave, meter], gaps: Vec::new() }
}

#[test]
fn a_dispatcher_is_known_by_its_functions_and_its_pins() {
    let census = census();
    let program = census.program(41).expect("it is there");
    let dispatcher = Dispatcher::of(&census, program).expect("it is one");
    assert_eq!(dispatcher.maker, Some("libxdp"));
    let slots: Vec<_> =
        dispatcher.slots.iter().map(|(name, by)| (*name, by.map(|by| by.id))).collect();
    assert_eq!(slots, [("prog0", Some(44)), ("prog1", None)]);
    assert!(Dispatcher::of(&census, census.program(44).expect("there")).is_none());
}

/// A dispatcher called `name` with the places that bpfman gives to one, and a program in the second, whose link is
/// pinned at `pin`.
fn dispatched(program_type: ProgramType, name: &str, pin: &str) -> Census {
    let mut dispatcher = program(41, program_type, name);
    dispatcher
        .functions
        .extend((0..10).map(|number| function(&format!("prog{number}"), 2 + number)));
    dispatcher.functions.push(function("compat_test", 12));
    let mut second = program(44, ProgramType::Ext, "fills");
    let place = Place::Function { how: Effect::Replaces, program: 41, function: 3 };
    second.attachments.push(Attachment { pins: vec![PathBuf::from(pin)], ..at(9, place) });
    Census { programs: vec![dispatcher, second], gaps: Vec::new() }
}

#[test]
fn dispatchers_of_bpfman_are_known_by_its_bpffs() {
    const XDP: &str = "/run/bpfman/fs/xdp/dispatcher_4026531840_2_1/link_2";
    const TC: &str = "/run/bpfman/fs/tc-ingress/dispatcher_4026531840_2_1/link_2";
    for (program_type, name, pin, maker) in [
        (ProgramType::Xdp, "xdp_dispatcher", XDP, Some("bpfman")),
        (ProgramType::SchedCls, "tc_dispatcher", TC, Some("bpfman")),
        (ProgramType::Xdp, "xdp_dispatcher", "/sys/fs/bpf/xdp/dispatch-2-41/link", Some("libxdp")),
        // Its pins tell nothing: it is one, of somebody.
        (ProgramType::Xdp, "xdp_dispatcher", "/sys/fs/bpf/beside-bpfman/link", None),
    ] {
        let census = dispatched(program_type, name, pin);
        let program = census.program(41).expect("it is there");
        let dispatcher = Dispatcher::of(&census, program).expect("it is one");
        assert_eq!(dispatcher.maker, maker, "{pin}");
        let taken: Vec<_> =
            dispatcher.slots.iter().map(|(name, by)| (*name, by.is_some())).collect();
        assert_eq!(taken.len(), 10);
        assert_eq!(taken[..3], [("prog0", false), ("prog1", true), ("prog2", false)]);
        assert_eq!(dispatcher.replaced_by, None);
    }
}

#[test]
fn json_names_who_is_on_a_function() {
    let census = census();
    let programs: Vec<_> = census.programs.iter().collect();
    let json = to_json(&census, &programs);
    let slot = &json["programs"][1]["functions"][1];
    assert_eq!(slot["name"], "prog0");
    assert_eq!(slot["on_it"][0]["how"], "freplace");
    assert_eq!(slot["on_it"][0]["program"], 44);
    assert_eq!(json["programs"][2]["attached"][0]["place"]["function"], "prog0");
}
