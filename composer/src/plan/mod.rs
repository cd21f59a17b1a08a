//! A resolved chain → the list of operations that brings it up.
//!
//! Pure and deterministic: the same chain and objects give the same plan for the same kernel, so a dry
//! run shows what a run will do. The order is one in which no event is missed: maps first; then programs in
//! dependency order, because the kernel needs the target's descriptor; then attachments in the
//! opposite order, so that no event passes a half-built chain.

mod build;
mod cause;
mod follow;
mod fsessions;
mod loads;
mod maps;
mod node;
mod offers;
mod order;
mod prune;
mod stored;

use std::ops::Index;

use serde::{Deserialize, Serialize};

pub use build::build;
pub use cause::{Cause, Reason};
pub use node::{AttachPoint, PlannedNode};
pub use offers::Offers;
pub use stored::PlanError;

use crate::{
    chain::{ObjectRef, ProbePoint},
    diag::Span,
    hook::{Attach, AttachBtf, HostKind},
    object::{AttachType, MapDef, ProgramKind, ProgramType, Traits},
    resolve::{PinnedAt, SetGlobal},
    trace::Tracing,
};

/// The operations that bring a chain up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "stored::StoredPlan")]
pub struct Plan {
    /// The chain's name.
    pub chain: String,
    /// The nodes in the order of the file. The index of a node is its id in events.
    pub nodes: Vec<PlannedNode>,
    /// The operations in dependency order.
    pub operations: Vec<Operation>,
}

/// Names an operation in its plan, whatever is left out of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperationId(pub u32);

/// One step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Operation {
    /// Its name in the plan.
    pub id: OperationId,
    /// The node that it is done for, an index in [`Plan::nodes`]; `None` if it is shared by the
    /// whole chain.
    pub node: Option<usize>,
    /// The action.
    #[serde(flatten)]
    pub action: Action,
    /// The operations whose results it uses. Without one of them it cannot be done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<OperationId>,
    /// The operations that must be done before, so that no event is missed: a host is attached
    /// after everything on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<OperationId>,
    /// Why it is in the plan.
    pub cause: Cause,
    /// The location in the chain file that requested it; `None` in a plan that was read back.
    #[serde(skip)]
    pub span: Option<Span>,
}

/// Two operations are the same if they do the same: where the chain file asks is its own matter.
impl PartialEq for Operation {
    fn eq(&self, other: &Self) -> bool {
        let of = |one: &Self| (one.id, one.node, one.needs.clone(), one.after.clone(), one.cause);
        of(self) == of(other) && self.action == other.action
    }
}

impl Eq for Operation {}

/// The action of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Makes a place where lines of `bpf_printk` arrive.
    Listen,
    /// Creates a map: for all nodes that name it or, if it is an event buffer other than the
    /// composer's, for the operation's node only.
    CreateMap {
        /// The object whose definition is taken.
        #[serde(with = "stored::object")]
        object: ObjectRef,
        /// The definition.
        map: MapDef,
        /// The pin; an existing map is reused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pin: Option<PinnedAt>,
    },
    /// Adds an entry to a map of maps or programs.
    Fill {
        /// The map, one of the whole chain's.
        table: String,
        /// The number of the entry.
        entry: u32,
        /// The entry.
        #[serde(flatten)]
        with: Filling,
    },
    /// Loads a program.
    Load {
        /// The number of the loaded program.
        slot: usize,
        /// Its object.
        #[serde(with = "stored::object")]
        object: ObjectRef,
        /// Its function.
        program: String,
        /// The type that it is loaded as.
        load_as: LoadAs,
        /// Its `expected_attach_type`, where that depends on the attachment and not on its type alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expected_attach_type: Option<AttachType>,
        /// The type of the kernel that it is for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attach_btf: Option<AttachBtf>,
        /// Further properties.
        #[serde(flatten)]
        traits: Traits,
        /// The function that it extends or traces.
        target: Option<Target>,
        /// Whether the helpers for the current task are offered and mean something.
        has_task: bool,
        /// Global variables that are set to something else than in the object.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        globals: Vec<SetGlobal>,
        /// What the built-in tracer records of a call, if it is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trace: Option<Box<Tracing>>,
        /// What it does at the entry, if it is one at both moments.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trace_entry: Option<Box<Tracing>>,
    },
    /// Takes hold of a program that runs already, as a target.
    Adopt {
        /// The number of the program in the plan.
        slot: usize,
        /// The kernel's number for it.
        id: u32,
        /// A digest of its instructions: a number may be given again.
        tag: String,
        /// Its name.
        program: String,
    },
    /// Attaches a host to its hook.
    AttachHook {
        /// The loaded program.
        slot: usize,
        /// The hook.
        attach: Attach,
    },
    /// Runs a program once.
    Run {
        /// The loaded program.
        slot: usize,
        /// How.
        attach: Attach,
    },
    /// Attaches a replacement to a stub.
    AttachReplacement {
        /// The loaded program.
        slot: usize,
        /// The stub.
        target: Target,
    },
    /// Attaches a tracer to the target that it was loaded for.
    AttachTracer {
        /// The loaded program.
        slot: usize,
    },
}

