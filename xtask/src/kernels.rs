//! The kernels that chains are tried on: one table for tests and conformance.

/// A kernel, as the micro-VM names it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TestedKernel {
    /// Its series: `6.12`.
    pub(crate) series: &'static str,
    /// Whether every landing is tried on it; the others are for `--all`.
    pub(crate) landing: bool,
}

/// A row for each, the oldest first.
pub(crate) const KERNELS: &[TestedKernel] = &[
    TestedKernel { series: "6.1", landing: true },
    TestedKernel { series: "6.12", landing: true },
    TestedKernel { series: "6.18", landing: false },
    TestedKernel { series: "7.0", landing: false },
    TestedKernel { series: "7.3", landing: true },
];

/// Those of every landing, or all of them.
pub(crate) fn asked(all: bool) -> impl Iterator<Item = &'static TestedKernel> {
    KERNELS.iter().filter(move |kernel| all || kernel.landing)
}
