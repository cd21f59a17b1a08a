//! The kernels used by tests and conformance, in one table.

/// A kernel of the micro-VM.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TestedKernel {
    /// Its series: `6.12`.
    pub(crate) series: &'static str,
    /// Whether it is part of every landing; the others are for `--all`.
    pub(crate) landing: bool,
}

/// One row per kernel, oldest first.
pub(crate) const KERNELS: &[TestedKernel] = &[
    TestedKernel { series: "6.1", landing: true },
    TestedKernel { series: "6.12", landing: true },
    TestedKernel { series: "6.18", landing: false },
    TestedKernel { series: "7.0", landing: false },
    TestedKernel { series: "7.3", landing: true },
];

/// The oldest kernel of every landing.
pub(crate) fn oldest() -> Option<&'static TestedKernel> {
    asked(false).next()
}

/// The newest kernel of every landing.
pub(crate) fn newest() -> Option<&'static TestedKernel> {
    asked(false).last()
}

/// The kernels of every landing, or all of them.
pub(crate) fn asked(all: bool) -> impl Iterator<Item = &'static TestedKernel> {
    KERNELS.iter().filter(move |kernel| all || kernel.landing)
}
