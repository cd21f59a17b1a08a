//! What has to be done anew when hosts that somebody else loaded are other programs than before.

use std::{collections::BTreeSet, mem::discriminant};

use super::{Operation, OperationId, Plan};

impl Plan {
    /// The operations that have to be done anew where `next`, a plan of the same chain, takes the place of this one:
    /// those that differ, and what needs them. None where the plans do not have the same operations, as when a
    /// pattern stands for other functions.
    #[must_use]
    pub fn redone(&self, next: &Self) -> Option<BTreeSet<OperationId>> {
        let is_same = |(one, other): (&Operation, &Operation)| {
            (one.id, one.node, &one.needs, &one.after)
                == (other.id, other.node, &other.needs, &other.after)
                && discriminant(&one.action) == discriminant(&other.action)
        };
        let pairs = || self.operations.iter().zip(&next.operations);
        if self.nodes != next.nodes
            || self.operations.len() != next.operations.len()
            || !pairs().all(is_same)
        {
            return None;
        }
        let mut redone = BTreeSet::new();
        // In this order an operation stands behind what it needs.
        for (one, other) in pairs() {
            let needs = other.needs.iter().any(|need| redone.contains(need));
            if needs || one.action != other.action {
                redone.insert(other.id);
            }
        }
        Some(redone)
    }
}
