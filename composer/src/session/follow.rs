//! Going on where a chain is on other programs of others than before.

use std::collections::BTreeSet;

use super::{Session, skips};
use crate::{
    event::{Decoder, ProgramChange, Skips},
    kernel::KernelReader,
    plan::{OperationId, Plan},
    resolve::Resolved,
    run::{NotUndone, Running},
};

/// What was left of a chain.
#[derive(Debug)]
pub struct LeftBehind {
    /// What could not be undone.
    pub left: Vec<NotUndone>,
    /// How often the kernel skipped the programs that are gone.
    skips: Skips,
}

/// Undoes these operations, and waits until nothing more comes of them.
pub fn leave<K: KernelReader>(
    kernel: &mut K,
    running: &mut Running,
    plan: &Plan,
    operations: &BTreeSet<OperationId>,
) -> LeftBehind {
    let mut skips = Skips::new(plan.nodes.len());
    let is_left = |operation| operations.contains(&operation);
    skips::of_programs(&mut skips, kernel, running.programs().filter(|(of, _)| is_left(*of)), plan);
    let left = running.undo(kernel, is_left);
    kernel.settle();
    LeftBehind { left, skips }
}

impl<K: KernelReader> Session<K> {
    /// Reads what came of the programs that were left, and goes on with those of `resolved`.
    pub fn follow(&mut self, left: &LeftBehind, resolved: &Resolved) {
        while self.drain() {}
        self.accounting.skips.add_all(&left.skips);
        // Types of records may have other numbers in another program.
        self.decoder = Decoder::new(resolved);
    }

    /// Writes that a program of others changed, and which programs were loaded for what is there now.
    pub fn changed(&mut self, change: &ProgramChange, loaded: &[(usize, u32)]) {
        self.view.changed(change, loaded, &mut self.out);
        self.writer.write(&mut self.out);
    }
}
