//! The kernel boundary: all that the composer asks of a kernel.
//!
//! Whoever loads talks to [`Kernel`], whoever reads to [`KernelReader`]; [`Linux`] behind them is
//! the only place that knows aya and makes system calls, and `unsafe` is allowed nowhere else.
//! [`fake`] stands in for it in tests of the executor and of sessions. A handle is a number that
//! the kernel gave out; using one it did not give out, or twice, is [`KernelError`].

mod attach;
mod census;
mod core;
mod coverage;
#[cfg(test)]
mod damage;
mod environment;
mod events;
mod externs;
pub mod fake;
mod field_offsets;
mod fill;
mod holder;
mod lines;
mod linux;
mod loader;
pub mod machine;
mod map;
mod mounts;
mod on_demand;
mod perf;
mod prepare;
mod probe;
pub mod process;
pub mod profile;
mod reading;
mod sys;
mod testing;
mod tracefs;

use std::path::Path;

use thiserror::Error;

pub use census::{RunningKernel, Successors, census, code_map, confirm};
pub use core::is_guarded;
pub use coverage::{FunctionRun, LineRun, LinesRun, SourcePlace};
pub use environment::{Capability, Feature, Finding, examine};
pub use events::{Counts, Events, MapReader};
pub use holder::{Holder, Occupant};
pub use lines::SourceLine;
pub use linux::Linux;
pub(crate) use map::{COMPARE, PIN};
pub use perf::PerfEvents;
pub use reading::{Clock, CountReader, KernelReader, LineReader, RecordReader};
pub use testing::{MapElement, MapShape, TestKernel, TestRun, TestRunOutput};
pub use tracefs::TraceLines;

use crate::{
    hook::{AttachBtf, Mechanism, OnDemand, ProgramOutput},
    object::{AttachType, MapDef, Object, Traits},
    plan::LoadAs,
    resolve::SetGlobal,
    trace::Tracing,
};

/// A map the kernel holds for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MapHandle(pub u32);
/// A loaded program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProgramHandle(pub u32);
/// An attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkHandle(pub u32);
/// A place where lines of `bpf_printk` arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TraceHandle(pub u32);

/// What the composer asks of a kernel.
pub trait Kernel {
    /// Makes a place where lines of `bpf_printk` arrive.
    ///
    /// # Errors
    /// What the kernel said.
    fn open_trace(&mut self) -> Result<TraceHandle, KernelError>;

    /// Removes it.
    ///
    /// # Errors
    /// What the kernel said; it may still be there.
    fn close_trace(&mut self, trace: TraceHandle) -> Result<(), KernelError>;

    /// Makes a map; or, when it is to be pinned and there is one at that place, takes that.
    ///
    /// # Errors
    /// What the kernel said, or how the pinned map differs.
    fn create_map(
        &mut self,
        object: &Object,
        map: &MapDef,
        pin: Option<&Path>,
    ) -> Result<(MapHandle, Origin), KernelError>;

    /// Puts something at an entry of a map that holds maps or programs.
    ///
    /// # Errors
    /// What the kernel said.
    fn put(&mut self, table: MapHandle, entry: u32, value: Put) -> Result<(), KernelError>;

    /// Takes out what is at an entry of such a map.
    ///
    /// # Errors
    /// What the kernel said.
    fn take(&mut self, table: MapHandle, entry: u32) -> Result<(), KernelError>;

    /// Loads a program; also returns the kernel's id for it.
    ///
    /// # Errors
    /// What the kernel said, with the verifier's log when that rejected the program.
    fn load(&mut self, request: &LoadRequest<'_>) -> Result<(ProgramHandle, u32), KernelError>;

    /// Takes hold of the program with number `id`, which somebody else loaded, as a target.
    ///
    /// # Errors
    /// When there is none, it is another than the one with that `tag`, or it has no BTF.
    fn adopt(&mut self, id: u32, tag: &str) -> Result<ProgramHandle, KernelError>;

    /// Looks for what an attachment is for, and the type of the kernel that its program is loaded for,
    /// as far as that can be done without a program.
    ///
    /// # Errors
    /// What is not there.
    fn locate(
        &mut self,
        mechanism: Mechanism<'_>,
        attach_btf: Option<&AttachBtf>,
    ) -> Result<(), KernelError>;

    /// Attaches a loaded program.
    ///
    /// # Errors
    /// What the kernel said.
    fn attach(&mut self, request: &AttachRequest<'_>) -> Result<LinkHandle, KernelError>;

    /// Runs a loaded program once, over `map` when it is an iterator over one.
    ///
    /// # Errors
    /// What the kernel said.
    fn run(
        &mut self,
        program: ProgramHandle,
        how: OnDemand,
        map: Option<MapHandle>,
    ) -> Result<ProgramOutput, KernelError>;

    /// Undoes an attachment.
    ///
    /// # Errors
    /// What the kernel said; the attachment may still be there.
    fn detach(&mut self, link: LinkHandle) -> Result<(), KernelError>;

    /// Lets go of a loaded program.
    ///
    /// # Errors
    /// What the kernel said.
    fn unload(&mut self, program: ProgramHandle) -> Result<(), KernelError>;

    /// Removes the pin that was made of a map.
    ///
    /// # Errors
    /// What the kernel said; the pin may still be there.
    fn unpin(&mut self, map: MapHandle) -> Result<(), KernelError>;

    /// Lets go of a map.
    ///
    /// # Errors
    /// What the kernel said.
    fn remove_map(&mut self, map: MapHandle) -> Result<(), KernelError>;
}

/// Where a map comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It was made.
    Made,
    /// It was pinned already, by whomever.
    Taken,
}

/// What is put into a map that holds maps or programs.
#[derive(Debug, Clone, Copy)]
pub enum Put {
    /// A map.
    Map(MapHandle),
    /// A loaded program.
    Program(ProgramHandle),
}

/// A program to load.
#[derive(Debug)]
pub struct LoadRequest<'a> {
    /// The object that holds it.
    pub object: &'a Object,
    /// Its function.
    pub program: &'a str,
    /// As what.
    pub load_as: LoadAs,
    /// Its `expected_attach_type`, where `load_as` does not say it.
    pub expected_attach_type: Option<AttachType>,
    /// The type of the kernel that it is for.
    pub attach_btf: Option<&'a AttachBtf>,
    /// What else is to be said of it.
    pub traits: Traits,
    /// The program and the function of it that it extends or traces.
    pub target: Option<(ProgramHandle, &'a str)>,
    /// Maps to use, by name, the first of a name; the object's other maps are made for this program
    /// alone.
    pub maps: &'a [(String, MapHandle)],
    /// Values for read-only globals of four bytes, by name; those the object lacks are passed over.
    pub globals: &'a [(&'a str, u32)],
    /// Values for global variables, by place.
    pub set: &'a [SetGlobal],
    /// What the built-in tracer goes by, when it is that.
    pub trace: Option<&'a Tracing>,
}

