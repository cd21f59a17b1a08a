//! Why an operation is in a plan.

use serde::{Deserialize, Serialize};

/// Why an operation is in a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// The requesting node, an index in [`Plan::nodes`](super::Plan::nodes); the first of several.
    pub of: usize,
    /// The reason for the request.
    pub reason: Reason,
}

/// The reason for an operation.
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
    /// The built-in tracer records the start of a call, to measure its duration.
    CallBegin,
    /// The node's `attach`, `stub`, `fentry`, `fexit` or `trace`.
    Attachment,
}
