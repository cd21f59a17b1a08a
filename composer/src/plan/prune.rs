//! Removes an operation that cannot be done from a plan, and everything that depends on it.

use std::collections::HashSet;

use super::{Action, Filling, Operation, OperationId, Plan};

impl Plan {
    /// The plan in which no host is attached, or run: everything else is there, and nothing calls it.
    #[must_use]
    pub fn without_hosts(mut self) -> Self {
        let is_host =
            |one: &Operation| matches!(one.action, Action::AttachHook { .. } | Action::Run { .. });
        let gone: HashSet<OperationId> =
            self.operations.iter().filter(|one| is_host(one)).map(|one| one.id).collect();
        self.leave_out(gone);
        self
    }

    /// The plan without the result of an operation: a program is removed with its node's other
    /// programs, and everything that needs it. `None` for a map, which everything may need.
    #[must_use]
    pub fn without(&self, operation: OperationId) -> Option<Self> {
        let refused = self.operation(operation)?;
        let gone: HashSet<OperationId> = match refused.action {
            Action::CreateMap { .. } | Action::Fill { with: Filling::Map { .. }, .. } => {
                return None;
            }
            Action::Load { .. } => {
                let is_of_node = |one: &&Operation| {
                    one.node == refused.node && matches!(one.action, Action::Load { .. })
                };
                self.operations.iter().filter(is_of_node).map(|one| one.id).collect()
            }
            _ => HashSet::from([operation]),
        };
        let mut plan = self.clone();
        plan.leave_out(gone);
        Some(plan)
    }

    /// Leaves out these operations, and what needs them.
    fn leave_out(&mut self, mut gone: HashSet<OperationId>) {
        // What needs an operation comes behind it.
        self.operations.retain(|one| {
            let goes = gone.contains(&one.id) || one.needs.iter().any(|need| gone.contains(need));
            if goes {
                gone.insert(one.id);
            }
            !goes
        });
        for one in &mut self.operations {
            one.after.retain(|before| !gone.contains(before));
        }
    }
}
