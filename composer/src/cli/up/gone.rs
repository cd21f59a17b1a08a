//! What went while the chain was up: interfaces, whose programs the kernel detached without notice, and
//! programs of others that the chain is on.

use freplace_compose::{
    diag::{Code, Diagnostic, Severity},
    inert, kernel,
    plan::{Action, OperationId, Plan},
    resolve::Resolved,
};

/// Says which programs of others that the chain is on are no longer attached as they were when it was read.
pub(super) fn detached(resolved: &Resolved) -> Vec<Diagnostic> {
    let adopted = resolved.programs().filter_map(|(_, node, of)| {
        let loaded = of.object().loaded.as_deref()?;
        Some((node, of, loaded))
    });
    let adopted: Vec<_> = adopted.collect();
    if adopted.is_empty() {
        return Vec::new();
    }
    let now = kernel::census().unwrap_or_default();
    let told = adopted.into_iter().filter_map(|(node, of, loaded)| {
        // Who is gone is attached nowhere.
        let places = now.program(loaded.id).map(|program| now.places(program)).unwrap_or_default();
        loaded.attached.iter().find(|before| !places.contains(before))?;
        let message = format!(
            "`{}` (program {}), which is `{}`, was detached while the chain was up",
            inert::line(&of.program().name),
            loaded.id,
            node.id.value
        );
        let mut found = Diagnostic::new(Code::ProgramGone, message)
            .label(of.asked(), "no longer attached")
            .help(
                "Run it again: another program may be there, which `freplace-compose ps` shows. \
                 Nothing came to the old one since.",
            );
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
