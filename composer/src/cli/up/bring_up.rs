//! The start of `up`: executes the plan, with one line per operation.

use std::{
    ops::ControlFlow,
    sync::atomic::{AtomicBool, Ordering},
};

use super::Stay;
use crate::cli::{Ready, exit::Exit, flow, ink::Ink as _, logs::Logs, plan, report, screen};
use freplace_compose::{
    diag::{Diagnostic, Severity},
    inert,
    kernel::{self, Linux, machine},
    plan::{Action, Operation, Plan},
    run::{self, Running},
};

/// Does the plan, with a line on stderr for each step, until `stop` is set; what was done by then
/// is undone. Also returns the kernel's id of each program, with its node.
pub(super) fn bring_up(
    kernel: &mut Linux,
    ready: &Ready,
    arguments: &Stay,
    logs: &mut Logs,
    stop: &AtomicBool,
) -> Result<(Running, Vec<(usize, u32)>), Exit> {
    let Ready { resolved, plan, .. } = ready;
    let widths = plan::Widths::of(plan, false);
    let started = std::time::Instant::now();
    screen::say!("{}  kernel {}", plan::header(plan), machine::release());
    let (mut ids, mut steps) = (Vec::new(), 0);
    let done = run::up(kernel, plan, resolved.objects(), &mut |done| {
        steps += 1;
        let operation = done.operation;
        if let Some((name, path)) = pin_of(operation) {
            let (verb, what) =
                if done.taken { ("take", "pinned") } else { ("pin", "created, pinned") };
            screen::say!("  {:<6}  {name}, {what} at {path}", verb.dimmed());
        }
        if let (Some(id), Some(node)) = (done.program_id, operation.node) {
            screen::say!("  {}", plan::loaded(plan, operation, &widths, id));
            ids.push((node, id));
        }
        match stop.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    });
    kernel.finish_loading();
    let all = plan.operations.len();
    match done {
        Ok(running) if steps < all => {
            let left = running.abandon(kernel);
            if !left.is_empty() {
                report::one(&run::explain_left(&left, plan));
                return Err(Exit::UndoIncomplete);
            }
            screen::say!("interrupted: rolling back {steps} of {all} operations");
            Err(Exit::Done)
        }
        Ok(running) => {
            // What the kernel took is told as attached when it is in its code, too.
            let verdict = kernel::confirm(&ids.iter().map(|(_, id)| *id).collect());
            for one in &verdict.disagreements {
                report::one(&Diagnostic { severity: Severity::Warning, ..flow::differs(one) });
            }
            let took = started.elapsed().as_millis();
            screen::say!("  {}  {}  {took} ms", "attach".dimmed(), attached(plan));
            let until = match arguments.command.first() {
                Some(command) => format!("running {}", command.to_string_lossy()),
                None => "listening; Ctrl-C detaches".to_owned(),
            };
            screen::say!("{until}\n");
            Ok((running, ids))
        }
        Err(failure) => {
            logs.keep(&failure, plan, resolved.chain());
            let (targets, _) = machine::targets();
            let whole = arguments.logs.verbose;
            report::one(&run::explain(&failure, plan, &targets, whole));
            if failure.left.is_empty() {
                screen::say!(
                    "`{}` was rolled back; nothing is left in the kernel",
                    inert::line(&plan.chain)
                );
                return Err(Exit::Failed);
            }
            report::one(&run::explain_left(&failure.left, plan));
            Err(Exit::UndoIncomplete)
        }
    }
}

/// The name of the map that is pinned by an operation, and where.
pub(super) fn pin_of(operation: &Operation) -> Option<(String, String)> {
    match &operation.action {
        Action::CreateMap { map, pin: Some(pin), .. } => {
            let path = pin.path.display().to_string();
            Some((inert::line(&map.name).into_owned(), inert::line(&path).into_owned()))
        }
        _ => None,
    }
}

/// `after, before → handler_v1 → accept, connect`, as it was attached.
fn attached(plan: &Plan) -> String {
    let mut groups: Vec<(u8, Vec<&str>)> = Vec::new();
    for operation in &plan.operations {
        let rank = match operation.action {
            Action::AttachTracer { .. } => 0,
            Action::AttachReplacement { .. } => 1,
            Action::AttachHook { .. } => 2,
            Action::Run { .. } => 3,
            _ => continue,
        };
        let Some(node) = operation.node.and_then(|node| plan.nodes.get(node)) else { continue };
        match groups.last_mut() {
            Some((last, ids)) if *last == rank => {
                if !ids.contains(&node.id.as_str()) {
                    ids.push(&node.id);
                }
            }
            _ => groups.push((rank, vec![&node.id])),
        }
    }
    groups.iter().map(|(_, ids)| ids.join(", ")).collect::<Vec<_>>().join(" → ")
}
