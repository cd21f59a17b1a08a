//! Why an operation is in a plan.

use serde::{Deserialize, Serialize};

/// Why an operation is in a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// The node that asked for it, an index in [`Plan::nodes`](super::Plan::nodes): the first, where
    /// several did.
    pub of: usize,
    /// By what.
    pub reason: Reason,
}

/// What asks for an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The node's `printk`.
    Printk,
    /// A program of the node uses the map.
    UsesMap,
    /// The object's definition of a map has an entry from the start.
    InitialEntry,
    /// The node's `tail`.
    TailCall,
    /// It is the node's program.
    Program,
    /// A table for tail calls that the node's program uses holds the program.
    TableProgram,
    /// The built-in tracer takes the time of a call's begin, to tell how long the call took.
    CallBegin,
    /// The node's `attach`, `stub`, `fentry`, `fexit` or `trace`.
    Attachment,
}
