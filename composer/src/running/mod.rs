//! The programs in a kernel, whoever loaded them: what they are, where they are attached, who holds them,
//! and which of their functions are replaced or traced by which others.
//!
//! [`Census`] is data, taken by `kernel/census` at one moment; everything here is computed from it alone.

mod dispatcher;
mod explain;
mod import;
mod json;
mod schema;
mod select;
#[cfg(test)]
pub(crate) mod tests;
mod tree;

use std::{fmt, ops::AddAssign, path::PathBuf};

pub use dispatcher::Dispatcher;
pub use import::{id_of, import};
pub use json::to_json;
pub use schema::schema;
pub use select::{ProgramRef, REFERENCE_KEYS, RefError};
pub use tree::{Forest, TreeNode};

use crate::object::ProgramType;

/// All that could be seen of the programs in a kernel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    /// By id, ascending.
    pub programs: Vec<RunningProgram>,
    /// What could not be looked at, each a sentence without its full stop.
    pub gaps: Vec<String>,
}

/// A program in the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningProgram {
    /// The kernel's number for it.
    pub id: u32,
    /// Its type.
    pub program_type: RunningType,
    /// Its whole name where its BTF has it, else the 15 characters that the kernel keeps.
    pub name: String,
    /// A digest of its instructions, in hexadecimal.
    pub tag: String,
    /// Whether its licence is compatible with the GPL.
    pub gpl: bool,
    /// Nanoseconds from the start of the machine to when it was loaded.
    pub loaded_at: u64,
    /// The user who loaded it.
    pub user: u32,
    /// Bytes of instructions as the verifier left them.
    pub translated: u32,
    /// Bytes of machine code; 0 where there is none, or where it may not be told.
    pub compiled: u32,
    /// The id of its BTF; none for a program without.
    pub btf: Option<u32>,
    /// Its functions in the kernel's order, its entry first; empty without BTF.
    pub functions: Vec<RunningFunction>,
    /// The maps it uses.
    pub maps: Vec<RunningMap>,
    /// Where it is attached, with a link or without.
    pub attachments: Vec<Attachment>,
    /// Tables whose entries lead to it.
    pub tables: Vec<TableEntry>,
    /// Its own pins.
    pub pins: Vec<PathBuf>,
    /// The processes that have it open.
    pub processes: Vec<Process>,
    /// Runs and nanoseconds, where the kernel counts them (`kernel.bpf_stats_enabled`).
    pub runs: Option<Runs>,
}

/// The type of a running program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunningType {
    /// One that is known.
    Known(ProgramType),
    /// A newer one, by its number in `enum bpf_prog_type`.
    Other(u32),
}

/// How often a program ran, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Runs {
    /// Runs.
    pub count: u64,
    /// Nanoseconds in all of them together.
    pub nanoseconds: u64,
}

impl Runs {
    /// Nanoseconds of one run on average, if any was counted.
    #[must_use]
    pub fn mean(self) -> Option<u64> {
        self.nanoseconds.checked_div(self.count)
    }
}

impl AddAssign for Runs {
    fn add_assign(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.nanoseconds = self.nanoseconds.saturating_add(other.nanoseconds);
    }
}

/// A function of a running program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningFunction {
    /// Its name.
    pub name: String,
    /// Its number in the program's BTF.
    pub btf_id: u32,
    /// Whether it is global, which a replacement needs.
    pub global: bool,
    /// Its prototype as C.
    pub prototype: Option<String>,
    /// Where its machine code begins; none where the kernel does not tell (`kernel.kptr_restrict`).
    pub address: Option<u64>,
    /// Bytes of its machine code; 0 where the kernel does not tell.
    pub length: u32,
}

/// A map that a program uses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunningMap {
    /// The kernel's number for it.
    pub id: u32,
    /// The 15 characters of its name that the kernel keeps.
    pub name: String,
}

/// Where a program is attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The number of its link; none where it is attached without.
    pub link: Option<u32>,
    /// Where.
    pub place: Place,
    /// Pins of the link.
    pub pins: Vec<PathBuf>,
    /// The processes that have the link open.
    pub processes: Vec<Process>,
}

/// A place that a program is attached to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A function of another program.
    Function {
        /// How.
        how: Effect,
        /// The id of that program.
        program: u32,
        /// The number of the function in that program's BTF.
        function: u32,
    },
    /// A place in the kernel.
    Kernel {
        /// The term of bpftool or of the chain file: `xdp`, `tcx/ingress`, `kprobe`.
        kind: String,
        /// What it is there: an interface, a cgroup, a function; empty where nothing is known.
        at: String,
        /// The network namespace it is in, where that is another than ours.
        namespace: Option<String>,
    },
}

