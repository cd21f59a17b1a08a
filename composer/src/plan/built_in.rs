//! The programs of a built-in tracer: one for each moment it has to see, for each function it is on.

use petgraph::graph::NodeIndex;

use super::{Action, LoadAs, Reason, Target, build::Builder};
use crate::{
    chain::{Builtin, ProbePoint},
    object::{ProgramKind, Traits},
    resolve::traced_function,
    trace,
};

/// A built-in tracer.
pub(super) struct BuiltinTracer<'a> {
    pub(super) request: &'a Builtin,
    pub(super) moment: ProbePoint,
    pub(super) has_task: bool,
}

/// The programs of `tracer` for `target`, which stands in a program of `kind` of node `holder`, and
/// why each is loaded. What cannot be traced, which the check has reported, is left out.
pub(super) fn programs(
    builder: &Builder<'_>,
    tracer: &BuiltinTracer<'_>,
    holder: NodeIndex,
    target: &Target,
    kind: ProgramKind,
    layouts: &mut u32,
) -> Vec<(Reason, Action)> {
    let (chain, library) = (builder.chain, builder.library);
    let Some(found) = traced_function(chain, library, holder, &target.function, kind) else {
        return Vec::new();
    };
    let resolved = trace::resolve(tracer.request, tracer.moment, found).unwrap_or_default();
    let load = |(number, (moment, mut tracing)): (usize, (ProbePoint, trace::Tracing))| {
        let reason = if tracing.tells() { Reason::Program } else { Reason::CallBegin };
        if tracing.tells() {
            *layouts += 1;
            tracing.table.r#type = *layouts;
        }
        let action = Action::Load {
            slot: builder.slots.next() + number,
            object: Builtin::object().clone(),
            program: Builtin::program(moment).to_owned(),
            load_as: LoadAs::Tracer(moment),
            expected_attach_type: None,
            attach_btf: None,
            traits: Traits::default(),
            target: Some(target.clone()),
            has_task: tracer.has_task,
            globals: Vec::new(),
            trace: Some(Box::new(tracing)),
        };
        (reason, action)
    };
    resolved.into_iter().enumerate().map(load).collect()
}
