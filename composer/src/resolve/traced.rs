//! The function that a built-in tracer is on.

use petgraph::graph::NodeIndex;

use super::ObjectStore;
use crate::{
    chain::{Chain, NodeKind},
    object::ProgramKind,
    trace,
};

/// The function `name` of the program of node `holder`, which stands in a program of `kind`.
pub(crate) fn traced_function<'a>(
    chain: &Chain,
    library: &'a ObjectStore,
    holder: NodeIndex,
    name: &str,
    kind: ProgramKind,
) -> Option<trace::TracedFunction<'a>> {
    let node = chain.graph.node(holder);
    let (object, program) = library.program(node)?;
    let (index, function) = object.function(name)?;
    let is_entry = index == program.function && !matches!(node.kind, NodeKind::Tracer(_));
    Some(trace::TracedFunction { object, function, kind, is_entry, holder: holder.index() })
}
