//! Programs changed at random, one instruction each: what the verifier takes, no rule may refuse.
//!
//! It is the other half of the tests in `flow`: those show that what is foreseen is so, this one
//! that nothing else is foreseen. The numbers are pseudo-random, the same in every run.

use std::fs;

use freplace_compose::{
    chain::Chain,
    check,
    diag::{Code, Diagnostic, Severity},
    kernel::{Kernel as _, Linux, LoadRequest, MapHandle, ProgramHandle},
    object::{Object, Program, ProgramKind},
    plan::LoadAs,
    resolve::{PartlyResolved, is_shared},
};

use crate::{support::Folder, versions::running};

/// How many changes are tried for each program: fewer where most will be refused anyway.
const CHANGES: usize = 30;
const CHANGES_OF_A_WRONG_ONE: usize = 3;

/// A linear congruential generator (Knuth's MMIX).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

fn object(name: &str) -> Object {
    let bytes = freplace_compose_test_programs::object(name).expect("a test program");
    Object::parse(bytes).expect("a good object")
}

/// The object with one instruction of `program` changed; none where a relocation is.
fn change(object: &Object, program: &Program, random: &mut Random) -> Option<Vec<u8>> {
    let place = object.functions[program.function].code.place.clone();
    let mut bytes = object.bytes.to_vec();
    let at = place.start + 8 * random.below(place.len() / 8);
    let instruction = &mut bytes[at..at + 8];
    // Loads of addresses (and their second halves) and calls have relocations.
    if matches!(instruction[0], 0x00 | 0x18 | 0x85) {
        return None;
    }
    match random.below(7) {
        0 => instruction[4] = [0, 1, 7, 8, 0xff][random.below(5)],
        1 => instruction[2] = instruction[2].wrapping_add([8, 0xf8, 4, 1][random.below(4)]),
        2 => instruction[1] = instruction[1] & 0x0f | (random.below(11) as u8) << 4,
        3 => instruction[1] = instruction[1] & 0xf0 | random.below(10) as u8,
        // Nothing in its place: r5 = 0.
        4 => instruction.copy_from_slice(&[0xb7, 5, 0, 0, 0, 0, 0, 0]),
        // Another comparison, or another operation.
        5 => instruction[0] = instruction[0] & 0x0f | (random.below(14) as u8) << 4,
        // Another size, or the other half of registers.
        _ => instruction[0] ^= [0x08, 0x10, 0x18, 0x03][random.below(4)],
    }
    Some(bytes)
}

/// A chain with a place for a changed object, and how that is loaded.
struct MutantLoader<'a> {
    folder: &'a Folder,
    kernel: Linux,
    text: fn(&str) -> String,
    load_as: LoadAs,
    target: Option<(ProgramHandle, &'a str)>,
    maps: Vec<(String, MapHandle)>,
}

/// How the two judged: how often the kernel took a program, and how often that it refused was
/// foreseen.
#[derive(Default)]
struct Score {
    taken: usize,
    foreseen: usize,
    wrong: Vec<String>,
}

