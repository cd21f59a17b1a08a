//! Runs a whole plan on a kernel to collect its rejections: everything is loaded and attached,
//! rejected parts are left out, and all of it is undone.

use super::{Failure, NotUndone, unwatched, up};
use crate::{kernel::Kernel, plan::Plan, resolve::ObjectStore};

/// The result of running a plan on a kernel.
#[derive(Debug, Default)]
pub struct VerifierRun {
    /// Each refusal, with the plan it is an operation of.
    pub refused: Vec<(Failure, Plan)>,
    /// What could not be undone, with its plan.
    pub left: Option<(Vec<NotUndone>, Plan)>,
}

/// Runs all of `plan` on `kernel`: operations that need a rejected one are not tried.
pub fn ask<K: Kernel>(kernel: &mut K, plan: &Plan, library: &ObjectStore) -> VerifierRun {
    let mut asked = VerifierRun::default();
    let mut rest = Some(plan.clone());
    while let Some(plan) = rest.take() {
        let left = match up(kernel, &plan, library, &mut unwatched) {
            Ok(running) => running.abandon(kernel),
            Err(mut failure) => {
                let left = std::mem::take(&mut failure.left);
                rest = plan.without(failure.operation).filter(|_| left.is_empty());
                asked.refused.push((failure, plan.clone()));
                left
            }
        };
        if !left.is_empty() {
            asked.left = Some((left, plan));
        }
    }
    asked
}
