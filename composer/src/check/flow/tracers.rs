//! Tracers that read arguments that their target lacks, or of types that they cannot read.

use super::{CheckedProgram, Context, Rejection};
use crate::{
    chain::NodeKind,
    diag::{Code, Diagnostic},
    object::flow::Fact,
};

pub(super) fn find(
    context: &Context<'_>,
    subject: &CheckedProgram<'_>,
    facts: &[Fact],
) -> Option<Rejection> {
    let NodeKind::Tracer(tracer) = &subject.node.kind else { return None };
    for function in context.names.functions(subject.index) {
        if context.misfits.contains(&function.holder) {
            continue;
        }
        let Some(target) = context.names.access_target(function) else { continue };
        let Some(refusal) = target.refuses(facts, subject.object, tracer.point) else { continue };
        let definition = &target.object.functions[function.index];
        let prototype = target.object.prototype(definition).unwrap_or_default();
        let message = format!("{} {}", subject.title(), refusal.what);
        let found = Diagnostic::new(Code::TracerDereference, message)
            .label(subject.of.asked(), "reads it")
            .label(&tracer.target.span, "target")
            .note(format!("target  {prototype}"))
            .says("EACCES", refusal.words)
            .help(refusal.help);
        return Some(Rejection { found, refused_by: refusal.refused_by });
    }
    None
}
