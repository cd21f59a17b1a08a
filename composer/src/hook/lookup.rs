//! Where a kind's targets are looked up before anything is loaded.

use crate::profile::{Presence, Profile, Targets};

/// How a kind's targets are found among what is known of a kernel.
#[derive(Debug)]
pub struct Lookup {
    /// What a target is in a kernel: `function`.
    pub what: &'static str,
    /// Whether a kernel has the target.
    pub presence: fn(&str, &Profile, &Targets) -> Presence,
    /// The target that was most likely meant.
    pub near: fn(&str, &Targets) -> Option<String>,
    /// What to do when a target is not there and none is near.
    pub help: &'static str,
    /// How many arguments a target hands over, where a program that reads more is refused.
    pub arguments: Option<Arguments>,
}

/// The arguments of a kind's targets, each eight bytes of the context.
#[derive(Debug)]
pub struct Arguments {
    /// How many a target has, when that is known.
    pub count: fn(&str, &Targets) -> Option<usize>,
    /// Where they can be looked up.
    pub help: &'static str,
}
