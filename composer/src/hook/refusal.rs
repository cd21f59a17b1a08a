//! Why the kernel refused an attachment: it answers with a bare number, and what that means depends
//! on the kind.

use super::Attach;
use crate::{
    diag::{Code, nearest},
    profile::Targets,
};

/// An attachment that the kernel refused.
#[derive(Debug, Clone, Copy)]
pub struct Refused<'a> {
    /// The attachment.
    pub attach: &'a Attach,
    /// The call or step that was refused.
    pub call: &'a str,
    /// The name of the error number: `ENOENT`; empty where the kernel was not asked.
    pub errno: &'a str,
    /// The same in words.
    pub message: &'a str,
    /// What there is, where a name was not found.
    pub candidates: &'a [String],
    /// What is known of the kernel.
    pub targets: &'a Targets,
}

/// What such a refusal means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What it counts as.
    pub code: Code,
    /// What is the matter, behind "cannot be attached".
    pub why: String,
    /// What to do.
    pub help: String,
}

impl Refused<'_> {
    /// The candidate that `name` was most likely meant to be, or else `help`.
    pub(super) fn or_candidate(&self, name: &str, help: String) -> String {
        match nearest(name, self.candidates.iter().map(String::as_str)) {
            Some(near) => format!("Did you mean `{near}`?"),
            None => help,
        }
    }

    /// What was most likely meant, or else `help`.
    pub(super) fn or_near(&self, help: String) -> String {
        match self.attach.near(self.targets) {
            Some(near) => format!("Did you mean `{near}`?"),
            None => help,
        }
    }
}

impl Refusal {
    /// The target is not there.
    pub(super) fn no_target(why: String, help: String) -> Self {
        Self { code: Code::NoTarget, why, help }
    }
}
