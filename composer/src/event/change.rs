//! A change of a program that a chain is on and did not load.

/// The program of a host that somebody else loaded was detached, or is attached again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProgramChange {
    /// The number of the host's node.
    pub node: usize,
    /// The id of the program that the chain is on.
    pub program: u32,
    /// The id of the program that the chain's name for it stands for now: the same one when it is attached again;
    /// none when there is none, or more than one.
    pub now: Option<u32>,
    /// Whether the chain was brought up on that program in the place of the old one.
    pub followed: bool,
}
