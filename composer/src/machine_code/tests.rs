//! Code as the kernel's JIT and trampolines write it, and what is read from it.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    CodeFunction, CodeMap, CodePlace, PatchSite, Route, RouteVisit, TransferKind, decode, entry,
    verify,
};
use crate::{
    object::ProgramType,
    running::{
        Attachment, Census, Effect, Place as AttachedAt, RunningFunction, RunningProgram,
        RunningType,
    },
};

const HOST: u64 = 0x1000;
const STUB: u64 = 0x1100;
const REPLACEMENT: u64 = 0x2000;
const TRAMPOLINE: u64 = 0x8000;
const TRACER: u64 = 0x3000;

/// `opcode` with the way from `at` to `to`.
fn branch(opcode: u8, at: u64, to: u64) -> Vec<u8> {
    let way = i32::try_from(to.cast_signed() - (at + 5).cast_signed()).expect("it is near");
    [&[opcode][..], &way.to_le_bytes()].concat()
}

fn function(program: u32, name: &str, btf_id: u32, is_entry: bool, code: Vec<u8>) -> CodeFunction {
    CodeFunction {
        program,
        program_name: format!("p{program}"),
        name: name.to_owned(),
        btf_id,
        is_entry,
        code,
        lines: BTreeMap::new(),
    }
}

/// A host that calls a stub; a replacement in its place, with a tracer on it.
fn map() -> CodeMap {
    let ret = vec![0xc3];
    let host = [&PatchSite::NOP[..], &branch(0xe8, HOST + 5, STUB), &ret].concat();
    let stub = [branch(0xe9, STUB, REPLACEMENT), ret.clone()].concat();
    let replacement = [branch(0xe8, REPLACEMENT, TRAMPOLINE), ret.clone()].concat();
    let tracer = [&PatchSite::NOP[..], &ret].concat();
    let image = [
        branch(0xe8, TRAMPOLINE, TRACER),
        branch(0xe8, TRAMPOLINE + 5, REPLACEMENT + 5),
        ret,
        // Another trampoline behind it.
        branch(0xe8, TRAMPOLINE + 11, HOST),
    ]
    .concat();
    let mut map = CodeMap::default();
    map.functions.insert(HOST, function(1, "host", 1, true, host));
    map.functions.insert(STUB, function(1, "stub", 2, false, stub));
    map.functions.insert(REPLACEMENT, function(2, "replacement", 1, true, replacement));
    map.functions.insert(TRACER, function(3, "tracer", 1, true, tracer));
    map.trampolines.insert(TRAMPOLINE, image);
    map.symbols.insert(TRAMPOLINE, "bpf_trampoline_8589934593".to_owned());
    map
}

fn program(id: u32, functions: &[(&str, u32)], on: Option<(Effect, u32, u32)>) -> RunningProgram {
    let functions = functions.iter().map(|(name, btf_id)| RunningFunction {
        name: (*name).to_owned(),
        btf_id: *btf_id,
        global: true,
        prototype: None,
        address: None,
        length: 0,
    });
    let attachments = on.into_iter().map(|(how, program, function)| Attachment {
        link: Some(id),
        place: AttachedAt::Function { how, program, function },
        pins: Vec::new(),
        processes: Vec::new(),
    });
    RunningProgram {
        id,
        program_type: RunningType::Known(ProgramType::Xdp),
        name: format!("p{id}"),
        tag: String::new(),
        gpl: true,
        loaded_at: 0,
        user: 0,
        translated: 0,
        compiled: 0,
        btf: Some(1),
        functions: functions.collect(),
        maps: Vec::new(),
        attachments: attachments.collect(),
        tables: Vec::new(),
        pins: Vec::new(),
        processes: Vec::new(),
        runs: None,
    }
}

fn census() -> Census {
    let programs = vec![
        program(1, &[("host", 1), ("stub", 2)], None),
        program(2, &[("replacement", 1)], Some((Effect::Replaces, 1, 2))),
        program(3, &[("tracer", 1)], Some((Effect::Enters, 2, 1))),
    ];
    Census { programs, gaps: Vec::new() }
}

