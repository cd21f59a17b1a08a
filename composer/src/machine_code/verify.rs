//! Whether machine code and links agree.

use std::collections::BTreeSet;

use super::{CodeMap, CodePlace, TransferKind, decode, entry};
use crate::running::{Census, Effect};

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
    for id in programs {
        let Some(program) = census.program(*id) else { continue };
        let on: Vec<_> = census.on(*id).collect();
        for function in &program.functions {
            let Some((address, code)) = map.function(*id, function.btf_id) else {
                verdict
                    .unknown
                    .push(format!("{} of {} ({id}): no code", function.name, program.name));
                continue;
            };
            let here: Vec<_> =
                on.iter().filter(|(_, btf_id, _)| *btf_id == function.btf_id).collect();
            let replaced = here.iter().find(|(how, ..)| *how == Effect::Replaces);
            let tracers: Vec<u32> = here
                .iter()
                .filter(|(how, ..)| *how != Effect::Replaces)
                .map(|(_, _, by)| by.id)
                .collect();
            let links = match replaced {
                Some((_, _, by)) => format!("replaced by {} ({})", by.name, by.id),
                None if tracers.is_empty() => "nothing is on it".to_owned(),
                None => format!("traced by {}", numbers(&tracers)),
            };
            let Some(entry) = entry(&code.code, address) else {
                verdict
                    .unknown
                    .push(format!("{} of {} ({id}): too short", function.name, program.name));
                continue;
            };
            let place = entry.to.map(|(_, to)| map.place(to));
            let said = match (&place, replaced) {
                (None, None) if entry.is_nop() && tracers.is_empty() => None,
                (None, _) if entry.is_nop() => Some("a nop".to_owned()),
                (None, _) => Some("other bytes".to_owned()),
                (Some(CodePlace::Function(_, to)), Some((_, _, by)))
                    if to.program == by.id && to.is_entry =>
                {
                    None
                }
                (Some(CodePlace::Function(_, to)), _) => {
                    Some(format!("leads to {} ({})", to.name, to.program))
                }
                (Some(CodePlace::Trampoline(at, name)), None) if !tracers.is_empty() => {
                    match map.trampolines.get(at) {
                        None => {
                            let what = "its trampoline cannot be read";
                            let name = &function.name;
                            verdict
                                .unknown
                                .push(format!("{name} of {} ({id}): {what}", program.name));
                            continue;
                        }
                        Some(image) => {
                            let called = called(map, image, *at);
                            let all = tracers.iter().all(|tracer| called.contains(tracer));
                            (!all || called.len() != tracers.len()).then(|| {
                                let called: Vec<_> = called.into_iter().collect();
                                format!("{name} calls {}", numbers(&called))
                            })
                        }
                    }
                }
                (Some(CodePlace::Trampoline(_, name)), _) => Some(format!("leads to {name}")),
                (Some(CodePlace::Kernel(name)), _) => Some(format!("leads to {name}")),
                (Some(CodePlace::Behind(..) | CodePlace::Unknown), _) => {
                    let to = entry.to.map_or(0, |(_, to)| to);
                    Some(format!("leads to {to:#x}"))
                }
            };
            match said {
                None => verdict.confirmed += 1,
                Some(text) => verdict.disagreements.push(Disagreement {
                    program: *id,
                    function: function.name.clone(),
                    links,
                    text,
                }),
            }
        }
    }
    verdict
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