/// A program to attach.
#[derive(Debug)]
pub enum AttachRequest<'a> {
    /// To the kernel itself.
    Host {
        /// The program.
        program: ProgramHandle,
        /// How.
        mechanism: Mechanism<'a>,
        /// What the kernel returns to the program when that asks for it; 0 for nothing.
        cookie: u64,
        /// The map that it is attached to.
        map: Option<MapHandle>,
    },
    /// In a function's place.
    Replacement {
        /// The program.
        program: ProgramHandle,
        /// Whose function.
        target: ProgramHandle,
        /// The function.
        function: &'a str,
    },
    /// To the function it was loaded for.
    Tracer {
        /// The program.
        program: ProgramHandle,
    },
}

/// What a kernel answered instead of doing it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{call}: {message}")]
pub struct KernelError {
    /// The system call or step: `BPF_PROG_LOAD`.
    pub call: &'static str,
    /// The error number, when it was the kernel that refused.
    pub errno: Option<i32>,
    /// In words.
    pub message: String,
    /// The verifier's log, when there is one.
    pub log: Option<String>,
    /// Where the instructions that the log counts come from, in their order.
    pub lines: Box<[SourceLine]>,
    /// What the program asks for by CO-RE and this kernel does not have, by the number of the
    /// instruction: `task_struct.tgid`.
    pub missing: Box<[(u32, String)]>,
    /// Who holds the place that is taken, when that can be told.
    pub holder: Option<Box<Holder>>,
    /// What there is, where a name was not found.
    pub candidates: Option<Box<Candidates>>,
}

/// Names among which one was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidates(Vec<String>);

impl KernelError {
    /// A step that failed before the kernel was asked.
    #[expect(clippy::needless_pass_by_value, reason = "an error is handed over, or a text")]
    pub(crate) fn here(call: &'static str, message: impl ToString) -> Self {
        Self {
            call,
            errno: None,
            message: message.to_string(),
            log: None,
            lines: Box::default(),
            missing: Box::default(),
            holder: None,
            candidates: None,
        }
    }

    /// A search that found none of a name, but these.
    pub(crate) fn not_among(call: &'static str, candidates: Vec<String>) -> Self {
        let candidates = Some(Box::new(Candidates(candidates)));
        Self { candidates, ..Self::with_errno(call, libc::ENOENT) }
    }

    /// What there is, where a name was not found.
    pub(crate) fn candidates(&self) -> &[String] {
        self.candidates.as_ref().map_or(&[], |candidates| &candidates.0)
    }

    /// A step of a library, with the error number of the system call that it failed in.
    pub(crate) fn within(call: &'static str, error: &(dyn std::error::Error + 'static)) -> Self {
        let causes = std::iter::successors(Some(error), |error| error.source());
        let errno = |error: &(dyn std::error::Error + 'static)| {
            error.downcast_ref::<std::io::Error>()?.raw_os_error()
        };
        Self { errno: causes.filter_map(errno).last(), ..Self::here(call, error) }
    }

    /// What fails as a system call does that returns this error number.
    pub(crate) fn with_errno(call: &'static str, errno: i32) -> Self {
        Self::os(call, &std::io::Error::from_raw_os_error(errno))
    }

    /// A system call that failed.
    pub(crate) fn os(call: &'static str, error: &std::io::Error) -> Self {
        Self {
            errno: error.raw_os_error(),
            message: crate::files::plain(error),
            ..Self::here(call, "")
        }
    }
}
