//! A program in the kernel as an object: its functions and types, as the kernel tells them.

use std::collections::BTreeSet;

use super::{
    Function, Instructions, NameIndex, Object, Program, ProgramKind, ProgramType, Traits,
    btf::{Btf, Linkage, Type},
    ext::Ext,
};

/// The program in the kernel that an object was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelProgram {
    /// The kernel's number for it.
    pub id: u32,
    /// A digest of its instructions.
    pub tag: String,
    /// Its type.
    pub program_type: ProgramType,
    /// Those that replace or trace its functions: the function's name, whether it is replaced, and who
    /// does.
    pub taken: Vec<TakenFunction>,
    /// A table for tail calls that leads to it.
    pub in_table: Option<String>,
    /// What tells each of its attachments from others.
    pub attached: Vec<String>,
}

/// A function that somebody else replaces or traces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenFunction {
    /// Its name.
    pub function: String,
    /// Whether it is replaced, and not only traced.
    pub replaced: bool,
    /// Whether it is traced at both moments by one program, of which a function takes only a few.
    pub in_fsession: bool,
    /// The program that does, in words.
    pub by: String,
}

impl Object {
    /// The object of a loaded program called `name`, with the `functions` that the kernel has of it, its entry
    /// first: their numbers in `types`. Of their instructions nothing is known.
    #[must_use]
    pub fn of_loaded(name: &str, loaded: KernelProgram, functions: &[u32], types: Btf) -> Self {
        let known = functions.iter().filter_map(|id| match types.get(*id)? {
            Type::Function { name, prototype, linkage } => Some(Function {
                name: name.to_owned(),
                section: String::new(),
                offset: 0,
                is_global: linkage == Linkage::Global,
                instructions: 0,
                calls: BTreeSet::new(),
                helpers: BTreeSet::new(),
                formats: BTreeSet::new(),
                btf_id: Some(*id),
                prototype: Some(prototype),
                code: Instructions::default(),
            }),
            _ => None,
        });
        let mut functions: Vec<_> = known.collect();
        // The kernel keeps only functions that are called.
        let others = 1..functions.len();
        if let Some(entry) = functions.first_mut() {
            entry.calls = others.collect();
        }
        let kind = ProgramKind::of_type(loaded.program_type);
        let program = Program {
            name: functions.first().map_or(name, |entry| &entry.name).to_owned(),
            section: kind.name().to_owned(),
            kind,
            traits: Traits::default(),
            function: 0,
        };
        let programs = if functions.is_empty() { Vec::new() } else { vec![program] };
        Self {
            bytes: Vec::new().into(),
            names: NameIndex::new(&programs, &functions),
            programs,
            functions,
            maps: Vec::new(),
            legacy_maps: Vec::new(),
            globals: Vec::new(),
            data: Vec::new(),
            externs: Vec::new(),
            license: None,
            btf: types,
            events: BTreeSet::new(),
            ext: Ext::default(),
            loaded: Some(Box::new(loaded)),
        }
    }
}
