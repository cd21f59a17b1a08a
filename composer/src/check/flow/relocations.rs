//! CO-RE relocations whose target does not exist in the kernel.
//!
//! CO-RE replaces such an instruction by one that the verifier rejects if it reaches it:
//! `check_helper_call`, <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/verifier.c>.

use std::{collections::BTreeSet, ptr};

use super::{CheckedProgram, Context, Profile};
use crate::{
    diag::{Code, Diagnostic, Severity},
    object::{
        Cut, Relocation,
        btf::Btf,
        flow::{Fact, FactKind, Findings},
    },
};

/// Something that a program looks for, and some kernel does not have.
struct MissingTarget<'a> {
    /// As C would write it.
    asked: String,
    /// The kernels that do not have it.
    lacking: Vec<&'a Profile>,
    /// Whether the verifier of each of them is certain to reach the instruction.
    sure: bool,
}

pub(super) fn check(context: &mut Context<'_>, subject: &CheckedProgram<'_>, findings: &Findings) {
    let profiles = &context.kernels.profiles;
    if profiles.iter().all(|profile| kernel_types(profile).is_none()) {
        return;
    }
    // What is not whole is told of by the rule on externs.
    let Ok(cut) = subject.object.cut(subject.program) else { return };
    for MissingTarget { asked, lacking, sure } in missing(profiles, subject, findings, &cut) {
        let message = format!("{} requires the kernel's `{asked}`", subject.title());
        let test = "Test for it first with bpf_core_field_exists(...), bpf_core_type_exists(...) \
                    or bpf_core_enum_value_exists(...).";
        let mut found = Diagnostic::new(Code::KernelLacksName, message)
            .label(subject.of.asked(), "used by this program")
            .says("EINVAL", "invalid func unknown#195896080")
            .help(test);
        if !sure {
            found.message += ", if the verifier reaches it";
            found.severity = Severity::Warning;
            found.help = Some(format!(
                "Run `freplace-compose validate --vm` to check whether the verifier reaches it. \
                 {test}"
            ));
        }
        context.push_where(found, |profile| lacking.iter().any(|one| ptr::eq(*one, profile)));
    }
}

/// What is missing, each once, in the order of the instructions.
fn missing<'a>(
    profiles: &'a [Profile],
    subject: &CheckedProgram<'_>,
    findings: &Findings,
    cut: &Cut,
) -> Vec<MissingTarget<'a>> {
    let object = subject.object;
    let mut found: Vec<MissingTarget<'a>> = Vec::new();
    for profile in profiles {
        let Some(types) = kernel_types(profile) else { continue };
        for one in object.missing(&cut.relocations, types) {
            let fact = fact(cut, one);
            let has = |facts: &BTreeSet<Fact>| fact.is_some_and(|fact| facts.contains(&fact));
            let eager = !profile.features.lazy_functions;
            let sure = has(&findings.certain) || eager && has(&findings.uncalled);
            if !sure && is_tested(subject, cut, one) {
                continue;
            }
            let asked = object.asked(one);
            match found.iter_mut().find(|missing| missing.asked == asked) {
                Some(known) => {
                    if known.lacking.iter().any(|known| ptr::eq(*known, profile)) {
                        known.sure |= sure;
                    } else {
                        known.sure &= sure;
                        known.lacking.push(profile);
                    }
                }
                None => found.push(MissingTarget { asked, lacking: vec![profile], sure }),
            }
        }
    }
    found
}

fn kernel_types(profile: &Profile) -> Option<&Btf> {
    profile.targets.as_ref()?.kernel_types()
}

/// What is found where a relocation is walked over.
fn fact(cut: &Cut, relocation: &Relocation) -> Option<Fact> {
    let piece = cut.functions.iter().rfind(|piece| piece.start <= relocation.at)?;
    let at = (relocation.at - piece.start) as usize;
    Some(Fact { function: piece.function, at, what: FactKind::Relocated })
}

/// Whether the program asks if a type is there, a value of an enum, or a field of the same struct:
/// then it goes by that, as far as is known here.
fn is_tested(subject: &CheckedProgram<'_>, cut: &Cut, relocation: &Relocation) -> bool {
    let mut questions = cut.relocations.iter().filter(|one| one.is_question());
    questions.any(|one| !one.is_of_field() || subject.object.same_type(one, relocation))
}
