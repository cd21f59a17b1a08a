//! The kinds of host: a file of facts for each, and one table of them.
//!
//! A kind is data. The reader of chain files, their JSON schema and the tables of
//! docs/chain-format.md, the rules, what the kernel is asked for, the explanation of what it
//! refused, and `new host` go by the table, and nothing outside of this folder asks which kind a
//! host is of. So a new kind is a new file here and a line in [`KINDS`].
//!
//! Pure: it knows no chain, no plan and no kernel. What the kernel is to do it says in the kernel's
//! own terms, as a [`Mechanism`].

mod attach;
mod docs;
mod key;
mod kprobe;
mod lookup;
mod mechanism;
mod raw_tracepoint;
mod refusal;
mod template;
#[cfg(test)]
mod tests;
mod tracepoint;
mod unsupported;
mod xdp;

use std::fmt;

pub use attach::Attach;
pub use docs::{attachments, programs, unsupported};
pub use key::{KeySpec, Misfit, Setting, TargetKey, Values};
pub use lookup::{Arguments, Lookup};
pub use mechanism::{Anchor, Mechanism, PerfEvent};
pub use refusal::{Refusal, Refused};
pub use template::Template;
pub use unsupported::UNSUPPORTED;

use crate::{
    object::{AttachType, ProgramKind, ProgramType},
    profile::Profile,
};

/// Every kind, in the order in which help texts list them.
pub static KINDS: &[&HostKind] = &[
    &kprobe::KPROBE,
    &kprobe::KRETPROBE,
    &tracepoint::TRACEPOINT,
    &raw_tracepoint::RAW_TRACEPOINT,
    &xdp::XDP,
];

/// A kind of host, as facts.
pub struct HostKind {
    /// The key in the chain file, the name of the section in `SEC("...")`, and the word for such a
    /// host on the screen.
    pub name: &'static str,
    /// Short names that others have for it: `tp`.
    pub aliases: &'static [&'static str],
    /// Where such a host sits, in a sentence.
    pub summary: &'static str,
    /// What its program is by the name of its section.
    pub program: ProgramKind,
    /// What the kernel loads it as.
    pub program_type: ProgramType,
    /// The type of attachment it is loaded for, where the kernel wants to know one.
    pub attach_type: Option<AttachType>,
    /// What its own key in the chain file holds.
    pub target: TargetKey,
    /// The keys that may stand beside it.
    pub settings: &'static [KeySpec],
    /// What the kernel is asked for.
    pub mechanism: for<'a> fn(&'a Attach) -> Mechanism<'a>,
    /// What not every kernel has, and such an attachment needs.
    pub needs: &'static [&'static Need],
    /// Why a target has one such host at most, and what to do about a second; none when it takes
    /// several.
    pub exclusive: Option<&'static str>,
    /// Where a target is looked up; none when no kernel, but the machine, has it.
    pub lookup: Option<Lookup>,
    /// Explains an error number with which the kernel refused the attachment.
    pub refused: fn(&Refused<'_>) -> Option<Refusal>,
    /// What `new host` writes.
    pub template: Template,
    /// A program of this kind in C, and what it finds in its context.
    pub source: (&'static str, &'static str),
}

/// Something of the kernel that attachments of a kind need.
#[derive(Debug)]
pub struct Need {
    /// In words: `links of perf events`.
    pub what: &'static str,
    /// What the attachment has to do with it.
    pub label: &'static str,
    /// Which kernels have it.
    pub help: &'static str,
    /// Whether a kernel lacks it.
    pub lacks: fn(&Profile) -> bool,
}

/// What attaches kprobes and tracepoints.
static PERF_LINKS: Need = Need {
    what: "perf event links",
    label: "is attached with a perf event link",
    help: "Use Linux 5.15 or later.",
    lacks: |profile| !profile.features.perf_links,
};

impl HostKind {
    /// The kind called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        KINDS.iter().copied().find(|kind| kind.name == name)
    }

    /// The kind whose programs are `program`; of several that the kernel loads alike, the one of that
    /// very section.
    #[must_use]
    pub fn of_program(program: ProgramKind) -> Option<&'static Self> {
        let own = KINDS.iter().find(|kind| kind.program == program);
        let alike =
            || KINDS.iter().find(|kind| kind.program.program_type() == program.program_type());
        own.or_else(alike).copied()
    }

    /// The kinds with a key `key` beside their own.
    pub fn with_setting(key: &str) -> impl Iterator<Item = &'static Self> {
        let has = move |kind: &&Self| kind.settings.iter().any(|spec| spec.key == key);
        KINDS.iter().copied().filter(has)
    }

    /// The names of all kinds.
    pub fn names() -> impl Iterator<Item = &'static str> + Clone {
        KINDS.iter().map(|kind| kind.name)
    }
}

impl fmt::Debug for HostKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for HostKind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for HostKind {}
