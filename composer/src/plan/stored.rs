//! A plan that is read back: validated, because it may have been written by anyone.

use std::collections::{BTreeSet, HashSet};

use serde::{Deserialize, Deserializer, de::Error as _};
use thiserror::Error;

use super::{Action, AttachPoint, Filling, Operation, OperationId, PlannedNode, order::ordered};
use crate::{
    chain::{ProbePoint, Role},
    hook::HostKind,
};

/// Why something that was read is no plan.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum PlanError {
    #[error("two operations are number {0}")]
    Duplicate(u32),
    #[error("operation {of} depends on operation {on}, which does not exist")]
    Unknown { of: u32, on: u32 },
    #[error("operations depend on each other in a cycle")]
    Cycle,
    #[error("operation {of} names node {node}, which does not exist")]
    Node { of: u32, node: usize },
    #[error("operation {of} loads program {slot} a second time")]
    LoadedTwice { of: u32, slot: usize },
    #[error("operation {of} uses program {slot}, which no operation before it loads")]
    NotLoaded { of: u32, slot: usize },
    #[error("a node cannot have the label `{0}`")]
    Label(String),
}

/// [`super::Plan`].
#[derive(Deserialize)]
pub(super) struct StoredPlan {
    chain: String,
    nodes: Vec<PlannedNode>,
    operations: Vec<Operation>,
}

impl TryFrom<StoredPlan> for super::Plan {
    type Error = PlanError;

    fn try_from(stored: StoredPlan) -> Result<Self, PlanError> {
        let StoredPlan { chain, nodes, operations } = stored;
        let mut ids = HashSet::new();
        for operation in &operations {
            let of = operation.id.0;
            if !ids.insert(operation.id) {
                return Err(PlanError::Duplicate(of));
            }
            let mut named = operation.node.into_iter().chain([operation.cause.of]);
            if let Some(node) = named.find(|node| *node >= nodes.len()) {
                return Err(PlanError::Node { of, node });
            }
        }
        for operation in &operations {
            let mut names = operation.needs.iter().chain(&operation.after);
            if let Some(OperationId(on)) = names.find(|name| !ids.contains(name)) {
                return Err(PlanError::Unknown { of: operation.id.0, on: *on });
            }
        }
        let all = operations.len();
        let operations = ordered(operations);
        if operations.len() < all {
            return Err(PlanError::Cycle);
        }
        let mut loaded = BTreeSet::new();
        for operation in &operations {
            let of = operation.id.0;
            let (used, loads) = programs(&operation.action);
            if let Some(slot) = used.into_iter().find(|slot| !loaded.contains(slot)) {
                return Err(PlanError::NotLoaded { of, slot });
            }
            if let Some(slot) = loads.filter(|slot| !loaded.insert(*slot)) {
                return Err(PlanError::LoadedTwice { of, slot });
            }
        }
        Ok(Self { chain, nodes, operations })
    }
}

/// The programs that an action uses, and the one that it loads.
fn programs(action: &Action) -> (Vec<usize>, Option<usize>) {
    match action {
        Action::Listen
        | Action::CreateMap { .. }
        | Action::Fill { with: Filling::Map { .. }, .. } => (Vec::new(), None),
        Action::Fill { with: Filling::Program { slot }, .. }
        | Action::AttachHook { slot, .. }
        | Action::Run { slot, .. }
        | Action::AttachTracer { slot } => (vec![*slot], None),
        Action::AttachReplacement { slot, target } => (vec![*slot, target.slot], None),
        Action::Adopt { slot, .. } => (Vec::new(), Some(*slot)),
        Action::Load { slot, target, .. } => {
            (target.iter().map(|target| target.slot).collect(), Some(*slot))
        }
    }
}

/// [`PlannedNode`].
#[derive(Deserialize)]
struct StoredNode {
    id: String,
    #[serde(default)]
    scope: String,
    role: Role,
    label: String,
    place: String,
}

impl TryFrom<StoredNode> for PlannedNode {
    type Error = PlanError;

    fn try_from(stored: StoredNode) -> Result<Self, PlanError> {
        const OTHERS: [&str; 7] =
            ["running", "tail call", "stub", "freplace", "fentry", "fexit", "trace"];
        let StoredNode { id, scope, role, label, place } = stored;
        let known = HostKind::names().chain(OTHERS).find(|name| *name == label);
        let label = known.ok_or(PlanError::Label(label))?;
        // Hosts at functions of the kernel have the same labels.
        let moments: &[ProbePoint] = match label {
            _ if role != Role::Tracer => &[],
            "fentry" => &[ProbePoint::Fentry],
            "fexit" => &[ProbePoint::Fexit],
            "trace" => &[ProbePoint::Fentry, ProbePoint::Fexit],
            _ => &[],
        };
        // Neither a node nor a function has a colon in its name.
        let place = match place.split_once(':').filter(|_| role == Role::Tracer) {
            Some((at, function)) => {
                AttachPoint { at: at.to_owned(), function: Some(function.to_owned()) }
            }
            None => AttachPoint { at: place, function: None },
        };
        Ok(Self { id, scope, role, label, moments, place })
    }
}

impl<'de> Deserialize<'de> for PlannedNode {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        Self::try_from(StoredNode::deserialize(reader)?).map_err(D::Error::custom)
    }
}

/// An object, as a chain file names it.
pub(super) mod object {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::chain::ObjectRef;

    pub(in crate::plan) fn serialize<S: Serializer>(
        object: &ObjectRef,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(object)
    }

    pub(in crate::plan) fn deserialize<'de, D: Deserializer<'de>>(
        reader: D,
    ) -> Result<ObjectRef, D::Error> {
        String::deserialize(reader).map(|text| ObjectRef::new(&text))
    }
}
