//! Who replaces and traces whom, as trees: below each program those that are on its functions.

use std::collections::BTreeSet;

use super::{Census, Effect, RunningProgram};

/// Every program; what is on it stands below it where it comes first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forest<'a> {
    /// Programs that are on no other, or on one that is not seen.
    pub roots: Vec<TreeNode<'a>>,
}

/// A program and those on its functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeNode<'a> {
    /// The program.
    pub program: &'a RunningProgram,
    /// What it does to which function of the program above it; none for a root. The name is missing where
    /// that function is not seen.
    pub on: Option<(Effect, Option<&'a str>)>,
    /// What is on its functions, in their order: replacements first. Empty when it is `repeated`.
    pub children: Vec<TreeNode<'a>>,
    /// Whether it stands in the forest already, as a replacement in several programs does.
    pub repeated: bool,
}

impl<'a> Forest<'a> {
    /// The trees of all programs.
    #[must_use]
    pub fn of(census: &'a Census) -> Self {
        let is_on_another = |program: &RunningProgram| {
            program.attachments.iter().any(|attachment| match attachment.place {
                super::Place::Function { program: on, .. } => census.program(on).is_some(),
                super::Place::Kernel { .. } => false,
            })
        };
        let mut seen = BTreeSet::new();
        let roots = census.programs.iter().filter(|program| !is_on_another(program));
        let roots = roots.map(|program| TreeNode::of(census, program, None, &mut seen)).collect();
        Self { roots }
    }
}

impl<'a> TreeNode<'a> {
    /// `program` and all below it.
    #[must_use]
    pub fn below(census: &'a Census, program: &'a RunningProgram) -> Self {
        Self::of(census, program, None, &mut BTreeSet::new())
    }

    fn of(
        census: &'a Census,
        program: &'a RunningProgram,
        on: Option<(Effect, Option<&'a str>)>,
        seen: &mut BTreeSet<u32>,
    ) -> Self {
        // The kernel lets none be on itself; a census that is not of one moment may look so.
        if !seen.insert(program.id) {
            return Self { program, on, children: Vec::new(), repeated: true };
        }
        let order =
            |function: u32| program.functions.iter().position(|known| known.btf_id == function);
        let mut inside: Vec<_> = census.on(program.id).collect();
        inside
            .sort_by_key(|(how, function, by)| (order(*function), *how != Effect::Replaces, by.id));
        let children = inside.into_iter().map(|(how, function, by)| {
            let name = program.function(function).map(|function| function.name.as_str());
            Self::of(census, by, Some((how, name)), seen)
        });
        Self { program, on, children: children.collect(), repeated: false }
    }
}

#[cfg(test)]
mod tests {
    use super::Forest;
    use crate::running::tests::census;

    #[test]
    fn each_program_stands_below_the_one_it_is_on() {
        let census = census();
        let forest = Forest::of(&census);
        let roots: Vec<_> = forest.roots.iter().map(|node| node.program.id).collect();
        assert_eq!(roots, [3, 41, 60]);
        let dispatcher = &forest.roots[1];
        let below: Vec<_> =
            dispatcher.children.iter().map(|node| (node.program.id, node.on)).collect();
        // In the order of its functions: the entry, and the slot.
        let name = |number: usize| below[number].1.and_then(|(_, name)| name);
        assert_eq!(below.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [51, 44]);
        assert_eq!((name(0), name(1)), (Some("xdp_dispatcher"), Some("prog0")));
        let on_slot = &dispatcher.children[1].children;
        assert_eq!(on_slot.iter().map(|node| node.program.id).collect::<Vec<_>>(), [50]);
    }
}
