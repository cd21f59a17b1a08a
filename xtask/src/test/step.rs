//! The steps, and which of them to run.

use crate::{
    Result,
    kernels::{self, TestedKernel},
};

/// A check, or a kind of tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// cargo fmt --check
    Format,
    /// cargo clippy, where a warning is a failure
    Clippy,
    /// The tests that do not need a kernel
    Tests,
    /// The tests on a kernel, in the micro-VM
    Linux(&'static TestedKernel),
    /// The validator against a kernel, over the corpus of chains
    Conformance(&'static TestedKernel),
    /// The micro-VM itself
    MicroVm,
    /// The tests that do not need a kernel, in a different environment
    Elsewhere,
    /// The command-line snapshots, as root on a kernel that allows everything
    ElsewhereRoot(&'static TestedKernel),
    /// cargo doc, where a warning is a failure, and the examples in the documentation
    Docs,
    /// The fuzz targets, over the corpus and a fixed number of mutations
    Fuzz,
    /// Pictures and pages, opened in a browser
    Pictures,
    /// What people install, in a clean root
    Packages,
    /// The page generated from the results of the corpus
    Page,
    /// The tests that do not need a kernel, built with another clang
    Clang(&'static str),
}

/// Compilers that must be able to build the product, besides `clang`.
const CLANGS: [&str; 4] = ["clang-14", "clang-16", "clang-19", "clang-22"];

impl Step {
    pub(super) fn name(self) -> String {
        match self {
            Self::Format => "format".to_owned(),
            Self::Clippy => "clippy".to_owned(),
            Self::Tests => "tests".to_owned(),
            Self::Linux(kernel) => format!("linux-{}", kernel.series),
            Self::Conformance(kernel) => format!("conformance-{}", kernel.series),
            Self::MicroVm => "micro-vm".to_owned(),
            Self::Elsewhere => "elsewhere-user".to_owned(),
            Self::ElsewhereRoot(_) => "elsewhere-root".to_owned(),
            Self::Docs => "docs".to_owned(),
            Self::Fuzz => "fuzz".to_owned(),
            Self::Pictures => "pictures".to_owned(),
            Self::Packages => "packages".to_owned(),
            Self::Page => "conformance-page".to_owned(),
            Self::Clang(name) => name.to_owned(),
        }
    }

    /// Whether it boots a micro-VM.
    pub(super) fn boots(self) -> bool {
        matches!(
            self,
            Self::Linux(_)
                | Self::Conformance(_)
                | Self::MicroVm
                | Self::ElsewhereRoot(_)
                | Self::Pictures
                | Self::Packages
        )
    }

    /// Whether it uses what is built once for all steps.
    pub(super) fn needs_build(self) -> bool {
        let others = matches!(self, Self::Tests | Self::Elsewhere | Self::Fuzz);
        others || (self.boots() && self != Self::Packages)
    }

    /// Whether it runs cargo, which builds one thing at a time.
    pub(super) fn builds(self) -> bool {
        matches!(
            self,
            Self::Format
                | Self::Clippy
                | Self::Tests
                | Self::Docs
                | Self::Packages
                | Self::Clang(_)
        )
    }

    /// The compiler that it uses instead of the default.
    pub(super) fn compiler(self) -> Option<&'static str> {
        if let Self::Clang(name) = self { Some(name) } else { None }
    }

    /// Whether it runs after the others: it needs their results, or rebuilds everything.
    pub(super) fn last(self) -> bool {
        matches!(self, Self::Page | Self::Clang(_))
    }

    /// Whether tests can be selected by name.
    fn has_tests(self) -> bool {
        let without = [Self::Format, Self::Clippy, Self::Pictures, Self::Packages, Self::Page];
        !without.contains(&self)
    }
}

/// All steps in starting order: first those that find most errors, then those that take longest, so
/// that short ones fill the cores at the end.
fn all(matrix: bool) -> Vec<Step> {
    let mut steps = vec![Step::Format, Step::Clippy, Step::Tests];
    // The longest ones first.
    let ends = [kernels::oldest(), kernels::newest()];
    let between = kernels::asked(matrix).filter(|kernel| !ends.contains(&Some(*kernel)));
    steps.extend(ends.into_iter().flatten().map(Step::Linux));
    steps.push(Step::MicroVm);
    steps.extend(between.map(Step::Linux));
    steps.extend(kernels::asked(matrix).map(Step::Conformance));
    steps.extend(kernels::asked(false).last().map(Step::ElsewhereRoot));
    steps.extend([Step::Elsewhere, Step::Docs, Step::Fuzz, Step::Page]);
    if matrix {
        steps.extend([Step::Packages, Step::Pictures]);
        steps.extend(CLANGS.map(Step::Clang));
    }
    steps
}

/// The selected steps and tests.
pub(super) struct Selection<'a> {
    /// Names of steps, or their prefixes up to a dash.
    pub(super) only: &'a [String],
    /// Part of test names.
    pub(super) test: Option<&'a str>,
    /// Every kernel and every compiler.
    pub(super) matrix: bool,
    /// No micro-VM.
    pub(super) quick: bool,
}

impl Selection<'_> {
    /// The steps, in their order.
    pub(super) fn steps(&self) -> Result<Vec<Step>> {
        let named = |step: Step, only: &String| {
            step.name()
                .strip_prefix(only.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        // What is named need not be part of every run.
        let every = all(true);
        for only in self.only {
            if !every.iter().any(|step| named(*step, only)) {
                let names: Vec<_> = every.iter().map(|step| step.name()).collect();
                return Err(format!("unknown step {only}; steps: {}", names.join(", ")).into());
            }
        }
        let usual = all(self.matrix);
        let is_asked = |step: &Step| match self.only {
            [] if self.quick => usual.contains(step) && !step.boots() && !step.last(),
            [] => usual.contains(step),
            only => only.iter().any(|only| {
                // `linux` are those of every landing; `linux-7.0` is that one.
                named(*step, only) && (usual.contains(step) || step.name() == *only)
            }),
        };
        let mut steps: Vec<_> = every.into_iter().filter(is_asked).collect();
        if self.test.is_some() {
            steps.retain(|step| step.has_tests());
            if steps.is_empty() {
                return Err("this step has no named tests".into());
            }
        }
        Ok(steps)
    }
}

#[cfg(test)]
mod tests {
    use super::{Selection, Step};
    use crate::kernels;

    const USUAL: Selection<'_> = Selection { only: &[], test: None, matrix: false, quick: false };

    fn names(asked: &Selection<'_>) -> Vec<String> {
        asked.steps().expect("they are there").into_iter().map(Step::name).collect()
    }

    #[test]
    fn a_step_is_asked_for_by_its_name_or_what_it_begins_with() {
        let only = |only: &str| names(&Selection { only: &[only.to_owned()], ..USUAL });
        assert_eq!(only("linux-6.1"), ["linux-6.1"]);
        assert_eq!(only("elsewhere"), ["elsewhere-root", "elsewhere-user"]);
        assert_eq!(only("clang-19"), ["clang-19"], "which is no part of every run");
        assert_eq!(only("linux").len(), kernels::asked(false).count());
        assert_eq!(only("conformance").last().map(String::as_str), Some("conformance-page"));
        assert!(Selection { only: &["linux-6".to_owned()], ..USUAL }.steps().is_err());
    }

    #[test]
    fn quick_is_without_a_micro_vm() {
        let quick = Selection { quick: true, ..USUAL }.steps().expect("there are some");
        assert!(quick.contains(&Step::Tests) && quick.contains(&Step::Elsewhere));
        assert!(!quick.iter().any(|step| step.boots()));
    }

    #[test]
    fn a_test_is_looked_for_where_there_are_tests() {
        let only = ["format".to_owned()];
        assert!(Selection { only: &only, test: Some("x"), ..USUAL }.steps().is_err());
        let all = names(&Selection { test: Some("x"), ..USUAL });
        assert!(!all.contains(&"clippy".to_owned()) && all.contains(&"tests".to_owned()));
    }
}
