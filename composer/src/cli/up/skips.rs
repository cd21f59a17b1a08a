//! How often the kernel did not run the program of a node though its event came.
//!
//! A program does not interrupt itself, nor at a kprobe or tracepoint any other one on the same CPU:
//! the kernel passes it over and counts that, for the program or for its attachment.

use freplace_compose::{
    hook::Mechanism,
    kernel::Linux,
    plan::{Action, Plan},
    run::Running,
};

/// How often, for each node; none where the kernel does not count it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Skips(Vec<Option<u64>>);

impl Skips {
    /// For so many nodes.
    pub(super) fn new(nodes: usize) -> Self {
        Self(vec![Some(0); nodes])
    }

    /// How often `node` was skipped, where that is known.
    pub(super) fn of(&self, node: usize) -> Option<u64> {
        self.0.get(node).copied().flatten()
    }

    /// Of all nodes, as far as it is known.
    pub(super) fn total(&self) -> u64 {
        self.0.iter().flatten().sum()
    }

    /// What the kernel counts for attachments, which are still there.
    pub(super) fn at_links(&mut self, kernel: &Linux, running: &Running, plan: &Plan) {
        for (operation, link) in running.links() {
            let operation = &plan.operations[operation];
            let Action::AttachHook { attach, .. } = &operation.action else { continue };
            // Nothing stands in the way of a packet, or of a raw tracepoint but its own program.
            if matches!(attach.mechanism(), Mechanism::PerfEvent(_)) {
                self.add(operation.node, kernel.missed(link).unwrap_or_default());
            }
        }
    }

    /// What it counts for programs, which are detached by now.
    pub(super) fn of_programs(&mut self, kernel: &Linux, running: &Running, plan: &Plan) {
        for (operation, program) in running.programs() {
            self.add(plan.operations[operation].node, kernel.recursions(program).ok());
        }
    }

    fn add(&mut self, node: Option<usize>, count: Option<u64>) {
        if let Some(sum) = node.and_then(|node| self.0.get_mut(node)) {
            *sum = sum.zip(count).map(|(sum, count)| sum + count);
        }
    }
}
