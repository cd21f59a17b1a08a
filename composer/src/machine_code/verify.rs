//! Whether machine code and links agree.

use std::collections::BTreeSet;

use super::{CodeFunction, CodeMap, CodePlace, TransferKind, decode, entry};
use crate::running::{Census, Effect, RunningProgram};

/// What came of the comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CodeVerdict {
    /// Functions of which both say the same.
    pub confirmed: usize,
    /// What they do not agree on.
    pub disagreements: Vec<Disagreement>,
    /// What could not be compared, each a sentence without its full stop.
    pub unknown: Vec<String>,
}

/// A function of which links and text say different things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement {
    /// The program.
    pub program: u32,
    /// Its function.
    pub function: String,
    /// What the links say.
    pub links: String,
    /// What the text says.
    pub text: String,
}

/// Compares the first bytes of every function of `programs` with what the links of `census` say is on it.
#[must_use]
pub fn verify(census: &Census, map: &CodeMap, programs: &BTreeSet<u32>) -> CodeVerdict {
    let mut verdict = CodeVerdict::default();
    for program in programs.iter().filter_map(|id| census.program(*id)) {
        let on: Vec<_> = census.on(program.id).collect();
        for function in &program.functions {
            let here = on.iter().filter(|(_, btf_id, _)| *btf_id == function.btf_id);
            let expected = Expected::of(here.map(|(how, _, by)| (*how, *by)));
            match expected.compare(map, map.function(program.id, function.btf_id)) {
                Compared::Agrees => verdict.confirmed += 1,
                Compared::Differs(text) => verdict.disagreements.push(Disagreement {
                    program: program.id,
                    function: function.name.clone(),
                    links: expected.words(),
                    text,
                }),
                Compared::Unknown(why) => {
                    let (function, program, id) = (&function.name, &program.name, program.id);
                    verdict.unknown.push(format!("{function} of {program} ({id}): {why}"));
                }
            }
        }
    }
    verdict
}

/// What links say is on a function.
struct Expected<'a> {
    replaced: Option<&'a RunningProgram>,
    tracers: Vec<u32>,
}

/// What came of one function.
enum Compared {
    Agrees,
    /// What the text says instead.
    Differs(String),
    /// Why it could not be compared.
    Unknown(&'static str),
}

impl<'a> Expected<'a> {
    fn of(on_it: impl Iterator<Item = (Effect, &'a RunningProgram)>) -> Self {
        let mut expected = Self { replaced: None, tracers: Vec::new() };
        for (how, by) in on_it {
            match how {
                Effect::Replaces => expected.replaced = Some(by),
                Effect::Enters | Effect::Leaves | Effect::Session => expected.tracers.push(by.id),
            }
        }
        expected
    }

    fn words(&self) -> String {
        match self.replaced {
            Some(by) => format!("replaced by {} ({})", by.name, by.id),
            None if self.tracers.is_empty() => "nothing is on it".to_owned(),
            None => format!("traced by {}", numbers(&self.tracers)),
        }
    }

    fn compare(&self, map: &CodeMap, function: Option<(u64, &CodeFunction)>) -> Compared {
        let Some((address, function)) = function else { return Compared::Unknown("no code") };
        let Some(site) = entry(&function.code, address) else {
            return Compared::Unknown("too short");
        };
        let Some((_, to)) = site.to else {
            return match (site.is_nop(), self.replaced, self.tracers.as_slice()) {
                (true, None, []) => Compared::Agrees,
                (true, ..) => Compared::Differs("a nop".to_owned()),
                (false, ..) => Compared::Differs("other bytes".to_owned()),
            };
        };
        match (map.place(to), self.replaced) {
            (CodePlace::Function(_, to), Some(by)) if to.program == by.id && to.is_entry => {
                Compared::Agrees
            }
            (CodePlace::Function(_, to), _) => {
                Compared::Differs(format!("leads to {} ({})", to.name, to.program))
            }
            (CodePlace::Trampoline(at, name), None) if !self.tracers.is_empty() => {
                self.compare_trampoline(map, at, name)
            }
            (CodePlace::Trampoline(_, name) | CodePlace::Kernel(name), _) => {
                Compared::Differs(format!("leads to {name}"))
            }
            (CodePlace::Behind(..) | CodePlace::Unknown, _) => {
                Compared::Differs(format!("leads to {to:#x}"))
            }
        }
    }

    /// Whether a trampoline calls the tracers and no other program.
    fn compare_trampoline(&self, map: &CodeMap, at: u64, name: &str) -> Compared {
        let Some(image) = map.trampolines.get(&at) else {
            return Compared::Unknown("its trampoline cannot be read");
        };
        let called = called(map, image, at);
        if called == self.tracers.iter().copied().collect() {
            return Compared::Agrees;
        }
        let called: Vec<_> = called.into_iter().collect();
        Compared::Differs(format!("{name} calls {}", numbers(&called)))
    }
}

/// The programs whose entry a trampoline calls.
fn called(map: &CodeMap, image: &[u8], at: u64) -> BTreeSet<u32> {
    // Behind the way out is another trampoline.
    let calls = decode(image, at, true).into_iter().take_while(|by| by.kind == TransferKind::Call);
    let programs = calls.filter_map(|by| match map.place(by.to) {
        CodePlace::Function(_, to) if to.is_entry => Some(to.program),
        _ => None,
    });
    programs.collect()
}

fn numbers(of: &[u32]) -> String {
    let all: Vec<_> = of.iter().map(ToString::to_string).collect();
    if all.is_empty() { "no program".to_owned() } else { format!("program {}", all.join(", ")) }
}