#[test]
fn the_patched_bytes_lie_behind_endbr64() {
    let code = [&[0xf3, 0x0f, 0x1e, 0xfa][..], &branch(0xe9, 0x1004, 0x2000)].concat();
    let found = entry(&code, 0x1000).expect("nine bytes");
    assert_eq!((found.at, found.to), (0x1004, Some((TransferKind::Jump, 0x2000))));
    assert!(entry(&PatchSite::NOP, 7).expect("five bytes").is_nop());
    assert_eq!(entry(&[0x90; 4], 7), None);
}

#[test]
fn calls_that_leave_are_found_and_jumps_within_are_not() {
    // A jump over the call, the call, and a jump out of the function.
    let code = [&[0xeb, 5][..], &branch(0xe8, 2, 0x500), &branch(0xe9, 7, 0x900)].concat();
    let found = decode(&code, 0, false);
    let found: Vec<_> = found.iter().map(|one| (one.at, one.kind, one.to)).collect();
    assert_eq!(found, [(2, TransferKind::Call, 0x500), (7, TransferKind::Jump, 0x900)]);
}

#[test]
fn a_call_goes_from_the_host_to_the_replacement_and_its_tracer() {
    let map = map();
    let route = Route::of(&map, 1).expect("it was read");
    let [to_stub] = route.steps.as_slice() else { panic!("{route:#?}") };
    let stub = to_stub.on.as_ref().expect("the stub");
    let [to_replacement] = stub.steps.as_slice() else { panic!("{stub:#?}") };
    assert_eq!(to_replacement.by.kind, TransferKind::Jump);
    let replacement = to_replacement.on.as_ref().expect("the replacement");
    let [to_trampoline] = replacement.steps.as_slice() else { panic!("{replacement:#?}") };
    let trampoline = to_trampoline.on.as_ref().expect("the trampoline");
    assert!(matches!(trampoline.visit, RouteVisit::Trampoline { read: true, .. }));
    let places: Vec<_> = trampoline.steps.iter().map(|step| &step.to).collect();
    assert!(matches!(
        places.as_slice(),
        [CodePlace::Function(TRACER, _), CodePlace::Behind(REPLACEMENT, _)]
    ));
}

#[test]
fn text_and_links_agree_or_the_difference_is_told() {
    let (map, census) = (map(), census());
    let all = BTreeSet::from([1, 2, 3]);
    let verdict = verify(&census, &map, &all);
    assert_eq!((verdict.confirmed, verdict.disagreements.len()), (4, 0), "{verdict:#?}");

    // Nobody patched the stub.
    let mut unpatched = map.clone();
    let stub = unpatched.functions.get_mut(&STUB).expect("it is there");
    stub.code[..5].copy_from_slice(&PatchSite::NOP);
    let verdict = verify(&census, &unpatched, &all);
    let [one] = verdict.disagreements.as_slice() else { panic!("{verdict:#?}") };
    assert_eq!((one.function.as_str(), one.text.as_str()), ("stub", "a nop"));
    assert_eq!(one.links, "replaced by p2 (2)");

    // The trampoline does not call the tracer.
    let mut empty = map.clone();
    empty.trampolines.insert(TRAMPOLINE, vec![0xc3]);
    let verdict = verify(&census, &empty, &all);
    assert_eq!(verdict.disagreements.len(), 1, "{verdict:#?}");
    assert_eq!(verdict.disagreements[0].function, "replacement");

    // A trampoline that cannot be read is neither.
    let mut unread = map.clone();
    unread.trampolines.clear();
    let verdict = verify(&census, &unread, &all);
    assert_eq!((verdict.disagreements.len(), verdict.unknown.len()), (0, 1), "{verdict:#?}");

    // A patch that no link asks for.
    let mut alone = census.clone();
    alone.programs[1].attachments.clear();
    let verdict = verify(&alone, &map, &BTreeSet::from([1]));
    assert_eq!(verdict.disagreements[0].links, "nothing is on it");
}
