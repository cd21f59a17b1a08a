//! What went while the chain was up: interfaces, whose programs the kernel detached without notice, and
//! programs of others that the chain is on.

use freplace_compose::{
    diag::{Code, Diagnostic, Severity},
    event::ProgramChange,
    inert,
    plan::{Action, OperationId, Plan},
    resolve::Resolved,
};

/// Says what became of programs of others that the chain is on.
pub(super) fn changed(changes: &[ProgramChange], resolved: &Resolved) -> Vec<Diagnostic> {
    let told = changes.iter().filter_map(|change| {
        let (_, node, of) =
            resolved.programs().find(|(index, ..)| index.index() == change.node)?;
        let name = inert::line(&of.program().name);
        let (id, node) = (change.program, &node.id.value);
        let (what, label, help) = match change.now {
            Some(now) if now == id => (
                "is attached again",
                "attached again".to_owned(),
                "Calls between were not seen, and not changed.".to_owned(),
            ),
            Some(now) if change.followed => (
                "was detached",
                format!("program {now} now"),
                "What was on the old one is on that program now.".to_owned(),
            ),
            Some(now) => (
                "was detached",
                format!("program {now} now"),
                "Run it again to be on that program, or write `follow = true` in `running`: nothing comes to the \
                 old one."
                    .to_owned(),
            ),
            None => (
                "was detached",
                "no longer attached".to_owned(),
                "Run it again once another program is there, which `freplace-compose ps` shows. Nothing comes \
                 to the old one."
                    .to_owned(),
            ),
        };
        let message = format!("`{name}` (program {id}), which is `{node}`, {what}");
        let mut found =
            Diagnostic::new(Code::ProgramGone, message).label(of.asked(), label).help(help);
        found.severity = Severity::Warning;
        Some(found)
    });
    told.collect()
}

/// Says whose interface is gone, given the operations that attached to it.
pub(super) fn told(gone: &[OperationId], plan: &Plan) -> Vec<Diagnostic> {
    let told = |operation: &OperationId| {
        let operation = plan.operation(*operation)?;
        let Action::AttachHook { attach, .. } = &operation.action else { return None };
        let node = &plan.nodes.get(operation.node?)?.id;
        let message = format!(
            "interface `{}` of `{node}` was deleted while the chain was up",
            inert::line(&attach.target)
        );
        let mut found = Diagnostic::new(Code::InterfaceGone, message)
            .maybe_label(operation.span.as_ref(), "detached by the kernel")
            .help(
                "Run `up` again once the interface exists. The host saw no frames since, not even \
                 of a new interface with the same name.",
            );
        found.severity = Severity::Warning;
        Some(found)
    };
    gone.iter().filter_map(told).collect()
}
