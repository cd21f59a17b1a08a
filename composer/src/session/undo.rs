//! The end of a session: the chain is detached, remaining records are read and written, and the
//! rest is undone.

use std::io;

use tokio::task::{JoinError, spawn_blocking};

use super::{Session, skips};
use crate::{
    event::{EventAccounting, Skips},
    kernel::KernelReader,
    plan::{OperationId, Plan},
    run::{NotUndone, Running},
    running::Runs,
};

/// The result of undoing a chain.
#[derive(Debug)]
pub struct Undone {
    /// What could not be undone.
    pub left: Vec<NotUndone>,
    /// The operations that attached to an interface which was deleted while the chain was up: the
    /// kernel detached their programs.
    pub gone: Vec<OperationId>,
    /// The report on the events, if they were read.
    pub report: Option<Report>,
}

/// The report on a session's events.
#[derive(Debug)]
pub struct Report {
    /// How many there were of each node.
    pub accounting: EventAccounting,
    /// How many were shown.
    pub shown: u64,
    /// The ids of hosts that would have to number their calls for the format to put their events
    /// together.
    pub unnumbered: Vec<String>,
    /// Whether all could be written.
    pub written: io::Result<()>,
}

/// Undoes the chain and writes the remaining text. Links and programs are released in their own
/// thread, because the kernel may block and signals must be received meanwhile.
///
/// # Errors
/// If that thread panicked.
pub async fn undo<K: KernelReader + Send + 'static>(
    plan: &Plan,
    mut running: Running,
    mut kernel: K,
    mut session: Option<Session<K>>,
) -> Result<Undone, JoinError> {
    let own = plan.clone();
    let detached = spawn_blocking(move || {
        let mut skips = Skips::new(own.nodes.len());
        skips::at_links(&mut skips, &kernel, &running, &own);
        let gone = lost_interfaces(&kernel, &running);
        let left = running.detach(&mut kernel);
        kernel.settle();
        skips::of_programs(&mut skips, &kernel, running.programs(), &own);
        let runs = runs(&kernel, &running, &own);
        (running, kernel, left, (skips, runs), gone)
    });
    let (running, mut kernel, mut left, (skips, runs), gone) = detached.await?;
    if let Some(session) = &mut session {
        // Nothing new comes once the links are gone, so the numbers can be compared.
        session.finish(&left).await;
        session.accounting.skips.add_all(&skips);
        runs.into_iter().for_each(|(node, runs)| session.accounting.ran(node, runs));
    }
    let down = spawn_blocking(move || running.down(&mut kernel));
    // A panic in there was reported as such.
    left.extend(down.await.unwrap_or_default());
    let report = match session {
        Some(session) => Some(session.end().await),
        None => None,
    };
    Ok(Undone { left, gone, report })
}

impl<K: KernelReader> Session<K> {
    /// Writes what is left and the last lines.
    async fn end(mut self) -> Report {
        self.view.end(&self.accounting, &mut self.out);
        let written = self.writer.end(self.out).await;
        Report {
            accounting: self.accounting,
            shown: self.view.shown(),
            unnumbered: self.view.unnumbered().into_iter().map(str::to_owned).collect(),
            written,
        }
    }
}

/// How often the programs of nodes ran, as far as the kernel counts it.
fn runs<K: KernelReader>(kernel: &K, running: &Running, plan: &Plan) -> Vec<(usize, Runs)> {
    let counted = running.programs().filter_map(|(operation, program)| {
        Some((plan[operation].node?, kernel.runs(program).ok()?))
    });
    counted.collect()
}

/// The operations that attached to an interface which is gone, while their links are still held.
fn lost_interfaces(kernel: &impl KernelReader, running: &Running) -> Vec<OperationId> {
    let gone = running.links().filter(|(_, link)| kernel.lost_interface(*link).unwrap_or(false));
    gone.map(|(operation, _)| operation).collect()
}
