//! Following hosts that somebody else loaded: when another program takes the place of one, what is on it is
//! detached and brought up anew on that.

use std::{
    collections::{BTreeSet, HashMap},
    ops::ControlFlow,
};

use tokio::task::{JoinError, spawn_blocking};

use super::gone;
use crate::cli::{Ready, plan, report, screen};
use freplace_compose::{
    check::{self, Kernels},
    diag::{Code, Diagnostic},
    event::ProgramChange,
    kernel::{self, Linux, Successors, machine},
    plan::OperationId,
    resolve::Resolved,
    run::{self, NotUndone, Running},
    session::{self, LeftBehind, Lookout, Session},
};

/// A chain that is up.
pub(super) struct UpChain {
    pub(super) ready: Ready,
    pub(super) running: Running,
    pub(super) kernel: Linux,
    /// The kernel's id of each program, with its node.
    pub(super) loaded: Vec<(usize, u32)>,
    /// What could not be undone when it followed a program.
    pub(super) left: Vec<NotUndone>,
}

/// The chain as it is on the programs that are there now, and the operations that lead to it.
struct Next {
    ready: Ready,
    redone: BTreeSet<OperationId>,
}

/// Reports what changed, and follows where the chain asks for it.
///
/// # Errors
/// If a thread panicked.
pub(super) async fn changed(
    mut up: UpChain,
    session: &mut Session<Linux>,
    lookout: &mut Lookout,
    mut changes: Vec<ProgramChange>,
) -> Result<UpChain, JoinError> {
    let successors = successors(&up.ready.resolved, &changes);
    let followed: Vec<_> =
        changes.iter().map(|change| successors.contains_key(&change.node)).collect();
    let mut loaded = Vec::new();
    if !successors.is_empty() {
        // In threads of their own: the kernel may block.
        let (again, next) = spawn_blocking(move || {
            let next = next(&up, &successors).map(|next| (left(&mut up, &next.redone), next));
            (up, next)
        })
        .await?;
        up = again;
        match next {
            Ok((behind, next)) => {
                session.follow(&behind, &next.ready.resolved);
                up.left.extend(behind.left);
                let (again, done) = spawn_blocking(move || {
                    let done = up.redo(next);
                    (up, done)
                })
                .await?;
                up = again;
                lookout.follow(&up.ready.resolved);
                if let Some(done) = done {
                    loaded = done;
                    for (change, followed) in changes.iter_mut().zip(followed) {
                        change.followed = followed;
                    }
                }
            }
            Err(found) => report::all(&found),
        }
    }
    for (index, change) in changes.iter().enumerate() {
        // The programs are loaded for all changes at once.
        let loaded = if index + 1 == changes.len() { loaded.as_slice() } else { &[] };
        session.changed(change, loaded);
    }
    report::all(&gone::changed(&changes, &up.ready.resolved));
    Ok(up)
}

/// The programs that take the place of hosts that follow, by the numbers of their nodes.
fn successors(resolved: &Resolved, changes: &[ProgramChange]) -> HashMap<usize, u32> {
    let follows = |node: usize| {
        resolved.programs().any(|(index, host, _)| index.index() == node && host.follows())
    };
    let found = changes.iter().filter_map(|change| {
        let now = change.now.filter(|now| *now != change.program)?;
        follows(change.node).then_some((change.node, now))
    });
    found.collect()
}

/// The chain on these programs.
fn next(up: &UpChain, successors: &HashMap<usize, u32>) -> Result<Next, Vec<Diagnostic>> {
    let Ready { resolved, plan, offers, .. } = &up.ready;
    let census = kernel::census().map_err(|error| {
        vec![Diagnostic::new(
            Code::NotPermitted,
            format!("cannot list the programs in the kernel: {error}"),
        )]
    })?;
    let mut programs = HashMap::new();
    for (index, node, of) in resolved.programs() {
        if let (Some(loaded), Some(name)) = (of.object().loaded.as_deref(), node.running()) {
            let id = successors.get(&index.index()).copied().unwrap_or(loaded.id);
            programs.insert(name.clone(), id);
        }
    }
    let theirs: BTreeSet<u32> = programs.values().copied().collect();
    let own = up.loaded.iter().map(|(_, id)| *id).filter(|id| !theirs.contains(id)).collect();
    let there = Successors::new(census, programs, &own);
    let checked = check::open_in(resolved.chain().clone(), &Kernels::default(), &there)?;
    let next = freplace_compose::plan::build(&checked.resolved, *offers);
    let Some(redone) = plan.redone(&next) else {
        let found =
            Diagnostic::new(Code::ProgramGone, "the chain is another one on the new program")
                .help("Run it again: a pattern stands for other functions there.");
        return Err(vec![found]);
    };
    let offers = *offers;
    let ready = Ready { resolved: checked.resolved, plan: next, offers, warnings: Vec::new() };
    Ok(Next { ready, redone })
}

/// Undoes what is on the old programs.
fn left(up: &mut UpChain, redone: &BTreeSet<OperationId>) -> LeftBehind {
    session::leave(&mut up.kernel, &mut up.running, &up.ready.plan, redone)
}

impl UpChain {
    /// Brings up what was undone on the new programs; the loaded programs with their nodes, none where that
    /// failed.
    fn redo(&mut self, next: Next) -> Option<Vec<(usize, u32)>> {
        let Next { ready, redone } = next;
        let started = std::time::Instant::now();
        self.ready = ready;
        let Ready { resolved, plan, .. } = &self.ready;
        let widths = plan::Widths::of(plan, false);
        let mut loaded = Vec::new();
        let done =
            self.running.redo(&mut self.kernel, plan, &redone, resolved.objects(), &mut |done| {
                if let (Some(id), Some(node)) = (done.program_id, done.operation.node) {
                    screen::say!("  {}", plan::loaded(plan, done.operation, &widths, id));
                    loaded.push((node, id));
                }
                ControlFlow::Continue(())
            });
        self.kernel.finish_loading();
        match done {
            Ok(()) => {
                let took = started.elapsed().as_millis();
                screen::say!("  follow  on other programs now  {took} ms");
                let is_again = |node: usize| loaded.iter().any(|(again, _)| *again == node);
                self.loaded.retain(|(node, _)| !is_again(*node));
                self.loaded.extend(&loaded);
                Some(loaded)
            }
            Err(failure) => {
                let (targets, _) = machine::targets();
                report::one(&run::explain(&failure, plan, &targets, false));
                self.left.extend(failure.left);
                None
            }
        }
    }
}
