//! Which built-in tracers are one program at both moments.

use std::collections::{HashMap, HashSet};

use freplace_compose_common::trace::TIMES_MAP;
use petgraph::graph::NodeIndex;

use super::Offers;
use crate::{
    object::MapDef,
    resolve::{Resolved, TracerTarget},
};

/// How many programs a function takes that keep something of a call from its entry to its return, which is on the
/// stack of the trampoline: `BPF_TRAMP_MAX_COOKIES` in
/// <https://github.com/torvalds/linux/blob/v7.0/kernel/bpf/trampoline.c>.
const MOST: usize = 4;

/// The functions of built-in tracers that are traced by one program, by the node and the function's number in it.
#[derive(Default)]
pub(super) struct Fsessions {
    functions: HashSet<(NodeIndex, usize)>,
    /// The nodes of which all functions are.
    whole: HashSet<NodeIndex>,
}

impl Fsessions {
    /// As many as there is room for on each function, in the order of loading.
    pub(super) fn of(resolved: &Resolved, offers: Offers) -> Self {
        let mut found = Self::default();
        if !offers.fsession {
            return found;
        }
        let mut held: HashMap<_, usize> = HashMap::new();
        for index in resolved.chain().graph.order() {
            let traced = resolved[index].traced();
            let mut is_whole = !traced.is_empty();
            for (number, function) in traced.iter().enumerate() {
                let place = (function.function.holder, function.function.index, function.kind);
                let held = held.entry(place).or_insert_with(|| held_by_others(resolved, function));
                let is_one = function.tracings().len() > 1 && *held < MOST;
                if is_one {
                    *held += 1;
                    found.functions.insert((index, number));
                }
                is_whole &= is_one;
            }
            if is_whole {
                found.whole.insert(index);
            }
        }
        found
    }

    /// Whether the function of this number of a node is traced by one program.
    pub(super) fn has(&self, index: NodeIndex, number: usize) -> bool {
        self.functions.contains(&(index, number))
    }

    /// Whether they spare a node `map`: the times of entries, which the kernel keeps for them.
    pub(super) fn spare(&self, index: NodeIndex, map: &MapDef) -> bool {
        map.name == TIMES_MAP && self.whole.contains(&index)
    }
}

/// How many of them others have on a function of a program that runs already.
fn held_by_others(resolved: &Resolved, traced: &TracerTarget) -> usize {
    let function = &traced.function;
    let holder = resolved[function.holder].program();
    let taken = holder.and_then(|holder| holder.object().loaded.as_ref());
    let taken = taken.map(|loaded| loaded.taken.iter()).into_iter().flatten();
    taken.filter(|taken| taken.in_fsession && taken.function == function.name).count()
}
