//! The order of a plan's operations, which follows from their dependencies.

use std::collections::HashMap;

use petgraph::graph::DiGraph;

use super::Operation;
use crate::order::topological;

/// `operations`, each behind all that it needs and comes after; in the order of their names where that
/// leaves it free. Those that depend on each other in a circle are left out.
pub(super) fn ordered(mut operations: Vec<Operation>) -> Vec<Operation> {
    operations.sort_by_key(|operation| operation.id);
    let mut graph = DiGraph::<(), ()>::new();
    let nodes: HashMap<_, _> =
        operations.iter().map(|operation| (operation.id, graph.add_node(()))).collect();
    for operation in &operations {
        let before = operation.needs.iter().chain(&operation.after);
        for before in before.filter_map(|id| nodes.get(id)) {
            graph.add_edge(nodes[&operation.id], *before, ());
        }
    }
    let mut operations: Vec<_> = operations.into_iter().map(Some).collect();
    let order = topological(&graph).into_iter();
    order.filter_map(|index| operations.get_mut(index.index())?.take()).collect()
}
