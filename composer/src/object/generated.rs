//! A program that the composer makes in the place of a function, as an object.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    DataSection, Function, Instructions, NameIndex, Object, Program, Referent,
    ext::Ext,
    insn::{Insn, SIZE},
};

/// The section of the variables of a generated program: all zeros when it is loaded.
const GENERATED_DATA: &str = ".bss";

impl Object {
    /// An object with one freplace program, `code`, of the prototype and the licence of `function`, which is
    /// one of this object. The instructions with numbers in `variables` refer to the start of `size` bytes of
    /// its own.
    #[must_use]
    pub fn generated(
        &self,
        function: &Function,
        code: &[Insn],
        variables: &[usize],
        size: u64,
    ) -> Self {
        /// The kernel's name for the section of a replacement.
        const SECTION: &str = "freplace";
        let bytes: Vec<u8> = code.iter().flat_map(|insn| insn.bytes()).collect();
        let own =
            || Referent::Variable { section: GENERATED_DATA.into(), offset: 0, frozen: false };
        let references: BTreeMap<_, _> = variables.iter().map(|at| (*at, own())).collect();
        let made = Function {
            name: function.name.clone(),
            section: SECTION.to_owned(),
            offset: 0,
            is_global: true,
            instructions: (bytes.len() / SIZE) as u64,
            calls: BTreeSet::new(),
            helpers: BTreeSet::new(),
            formats: BTreeSet::new(),
            btf_id: function.btf_id,
            prototype: function.prototype,
            code: Instructions { place: 0..bytes.len(), references, ..Instructions::default() },
        };
        let (programs, functions) = (vec![Program::new(&made.name, SECTION, 0)], vec![made]);
        let data = DataSection { name: GENERATED_DATA.to_owned(), size, place: None, of: None };
        Self {
            bytes: bytes.into(),
            names: NameIndex::new(&programs, &functions),
            programs,
            functions,
            maps: Vec::new(),
            legacy_maps: Vec::new(),
            globals: Vec::new(),
            data: if size == 0 { Vec::new() } else { vec![data] },
            externs: Vec::new(),
            // That of what it stands in for, which is not known of a program that runs already.
            license: self.license.clone().or_else(|| self.loaded.is_some().then(|| "GPL".into())),
            btf: self.btf.clone(),
            events: BTreeSet::new(),
            ext: Ext::default(),
            loaded: None,
        }
    }
}
