//! What a kind of host is made of.

use std::fmt;

use super::{
    Attach, AttachBtf, KINDS, KeySpec, Lookup, Mechanism, Refusal, Refused, Setting, TargetKey,
    Template, Values,
};
use crate::{
    object::{AttachType, ProgramKind, ProgramType},
    profile::Profile,
};

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
    /// What the kernel loads it as; its context goes by that, too.
    pub program_type: ProgramType,
    /// The section that such a program is compiled with, as `new host` writes it.
    pub section: &'static str,
    /// The `expected_attach_type` of the program when it is loaded, where the kernel compares it.
    /// A program without an attachment is only called by others.
    pub expected_attach_type: fn(Option<&Attach>) -> Option<AttachType>,
    /// The type of the kernel that such a program is loaded for; none where it is loaded for no place
    /// of its own.
    pub attach_btf: fn(&Attach) -> Option<AttachBtf>,
    /// Why no function of such a program can be replaced; none where that can be done.
    pub not_replaceable: Option<&'static NotReplaceable>,
    /// Whether its programs run for a process, so that the helpers that read the current task are
    /// there and mean something.
    pub has_task: bool,
    /// The names of what its programs return, where that is an answer to the kernel.
    pub verdicts: &'static [(&'static str, i64)],
    /// What its programs may return, where not every number is allowed.
    pub returns: fn(Option<&Attach>) -> Option<&'static Returns>,
    /// The same for replacements in them, which the kernel looks at more closely.
    pub replacement_returns: Option<&'static Returns>,
    /// What its own key in the chain file holds.
    pub target: TargetKey,
    /// The keys that may stand beside it.
    pub settings: &'static [KeySpec],
    /// What the kernel is asked for.
    pub mechanism: for<'a> fn(&'a Attach) -> Mechanism<'a>,
    /// What not every kernel has, and such an attachment needs.
    pub needs: &'static [&'static Need],
    /// The modules of the kernel that it is in, where it may not be built in.
    pub modules: &'static [&'static str],
    /// The place that takes one such host at most; none when each takes several.
    pub exclusive: Option<&'static Exclusive>,
    /// The map of the chain that such a host is attached to; none where it is attached to something else.
    pub map: Option<&'static MapUse>,
    /// Where a target is looked up; none when no kernel, but the machine, has it.
    pub lookup: Option<Lookup>,
    /// Explains an error number with which the kernel refused the attachment.
    pub refused: fn(&Refused<'_>) -> Option<Refusal>,
    /// What `new host` writes.
    pub template: Template,
    /// A program of this kind in C, and what it finds in its context.
    pub source: (&'static str, &'static str),
}

/// What the kernel lets a program return: `check_return_code`,
/// <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/verifier.c>.
#[derive(Debug)]
pub struct Returns {
    /// From this number.
    pub least: i64,
    /// To this one.
    pub most: i64,
    /// What to return.
    pub help: &'static str,
    /// Which kernels compare it, when not all do.
    pub refused_by: Option<fn(&Profile) -> bool>,
}

/// Why the kernel replaces no functions of the programs of a kind.
#[derive(Debug)]
pub struct NotReplaceable {
    /// What it says beside EINVAL, where it says something.
    pub says: Option<&'static str>,
    /// What to do instead.
    pub help: &'static str,
}

/// A place that takes one program.
#[derive(Debug)]
pub struct Exclusive {
    /// The place that an attachment asks for, in words: `eth0`.
    pub place: fn(&Attach) -> String,
    /// What to do about a second program.
    pub help: &'static str,
}

/// A map of the chain, as something to attach to.
#[derive(Debug)]
pub struct MapUse {
    /// The name of the map, where an attachment has one.
    pub name: fn(&Attach) -> Option<&str>,
    /// The types that it may have, as the kernel names them; none where an attachment is to no map.
    pub types: fn(&Attach) -> &'static [&'static str],
    /// What its values have to be, in C and in bytes, where a type leaves that open.
    pub value: Option<(&'static str, u32)>,
    /// The number of the entry that is filled, where the host goes into one.
    pub entry: fn(&Attach) -> Option<u32>,
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
pub(super) static PERF_LINKS: Need = Need {
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
        let alike = || KINDS.iter().find(|kind| Some(kind.program_type) == program.program_type());
        own.or_else(alike).copied()
    }

    /// The kinds with a key `key` beside their own.
    pub fn with_setting(key: &str) -> impl Iterator<Item = &'static Self> {
        let has = move |kind: &&Self| kind.settings.iter().any(|spec| spec.key == key);
        KINDS.iter().copied().filter(has)
    }

    /// The keys that have to stand beside its own, each with a value, as in a chain: `, at = "bind4"`.
    #[must_use]
    pub fn required_example(&self) -> String {
        let example = |spec: &KeySpec| {
            let example = match spec.values {
                Values::Required(words) => words.first()?,
                Values::RequiredText(example) => example,
                Values::RequiredNumber(least, _) => {
                    return Some(format!(", {} = {least}", spec.key));
                }
                _ => return None,
            };
            Some(format!(", {} = \"{example}\"", spec.key))
        };
        self.settings.iter().filter_map(example).collect()
    }

    /// Each `expected_attach_type` that a program of this kind may be loaded with.
    #[must_use]
    pub fn expected_attach_types(&'static self) -> Vec<Option<AttachType>> {
        let mut found = vec![(self.expected_attach_type)(None)];
        for spec in self.settings {
            let (Values::Words(words) | Values::Required(words)) = &spec.values else { continue };
            for word in *words {
                let settings = vec![(spec.key, Setting::Word(word))];
                let attach = Attach { kind: self, target: String::new(), settings };
                let attach_type = (self.expected_attach_type)(Some(&attach));
                if !found.contains(&attach_type) {
                    found.push(attach_type);
                }
            }
        }
        found
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