impl Place {
    /// In one line: `xdp eth0 native`, `freplace of function 3 of program 41`.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Function { how, program, function } => {
                format!("{} on function {function} of program {program}", how.word())
            }
            Self::Kernel { kind, at, namespace } => {
                let mut text = kind.clone();
                if !at.is_empty() {
                    text = format!("{text} {at}");
                }
                match namespace {
                    Some(namespace) => format!("{text} (network namespace {namespace})"),
                    None => text,
                }
            }
        }
    }
}

/// What a program does to a function of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It stands in its place.
    Replaces,
    /// It sees its calls.
    Enters,
    /// It sees its returns.
    Leaves,
    /// It sees both.
    Session,
}

impl Effect {
    /// The word of the chain file and of libbpf's sections.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Replaces => "freplace",
            Self::Enters => "fentry",
            Self::Leaves => "fexit",
            Self::Session => "fsession",
        }
    }
}

/// An entry of a table of programs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableEntry {
    /// The table.
    pub map: RunningMap,
    /// Its type, as bpftool writes it: `prog_array`.
    pub kind: &'static str,
    /// The entry.
    pub key: u32,
}

/// A process.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its name.
    pub comm: String,
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.comm, self.pid)
    }
}

impl RunningType {
    /// Its name as bpftool writes it; `type 33` for one that is not known.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Known(known) => known.name().to_owned(),
            Self::Other(number) => format!("type {number}"),
        }
    }
}

impl RunningProgram {
    /// The function with this number in the program's BTF.
    #[must_use]
    pub fn function(&self, btf_id: u32) -> Option<&RunningFunction> {
        self.functions.iter().find(|function| function.btf_id == btf_id)
    }

    /// What tells each of its attachments from others: the link, or the place where there is none.
    #[must_use]
    pub fn marks(&self) -> Vec<String> {
        let mark = |attachment: &Attachment| match (attachment.link, &attachment.place) {
            (Some(link), _) => format!("link {link}"),
            // A namespace is known by one of its processes, which may be another by the next look.
            (None, Place::Kernel { kind, at, .. }) => format!("{kind} {at}"),
            (None, place) => place.words(),
        };
        self.attachments.iter().map(mark).collect()
    }

    /// Everyone who keeps it: the processes of the program and of its links, each once.
    #[must_use]
    pub fn holders(&self) -> Vec<&Process> {
        let links = self.attachments.iter().flat_map(|attachment| &attachment.processes);
        let mut all: Vec<_> = self.processes.iter().chain(links).collect();
        all.sort();
        all.dedup();
        all
    }

    /// Every pin of the program and of its links.
    #[must_use]
    pub fn all_pins(&self) -> Vec<&PathBuf> {
        let links = self.attachments.iter().flat_map(|attachment| &attachment.pins);
        self.pins.iter().chain(links).collect()
    }
}

impl Census {
    /// The program with this id.
    #[must_use]
    pub fn program(&self, id: u32) -> Option<&RunningProgram> {
        let index = self.programs.binary_search_by_key(&id, |program| program.id).ok()?;
        self.programs.get(index)
    }

    /// Where an attachment is, in one line, with names for what is known of other programs.
    #[must_use]
    pub fn words(&self, place: &Place) -> String {
        let Place::Function { how, program, function } = place else { return place.words() };
        let Some(target) = self.program(*program) else { return place.words() };
        let name = target.function(*function).map_or("?", |function| &function.name);
        if name == target.name {
            return format!("{} {name} ({program})", how.word());
        }
        format!("{} {name} of {} ({program})", how.word(), target.name)
    }

    /// Where a program is attached, each place in one line.
    #[must_use]
    pub fn places(&self, program: &RunningProgram) -> Vec<String> {
        program.attachments.iter().map(|attachment| self.words(&attachment.place)).collect()
    }

    /// Those that replace or trace functions of the program with this id: what each does, the function's
    /// number, and the program.
    pub fn on(&self, id: u32) -> impl Iterator<Item = (Effect, u32, &RunningProgram)> {
        self.programs.iter().flat_map(move |program| {
            program.attachments.iter().filter_map(move |attachment| match attachment.place {
                Place::Function { how, program: target, function } if target == id => {
                    Some((how, function, program))
                }
                _ => None,
            })
        })
    }
}
