//! A plan without an operation that cannot be done, and without all that needs it.

use std::collections::BTreeMap;

use super::{Action, Filling, Operation, Plan, Target};

impl Plan {
    /// The plan without what operation number `operation` makes: a program goes with its node's
    /// other programs, all that is loaded against them, and their attachments; an attachment goes
    /// alone, and so does the place for lines. None for a map, which everything may need.
    #[must_use]
    pub fn without(&self, operation: usize) -> Option<Self> {
        let refused = self.operations.get(operation)?;
        match refused.action {
            Action::CreateMap { .. } | Action::Fill { with: Filling::Map { .. }, .. } => None,
            Action::Load { .. } => Some(self.without_node(refused.node)),
            _ => {
                let mut plan = self.clone();
                plan.operations.remove(operation);
                Some(plan)
            }
        }
    }

    fn without_node(&self, node: Option<usize>) -> Self {
        // The slots that stay, and their new numbers. What is loaded against a program comes later.
        let mut slots: BTreeMap<usize, usize> = BTreeMap::new();
        let mut operations = Vec::new();
        for operation in &self.operations {
            let mut operation = operation.clone();
            if let Action::Load { slot, target, .. } = &operation.action {
                let has_target = target.as_ref().is_none_or(|to| slots.contains_key(&to.slot));
                if operation.node == node || !has_target {
                    continue;
                }
                slots.insert(*slot, slots.len());
            }
            if renumber(&mut operation, &slots).is_some() {
                operations.push(operation);
            }
        }
        Self { chain: self.chain.clone(), nodes: self.nodes.clone(), operations }
    }
}

/// Gives the slots of `operation` their new numbers; none when one of them is gone.
fn renumber(operation: &mut Operation, slots: &BTreeMap<usize, usize>) -> Option<()> {
    let new = |slot: &mut usize| slots.get(slot).map(|number| *slot = *number);
    let of = |target: &mut Target| slots.get(&target.slot).map(|number| target.slot = *number);
    match &mut operation.action {
        Action::Listen
        | Action::CreateMap { .. }
        | Action::Fill { with: Filling::Map { .. }, .. } => Some(()),
        Action::Fill { with: Filling::Program { slot }, .. } => new(slot),
        Action::Load { slot, target, .. } => {
            new(slot)?;
            target.as_mut().map_or(Some(()), of)
        }
        Action::AttachReplacement { slot, target } => {
            new(slot)?;
            of(target)
        }
        Action::AttachHook { slot, .. } | Action::AttachTracer { slot } => new(slot),
    }
}