impl MutantLoader<'_> {
    fn make_maps(&mut self, object: &Object) {
        for map in object.maps.iter().filter(|map| is_shared(map)) {
            if !self.maps.iter().any(|(name, _)| *name == map.name) {
                let made = self.kernel.create_map(object, map, None).expect("a map").0;
                self.maps.push((map.name.clone(), made));
            }
        }
    }

    fn load(&mut self, object: &Object, program: &str, load_as: LoadAs) -> Option<ProgramHandle> {
        let target = self.target.filter(|_| load_as == self.load_as);
        let maps = &self.maps;
        let request = LoadRequest {
            object,
            program,
            load_as,
            expected_attach_type: None,
            attach_btf: None,
            target,
            maps,
            globals: &[],
            set: &[],
            trace: None,
            trace_entry: None,
            traits: Default::default(),
        };
        self.kernel.load(&request).ok().map(|(program, _)| program)
    }

    /// What the validator calls an error in the chain, as the object now is.
    fn error(&self, program: &str) -> Option<String> {
        let chain = Chain::parse(&self.folder.chain(), (self.text)(program));
        let chain = chain.expect("a good chain");
        let found = check::check(&PartlyResolved::open(chain), &running()).into_iter();
        // What the verifier lets pass and the attachment does not, nobody attaches here.
        let at_attach = |found: &Diagnostic| {
            let is_bare = found.answer.as_ref().is_some_and(|answer| answer.text.is_none());
            found.code == Code::ArgumentNotPassed && is_bare
        };
        let mut errors =
            found.filter(|found| found.severity == Severity::Error && !at_attach(found));
        errors.next().map(|found| found.message)
    }

    fn judge(&mut self, name: &str, score: &mut Score) {
        let whole = object(name);
        self.make_maps(&whole);
        let mut random = Random(u64::from_le_bytes(*b"flow 312"));
        let file = self.folder.chain().with_file_name("mutant.o");
        let kind = match self.load_as {
            LoadAs::Hook(kind) => kind,
            _ => ProgramKind::Freplace,
        };
        for program in whole.programs.iter().filter(|program| program.kind == kind) {
            fs::write(&file, &whole.bytes).expect("room in /tmp");
            let changes = match self.error(&program.name) {
                None => CHANGES,
                Some(_) => CHANGES_OF_A_WRONG_ONE,
            };
            for number in 0..changes {
                let Some(bytes) = change(&whole, program, &mut random) else { continue };
                fs::write(&file, &bytes).expect("room in /tmp");
                let error = self.error(&program.name);
                let object = Object::parse(bytes).expect("as good as it was");
                let loaded = self.load(&object, &program.name, self.load_as);
                score.taken += usize::from(loaded.is_some());
                score.foreseen += usize::from(loaded.is_none() && error.is_some());
                if let (Some(_), Some(error)) = (loaded, error) {
                    let of = &program.name;
                    score.wrong.push(format!("{name}, change {number} of {of}: {error}"));
                }
                if let Some(loaded) = loaded {
                    self.kernel.unload(loaded).expect("it was loaded");
                }
            }
        }
    }
}

fn as_host(program: &str) -> String {
    format!(
        "[host.host]\nobject = \"mutant.o\"\nprogram = \"{program}\"\n\
         attach = {{ kprobe = \"__x64_sys_getpgid\" }}\n"
    )
}

fn in_a_raw_tracepoint(program: &str) -> String {
    in_host("hosts", "at_raw_tracepoint", "raw_tracepoint = \"sys_enter\"", "stub_value", program)
}

fn of_record(program: &str) -> String {
    let tracepoint = "tracepoint = \"syscalls/sys_enter_getpgid\"";
    in_host("pointers", "host_of_record", tracepoint, "stub_record", program)
}

fn in_host(object: &str, host: &str, attach: &str, stub: &str, program: &str) -> String {
    format!(
        "[host.host]\nobject = \"{object}.o\"\nprogram = \"{host}\"\nattach = {{ {attach} }}\n\
         [stub.stub]\nfunction = \"{stub}\"\nhosts = [\"host\"]\n\
         [replacement.new]\nobject = \"mutant.o\"\nprogram = \"{program}\"\nstub = \"stub\"\n"
    )
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn no_rule_refuses_what_the_verifier_takes() {
    let folder = Folder::new("");
    let mut score = Score::default();
    let bench = |text, load_as, target| MutantLoader {
        folder: &folder,
        kernel: Linux::new(),
        text,
        load_as,
        target,
        maps: Vec::new(),
    };
    for (kind, names) in [
        (ProgramKind::Kprobe, &["arguments", "hosts", "unchecked"][..]),
        (ProgramKind::Kretprobe, &["hosts"]),
    ] {
        let mut bench = bench(as_host, LoadAs::Hook(kind), None);
        names.iter().for_each(|name| bench.judge(name, &mut score));
    }
    for (text, host, program, kind, stub, objects) in [
        (
            in_a_raw_tracepoint as fn(&str) -> String,
            "hosts",
            "at_raw_tracepoint",
            ProgramKind::RawTracepoint,
            "stub_value",
            &["results", "replacements"][..],
        ),
        (
            of_record,
            "pointers",
            "host_of_record",
            ProgramKind::Tracepoint,
            "stub_record",
            &["pointers"],
        ),
    ] {
        let mut bench = bench(text, LoadAs::Replacement, None);
        let host = object(host);
        bench.make_maps(&host);
        let host = bench.load(&host, program, LoadAs::Hook(kind)).expect("the host is loaded");
        bench.target = Some((host, stub));
        for name in objects {
            bench.judge(name, &mut score);
        }
    }
    let Score { taken, foreseen, wrong } = score;
    println!("{taken} taken, {foreseen} refused as foreseen");
    assert!(wrong.is_empty(), "{} of {taken}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(taken > 60 && foreseen > 30, "{taken} were taken, {foreseen} foreseen");
}
