//! How often the kernel skipped a node's program.
//!
//! A program does not interrupt itself, and at a kprobe or tracepoint it does not interrupt any
//! other program on the same CPU: the kernel skips it and counts that, for the program or for its
//! attachment.

use crate::{
    event::Skips,
    hook::Mechanism,
    kernel::{KernelReader, ProgramHandle},
    plan::{Action, OperationId, Plan},
    run::Running,
};

/// Adds what the kernel counts for attachments, which are still there.
pub(super) fn at_links<K: KernelReader>(
    skips: &mut Skips,
    kernel: &K,
    running: &Running,
    plan: &Plan,
) {
    for (operation, link) in running.links() {
        let operation = &plan[operation];
        let (Action::AttachHook { attach, .. }, Some(node)) = (&operation.action, operation.node)
        else {
            continue;
        };
        // Nothing stands in the way of a packet, or of a raw tracepoint but its own program.
        if matches!(attach.mechanism(), Mechanism::PerfEvent(_)) {
            skips.add(node, kernel.missed(link).unwrap_or_default());
        }
    }
}

/// Adds what it counts for these programs.
pub(super) fn of_programs<K: KernelReader>(
    skips: &mut Skips,
    kernel: &K,
    programs: impl Iterator<Item = (OperationId, ProgramHandle)>,
    plan: &Plan,
) {
    for (operation, program) in programs {
        if let Some(node) = plan[operation].node {
            skips.add(node, kernel.recursions(program).ok());
        }
    }
}
