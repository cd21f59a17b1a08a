//! Finds and reports cyclic dependencies between nodes.

use std::collections::{HashMap, HashSet};

use petgraph::graph::NodeIndex;

use super::Graph;
use crate::diag::{Code, Diagnostic};

/// The most nodes of a circle that are named.
const NAMED: usize = 8;

/// Every circle, told.
pub(super) fn find(graph: &Graph) -> Vec<Diagnostic> {
    if graph.order().len() == graph.len() {
        return Vec::new();
    }
    // Kosaraju's way does not recurse, so that a chain may be as long as it likes.
    let knots = petgraph::algo::kosaraju_scc(&graph.inner).into_iter();
    let cycles = knots.filter_map(|knot| cycle(graph, &knot));
    cycles.map(|cycle| explain(graph, &cycle)).collect()
}

/// A cycle within `knot`, from which no way leads out and back: its nodes, in order.
fn cycle(graph: &Graph, knot: &[NodeIndex]) -> Option<Vec<NodeIndex>> {
    // Every node of a knot needs another of it, so walking on must come round; a knot of one node
    // does only when that needs itself.
    let members: HashSet<_> = knot.iter().copied().collect();
    let mut path = Vec::new();
    let mut places = HashMap::new();
    let mut next = *knot.iter().min()?;
    loop {
        if let Some(start) = places.insert(next, path.len()) {
            return Some(path.split_off(start));
        }
        path.push(next);
        next = graph.inner.neighbors(next).find(|next| members.contains(next))?;
    }
}

fn explain(graph: &Graph, cycle: &[NodeIndex]) -> Diagnostic {
    let id = |index: NodeIndex| graph.node(index).id.value.as_str();
    let round = cycle.iter().chain(cycle.first());
    let mut round: Vec<_> = round.map(|index| format!("`{}`", id(*index))).collect();
    if cycle.len() > NAMED {
        let unnamed = format!("{} more", cycle.len() - NAMED);
        round.splice(NAMED..cycle.len(), [unnamed]);
    }
    let mut found = Diagnostic::new(
        Code::Cycle,
        format!("cyclic dependency between nodes: {}", round.join(" → ")),
    )
    .help(
        "Remove one of these references. A chain starts at hosts, which depend on no other node.",
    );
    for (from, to) in cycle.iter().zip(cycle.iter().cycle().skip(1)).take(NAMED) {
        let edge = graph.inner.find_edge(*from, *to).map(|edge| &graph.inner[edge]);
        if let Some((_, span)) = edge {
            let text = format!("`{}` depends on `{}`", id(*from), id(*to));
            found = found.label(span, text);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::chain::Chain;

    #[test]
    fn of_a_long_circle_the_first_nodes_are_named() {
        let node = |number: usize| {
            format!(
                "[tracer.t{number}]\nobject = \"x\"\nprogram = \"x\"\nfentry = \"t{}\"\n",
                (number + 1) % 5000
            )
        };
        let text: String = "[host.h]\nobject = \"x\"\nprogram = \"x\"\nattach = { xdp = \"lo\" }\n"
            .to_owned()
            + &(0..5000).map(node).collect::<String>();
        let found = Chain::parse("circle.toml".as_ref(), text).expect_err("a circle");
        assert_eq!(found.len(), 1);
        assert!(found[0].message.contains("`t7` → 4992 more → `t0`"), "{}", found[0].message);
        assert_eq!(found[0].labels.len(), super::NAMED);
    }

    #[test]
    fn a_line_of_nodes_may_be_as_long_as_it_likes() {
        let node = |number: usize| {
            format!(
                "[tracer.t{}]\nobject = \"x\"\nprogram = \"x\"\nfentry = \"t{number}\"\n",
                number + 1
            )
        };
        let text: String = "[host.t0]\nobject = \"x\"\nprogram = \"x\"\nattach = { xdp = \"lo\" }\n"
            .to_owned() + &(0..50_000).map(node).collect::<String>();
        let chain = Chain::parse("line.toml".as_ref(), text).expect("a line");
        assert_eq!(chain.graph.order().len(), 50_001);
    }
}
