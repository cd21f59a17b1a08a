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

/// Whether `kernel` is the oldest or the newest of every landing.
pub(crate) fn is_outermost(kernel: &TestedKernel) -> bool {
    let landing: Vec<_> = asked(false).collect();
    [landing.first(), landing.last()].into_iter().flatten().any(|outermost| *outermost == kernel)
}

/// The kernels of every landing, or all of them.
pub(crate) fn asked(all: bool) -> impl Iterator<Item = &'static TestedKernel> {
    KERNELS.iter().filter(move |kernel| all || kernel.landing)
}

#[cfg(test)]
mod tests {
    use super::{KERNELS, is_outermost};

    #[test]
    fn the_oldest_and_the_newest_of_a_landing_are_outermost() {
        let found: Vec<_> = KERNELS.iter().filter(|kernel| is_outermost(kernel)).collect();
        let ends: Vec<_> = KERNELS.iter().filter(|kernel| kernel.landing).collect();
        assert_eq!(found.first(), ends.first());
        assert_eq!(found.last(), ends.last());
        assert_eq!(found.len(), 2);
    }
}
