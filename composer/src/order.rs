//! The order of a graph's nodes, for chains and plans.

use std::{cmp::Reverse, collections::BinaryHeap};

use petgraph::{
    Direction,
    graph::{DiGraph, NodeIndex},
};

/// The nodes of `graph`, in which an edge leads to what a node needs, so that each comes after all it
/// needs; by their numbers where the order is free. Nodes of a cycle, and those that need them, are
/// left out.
pub(crate) fn topological<N, E>(graph: &DiGraph<N, E>) -> Vec<NodeIndex> {
    let mut open: Vec<usize> =
        graph.node_indices().map(|index| graph.edges(index).count()).collect();
    let is_ready = |index: &NodeIndex| open[index.index()] == 0;
    let mut ready: BinaryHeap<_> = graph.node_indices().filter(is_ready).map(Reverse).collect();
    let mut order = Vec::with_capacity(graph.node_count());
    while let Some(Reverse(index)) = ready.pop() {
        order.push(index);
        for next in graph.neighbors_directed(index, Direction::Incoming) {
            open[next.index()] -= 1;
            if open[next.index()] == 0 {
                ready.push(Reverse(next));
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use petgraph::graph::DiGraph;

    use super::topological;

    fn order(nodes: usize, needs: &[(u32, u32)]) -> Vec<usize> {
        let mut graph = DiGraph::<(), ()>::from_edges(needs);
        while graph.node_count() < nodes {
            graph.add_node(());
        }
        topological(&graph).into_iter().map(petgraph::graph::NodeIndex::index).collect()
    }

    #[test]
    fn each_comes_after_what_it_needs_and_by_number_where_that_leaves_it_free() {
        assert_eq!(order(4, &[]), [0, 1, 2, 3]);
        assert_eq!(order(4, &[(0, 3), (0, 2), (1, 0), (1, 0)]), [2, 3, 0, 1]);
    }

    #[test]
    fn a_cycle_and_what_needs_it_are_left_out() {
        assert_eq!(order(5, &[(0, 1), (1, 0), (2, 0), (3, 4)]), [4, 3]);
    }
}
