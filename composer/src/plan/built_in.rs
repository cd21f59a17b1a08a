//! The programs of a built-in tracer: one for each moment it has to see, for each function it is on.

use petgraph::graph::NodeIndex;

use super::{Action, LoadAs, Target, build::Slots};
use crate::{
    chain::{Builtin, Chain, Moment, NodeKind},
    check::Library,
    object::{ProgramKind, Traits},
    trace,
};

/// A tracer and what it is on.
pub(super) struct Tracer<'a> {
    pub(super) index: NodeIndex,
    pub(super) request: &'a Builtin,
    pub(super) moment: Moment,
    pub(super) targets: Vec<Target>,
    pub(super) has_task: bool,
}

/// Loads the programs of `tracer`. What cannot be traced, which the check has reported, is left out.
pub(super) fn loads(
    chain: &Chain,
    library: &Library,
    tracer: Tracer<'_>,
    slots: &mut Slots,
) -> Vec<Action> {
    let mut actions = Vec::new();
    let mut layouts = 0;
    for target in tracer.targets {
        let kind = slots.program_type(target.slot).unwrap_or(ProgramKind::Other);
        let Some(holder) = slots.holder(target.slot) else { continue };
        let Some(found) = function(chain, library, holder, &target.function, kind) else {
            continue;
        };
        let resolved = trace::resolve(tracer.request, tracer.moment, found);
        for (moment, mut tracing) in resolved.unwrap_or_default() {
            if tracing.tells() {
                layouts += 1;
                tracing.table.r#type = layouts;
            }
            actions.push(Action::Load {
                slot: slots.push(tracer.index, kind),
                object: Builtin::object().clone(),
                program: Builtin::program(moment).to_owned(),
                load_as: LoadAs::Tracer(moment),
                traits: Traits::default(),
                target: Some(target.clone()),
                has_task: tracer.has_task,
                globals: Vec::new(),
                trace: Some(Box::new(tracing)),
            });
        }
    }
    actions
}

/// The function `name` of the program of node `holder`, which stands in a program of `kind`.
pub(crate) fn function<'a>(
    chain: &Chain,
    library: &'a Library,
    holder: NodeIndex,
    name: &str,
    kind: ProgramKind,
) -> Option<trace::Target<'a>> {
    let node = chain.graph.node(holder);
    let (object, program) = library.program(node)?;
    let (index, function) = object.function(name)?;
    let is_entry = index == program.function && !matches!(node.kind, NodeKind::Tracer(_));
    Some(trace::Target { object, function, kind, is_entry, holder: holder.index() })
}
