//! Interfaces removed while the chain was up: the kernel detached their programs without notice.

use freplace_compose::{
    diag::{Code, Diagnostic, Severity},
    inert,
    plan::{Action, OperationId, Plan},
};

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
