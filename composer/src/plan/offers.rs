//! What kernels differ in where that makes another plan.

use crate::{profile::Profile, resolve::Resolved};

/// What a kernel offers that a plan makes use of. What is not offered is done in another way, so none of it is
/// required.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Offers {
    /// One program at both the entry and the return of a function, with one link (7.0).
    pub fsession: bool,
}

impl Offers {
    /// What the kernel of `profile` offers; nothing where there is none to go by.
    #[must_use]
    pub fn of(profile: Option<&Profile>) -> Self {
        Self { fsession: profile.is_some_and(|profile| profile.features.fsession) }
    }

    /// Whether the plan of `resolved` depends on any of it.
    #[must_use]
    pub fn matter(resolved: &Resolved) -> bool {
        let mut traced = resolved.nodes().flat_map(|(_, _, node)| node.traced());
        traced.any(|function| function.tracings().len() > 1)
    }
}
