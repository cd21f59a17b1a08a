//! Determines the rule behind a rejection by the kernel.
//!
//! A verifier log contains messages, which the pages of codes quote. An attachment only has an
//! error number; the rule then follows from the types of the two programs, and from the holder of
//! the target.

use crate::{
    diag::Code,
    kernel::{KernelError, Occupant},
    plan::{Action, LoadAs, Operation, Plan},
};

/// The rules behind `error`, the kernel's answer to `operation`, with the last words of its log;
/// several when it could be any.
pub(super) fn rules(
    error: &KernelError,
    words: &[&str],
    operation: &Operation,
    plan: &Plan,
) -> Vec<Code> {
    match (&operation.action, error.errno) {
        (Action::Load { .. }, Some(_)) => {
            // From the end, where the verdict is. What is wrong with a function is told at its call
            // too, behind it.
            let found = words.iter().rev().map(|line| Code::of_kernel_words(line));
            let mut found: Vec<_> = found.filter(|codes| !codes.is_empty()).collect();
            found.sort_by_key(|codes| *codes == [Code::ArgumentNotPassed]);
            let mut found = found.into_iter().next().unwrap_or_default();
            found.retain(|code| fits(*code, operation, plan));
            found
        }
        (action, Some(errno)) => bare(action, errno, error.holder.as_ref().map(|one| one.held)),
        _ => Vec::new(),
    }
}

/// Of rules with the same words, whether `code` is one that `operation` can break.
fn fits(code: Code, operation: &Operation, plan: &Plan) -> bool {
    let Action::Load { load_as, target, .. } = &operation.action else { return true };
    let entry = target.as_ref().is_some_and(|target| {
        plan.operations.iter().any(|other| {
            matches!(&other.action,
                Action::Load { slot, program, .. } | Action::Adopt { slot, program, .. }
                if *slot == target.slot && *program == target.function)
        })
    });
    match code {
        Code::WrongNodeKind => *load_as == LoadAs::Replacement,
        Code::NestedTracing | Code::TracerDereference => load_as.is_tracer(),
        Code::UntrustedEntry => entry,
        Code::StaticStub => !entry,
        _ => true,
    }
}

fn bare(action: &Action, errno: i32, held: Option<Occupant>) -> Vec<Code> {
    match (action, errno) {
        (Action::AttachReplacement { .. }, libc::EBUSY) => match held {
            Some(Occupant::Replacement) => vec![Code::ReplacedTwice],
            Some(_) => vec![Code::TracedAndReplaced],
            None => vec![Code::ReplacedTwice, Code::TracedAndReplaced],
        },
        (Action::AttachReplacement { .. }, libc::EINVAL) => vec![Code::PrototypeMismatch],
        (Action::AttachTracer { .. }, libc::EBUSY) => vec![Code::TracedAndReplaced],
        (Action::AttachTracer { .. }, libc::E2BIG) => vec![Code::TooManyTracers],
        (Action::AttachHook { attach, .. }, libc::EBUSY | libc::EEXIST)
            if attach.kind.exclusive.is_some() =>
        {
            vec![Code::HookTaken]
        }
        _ => Vec::new(),
    }
}
