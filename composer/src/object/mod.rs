//! The contents of a compiled eBPF object: programs, functions and their prototypes, maps, types.
//!
//! Pure: bytes in, facts out. It has no access to a kernel or a chain, and never panics, whatever
//! the input. Everything needed to load a program is determined here, so that a wrong name, a
//! static stub or a truncated file is a diagnostic on any machine.

mod blocks;
pub mod btf;
mod calls;
mod code;
mod core_types;
mod cut;
mod data;
#[cfg(test)]
mod data_tests;
mod declarations;
mod elf;
mod ext;
mod externs;
pub mod flow;
mod generated;
mod globals;
mod helpers;
mod initial;
pub mod insn;
mod kind;
mod loaded;
mod map_defs;
mod maps;
pub mod place;
mod program_type;
pub mod prototype;
mod subset;
#[cfg(test)]
mod tests;
mod trim;
mod type_match;
mod uses;

use std::{
    collections::{BTreeSet, HashMap},
    ops::Range,
    sync::Arc,
};

use thiserror::Error;

pub use blocks::{BasicBlock, CountedCode, basic_blocks};
pub use code::{Instructions, Referent};
pub use cut::{Cut, CutError, CutFunction, Open};
pub use data::DataSection;
pub use declarations::declarations;
pub use ext::{LineInfo, Relocation};
pub use externs::{Extern, ExternKind};
pub use globals::Global;
pub use helpers::{Gives, Helper, TAIL_CALL, WriteSize, helper, helper_called, helpers};
pub use initial::written;
pub use kind::{Many, ProgramKind, RedirectMap, Traits};
pub use loaded::{KernelProgram, TakenFunction};
pub use maps::{Initial, LegacyMap, MapDef, map_types};
pub(crate) use maps::{PERF_EVENT_ARRAY, RINGBUF};
pub use program_type::{AttachType, ProgramType};
pub use subset::subset;
pub use trim::{BtfKinds, NeededTypes, SectionVariables};
pub use uses::Uses;

use btf::{Btf, BtfError, TypeId};
use ext::Ext;

/// Why a file is no eBPF object that the composer can use.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ObjectError {
    /// The file does not begin as an ELF file does.
    #[error("not an ELF file")]
    NotElf,
    /// An ELF file for another machine.
    #[error("an ELF file for {0}, not for BPF")]
    NotBpf(String),
    /// Built for the other byte order.
    #[error("built for the other byte order")]
    ByteOrder,
    /// A part of the ELF file that is not whole.
    #[error("truncated or damaged: {0}")]
    Damaged(String),
    /// No `.BTF` section.
    #[error("no BTF")]
    NoBtf,
    /// A `.BTF` section that cannot be read.
    #[error("damaged BTF: {0}")]
    Btf(#[from] BtfError),
}

/// A compiled eBPF object.
#[derive(Debug, Clone)]
pub struct Object {
    /// The file as it is, for the loader.
    pub bytes: Arc<[u8]>,
    /// Programs, in the order of the file.
    pub programs: Vec<Program>,
    /// All functions, programs included, in the order of the file.
    pub functions: Vec<Function>,
    /// Maps of the `.maps` section, in order.
    pub maps: Vec<MapDef>,
    /// Maps of the old form, which are not created.
    pub legacy_maps: Vec<LegacyMap>,
    /// Global variables, by section and place.
    pub globals: Vec<Global>,
    /// Sections of global variables, in order.
    pub data: Vec<DataSection>,
    /// The names that the kernel must define.
    pub externs: Vec<Extern>,
    /// The `license` section, without its NUL.
    pub license: Option<String>,
    /// Types.
    pub btf: Btf,
    /// Structs that it writes as events, by number.
    pub events: BTreeSet<TypeId>,
    /// The program in the kernel that it was made from; none for a file.
    pub loaded: Option<Box<KernelProgram>>,
    /// Information about each instruction from the compiler.
    ext: Ext,
    /// Where programs and functions are in their lists; of several of one name, the first.
    names: NameIndex,
}

/// A chain may ask for the same names ten thousand times.
#[derive(Debug, Clone, Default)]
struct NameIndex {
    programs: HashMap<String, usize>,
    functions: HashMap<String, usize>,
}

impl NameIndex {
    fn new(programs: &[Program], functions: &[Function]) -> Self {
        let mut names = Self::default();
        for (index, program) in programs.iter().enumerate() {
            names.programs.entry(program.name.clone()).or_insert(index);
        }
        for (index, function) in functions.iter().enumerate() {
            names.functions.entry(function.name.clone()).or_insert(index);
        }
        names
    }
}

/// An entry point of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The function's name.
    pub name: String,
    /// The ELF section, whose name defines the program's type: `kprobe/tcp_connect`.
    pub section: String,
    /// The type of program that the section's name means.
    pub kind: ProgramKind,
    /// Further properties by the section name.
    pub traits: Traits,
    /// Index in [`Object::functions`].
    pub function: usize,
}

impl Program {
    /// The program `name` in the section `section`, whose function has this index.
    #[must_use]
    pub fn new(name: &str, section: &str, function: usize) -> Self {
        let (kind, traits) = ProgramKind::of_section(section);
        Self { name: name.to_owned(), section: section.to_owned(), kind, traits, function }
    }
}

