//! `requires`: the kernels that a chain supports and is therefore checked for.

use super::Kernels;
use crate::{
    chain::Chain,
    diag::{Code, Diagnostic, Severity},
    version::Version,
};

/// Those of `kernels` that the chain is meant for, and what is to be said of the others.
pub(super) fn within(chain: &Chain, kernels: &Kernels) -> (Kernels, Option<Diagnostic>) {
    if chain.requires.is_empty() {
        return (kernels.clone(), None);
    }
    let (inside, outside): (Vec<_>, Vec<_>) =
        kernels.profiles.iter().cloned().partition(|profile| takes(chain, profile.kernel));
    let outside: Vec<_> = outside.iter().map(|profile| profile.kernel).collect();
    let said = if kernels.asked {
        excluding(chain, &outside)
    } else if inside.is_empty() {
        excluding(chain, &outside).map(|found| Diagnostic {
            severity: Severity::Warning,
            message: format!("no known kernel is {}", words(chain)),
            help: Some(
                "Check against a profile of a suitable kernel with validate --kernel FILE. \
                 Differences between kernels were not checked."
                    .to_owned(),
            ),
            ..found
        })
    } else {
        None
    };
    (Kernels { profiles: inside, asked: kernels.asked }, said)
}

/// The message if `chain` does not support the kernel `version`.
#[must_use]
pub fn excluded(chain: &Chain, version: Version) -> Option<Diagnostic> {
    excluding(chain, &[version]).filter(|_| !takes(chain, version))
}

/// Whether each file of the chain takes the kernel `version`.
fn takes(chain: &Chain, version: Version) -> bool {
    chain.requires.iter().all(|one| one.value.takes(version))
}

/// What the chain requires.
fn words(chain: &Chain) -> String {
    let words: Vec<_> = chain.requires.iter().map(|one| one.value.to_string()).collect();
    words.join(", ")
}

fn excluding(chain: &Chain, outside: &[Version]) -> Option<Diagnostic> {
    let mut excludes = chain.requires.iter();
    let requires = excludes.find(|one| outside.iter().any(|version| !one.value.takes(*version)))?;
    let names: Vec<_> = outside.iter().map(ToString::to_string).collect();
    let names = names.join(", ");
    (!names.is_empty()).then(|| {
        Diagnostic::new(
            Code::KernelExcluded,
            format!("chain `{}` excludes Linux {names}", chain.name),
        )
        .label(&requires.span, format!("excludes {names}"))
        .help(
            "Use a kernel that `requires` includes; or, if the chain works with this kernel, \
             change `requires`.",
        )
    })
}