/// An entry of a map of maps or programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Filling {
    /// A map of the whole chain's.
    Map {
        /// Its name.
        inner: String,
    },
    /// A loaded program.
    Program {
        /// Its number.
        slot: usize,
    },
}

/// The type a program is loaded as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadAs {
    /// A program for a hook.
    Hook(ProgramKind),
    /// `BPF_PROG_TYPE_EXT`.
    Replacement,
    /// `BPF_PROG_TYPE_TRACING`.
    Tracer(ProbePoint),
    /// The same for both moments.
    Fsession,
}

impl LoadAs {
    /// The kernel's program type; `None` if the section name does not define one.
    #[must_use]
    pub fn program_type(self) -> Option<ProgramType> {
        match self {
            Self::Hook(program) => program.program_type(),
            Self::Replacement => Some(ProgramType::Ext),
            Self::Tracer(_) | Self::Fsession => Some(ProgramType::Tracing),
        }
    }

    /// Its `expected_attach_type`, as far as that does not depend on the attachment.
    #[must_use]
    pub fn attach_type(self) -> Option<AttachType> {
        match self {
            Self::Hook(program) => (HostKind::of_program(program)?.expected_attach_type)(None),
            Self::Replacement => None,
            Self::Tracer(ProbePoint::Fentry) => Some(AttachType::TraceFentry),
            Self::Tracer(ProbePoint::Fexit) => Some(AttachType::TraceFexit),
            Self::Fsession => Some(AttachType::TraceFsession),
        }
    }

    /// Whether it traces a function of a program.
    #[must_use]
    pub fn is_tracer(self) -> bool {
        self.tracer_name().is_some()
    }

    /// The kernel's name for a tracer of its kind; `None` for what is none.
    #[must_use]
    pub fn tracer_name(self) -> Option<&'static str> {
        match self {
            Self::Hook(_) | Self::Replacement => None,
            Self::Tracer(point) => Some(point.name()),
            Self::Fsession => Some("fsession"),
        }
    }
}

/// A function of a loaded program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The loaded program.
    pub slot: usize,
    /// The function.
    pub function: String,
}

impl Plan {
    /// The operation of this name.
    #[must_use]
    pub fn operation(&self, id: OperationId) -> Option<&Operation> {
        // In the order of their names, as a rule.
        match self.operations.binary_search_by_key(&id, |operation| operation.id) {
            Ok(index) => self.operations.get(index),
            Err(_) => self.operations.iter().find(|operation| operation.id == id),
        }
    }

    /// The size of the composer's event buffer in bytes, if there is one.
    #[must_use]
    pub fn buffer(&self) -> Option<u32> {
        self.operations.iter().find_map(|operation| match &operation.action {
            Action::CreateMap { map, .. } if map.name == freplace_compose_common::EVENTS_MAP => {
                Some(map.max_entries)
            }
            _ => None,
        })
    }
}

/// The operation that an entry of the plan's own journal, or a failure of it, names.
///
/// # Panics
/// When it is the name of another plan's operation.
impl Index<OperationId> for Plan {
    type Output = Operation;

    fn index(&self, id: OperationId) -> &Operation {
        self.operation(id).unwrap_or_else(|| panic!("operation {} is of another plan", id.0))
    }
}