/// A function of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The ELF section it is in.
    pub section: String,
    /// Bytes from that section's start.
    pub offset: u64,
    /// Whether it is global for the verifier: verified separately, and therefore replaceable.
    pub is_global: bool,
    /// Length in instructions of eight bytes.
    pub instructions: u64,
    /// Indices of the functions it calls or takes the address of.
    pub calls: BTreeSet<usize>,
    /// Numbers of the kernel's helpers it calls, as in `enum bpf_func_id`.
    pub helpers: BTreeSet<u32>,
    /// The format strings that it passes to `bpf_trace_printk` and `bpf_trace_vprintk`; `None` for
    /// those that cannot be determined.
    pub formats: BTreeSet<Option<Vec<u8>>>,
    /// Its id in the object's BTF, if known.
    pub btf_id: Option<TypeId>,
    /// Its prototype's number there.
    pub prototype: Option<TypeId>,
    /// Its instructions and their references.
    pub code: Instructions,
}

impl Function {
    /// The bytes of its section that it takes up.
    fn range(&self) -> Range<u64> {
        self.offset..self.offset.saturating_add(self.instructions.saturating_mul(insn::SIZE as u64))
    }
}

impl Object {
    /// Reads an ELF file.
    ///
    /// # Errors
    /// [`ObjectError`], when the bytes are no eBPF object of this machine's byte order with BTF.
    pub fn parse(bytes: impl Into<Arc<[u8]>>) -> Result<Self, ObjectError> {
        elf::parse(bytes.into())
    }

    /// The program called `name`.
    #[must_use]
    pub fn program(&self, name: &str) -> Option<&Program> {
        self.programs.get(*self.names.programs.get(name)?)
    }

    /// The function called `name`, with its index.
    #[must_use]
    pub fn function(&self, name: &str) -> Option<(usize, &Function)> {
        let index = *self.names.functions.get(name)?;
        Some((index, self.functions.get(index)?))
    }

    /// Every function that `program` reaches, including itself: those that the kernel loads with
    /// it.
    #[must_use]
    pub fn reachable(&self, program: &Program) -> BTreeSet<usize> {
        self.reachable_from(program.function)
    }

    /// The numbers of the helpers that the function with this index calls, directly or indirectly.
    #[must_use]
    pub fn helpers(&self, function: usize) -> BTreeSet<u32> {
        let reached = self.reachable_from(function);
        let functions = reached.into_iter().filter_map(|index| self.functions.get(index));
        functions.flat_map(|function| function.helpers.iter().copied()).collect()
    }

    /// The functions that `program` reaches, itself included.
    pub fn functions_of(&self, program: &Program) -> impl Iterator<Item = &Function> {
        let reached = self.reachable(program).into_iter();
        reached.filter_map(|index| self.functions.get(index))
    }

    /// The maps that the instructions of `program`, or of functions that it reaches, refer to.
    pub fn maps_of(&self, program: &Program) -> impl Iterator<Item = &MapDef> {
        let references = self.functions_of(program).flat_map(|function| &function.code.references);
        let names: BTreeSet<&str> = references
            .filter_map(|(_, to)| match to {
                Referent::Map(name) => Some(name.as_str()),
                _ => None,
            })
            .collect();
        self.maps.iter().filter(move |map| names.contains(map.name.as_str()))
    }

    /// The function with this index, and all that one comes to from it.
    fn reachable_from(&self, function: usize) -> BTreeSet<usize> {
        let mut seen = BTreeSet::new();
        let mut open = vec![function];
        while let Some(index) = open.pop() {
            if let Some(function) = self.functions.get(index)
                && seen.insert(index)
            {
                open.extend(&function.calls);
            }
        }
        seen
    }

    /// Whether `function` is known to be `void`.
    #[must_use]
    pub fn returns_nothing(&self, function: &Function) -> bool {
        let prototype = function.prototype.and_then(|id| self.btf.get(id));
        let Some(btf::Type::Prototype { returns, .. }) = prototype else { return false };
        matches!(self.btf.resolve(returns), Some((_, btf::Type::Void)))
    }

    /// Whether `function` is known to have no parameters.
    #[must_use]
    pub fn has_no_parameters(&self, function: &Function) -> bool {
        let prototype = function.prototype.and_then(|id| self.btf.get(id));
        matches!(prototype, Some(btf::Type::Prototype { parameters, .. }) if parameters.is_empty())
    }

    /// The names of the parameters of the function with this index; empty without a prototype.
    #[must_use]
    pub fn parameters(&self, function: usize) -> Vec<&str> {
        let prototype = self.functions.get(function).and_then(|function| function.prototype);
        match prototype.and_then(|id| self.btf.get(id)) {
            Some(btf::Type::Prototype { parameters, .. }) => {
                parameters.into_iter().map(|(name, _)| name).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Where `function` begins in the source: the file without its folder, and the line, from 1.
    #[must_use]
    pub fn declared_at(&self, function: &Function) -> Option<(&str, u32)> {
        let line = self.ext.sections.get(&function.section)?.lines_in(function.range()).first()?;
        let file = self.btf.text(line.file)?;
        Some((file.rsplit('/').next().unwrap_or(file), line.number()))
    }

    /// The prototype of `function` as C, when the object has it.
    #[must_use]
    pub fn prototype(&self, function: &Function) -> Option<String> {
        prototype::function(&self.btf, &function.name, function.prototype?)
    }
}
