//! The instructions of a function, and their references to other functions, maps and global
//! variables.

use std::{collections::BTreeMap, ops::Range};

use super::btf::TypeId;

/// The instructions of a function.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Instructions {
    /// Where they are in [`super::Object::bytes`]; empty when they are not to be had.
    pub place: Range<usize>,
    /// References of instructions, by instruction number in the function.
    pub references: BTreeMap<usize, Referent>,
    /// Numbers of the instructions whose constants CO-RE sets when the program is loaded, each with
    /// the type that determines it.
    pub relocated: BTreeMap<usize, TypeId>,
}

/// The target of a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Referent {
    /// The function with this index.
    Function(usize),
    /// The map of this name.
    Map(String),
    /// A place in a section of global variables.
    Variable {
        /// The section: `.rodata`.
        section: String,
        /// Bytes from its start.
        offset: u64,
        /// Whether it is read-only: then the composer freezes it before the program is loaded, and
        /// the verifier treats it as a constant.
        frozen: bool,
    },
    /// Something that the kernel or its configuration has, by its index in
    /// [`super::Object::externs`].
    Extern(usize),
    /// Something else.
    Other,
}
