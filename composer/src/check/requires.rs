//! `requires`: the kernels that a chain supports and is therefore checked for.

use super::Kernels;
use crate::{
    chain::Chain,
    diag::{Code, Diagnostic, Severity},
    version::Version,
};

/// Those of `kernels` that the chain is meant for, and what is to be said of the others.
pub(super) fn within(chain: &Chain, kernels: &Kernels) -> (Kernels, Option<Diagnostic>) {
    let Some(requires) = &chain.requires else { return (kernels.clone(), None) };
    let takes = |version| requires.value.takes(version);
    let (inside, outside): (Vec<_>, Vec<_>) =
        kernels.profiles.iter().cloned().partition(|profile| takes(profile.kernel));
    let outside: Vec<_> = outside.iter().map(|profile| profile.kernel).collect();
    let said = if kernels.asked {
        excluding(chain, &outside)
    } else if inside.is_empty() {
        excluding(chain, &outside).map(|found| Diagnostic {
            severity: Severity::Warning,
            message: format!("no known kernel is {}", requires.value),
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
    let takes = |requires: &crate::version::Requirement| requires.takes(version);
    let is_outside = chain.requires.as_ref().is_some_and(|requires| !takes(&requires.value));
    excluding(chain, &[version]).filter(|_| is_outside)
}

fn excluding(chain: &Chain, outside: &[Version]) -> Option<Diagnostic> {
    let requires = chain.requires.as_ref()?;
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
