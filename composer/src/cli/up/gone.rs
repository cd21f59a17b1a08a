//! What went while the chain was up: interfaces, whose programs the kernel detached without notice, and
//! programs of others that the chain is on.

use freplace_compose::{
    diag::{Code, Diagnostic, Severity},
    inert, kernel,
    plan::{Action, OperationId, Plan},
    running::Place,
};

/// The programs of others that a chain is on, and where each is attached.
pub(super) struct Adopted(Vec<(OperationId, u32, Vec<Place>)>);

impl Adopted {
    /// Those of `plan`, as they are now.
    pub(super) fn of(plan: &Plan) -> Self {
        let adopted: Vec<_> = plan
            .operations
            .iter()
            .filter_map(|operation| match operation.action {
                Action::Adopt { id, .. } => Some((operation.id, id)),
                _ => None,
            })
            .collect();
        let places = places(&adopted.iter().map(|(_, id)| *id).collect::<Vec<_>>());
        Self(adopted.into_iter().zip(places).map(|((of, id), places)| (of, id, places)).collect())
    }

    /// Says which of them are no longer attached as they were.
    pub(super) fn told(&self, plan: &Plan) -> Vec<Diagnostic> {
        let now = places(&self.0.iter().map(|(_, id, _)| *id).collect::<Vec<_>>());
        let lost = self
            .0
            .iter()
            .zip(now)
            .filter(|((_, _, before), now)| before.iter().any(|place| !now.contains(place)));
        let told = lost.filter_map(|((operation, id, _), _)| {
            let operation = plan.operation(*operation)?;
            let Action::Adopt { program, .. } = &operation.action else { return None };
            let node = &plan.nodes.get(operation.node?)?.id;
            let message = format!(
                "`{}` (program {id}), which is `{node}`, was detached while the chain was up",
                inert::line(program)
            );
            let mut found = Diagnostic::new(Code::ProgramGone, message)
                .maybe_label(operation.span.as_ref(), "no longer attached")
                .help(
                    "Run it again: another program may be there, which `freplace-compose ps` shows. \
                     Nothing came to the old one since.",
                );
            found.severity = Severity::Warning;
            Some(found)
        });
        told.collect()
    }
}

/// Where each of `programs` is attached; nowhere when it is gone, or may not be looked at.
fn places(programs: &[u32]) -> Vec<Vec<Place>> {
    if programs.is_empty() {
        return Vec::new();
    }
    let census = kernel::census().unwrap_or_default();
    let of = |id: &u32| {
        let program = census.program(*id);
        let attached = program.into_iter().flat_map(|program| &program.attachments);
        attached.map(|attachment| attachment.place.clone()).collect()
    };
    programs.iter().map(of).collect()
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
